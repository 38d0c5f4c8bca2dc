/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H

#include "wire/announce.h"
#include "wire/encoder.h"
#include "wire/layout.h"

#include <stdbool.h>

/* What reports of packets need beside the encoder; see psamp.c. */
struct psamp {
	bool is_sent;           /* the template */
	uint64_t observed, selected;
	int64_t begun_us;       /* when the message at work got its first packet */
};

struct wire_encoder {
	struct encoder_base base; /* first */
	struct layouts layouts;
	bool is_told[ANNOUNCEMENTS]; /* their templates are sent */
	bool is_announce_due;
	unsigned keys_told; /* layouts of which was told which fields are keys of flows */
	uint64_t *groups; /* per row, of the batch and direction at work; 0: no record */
	uint16_t *which;  /* layout of each row */
	uint32_t *picks;  /* rows by layout */
	size_t rows_cap;
	unsigned records_in_message; /* templates too in v9 */
	unsigned data_in_message;    /* without templates */
	unsigned flows_in_message;   /* without options data */
	struct psamp psamp;
};

static inline bool
is_ipfix(const struct wire_encoder *e)
{
	return e->base.config.version == 10;
}

static inline size_t
header_len(const struct wire_encoder *e)
{
	return is_ipfix(e) ? 16 : 20;
}

/* Octets that the datagram at work, a started one, has room for. */
static inline size_t
message_left(const struct wire_encoder *e)
{
	size_t most = e->base.config.datagram_bytes;

	return e->base.len < most ? most - e->base.len : 0; /* behind a long record */
}

static inline void
message_start(struct wire_encoder *e)
{
	if (e->base.len == 0)
		e->base.len = header_len(e);
}

/* Ends the datagram at work, if it has anything in it. */
void message_finish(struct wire_encoder *e);
/* A datagram with room for so many octets; -1 if sending the others failed. */
int message_need_room(struct wire_encoder *e, size_t octets, struct err *err);

/* A set with one template; returns its octets. */
size_t message_template(const struct wire_encoder *e, const struct layout *l,
    uint8_t *to);

/* Templates and options data where it is time for them; after the clock was set. */
int message_keep_time(struct wire_encoder *e, struct err *err);
/* Tells which fields of new templates are keys of flows. */
int message_tell_keys(struct wire_encoder *e, struct err *err);

/* psamp.c: a set with the template of packet reports. */
size_t psamp_template(uint8_t *to);

#endif
