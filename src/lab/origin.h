/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_ORIGIN_H
#define LAB_ORIGIN_H

#include "lab/scenario.h"

struct err;
struct process;
struct topology;

/* The real server of a scenario, and what it writes about its downloads. */
struct origin {
	struct process *process;
	char root[300];   /* what it serves */
	char access[300]; /* its log of requests; truth.h reads it */
	/* hash of the certificate's key, base64, for Chromium; "": no TLS */
	char spki[64];
};

enum origin_port { PORT_HTTP = 80, PORT_HTTPS = 443 };
unsigned origin_port(const struct scenario *scenario);

/* What it serves is in its folder, below this. */
#define ORIGIN_ROOT "root"

/*
 * Starts it in the server's namespace and waits until it listens. folder gets its
 * configuration, certificate and logs; it may have any name.
 */
int origin_start(struct origin *origin, const struct scenario *scenario,
    const struct topology *topology, const char *folder, struct err *err);
void origin_stop(struct origin *origin);

#endif
