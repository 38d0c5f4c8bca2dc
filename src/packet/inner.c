/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The headers that carry a packet inside another: one function for each row of
 * tunnel.def, which steps over its header and decodes what follows by the tables that
 * frames are decoded by.
 */
#include "packet/inner.h"

enum { L2TP = 115 };
enum { TYPE_ERSPAN = 0x88be, TYPE_ERSPAN3 = 0x22eb, TYPE_WCCP = 0x883e,
	TYPE_EOIP = 0x6400, TYPE_METADATA = 0x8909, TYPE_ARUBA = 0x8200,
	TYPE_ARUBA_LAST = 0x8210 };

static void
segment_set(struct packet *out, enum packet_segment kind, uint32_t segment)
{
	out->flags = (uint16_t)((out->flags & ~PACKET_SEGMENT) | kind << 12);
	out->segment = segment;
}

enum packet_counter
inner_ipip(struct walk *w, struct packet *out)
{
	return decode_ipv4(w, out);
}

enum packet_counter
inner_ipv6(struct walk *w, struct packet *out)
{
	return decode_ipv6(w, out);
}

enum packet_counter
inner_mpls(struct walk *w, struct packet *out)
{
	return decode_type(w, out, TYPE_MPLS);
}

enum packet_counter
inner_etherip(struct walk *w, struct packet *out)
{
	return walk_skip(w, 2) ? decode_type(w, out, TYPE_ETHERNET)
	    : PACKET_COUNT_short_link;
}

/* Behind GRE: an ethertype, or what needs a header of its own stepped over. */
static enum packet_counter
open_gre_type(struct walk *w, struct packet *out, uint32_t type, bool has_sequence)
{
	uint32_t n = 0;

	switch (type) {
	case TYPE_ERSPAN: /* type I has neither a sequence number nor a header */
		n = has_sequence ? 8 : 0;
		type = TYPE_ETHERNET;
		break;
	case TYPE_ERSPAN3:
		if (!walk_has(w, 12))
			return PACKET_COUNT_short_link;
		n = walk_at(w, 0)[11] & 1 ? 20 : 12;
		type = TYPE_ETHERNET;
		break;
	case TYPE_EOIP: /* MikroTik's: what PPTP has as the call's id is the tunnel's */
		type = TYPE_ETHERNET;
		break;
	/* version 2 has a redirect header, which does not look like IPv4 */
	case TYPE_WCCP:
		if (!walk_has(w, 1))
			return PACKET_COUNT_short_link;
		n = *walk_at(w, 0) >> 4 == 4 ? 0 : 4;
		type = TYPE_IPV4;
		break;
	/* Cisco's security group: here its last field, the type, is first */
	case TYPE_METADATA:
		if (!walk_has(w, 2))
			return PACKET_COUNT_short_link;
		n = 8;
		type = load_be16(walk_at(w, 0));
		break;
	}
	if (type >= TYPE_ARUBA && type <= TYPE_ARUBA_LAST)
		return decode_wireless(w, out);
	if (type <= LLC_LENGTH_MAX)
		return PACKET_COUNT_not_ip;
	return walk_skip(w, n) ? decode_type(w, out, type) : PACKET_COUNT_short_link;
}

/* The routes of RFC 1701: family, offset, length, octets, up to one of no length. */
static bool
skip_routes(struct walk *w)
{
	uint8_t n;

	do {
		if (!walk_has(w, 4))
			return false;
		n = walk_at(w, 0)[3];
		if (!walk_skip(w, 4u + n))
			return false;
	} while (n > 0);
	return true;
}

/* RFC 1701, 2784, 2890; version 1 is PPTP's (RFC 2637). */
enum packet_counter
inner_gre(struct walk *w, struct packet *out)
{
	uint32_t flags, type, n = 4;

	if (!walk_has(w, 4))
		return PACKET_COUNT_short_link;
	flags = load_be16(walk_at(w, 0));
	type = load_be16(walk_at(w, 2));
	if ((flags & 7) > 1)
		return PACKET_COUNT_not_ip;
	if (flags & 0x2000 && (flags & 7) == 0) {
		uint32_t at = flags & 0xc000 ? 8 : 4, key;

		if (!walk_has(w, at + 4))
			return PACKET_COUNT_short_link;
		/* RFC 7637, 3.2: 24 bits of VSID, from 0x1000 on, and 8 that differ by
		 * flow. */
		key = load_be32(walk_at(w, at));
		if (type == TYPE_ETHERNET && key >> 8 >= 0x1000)
			segment_set(out, SEGMENT_NVGRE, key >> 8);
		else
			segment_set(out, SEGMENT_KEY, key);
	}
	n += flags & 0xc000 ? 4 : 0;
	n += flags & 0x2000 ? 4 : 0;
	n += flags & 0x1000 ? 4 : 0;
	n += (flags & 7) == 1 && flags & 0x0080 ? 4 : 0;
	if (!walk_skip(w, n) || (flags & 0x4000 && !skip_routes(w)))
		return PACKET_COUNT_short_link;
	return open_gre_type(w, out, type, flags & 0x1000);
}

