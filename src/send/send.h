/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEND_SEND_H
#define SEND_SEND_H

#include "base/counter.h"
#include "wire/encode.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct sink;
struct text;

enum send_counter {
#define COUNTER(id, help) SEND_##id,
#include "send/counter.def"
#undef COUNTER
	SEND_COUNTERS
};

extern const struct counter_row send_counter_rows[SEND_COUNTERS];

enum { SEND_COLLECTORS = 16 };

struct send_config {
	/* "HOST:PORT" and "[IPV6]:PORT", with commas between; each gets everything. */
	const char *collectors;
	struct wire_encode_config encode; /* its send and context are not looked at */
	/* Octets a second, so that a receiver with a default socket buffer (208 KiB) keeps up;
	 * sleeping costs no CPU. 0: 64 MiB; -1: as fast as it goes. */
	int64_t rate_octets;
	bool is_live; /* headers carry the time of sending, not the flows' latest end */
};

/* A sink of flow_schema batches; sink_close ends it. */
int send_open(const struct send_config *config, struct sink **out, struct err *err);

/* Counters of the encoder and a line per collector. */
void send_print(const struct sink *sink, struct text *out);
const uint64_t *send_encoder_counters(const struct sink *sink); /* SENT_COUNTERS */
/* Of all collectors together; SEND_COUNTERS values, summed at each call. */
void send_counters(const struct sink *sink, uint64_t out[SEND_COUNTERS]);

#endif
