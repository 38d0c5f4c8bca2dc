/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WIRE_DECODE_H
#define WIRE_DECODE_H

#include "base/counter.h"
#include "model/addr.h"

#include <stddef.h>
#include <stdint.h>

struct batch;
struct err;
struct text;
struct wire_decoder;
struct wire_section;

enum wire_counter {
#define COUNTER(id, help) WIRE_##id,
#include "wire/counter.def"
#undef COUNTER
	WIRE_COUNTERS
};

extern const struct counter_row wire_counter_rows[WIRE_COUNTERS];

/* 0 in a limit means the default, which stands behind it. */
struct wire_config {
	uint32_t pen;            /* of weir's own elements: PEN_EXAMPLE */
	unsigned streams_max;    /* exporters times domains: 4096 */
	unsigned templates_max;  /* per stream: 1024 */
	size_t templates_bytes;  /* of all templates together: 64 MiB */
	/* of data sets without template, per stream: 64 KiB; of all 64 times that */
	size_t waiting_bytes;
	/*
	 * Called when the batch is full: pushes and clears it. Without it wire_decode
	 * fails when the batch is full.
	 */
	int (*full)(void *context, struct batch *batch, struct err *err);
	void *context;
	/*
	 * Called for each packet that is reported (PSAMP): then flows are counted, but
	 * not kept, and out may be NULL.
	 */
	void (*section)(void *context, const struct wire_section *section);
};

/* What became of a datagram as a whole; its parts are in the counters. */
enum wire_verdict {
	WIRE_OK,
	WIRE_VERDICT_SHORT,
	WIRE_VERDICT_VERSION,
	WIRE_VERDICT_DAMAGED, /* decoded as far as it goes */
	WIRE_VERDICT_FULL,    /* too many exporters */
};

/* NULL: out of memory. config is copied. */
struct wire_decoder *wire_decoder_new(const struct wire_config *config);
void wire_decoder_free(struct wire_decoder *decoder);

/*
 * Appends the flows of one datagram (NetFlow v1, v5, v7, v9 or IPFIX) from the exporter
 * to out, a batch of flow_schema. Returns a verdict, or -1 if config.full failed. Streams
 * are kept per exporter address, version and observation domain (source id, engine).
 */
int wire_decode(struct wire_decoder *decoder, const struct addr *exporter,
    const uint8_t *msg, size_t len, int64_t received_us, struct batch *out,
    struct err *err);

/*
 * The same for a message of a connection: its templates and sequence numbers are its own
 * (RFC 7011, 8). session is a number, not 0, that no other open connection has; the end
 * forgets all but the counters.
 */
int wire_decode_session(struct wire_decoder *decoder, const struct addr *exporter,
    uint32_t session, const uint8_t *msg, size_t len, int64_t received_us,
    struct batch *out, struct err *err);
void wire_session_end(struct wire_decoder *decoder, uint32_t session);

/* WIRE_COUNTERS values, of all exporters together. */
const uint64_t *wire_decoder_counters(const struct wire_decoder *decoder);
/* What one exporter's domain has told; counters are WIRE_COUNTERS and borrowed. */
struct wire_exporter {
	struct addr address;
	uint32_t domain;
	uint16_t version;
	uint32_t session;   /* 0: datagrams */
	unsigned templates;
	uint32_t sampling;  /* one in so many; 0: not told */
	const struct addr *said; /* the address that it says it has; NULL: not told */
	int64_t last_us;    /* when a datagram came last */
	const uint64_t *counters;
};
/* Calls each for every one there is, in no order. */
void wire_decoder_exporters(const struct wire_decoder *decoder,
    void (*each)(void *context, const struct wire_exporter *exporter), void *context);
/* A line per exporter and domain, for people. */
void wire_decoder_print(const struct wire_decoder *decoder, struct text *out);

#endif
