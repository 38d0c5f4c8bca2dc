/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_IDENTIFY_H
#define CMD_IDENTIFY_H

#include "cmd/common.h"
#include "identify/identify.h"

struct batch;
struct catalog;

/* A --position; NULL: any. */
int position_parse(const char *name, enum position *out, struct err *err);

/* Reads and seals the catalogues of --catalog; the caller frees. */
int catalogs_read(const struct option_list *paths, struct catalog **out, struct err *err);

/*
 * Findings about the flows of a query go to sink (not closed). each, if given, sees every
 * batch of flows on the way.
 */
int identify_store(struct flows_query *q, const struct identify_config *config,
    struct sink *sink, uint64_t counters[IDENTIFY_COUNTERS],
    void (*each)(void *arg, const struct batch *), void *arg, struct err *err);

#endif
