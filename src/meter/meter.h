/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef METER_METER_H
#define METER_METER_H

#include "base/counter.h"
#include "model/enums.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct meter;
struct packet;
struct sink;

/* Why a record ended, and the timeouts by the same table. */
enum meter_expire {
#define EXPIRE(id, seconds, reason, is_idle, help) METER_EXPIRE_##id,
#include "meter/expire.def"
#undef EXPIRE
	METER_EXPIRES
};

struct meter_expire_row {
	const char *id;
	uint32_t default_s;
	enum end_reason end_reason;
	bool is_idle;
	const char *help;
};
extern const struct meter_expire_row meter_expire_rows[METER_EXPIRES];

enum meter_counter {
#define COUNTER(id, help) METER_##id,
#include "meter/counter.def"
#undef COUNTER
	METER_COUNTERS
};
extern const struct counter_row meter_counter_rows[METER_COUNTERS];

struct meter_config {
	uint32_t timeout_s[METER_EXPIRES]; /* of the rows that are times */
	uint32_t max_flows;     /* beyond, the oldest is written; memory is taken as needed */
	uint32_t request_min;   /* smallest client burst that begins an exchange, octets */
	bool cut_exchanges;     /* TCP connections into exchanges */
	bool directional;       /* uniflows: each direction a flow of its own, nothing cut */
	bool write_quiet;       /* live: write an exchange as soon as it is quiet. Else (files)
	                         * it waits for the connection's close, which belongs to it, or
	                         * for its continuation */
	uint64_t seed;          /* of the hash; secret where strangers choose the keys */
};

struct meter_stats {
	uint64_t counters[METER_COUNTERS];
	uint64_t expired[METER_EXPIRES]; /* records by why they ended */
	uint64_t live_flows, peak_flows;
	uint64_t memory_bytes;           /* in use by flow tables */
};

void meter_config_default(struct meter_config *config);

/*
 * Packets to flows: rows of flow_schema go to the sink in batches. The sink is borrowed.
 * Time is the packets' only. NULL and err without memory.
 */
struct meter *meter_new(const struct meter_config *config, struct sink *sink, struct err *err);
void meter_free(struct meter *meter); /* writes nothing; may be NULL */

/* Any number of packets, best in bursts of 32 (packet/source.h). -1: the sink failed. */
int meter_packets(struct meter *meter, const struct packet *packets, size_t n, struct err *err);

/* Live capture without traffic: lets the clock run, so that flows end in time. */
int meter_time(struct meter *meter, int64_t now_ns, struct err *err);

/* Writes every flow and pushes the last batch: at the end of a file. */
int meter_flush(struct meter *meter, struct err *err);
/* Pushes the rows written so far, for live capture; flows stay. */
int meter_push(struct meter *meter, struct err *err);

void meter_stats(const struct meter *meter, struct meter_stats *out);

#endif
