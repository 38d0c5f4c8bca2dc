/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PACKET_DECODE_H
#define PACKET_DECODE_H

#include "base/cursor.h"
#include "packet/packet.h"

/* A frame while it is decoded. Set the first four; the rest is told afterwards. */
struct frame {
	struct cursor c;
	const uint8_t *start;
	uint32_t wire;
	struct packet *out;
	const uint8_t *ip;         /* where the outermost IP header begins; NULL: none */
	const uint8_t *header_end; /* end of the headers that were understood */
	int tags;
};

/* As packet_decode, but tells where the headers lie; time_ns is left 0. */
enum packet_counter packet_decode_frame(uint32_t linktype, struct frame *frame);

bool packet_knows_link(uint32_t linktype);

#endif
