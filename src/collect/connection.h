/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef COLLECT_CONNECTION_H
#define COLLECT_CONNECTION_H

#include "model/addr.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct listener;

/*
 * The connections of exporters, a bounded number. Each has a session: a number from 1
 * that no other open one has. Octets are cut into messages; a connection that sends
 * anything else, or half a message and then nothing, or nothing for long, is closed and
 * counted.
 */
struct connections;

struct connections_config {
	unsigned max;          /* of all */
	unsigned max_per_host; /* of one address */
	int64_t idle_us;       /* without an octet */
	int64_t partial_us;    /* for the rest of a message */
	uint64_t *counters;    /* COLLECT_COUNTERS */
	/* A whole message; -1 stops everything. */
	int (*message)(void *context, const struct addr *exporter, uint32_t session,
	    const uint8_t *msg, size_t len);
	void (*end)(void *context, uint32_t session); /* the connection is closed */
	void *context;
};

struct connections *connections_new(const struct connections_config *config);
void connections_free(struct connections *cs); /* closes all; end is not called */

/* Takes new connections of a listener that is readable. */
void connections_accept(struct connections *cs, const struct listener *l, int64_t now_us);

/* Room for max entries: what to poll for; returns how many. */
unsigned connections_poll(const struct connections *cs, struct pollfd *fds);
/* After poll: reads from those that are readable, or from all where fds is NULL;
 * *out_more: one may have more. -1: message said so. */
int connections_read(struct connections *cs, const struct pollfd *fds, unsigned n,
    int64_t now_us, bool *out_more);
/* Closes those whose time is over. */
void connections_expire(struct connections *cs, int64_t now_us);

#endif
