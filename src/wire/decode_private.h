/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WIRE_DECODE_PRIVATE_H
#define WIRE_DECODE_PRIVATE_H

#include "base/cursor.h"
#include "wire/decode.h"
#include "wire/run.h"
#include "wire/stream.h"

/*
 * What the stages of decoding share: decode.c takes messages apart into sets and
 * decode_set.c those into templates and records, which decode_data.c reads.
 */
enum { FIXED_VERSIONS = 3 };

struct wire_decoder {
	struct wire_config config;
	struct streams streams;
	struct template *fixed[FIXED_VERSIONS], *softflowd;
	size_t templates_bytes, waiting_bytes;
	uint64_t counters[WIRE_COUNTERS];
	struct run run;
	struct template_field fields[TEMPLATE_FIELDS];
};

/* One message on its way through the decoder. */
struct message {
	struct wire_decoder *decoder;
	const struct addr *exporter;
	uint32_t session;
	struct stream *stream;
	struct batch *out;
	struct err *err;
	int64_t received_us;
	int64_t export_us;
	uint32_t uptime_ms;  /* of all but IPFIX */
	uint32_t data_records;
	bool has_uncounted;  /* data sets whose records could not be counted */
	bool is_damaged;
	bool has_failed;     /* config.full did */
};

static inline void
count(struct message *m, enum wire_counter id, uint64_t n)
{
	m->decoder->counters[id] += n;
	m->stream->counters[id] += n;
}

/* n records of a data template to the batch, which is pushed on when it is full. */
void decode_records(struct message *m, const struct template *t, const uint8_t *src,
    size_t n);
/* The octets of a data set of a known template: records of flows, options, packets. */
void decode_data(struct message *m, const struct template *t, const uint8_t *src,
    size_t left);
/* All sets of a message of version 9 or 10. */
void decode_sets(struct message *m, struct cursor c);

#endif
