/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inner packets of tunnels. A packet that was decoded by its outer header is looked
 * at again: while a row of tunnel.def fits, what it carries is decoded by the same tables
 * as a frame, and takes the outer one's place, but for the octets, which stay those of
 * the outermost header. What cannot be read, or says it is longer than what it lies in,
 * leaves the packet as it was.
 */
#include "packet/tunnel.h"

#include <errno.h>

#include "base/err.h"
#include "base/text.h"
#include "packet/walk.h"

enum { UDP = 17, UDP_HEADER = 8, L2TP = 115 };
enum { TYPE_ERSPAN = 0x88be, TYPE_ERSPAN3 = 0x22eb, TYPE_WCCP = 0x883e,
	TYPE_EOIP = 0x6400, TYPE_METADATA = 0x8909, TYPE_ARUBA = 0x8200,
	TYPE_ARUBA_LAST = 0x8210 };

const struct counter_row tunnel_counter_rows[TUNNEL_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "packet/tunneled.def"
#undef COUNTER
};

static void
segment_set(struct packet *out, enum packet_segment kind, uint32_t segment)
{
	out->flags = (uint16_t)((out->flags & ~PACKET_SEGMENT) | kind << 12);
	out->segment = segment;
}

static enum packet_counter
open_ipip(struct walk *w, struct packet *out)
{
	return decode_ipv4(w, out);
}

static enum packet_counter
open_ipv6(struct walk *w, struct packet *out)
{
	return decode_ipv6(w, out);
}

static enum packet_counter
open_mpls(struct walk *w, struct packet *out)
{
	return decode_type(w, out, TYPE_MPLS);
}

static enum packet_counter
open_etherip(struct walk *w, struct packet *out)
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
static enum packet_counter
open_gre(struct walk *w, struct packet *out)
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
		return open_gre(w, out);
	default:
		return PACKET_COUNT_not_ip;
	}
}

/* RFC 4302, 2: the next header and a length in words less 2. IPv6 has it as an
 * extension. */
static enum packet_counter
open_ah(struct walk *w, struct packet *out)
{
	const uint8_t *p = walk_at(w, 0);

	if (!walk_has(w, 2) || !walk_skip(w, (p[1] + 2) * 4u))
		return PACKET_COUNT_short_link;
	return open_protocol(w, out, p[0]);
}

/* RFC 9300, 5.1 */
static enum packet_counter
open_lisp(struct walk *w, struct packet *out)
{
	return walk_skip(w, 8) ? decode_ip(w, out) : PACKET_COUNT_short_link;
}

/*
 * RFC 5415, 4.3: a preamble of 0 where DTLS does not hide the rest, the header's length,
 * and whether a frame of 802.3 or of the network's own kind (1: 802.11) follows.
 * Keep-alives have none, pieces but the first one no headers.
 */
static enum packet_counter
open_capwap(struct walk *w, struct packet *out)
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

static enum packet_counter
open_vxlan(struct walk *w, struct packet *out)
{
	if (!walk_has(w, 8))
		return PACKET_COUNT_short_link;
	if (!(*walk_at(w, 0) & 8))
		return PACKET_COUNT_not_ip;
	segment_set(out, SEGMENT_VXLAN, load_be32(walk_at(w, 4)) >> 8);
	w->at += 8;
	return decode_type(w, out, TYPE_ETHERNET);
}

static enum packet_counter
open_vxlan_gpe(struct walk *w, struct packet *out)
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

static enum packet_counter
open_geneve(struct walk *w, struct packet *out)
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
static enum packet_counter
open_gtp(struct walk *w, struct packet *out)
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
static enum packet_counter
open_teredo(struct walk *w, struct packet *out)
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
static enum packet_counter
open_pim(struct walk *w, struct packet *out)
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
static enum packet_counter
open_ayiya(struct walk *w, struct packet *out)
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
static enum packet_counter
open_gue(struct walk *w, struct packet *out)
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
static enum packet_counter
open_l2tp(struct walk *w, struct packet *out)
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

