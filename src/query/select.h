/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef QUERY_SELECT_H
#define QUERY_SELECT_H

#include "query/query.h"

/* A scan whose batches hold only the rows that pass. */
struct selection {
	const struct query_config *config;
	struct store_scan *scan;
	struct batch *raw;
	struct batch *picked;
	uint64_t *alive;
	uint32_t *picks;
};

int selection_open(struct selection *s, const struct query_config *config,
		   struct err *err);
/* 1 and a batch borrowed until the next call, 0 at the end, or -1. */
int selection_next(struct selection *s, struct batch **out, struct err *err);
void selection_close(struct selection *s);

#endif
