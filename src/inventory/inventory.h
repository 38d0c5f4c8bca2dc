/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef INVENTORY_INVENTORY_H
#define INVENTORY_INVENTORY_H

#include <stddef.h>
#include <stdint.h>

struct batch;
struct err;
struct inventory;
struct sink;

enum { INVENTORY_HOSTS_MAX = 1 << 22 }; /* further hosts are counted, not kept */

/*
 * Findings and flows gathered by host: when it was seen, what it downloaded, and what
 * systems that implies. A host is the initiator of a flow, or the client of a finding.
 */
struct inventory *inventory_new(void); /* aborts without memory */
void inventory_free(struct inventory *inventory);

/* A batch of flow_schema. */
void inventory_flows(struct inventory *inventory, const struct batch *batch);
/* A batch of finding_schema: the findings are kept. */
void inventory_findings(struct inventory *inventory, const struct batch *batch);

/* Hosts by address, as batches of host_schema. */
int inventory_hosts(const struct inventory *inventory, struct sink *sink,
    struct err *err);
/* The findings about one host, by time, as batches of finding_schema; of every host by
 * address if host is NULL. */
struct addr;
int inventory_downloads(const struct inventory *inventory, const struct addr *host,
    struct sink *sink, struct err *err);
uint64_t inventory_turned_away(const struct inventory *inventory);

#endif
