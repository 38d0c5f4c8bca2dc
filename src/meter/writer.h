/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef METER_WRITER_H
#define METER_WRITER_H

#include "meter/state.h"
#include "model/batch.h"

/*
 * The inside of a writer, which write.c fills row by row. The columns that the meter
 * knows are opened when a batch begins, so that a field is one store and a group of
 * fields that may be null one bit; what no row of the batch has is closed again before
 * the batch goes to the sink.
 */

/*
 * Columns that have a value in the same rows are a group and share their bits until the
 * batch is full. Where a name has a REVERSE_ one, that is the next.
 */
enum group {
	PORTS, ICMP, VLAN, INNER_VLAN, SEGMENT, TUNNEL_KEY, MACS, DIRECTION,
	FLOW_DIRECTION, SIDE, REVERSE_SIDE, FLAGS,
	REVERSE_FLAGS, CONNECTION, HANDSHAKE, PAYLOAD, PRINT, REVERSE_PRINT, INITIAL,
	REVERSE_INITIAL, SPAN, REVERSE_SPAN, FIRST, REVERSE_FIRST, LAST, REVERSE_LAST,
	OWN,
	REVERSE_OWN, SAMPLING, OUTSIDE, REVERSE_OUTSIDE, SEQUENCE, REVERSE_SEQUENCE,
	GROUPS
};

struct member {
	uint16_t field;
	uint8_t group;
};

struct writer {
	struct batch *batch;
	void *values[FLOW_FIELDS];
	size_t row;
	uint64_t *bits;          /* of row: GROUPS words */
	uint64_t (*words)[GROUPS]; /* bits of 64 rows each */
	struct member opened[FLOW_FIELDS];
	size_t opened_count;
	bool is_open;
	/* Codes of fingerprints in the two columns' dictionaries, of the batch with that
	 * serial. */
	uint32_t serial;
	struct {
		uint32_t serial, code;
	} codes[2][FINGERPRINTS_MAX + 1];
};

/* Opens the columns of a batch's first row. */
void writer_open(struct writer *w, const struct meter *m);
/* The groups' bits to their columns. */
void writer_close(struct writer *w);

#endif
