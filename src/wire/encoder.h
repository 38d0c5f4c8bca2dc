/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WIRE_ENCODER_H
#define WIRE_ENCODER_H

#include "model/flow.h"
#include "wire/encode.h"
#include "wire/template.h"

struct batch;

enum {
	DATAGRAM_MAX = 65507,
	DATAGRAM_LEAST = 1024, /* octets: room for a template */
	TRAIN_OCTETS = 65000, /* of a train: what one send with segmentation may carry */
	TRAIN_DATAGRAMS = 64,
	BLOCK = 512,          /* records whose columns are written in one go */
};

/* What the encoders of all versions share: clock, sequence and the train at work. */
struct encoder_base {
	struct wire_encode_config config;
	int64_t now_us;       /* export time */
	int64_t boot_us;      /* whole milliseconds: where the uptime clock starts */
	int64_t refreshed_us, announced_us;
	bool uses_uptime;     /* times of flows are in it */
	/* of the rows looked at last, which a batch's second direction asks for again */
	struct encoder_bounds {
		size_t first, end;
		int64_t earliest, latest;
	} bounds;
	unsigned messages_since;
	uint32_t sequence;
	struct wire_train train;
	uint8_t *space;       /* of the train */
	uint32_t lens[TRAIN_DATAGRAMS], records[TRAIN_DATAGRAMS];
	/* the datagram at work: DATAGRAM_MAX octets behind the train */
	uint8_t *msg;
	size_t len;           /* 0: none started */
	uint64_t counters[SENT_COUNTERS];
};

int encoder_base_init(struct encoder_base *b, const struct wire_encode_config *config);
void encoder_base_done(struct encoder_base *b);
/*
 * Sets export time and start of the uptime clock for rows first..end-1 of a batch;
 * returns where the rows end that this clock can tell. In IPFIX that is the end.
 */
size_t encoder_base_clock(struct encoder_base *b, const struct batch *batch, size_t first,
    size_t end, int64_t now_us);
/* Puts msg[0..len-1], whose header is complete, behind the train, which must not be
 * full. */
void encoder_base_finish(struct encoder_base *b, uint32_t flows);
/* The train has to be sent before the next datagram is begun. */
bool encoder_base_is_full(const struct encoder_base *b);
int encoder_base_flush(struct encoder_base *b, struct err *err);

/* Versions whose records are always the same: NetFlow v1, v5 and v7. */
bool is_fixed_version(unsigned version);
int encode_fixed(struct encoder_base *b, const struct batch *batch, size_t from,
    size_t end, int64_t now_us, struct err *err);

#endif
