/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PACKET_LINK_PRIVATE_H
#define PACKET_LINK_PRIVATE_H

#include "packet/walk.h"

/* What the files of link types share; link.c has the table of them all. */

static inline uint16_t
le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline void
put_macs(struct packet *out, const uint8_t *dst, const uint8_t *src)
{
	memcpy(out->dst_mac, dst, 6);
	memcpy(out->src_mac, src, 6);
	out->flags |= PACKET_HAS_MAC;
}

/* Goes on behind n octets that say nothing of what follows. */
static inline enum packet_counter
decode_behind(struct walk *w, struct packet *out, uint32_t n, walk_fn *next)
{
	return walk_skip(w, n) ? next(w, out) : PACKET_COUNT_short_link;
}

/*
 * Cooked headers and Cisco's frame relay name 802.2 without a length by 4; other small
 * numbers are no IP.
 */
static inline enum packet_counter
decode_cooked(struct walk *w, struct packet *out, uint32_t type)
{
	out->ip_at = w->at;
	if (type == 4)
		return decode_llc(w, out);
	return type <= LLC_LENGTH_MAX ? PACKET_COUNT_not_ip : decode_type(w, out, type);
}

/* link_serial.c */
walk_fn link_ppp_direction;
walk_fn link_pppd;
walk_fn link_hdlc;
walk_fn link_ppp;
walk_fn link_hdlc_direction;
walk_fn link_pppoe;
walk_fn link_frame_relay;
walk_fn link_frame_relay_direction;
walk_fn link_erf;
walk_fn link_juniper_ethernet;
walk_fn link_juniper_ppp;
walk_fn link_juniper_frame_relay;
walk_fn link_juniper_hdlc;

/* link_wireless.c */
walk_fn link_wireless;
walk_fn link_radiotap;
walk_fn link_prism;

#endif