/* What the number of a protocol of IP says of what follows. */
static enum packet_counter
open_protocol(struct walk *w, struct packet *out, uint8_t proto)
{
	switch (proto) {
	case 4:
		return decode_ipv4(w, out);
	case 41:
		return decode_ipv6(w, out);
	case 47:
		return inner_gre(w, out);
	default:
		return PACKET_COUNT_not_ip;
	}
}

/* RFC 4302, 2: the next header and a length in words less 2. IPv6 has it as an
 * extension. */
enum packet_counter
inner_ah(struct walk *w, struct packet *out)
{
	const uint8_t *p = walk_at(w, 0);

	if (!walk_has(w, 2) || !walk_skip(w, (p[1] + 2) * 4u))
		return PACKET_COUNT_short_link;
	return open_protocol(w, out, p[0]);
}

/* RFC 9300, 5.1 */
enum packet_counter
inner_lisp(struct walk *w, struct packet *out)
{
	return walk_skip(w, 8) ? decode_ip(w, out) : PACKET_COUNT_short_link;
}

/*
 * RFC 5415, 4.3: a preamble of 0 where DTLS does not hide the rest, the header's length,
 * and whether a frame of 802.3 or of the network's own kind (1: 802.11) follows.
 * Keep-alives have none, pieces but the first one no headers.
 */
enum packet_counter
inner_capwap(struct walk *w, struct packet *out)
{
	enum { NATIVE = 1, KEEP_ALIVE = 8 };
	const uint8_t *p = walk_at(w, 0);

	if (!walk_has(w, 8))
		return PACKET_COUNT_short_link;
	if (p[0] != 0 || p[1] >> 3 < 2 || p[3] & KEEP_ALIVE || load_be16(p + 6) >> 3 != 0)
		return PACKET_COUNT_not_ip;
	if (!walk_skip(w, (p[1] >> 3) * 4u))
		return PACKET_COUNT_short_link;
	if (!(p[2] & NATIVE))
		return decode_type(w, out, TYPE_ETHERNET);
	return (p[2] >> 1 & 31) == 1 ? decode_wireless(w, out) : PACKET_COUNT_not_ip;
}

enum packet_counter
inner_vxlan(struct walk *w, struct packet *out)
{
	if (!walk_has(w, 8))
		return PACKET_COUNT_short_link;
	if (!(*walk_at(w, 0) & 8))
		return PACKET_COUNT_not_ip;
	segment_set(out, SEGMENT_VXLAN, load_be32(walk_at(w, 4)) >> 8);
	w->at += 8;
	return decode_type(w, out, TYPE_ETHERNET);
}

enum packet_counter
inner_vxlan_gpe(struct walk *w, struct packet *out)
{
	static const uint32_t types[] = {[1] = TYPE_IPV4, [2] = TYPE_IPV6,
	    [3] = TYPE_ETHERNET,
		[4] = 0x894f, [5] = TYPE_MPLS};
	uint32_t next = 3;

	if (!walk_has(w, 8))
		return PACKET_COUNT_short_link;
	if (*walk_at(w, 0) & 4)
		next = *walk_at(w, 3);
	if (*walk_at(w, 0) & 8)
		segment_set(out, SEGMENT_VXLAN, load_be32(walk_at(w, 4)) >> 8);
	w->at += 8;
	if (next >= sizeof types / sizeof *types || types[next] == 0)
		return PACKET_COUNT_not_ip;
	return decode_type(w, out, types[next]);
}

enum packet_counter
inner_geneve(struct walk *w, struct packet *out)
{
	uint32_t type;

	if (!walk_has(w, 8))
		return PACKET_COUNT_short_link;
	if (*walk_at(w, 0) >> 6 != 0)
		return PACKET_COUNT_not_ip;
	type = load_be16(walk_at(w, 2));
	segment_set(out, SEGMENT_KEY, load_be32(walk_at(w, 4)) >> 8);
	if (!walk_skip(w, 8 + (*walk_at(w, 0) & 63) * 4u))
		return PACKET_COUNT_short_link;
	return type <= LLC_LENGTH_MAX ? PACKET_COUNT_not_ip : decode_type(w, out, type);
}

