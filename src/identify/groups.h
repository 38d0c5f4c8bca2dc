/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_GROUPS_H
#define IDENTIFY_GROUPS_H

#include "identify/intake.h"
#include "identify/span.h"
#include "identify/span_weigh.h"

#include <stddef.h>
#include <stdint.h>

/* A server and its downloads. */
struct group {
	struct addr server;
	uint16_t port;
	struct constants *constants; /* NULL: those of all */
	struct span_table *table;    /* of these; NULL: none */
	size_t first, count;         /* records */
};

/*
 * Servers, and what is constant of the spans of their downloads: of all together, on
 * TLS's ports and elsewhere, and of each that has enough.
 */
struct groups {
	struct group *list; /* by server and port */
	size_t count;
	struct constants constants[2]; /* of all servers; of all on TLS's ports */
	struct span_table tables[2];   /* of these */
};

void groups_init(struct groups *g);
void groups_done(struct groups *g);

/* Groups anew what was taken in, which is sorted, and learns its constants. */
void groups_learn(struct groups *g, const struct files *files,
		  const struct identify_config *config, const struct intake *in);

/* What a download from there is named by; never NULL, borrowed. */
const struct constants *groups_constants(const struct groups *g,
					 const struct addr *server, uint16_t port);

/* The same for n sorted records, each; to be freed. */
const struct constants **groups_list(const struct groups *g, const struct record *records,
				     size_t n);

#endif
