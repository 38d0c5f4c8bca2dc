/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_SOFTFLOWD_H
#define LAB_SOFTFLOWD_H

#include <stdint.h>

struct err;

/*
 * What softflowd, which as a foreground program knows no signals, does when softflowctl
 * asks it. folder has its control socket, SOFTFLOWD_SOCKET; log gets softflowctl's words.
 */
#define SOFTFLOWD_SOCKET "softflowd.ctl"

struct softflowd_counts {
	uint64_t processed; /* packets */
	uint64_t dropped;   /* that did not reach it */
};

int softflowd_count(const char *folder, const char *log, struct softflowd_counts *out,
    struct err *err);
/* It sends all flows and ends, with status 1. */
int softflowd_stop(const char *folder, const char *log, struct err *err);

#endif