/* 3GPP TS 29.281, 5.1: G-PDUs (255), with their optional and extension headers. */
enum packet_counter
inner_gtp(struct walk *w, struct packet *out)
{
	const uint8_t *p = walk_at(w, 0);
	uint8_t next;

	if (!walk_has(w, 8))
		return PACKET_COUNT_short_link;
	if ((p[0] & 0xf0) != 0x30 || p[1] != 255)
		return PACKET_COUNT_not_ip;
	w->at += 8;
	if (p[0] & 7) {
		if (!walk_skip(w, 4))
			return PACKET_COUNT_short_link;
		next = p[0] & 4 ? p[11] : 0;
		/* each has its length in 4 octets first, the next last */
		while (next != 0) {
			if (!walk_has(w, 1) || *walk_at(w, 0) == 0 ||
			    !walk_skip(w, *walk_at(w, 0) * 4u))
				return PACKET_COUNT_short_link;
			next = *(walk_at(w, 0) - 1);
		}
	}
	return decode_ip(w, out);
}

/* RFC 4380, 5.1.1: authentication and origin may stand in front of IPv6. */
enum packet_counter
inner_teredo(struct walk *w, struct packet *out)
{
	const uint8_t *p = walk_at(w, 0);

	if (walk_has(w, 4) && load_be16(p) == 1 && !walk_skip(w, 13u + p[2] + p[3]))
		return PACKET_COUNT_short_link;
	if (walk_has(w, 8) && load_be16(walk_at(w, 0)) == 0)
		w->at += 8;
	return decode_ipv6(w, out);
}

/* RFC 7761, 4.9.3: Register messages of version 2; those that only ask (N) have no
 * data. */
enum packet_counter
inner_pim(struct walk *w, struct packet *out)
{
	if (!walk_has(w, 8))
		return PACKET_COUNT_short_link;
	if (*walk_at(w, 0) != 0x21 || *walk_at(w, 4) & 0x40)
		return PACKET_COUNT_not_ip;
	w->at += 8;
	return decode_ip(w, out);
}

/* draft-massar-v6ops-ayiya: lengths of identity and signature, what to do (1: forward),
 * the next header, a time; identity and signature. */
enum packet_counter
inner_ayiya(struct walk *w, struct packet *out)
{
	const uint8_t *p = walk_at(w, 0);

	if (!walk_has(w, 8))
		return PACKET_COUNT_short_link;
	if ((p[2] & 15) != 1)
		return PACKET_COUNT_not_ip;
	return walk_skip(w, 8u + (1u << (p[0] >> 4)) + (p[1] >> 4) * 4u)
	    ? open_protocol(w, out, p[3]) : PACKET_COUNT_short_link;
}

/* draft-ietf-intarea-gue, 3: data messages; version 1 is IP at once. */
enum packet_counter
inner_gue(struct walk *w, struct packet *out)
{
	const uint8_t *p = walk_at(w, 0);

	if (!walk_has(w, 4))
		return PACKET_COUNT_short_link;
	if (p[0] >> 6 == 1)
		return decode_ip(w, out);
	if (p[0] >> 5 != 0)
		return PACKET_COUNT_not_ip;
	return walk_skip(w, 4 + (p[0] & 31) * 4u) ? open_protocol(w, out, p[1])
	    : PACKET_COUNT_short_link;
}

/*
 * RFC 3931, 4.1: a session, and before its frame what only both ends know of: a cookie of
 * 4 or 8 octets, a sublayer of 4. Where Ethernet with IP begins tells.
 */
static enum packet_counter
open_session(struct walk *w, struct packet *out)
{
	if (!walk_has(w, 4))
		return PACKET_COUNT_short_link;
	if (load_be32(walk_at(w, 0)) == 0) /* a control message */
		return PACKET_COUNT_not_ip;
	for (uint32_t n = 4; n <= 16; n += 4) {
		if (!is_frame(w, n))
			continue;
		w->at += n;
		return decode_type(w, out, TYPE_ETHERNET);
	}
	return PACKET_COUNT_not_ip;
}

/* RFC 2661, 3.1: data messages; of version 3 a header of 4 octets, and the session. */
enum packet_counter
inner_l2tp(struct walk *w, struct packet *out)
{
	uint32_t flags, n = 6;

	if (!walk_has(w, 2))
		return PACKET_COUNT_short_link;
	if (out->proto == L2TP)
		return open_session(w, out);
	flags = load_be16(walk_at(w, 0));
	if ((flags & 0x800f) == 3)
		return walk_skip(w, 4) ? open_session(w, out) : PACKET_COUNT_short_link;
	if (flags & 0x8000 || (flags & 15) != 2)
		return PACKET_COUNT_not_ip;
	n += flags & 0x4000 ? 2 : 0;
	n += flags & 0x0800 ? 4 : 0;
	if (!walk_skip(w, n))
		return PACKET_COUNT_short_link;
	if (flags & 0x0200 &&
	    (!walk_skip(w, 2) || !walk_skip(w, load_be16(walk_at(w, 0) - 2))))
		return PACKET_COUNT_short_link;
	return decode_ppp(w, out);
}
