/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PACKET_WALK_H
#define PACKET_WALK_H

#include "base/cursor.h"
#include "packet/packet.h"

/*
 * The walk through a frame, shared by the decoders of this folder: link.c has those of
 * link types, ethertype.c those of what wraps a network header, ip.c those of network and
 * transport headers, inner.c those of what carries one IP packet inside another.
 */
enum {
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	TYPE_MPLS = 0x8847,
	TYPE_ETHERNET = 0x6558, /* a whole frame (RFC 1701) */
	TYPE_PPP = 0x880b,
	LLC_LENGTH_MAX = 1500, /* below 0x0600 the ethertype is an 802.3 length */
};
enum { PROTO_TCP = 6, PROTO_UDP = 17 };

/* at <= captured <= wire, offsets in frame; wire is where the innermost length says. */
struct walk {
	const uint8_t *frame;
	uint32_t at, captured, wire;
};

static inline bool
walk_has(const struct walk *w, uint32_t n)
{
	return w->captured - w->at >= n;
}

/* The byte at offset n from where the walk is; walk_has first. */
static inline const uint8_t *
walk_at(const struct walk *w, uint32_t n)
{
	return w->frame + w->at + n;
}

/* A length field found at w->at ends the frame there, if that is inside it. */
static inline void
walk_limit(struct walk *w, uint32_t n)
{
	if (n < w->wire - w->at)
		w->wire = w->at + n;
	if (w->captured > w->wire)
		w->captured = w->wire;
}

/* Steps over n bytes; false if they were not captured. */
static inline bool
walk_skip(struct walk *w, uint32_t n)
{
	if (!walk_has(w, n))
		return false;
	w->at += n;
	return true;
}

/* Each decodes what stands at w->at; the verdict is that of the frame. */
typedef enum packet_counter walk_fn(struct walk *w, struct packet *out);

/* ip.c */
walk_fn decode_ip; /* by the version */
walk_fn decode_ipv4;
walk_fn decode_ipv6;

/* ethertype.c: an ethertype, or an 802.3 length, and what it stands for. */
enum packet_counter decode_type(struct walk *w, struct packet *out, uint32_t type);
walk_fn decode_ethernet; /* MAC header first */
walk_fn decode_ppp;      /* a protocol number, with address and control or without */
walk_fn decode_llc;      /* 802.2 to the end of the frame */
/* Whether an Ethernet frame with IP in it begins n octets on: addresses have no mark. */
bool is_frame(const struct walk *w, uint32_t n);

/* link_wireless.c: 802.11, of which some tunnels have frame control turned round. */
walk_fn decode_wireless;

/* link.c: by the link type; NULL: not known. */
walk_fn *link_decoder(uint32_t linktype);
const char *link_name(uint32_t linktype);

#endif
