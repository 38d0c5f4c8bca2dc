/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PACKET_TUNNEL_H
#define PACKET_TUNNEL_H

#include "packet/packet.h"

struct err;
struct text;

/* Levels that are opened at most. */
enum { TUNNEL_DEPTH = 8 };

enum tunnel_counter {
#define COUNTER(id, help) TUNNEL_COUNT_##id,
#include "packet/tunneled.def"
#undef COUNTER
	TUNNEL_COUNTERS
};
extern const struct counter_row tunnel_counter_rows[TUNNEL_COUNTERS];

/*
 * Goes on where packet_decode returned PACKET_COUNT_ip: while p is a packet of a tunnel
 * of one of the kinds (tunnel_kinds), it becomes the packet inside, with all that belongs
 * to its header: addresses, ports, flags, payload, TTL. p->ip_bytes stays the outermost
 * total length. Only a first fragment shows what is inside it: the others stay as they
 * are.
 */
enum tunnel_counter tunnel_open(const uint8_t *frame, uint32_t captured, uint32_t wire,
    uint32_t kinds, struct packet *p);

/* "outer" (none), "inner" (all), or ids of tunnel.def with commas between. */
int tunnel_kinds(const char *list, uint32_t *out, struct err *err);
void tunnel_help(struct text *out);

#endif