static const struct tunnel_row {
	const char *id;
	uint8_t proto;
	uint16_t port;
	walk_fn *open;
	const char *help;
} rows[] = {
#define TUNNEL(id, proto, port, help) {#id, proto, port, open_##id, help},
#include "packet/tunnel.def"
#undef TUNNEL
};
enum { ROWS = sizeof rows / sizeof *rows };
_Static_assert(ROWS <= 32, "a bit for each");

static const struct tunnel_row *
row_of(const struct packet *p, uint32_t kinds)
{
	if (p->flags & PACKET_LATER_FRAGMENT)
		return NULL;
	for (unsigned i = 0; i < ROWS; i++) {
		const struct tunnel_row *row = &rows[i];

		if (!(kinds >> i & 1) || row->proto != p->proto)
			continue;
		if (row->port == 0)
			return row;
		if (p->flags & PACKET_HAS_PORTS && (row->port == p->dst_port ||
		        (row->port == p->src_port && row->open != open_vxlan)))
			return row;
	}
	return NULL;
}

/* One level down; false leaves p as it is. end is where p's own datagram ends. */
static bool
open_one(const struct tunnel_row *row, const uint8_t *frame, uint32_t captured,
    uint32_t *end, struct packet *p)
{
	bool may_end_later = p->flags & PACKET_FRAGMENT; /* in the next fragment */
	struct walk w = {frame, p->transport_at, captured < *end ? captured : *end, *end};
	struct packet inner = *p;

	if (p->proto == UDP && !walk_skip(&w, UDP_HEADER))
		return false;
	inner.flags = p->flags & (PACKET_HAS_MAC | PACKET_SEGMENT);
	inner.src_port = inner.dst_port = 0;
	inner.tcp_options = NULL;
	inner.tcp_options_bytes = inner.ip_options_bytes = 0;
	inner.payload_bytes = inner.fragment_id = inner.flow_label = 0;
	inner.src = inner.dst = (struct addr){0};
	if (row->open(&w, &inner) != PACKET_COUNT_ip)
		return false;
	if (inner.ip_bytes > *end - inner.ip_at && !may_end_later)
		return false;
	if (inner.ip_bytes < *end - inner.ip_at)
		*end = inner.ip_at + inner.ip_bytes;
	inner.ip_bytes = p->ip_bytes;
	inner.flags |= PACKET_INNER;
	*p = inner;
	return true;
}

enum tunnel_counter
tunnel_open(const uint8_t *frame, uint32_t captured, uint32_t wire, uint32_t kinds,
    struct packet *p)
{
	const struct tunnel_row *row = row_of(p, kinds);
	uint32_t end = wire;

	if (row == NULL)
		return TUNNEL_COUNT_none;
	if (p->ip_bytes < end - p->ip_at)
		end = p->ip_at + p->ip_bytes;
	for (int depth = 0; row != NULL; depth++) {
		if (depth == TUNNEL_DEPTH)
			return TUNNEL_COUNT_too_deep;
		if (!open_one(row, frame, captured, &end, p))
			return depth == 0 ? TUNNEL_COUNT_unread : TUNNEL_COUNT_opened;
		row = row_of(p, kinds);
	}
	return TUNNEL_COUNT_opened;
}

int
tunnel_kinds(const char *list, uint32_t *out, struct err *err)
{
	uint32_t kinds = 0;
	size_t len;
	bool is_known;

	if (strcmp(list, "outer") == 0 || strcmp(list, "inner") == 0) {
		*out = list[0] == 'o' ? 0 : UINT32_MAX;
		return 0;
	}
	for (; *list != '\0'; list += len + (list[len] == ',')) {
		len = strcspn(list, ",");
		is_known = false;
		for (unsigned i = 0; i < ROWS; i++) {
			if (strlen(rows[i].id) != len || memcmp(rows[i].id, list,
			    len) != 0)
				continue;
			kinds |= (uint32_t)1 << i;
			is_known = true;
		}
		if (!is_known)
			return err_set(err, EINVAL,
			    "tunnels are outer, inner or some of the names "
			    "that --help lists, with commas between, not '%s'", list);
	}
	*out = kinds;
	return 0;
}

void
tunnel_help(struct text *out)
{
	for (unsigned i = 0; i < ROWS; i++)
		text_printf(out, "  %-16s %s\n", rows[i].id, rows[i].help);
}
