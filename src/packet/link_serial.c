/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link types of serial lines: PPP, Cisco's HDLC and frame relay, with a direction in
 * front or without; and the records of Endace's and Juniper's machines, which have these
 * or Ethernet in them.
 */
#include "packet/link_private.h"

/* A direction octet, or none, before PPP, whose address may be the direction (pppd). */
enum packet_counter
link_ppp_direction(struct walk *w, struct packet *out)
{
	return decode_behind(w, out, 1, decode_ppp);
}

enum packet_counter
link_pppd(struct walk *w, struct packet *out)
{
	if (!walk_has(w, 2))
		return PACKET_COUNT_short_link;
	w->at = w->frame[1] == 3 ? 2 : 1;
	return decode_ppp(w, out);
}

/* Cisco HDLC: address, control, ethertype; PPP in HDLC has address ff. */
enum packet_counter
link_hdlc(struct walk *w, struct packet *out)
{
	if (!walk_has(w, 4))
		return PACKET_COUNT_short_link;
	if (*walk_at(w, 0) == 0xff)
		return decode_ppp(w, out);
	w->at += 4;
	return decode_type(w, out, load_be16(walk_at(w, 0) - 2));
}

/* PPP, of which some programs write Cisco's frames under the same number. */
enum packet_counter
link_ppp(struct walk *w, struct packet *out)
{
	if (walk_has(w, 2) && (w->frame[0] & 0x7f) == 0x0f && w->frame[1] == 0)
		return link_hdlc(w, out);
	return decode_ppp(w, out);
}

enum packet_counter
link_hdlc_direction(struct walk *w, struct packet *out)
{
	return decode_behind(w, out, 1, link_hdlc);
}

enum packet_counter
link_pppoe(struct walk *w, struct packet *out)
{
	return decode_type(w, out, 0x8864);
}

/* Frame relay: an address of 2 to 4 octets, then RFC 2427 or Cisco's ethertype. */
enum packet_counter
link_frame_relay(struct walk *w, struct packet *out)
{
	const uint8_t *p;
	uint32_t i;

	for (i = 0; walk_has(w, i + 1) && i < 4 && !(*walk_at(w, i) & 1); i++)
		;
	if (!walk_skip(w, i + 1) || !walk_has(w, 2))
		return PACKET_COUNT_short_link;
	p = walk_at(w, 0);
	if (p[0] != 3) {
		w->at += 2;
		return decode_cooked(w, out, load_be16(p));
	}
	w->at += 1 + (p[1] == 0); /* a pad octet */
	if (!walk_has(w, 1))
		return PACKET_COUNT_short_link;
	switch (*walk_at(w, 0)) {
	case 0xcc:
		w->at++;
		return decode_type(w, out, TYPE_IPV4);
	case 0x8e:
		w->at++;
		return decode_type(w, out, TYPE_IPV6);
	case 0x80: /* SNAP: OUI and type */
		if (!walk_skip(w, 6))
			return PACKET_COUNT_short_link;
		p = walk_at(w, 0) - 5;
		if (p[0] == 0 && p[1] == 0x80 && p[2] == 0xc2)
			return p[4] == 1 || p[4] == 7 ? decode_ethernet(w, out)
			                              : PACKET_COUNT_not_ip;
		return decode_cooked(w, out, load_be16(p + 3));
	default:
		return PACKET_COUNT_not_ip;
	}
}

enum packet_counter
link_frame_relay_direction(struct walk *w, struct packet *out)
{
	return decode_behind(w, out, 1, link_frame_relay);
}

/* Endace's extensible record format. */
enum packet_counter
link_erf(struct walk *w, struct packet *out)
{
	uint8_t type, more;

	if (!walk_skip(w, 16))
		return PACKET_COUNT_short_link;
	type = more = w->frame[8];
	while (more & 0x80) { /* extension headers of 8 octets */
		if (!walk_skip(w, 8))
			return PACKET_COUNT_short_link;
		more = *(walk_at(w, 0) - 8);
	}
	switch (type & 0x7f) {
	case 1: case 10: case 15: case 17: /* packets over SONET */
		return link_hdlc(w, out);
	case 2: case 11: case 16: case 20: /* Ethernet behind an offset and a pad octet */
		return decode_behind(w, out, 2, decode_ethernet);
	case 4: case 18: /* AAL5 behind an ATM header */
		return decode_behind(w, out, 4, decode_llc);
	case 22:
		return decode_ipv4(w, out);
	case 23:
		return decode_ipv6(w, out);
	default:
		return PACKET_COUNT_not_ip;
	}
}

/* Juniper: magic, flags, maybe extensions; without a layer 2 four octets and IP
 * follow. */
static enum packet_counter
decode_juniper(struct walk *w, struct packet *out, walk_fn *next)
{
	uint8_t flags;

	if (!walk_skip(w, 4))
		return PACKET_COUNT_short_link;
	out->ip_at = w->at;
	if (w->frame[0] != 'M' || w->frame[1] != 'G' || w->frame[2] != 'C')
		return PACKET_COUNT_not_ip;
	flags = w->frame[3];
	if (flags & 0x80 && (!walk_skip(w, 2) ||
	    !walk_skip(w, load_be16(walk_at(w, 0) - 2))))
		return PACKET_COUNT_short_link;
	if (!(flags & 2))
		return next(w, out);
	return decode_behind(w, out, 4, decode_ip);
}

enum packet_counter
link_juniper_ethernet(struct walk *w, struct packet *out)
{
	return decode_juniper(w, out, decode_ethernet);
}

enum packet_counter
link_juniper_ppp(struct walk *w, struct packet *out)
{
	return decode_juniper(w, out, decode_ppp);
}

enum packet_counter
link_juniper_frame_relay(struct walk *w, struct packet *out)
{
	return decode_juniper(w, out, link_frame_relay);
}

enum packet_counter
link_juniper_hdlc(struct walk *w, struct packet *out)
{
	return decode_juniper(w, out, link_hdlc);
}
