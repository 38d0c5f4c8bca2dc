/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_LAB_FETCH_WAY_H
#define CMD_LAB_FETCH_WAY_H

#include "cmd/lab_fetch.h"
#include "lab/network.h"

/* The way that reference downloads take, and where on it a meter sees them. */
struct lab_fetch_way {
	const struct lab_fetch_config *config;
	const struct lab_targets *targets;
	struct network *net; /* NULL: the machine's own */
	struct process *server;
	const char *space; /* full name of the client's namespace; NULL: this one */
	char device[DEVICE_NAME_MAX + 1]; /* where the meter is */
};

/* Of a folder: makes a network and serves it there. Of URLs: finds the device that all
 * are reached by, unless one is named. To be closed, also after -1. */
int lab_fetch_way_open(struct lab_fetch_way *way, const struct lab_fetch_config *config,
		       const struct lab_targets *targets, struct err *err);
void lab_fetch_way_close(struct lab_fetch_way *way);

#endif
