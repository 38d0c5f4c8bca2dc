/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WIRE_ENCODER_H
#define WIRE_ENCODER_H

#include "model/flow.h"
#include "wire/encode.h"
#include "wire/template.h"

struct batch;

enum { DATAGRAM_MAX = 65507 };

/* What the encoders of all versions share: clock, sequence and the datagram at work. */
struct encoder_base {
	struct wire_encode_config config;
	int64_t now_us;       /* export time */
	int64_t boot_us;      /* whole milliseconds: where the uptime clock starts */
	int64_t refreshed_us;
	unsigned messages_since;
	uint32_t sequence;
	uint8_t *msg;         /* DATAGRAM_MAX */
	size_t len;           /* 0: none started */
	uint64_t counters[SENT_COUNTERS];
};

int encoder_base_init(struct encoder_base *b, const struct wire_encode_config *config);
/*
 * Sets export time and start of the uptime clock for the rows of a batch from `first` on;
 * returns where the rows end that this clock can tell. In IPFIX that is the batch's end.
 */
size_t encoder_base_clock(struct encoder_base *b, const struct batch *batch, size_t first,
    int64_t now_us);
/* Sends msg[0..len-1], whose header is complete. */
int encoder_base_send(struct encoder_base *b, struct err *err);

int encode5(struct encoder_base *b, const struct batch *batch, int64_t now_us,
    struct err *err);

#endif
