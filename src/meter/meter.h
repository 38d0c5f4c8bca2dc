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
struct meter_statistics;
struct packet;
struct sink;
struct text;

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

/* What makes packets one flow. */
enum meter_key {
#define KEY(id, ports, proto, vlan, mac, help) METER_KEY_##id,
#include "meter/key.def"
#undef KEY
	METER_KEYS,
	METER_KEY_DEFAULT = METER_KEY_vlan,
};

struct meter_key_row {
	const char *id;
	bool has_ports, has_proto, has_vlan, has_mac;
	const char *help;
};
extern const struct meter_key_row meter_key_rows[METER_KEYS];

enum { METER_LABELS_MAX = 10, METER_MACS_MAX = 16 };

/*
 * Shown the packets of each burst that are metered, under sampling those of the sample,
 * and how many were looked at for them. -1 and err end the meter's call.
 */
typedef int meter_show_fn(void *arg, const struct packet *packets, size_t n, size_t seen,
    struct err *err);

struct meter_config {
	uint32_t timeout_s[METER_EXPIRES]; /* of the rows that are times */
	/* flows that are over are written so often; 0: every second */
	uint32_t expire_interval_s;
	/* beyond, the oldest is written; memory is taken as needed */
	uint32_t max_flows;
	/* smallest client burst that begins an exchange, octets */
	uint32_t request_min;
	bool cut_exchanges;     /* TCP connections into exchanges */
	/* uniflows: each direction a flow of its own, nothing cut */
	bool directional;
	/* live: write an exchange as soon as it is quiet. Else (files) it waits for the
	 * connection's close, which belongs to it, or for its continuation */
	bool write_quiet;
	/* flows end by the clock, to a quarter of a second, and those that are too long
	 * without waiting for their next packet */
	bool is_live;
	enum meter_key key;
	/* packets may be of tunnels: those of other segments are other flows */
	bool has_segments;
	/* one packet in so many is metered; 0 or 1: all. Then nothing is cut, and spans
	 * are lower bounds unless SYN and FIN, which are always looked at, bound them */
	uint32_t sample_interval;
	/* MPLS labels to record, from the top; METER_LABELS_MAX */
	uint32_t labels;
	/* our own: what they send is egress, what they get ingress (flow_direction);
	 * needs a key with MACs */
	uint64_t macs[METER_MACS_MAX];
	unsigned mac_count;
	bool sample_is_random;    /* else each sample_interval-th */
	uint64_t seed;          /* of the hash; secret where strangers choose the keys */
	meter_show_fn *show;    /* NULL: nobody wants to see packets */
	void *show_arg;
};

/* The fields of a flow that are in its key, at most METER_KEY_FIELDS ids into out; how
 * many. */
enum { METER_KEY_FIELDS = 13 };
unsigned meter_key_fields(const struct meter_config *config,
    uint16_t out[METER_KEY_FIELDS]);

struct meter_stats {
	uint64_t counters[METER_COUNTERS];
	uint64_t expired[METER_EXPIRES]; /* records by why they ended */
	uint64_t live_flows, peak_flows;
	uint64_t memory_bytes;           /* in use by flow tables */
};

void meter_config_default(struct meter_config *config);
/* "udp=5m", "tcp.rst=0", "expint=1m": a row of expire.def, in our or softflowd's
 * spelling. */
int meter_config_timeout(struct meter_config *config, const char *text, struct err *err);
/* A row of key.def. */
int meter_config_key(struct meter_config *config, const char *name, struct err *err);
/* One more of our own MAC addresses. */
int meter_config_mac(struct meter_config *config, const char *text, struct err *err);
/* -1 if settings do not go together. */
int meter_config_check(const struct meter_config *config, struct err *err);
/* Lines on keys and timeouts for a command's help. */
void meter_config_help(struct text *out);

/*
 * Packets to flows: rows of flow_schema go to the sink in batches. The sink is borrowed.
 * Time is the packets' only. NULL and err without memory.
 */
struct meter *meter_new(const struct meter_config *config, struct sink *sink,
    struct err *err);
void meter_free(struct meter *meter); /* writes nothing; may be NULL */

/* Any number of packets, best in bursts of 32 (packet/source.h). -1: the sink failed. */
int meter_packets(struct meter *meter, const struct packet *packets, size_t n,
    struct err *err);

/* Live capture without traffic: lets the clock run, so that flows end in time. */
int meter_time(struct meter *meter, int64_t now_ns, struct err *err);

/* Writes every flow and pushes the last batch: at the end of a file. */
int meter_flush(struct meter *meter, struct err *err);
/* Pushes the rows written so far, for live capture; flows stay. */
int meter_push(struct meter *meter, struct err *err);

void meter_stats(const struct meter *meter, struct meter_stats *out);
/* Of the records written so far; the meter's, changed by its next call. */
const struct meter_statistics *meter_statistics(const struct meter *meter);

#endif
