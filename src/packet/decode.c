/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A frame to a struct packet. Three tables drive it: the link type picks the decoder of the
 * link header; an ethertype is either a wrapper (VLAN, PPPoE, MPLS, LLC), which yields the
 * next ethertype, or a network protocol; an IP protocol number picks the decoder of the
 * transport header or says that it is an IPv6 extension header. All of them walk one offset
 * forward through the captured bytes, and every turn of a loop consumes some. Ethernet,
 * IPv4 and TCP are tested for by name before their tables are looked at, so that the usual
 * frame meets no indirect call.
 */
#include "packet/packet.h"

#include "base/cursor.h"

enum {
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	TYPE_MPLS = 0x8847,
	LLC_LENGTH_MAX = 1500, /* below 0x0600 the ethertype is an 802.3 length */
	PROTO_TCP = 6,
	PROTO_NONE = 59, /* IPv6: nothing follows */
};

/* at <= captured <= wire, offsets in frame; wire is where the innermost length says. */
struct walk {
	const uint8_t *frame;
	uint32_t at, captured, wire;
};

static bool
walk_has(const struct walk *w, uint32_t n)
{
	return w->captured - w->at >= n;
}

/* A length field found at w->at ends the frame there, if that is inside it. */
static void
walk_limit(struct walk *w, uint32_t n)
{
	if (n < w->wire - w->at)
		w->wire = w->at + n;
	if (w->captured > w->wire)
		w->captured = w->wire;
}

/* Transport: p has `there` bytes (captured and inside the datagram) of `said` by IP. */
static void
transport_tcp(struct packet *out, const uint8_t *p, uint32_t there, uint32_t said)
{
	uint32_t header = 20;

	if (there >= 4) {
		out->src_port = load_be16(p);
		out->dst_port = load_be16(p + 2);
		out->flags |= PACKET_HAS_PORTS;
	}
	if (there >= 13 && p[12] >> 4 >= 5)
		header = (p[12] >> 4) * 4u;
	out->payload_bytes = said > header ? said - header : 0;
	out->headers_end += there < header ? there : header;
	if (there < 20) {
		out->flags |= PACKET_TRUNCATED;
		return;
	}
	if (p[12] >> 4 < 5 || header > said)
		return;
	out->flags |= PACKET_HAS_TCP;
	out->tcp_seq = load_be32(p + 4);
	out->tcp_ack = load_be32(p + 8);
	out->tcp_flags = load_be16(p + 12) & 0x0fff;
	out->tcp_window = load_be16(p + 14);
	out->tcp_urgent = load_be16(p + 18);
	out->tcp_options = p + 20;
	if (there < header) {
		out->flags |= PACKET_TRUNCATED;
		header = there;
	}
	out->tcp_options_bytes = (uint8_t)(header - 20);
}

static void
transport_fixed(struct packet *out, const uint8_t *p, uint32_t there, uint32_t said,
    uint32_t header)
{
	out->payload_bytes = said > header ? said - header : 0;
	out->headers_end += there < header ? there : header;
	if (there < header)
		out->flags |= PACKET_TRUNCATED;
	if (there < 4)
		return;
	out->src_port = load_be16(p);
	out->dst_port = load_be16(p + 2);
	out->flags |= PACKET_HAS_PORTS;
}

static void
transport_udp(struct packet *out, const uint8_t *p, uint32_t there, uint32_t said)
{
	transport_fixed(out, p, there, said, 8);
}

static void
transport_sctp(struct packet *out, const uint8_t *p, uint32_t there, uint32_t said)
{
	transport_fixed(out, p, there, said, 12);
}

/* RFC 4340, 5.1: 12 or (X set) 16 generic bytes; the data offset tells of the options. */
static void
transport_dccp(struct packet *out, const uint8_t *p, uint32_t there, uint32_t said)
{
	uint32_t generic = there > 8 && (p[8] & 1) ? 16 : 12;
	uint32_t header = there > 4 ? p[4] * 4u : generic;

	transport_fixed(out, p, there, said, generic);
	if (header >= generic)
		out->payload_bytes = said > header ? said - header : 0;
}

static void
transport_icmp(struct packet *out, const uint8_t *p, uint32_t there, uint32_t said)
{
	enum { HEADER = 8 };

	out->payload_bytes = said > HEADER ? said - HEADER : 0;
	out->headers_end += there < HEADER ? there : HEADER;
	if (there < HEADER)
		out->flags |= PACKET_TRUNCATED;
	if (there < 2)
		return;
	out->icmp_type = p[0];
	out->icmp_code = p[1];
	out->dst_port = load_be16(p);
	out->flags |= PACKET_HAS_ICMP;
}

enum extension {
	EXTENSION_NO,
	EXTENSION_OPTIONS, /* next header, length in 8 bytes beyond the first 8 */
	EXTENSION_FRAGMENT,
	EXTENSION_AH, /* length in 4 bytes beyond the first 8 */
};

struct proto_row {
	const char *name;
	void (*transport)(struct packet *, const uint8_t *p, uint32_t there, uint32_t said);
	enum extension extension; /* of IPv6 */
};

/* By IP protocol number; without a transport decoder the protocol has no ports. */
static const struct proto_row proto_rows[256] = {
    [0] = {"hopopt", .extension = EXTENSION_OPTIONS},
    [1] = {"icmp", transport_icmp},
    [2] = {"igmp"},
    [4] = {"ipv4"},
    [6] = {"tcp", transport_tcp},
    [17] = {"udp", transport_udp},
    [33] = {"dccp", transport_dccp},
    [41] = {"ipv6"},
    [43] = {"ipv6-route", .extension = EXTENSION_OPTIONS},
    [44] = {"ipv6-frag", .extension = EXTENSION_FRAGMENT},
    [47] = {"gre"},
    [50] = {"esp"},
    [51] = {"ah", .extension = EXTENSION_AH},
    [58] = {"ipv6-icmp", transport_icmp},
    [59] = {"ipv6-nonxt"},
    [60] = {"ipv6-opts", .extension = EXTENSION_OPTIONS},
    [89] = {"ospf"},
    [103] = {"pim"},
    [112] = {"vrrp"},
    [132] = {"sctp", transport_sctp},
    [135] = {"mobility", .extension = EXTENSION_OPTIONS},
    [136] = {"udplite", transport_udp},
};

/* The transport header at w->at; said is what the IP header promises from there on. */
static void
decode_transport(const struct walk *w, struct packet *out, uint32_t said)
{
	const uint8_t *p = w->frame + w->at;
	uint32_t there = w->captured - w->at;

	if (there > said)
		there = said; /* padding is no header */
	out->transport_at = out->headers_end = w->at;
	out->payload_bytes = said;
	if (out->flags & PACKET_LATER_FRAGMENT)
		return;
	if (out->proto == PROTO_TCP)
		transport_tcp(out, p, there, said);
	else if (proto_rows[out->proto].transport != NULL)
		proto_rows[out->proto].transport(out, p, there, said);
}

static enum packet_counter
decode_ipv4(struct walk *w, struct packet *out)
{
	const uint8_t *p = w->frame + w->at;
	uint32_t header, fragment;

	out->ip_at = w->at;
	if (!walk_has(w, 20))
		return PACKET_COUNT_short_ip;
	header = (p[0] & 15) * 4u;
	if (p[0] >> 4 != 4 || header < 20)
		return PACKET_COUNT_bad_ip;
	out->ip_bytes = load_be16(p + 2);
	if (out->ip_bytes == 0) {
		out->ip_bytes = w->wire - w->at;
		out->flags |= PACKET_NO_LENGTH;
	}
	if (out->ip_bytes < header)
		return PACKET_COUNT_bad_ip;
	if (!walk_has(w, header))
		return PACKET_COUNT_short_ip;
	out->tos = p[1];
	out->ip_id = load_be16(p + 4);
	fragment = load_be16(p + 6);
	if (fragment & 0x8000)
		out->flags |= PACKET_RESERVED_BIT;
	if (fragment & 0x4000)
		out->flags |= PACKET_DF;
	if (fragment & 0x3fff) {
		out->flags |= PACKET_FRAGMENT;
		out->fragment_id = out->ip_id;
		if (fragment & 0x1fff)
			out->flags |= PACKET_LATER_FRAGMENT;
	}
	out->ttl = p[8];
	out->proto = p[9];
	out->src.v4 = load_be32(p + 12);
	out->dst.v4 = load_be32(p + 16);
	out->ip_options_bytes = (uint8_t)(header - 20);
	w->at += header;
	decode_transport(w, out, out->ip_bytes - header);
	return PACKET_COUNT_ip;
}

/*
 * Steps over the extension headers (RFC 8200, 4) up to the end of the datagram or of the
 * capture. out->proto is in the end the first header that is none, or, where the chain is
 * cut off, the last number that was read.
 */
static void
walk_extensions(struct walk *w, struct packet *out, uint32_t end)
{
	const uint8_t *p;
	enum extension extension;
	uint32_t header;

	while ((extension = proto_rows[out->proto].extension) != EXTENSION_NO) {
		p = w->frame + w->at;
		if (end - w->at < 8) {
			out->flags |= PACKET_TRUNCATED;
			return;
		}
		header = 8;
		if (extension == EXTENSION_OPTIONS)
			header = (p[1] + 1) * 8u;
		else if (extension == EXTENSION_AH)
			header = (p[1] + 2) * 4u;
		if (header > end - w->at) {
			out->flags |= PACKET_TRUNCATED;
			return;
		}
		out->proto = p[0];
		w->at += header;
		if (extension != EXTENSION_FRAGMENT)
			continue;
		out->fragment_id = load_be32(p + 4);
		/* RFC 6946: a fragment header on a whole datagram makes no fragment. */
		if (load_be16(p + 2) & 0xfff9)
			out->flags |= PACKET_FRAGMENT;
		if (load_be16(p + 2) & 0xfff8) {
			out->flags |= PACKET_LATER_FRAGMENT;
			return;
		}
	}
}

static enum packet_counter
decode_ipv6(struct walk *w, struct packet *out)
{
	const uint8_t *p = w->frame + w->at;
	uint32_t ip_at = w->at, end;

	out->ip_at = ip_at;
	if (!walk_has(w, 40))
		return PACKET_COUNT_short_ip;
	if (p[0] >> 4 != 6)
		return PACKET_COUNT_bad_ip;
	out->ip_bytes = load_be16(p + 4) + 40u;
	out->proto = p[6];
	if (out->ip_bytes == 40 && out->proto != PROTO_NONE) {
		out->ip_bytes = w->wire - w->at;
		out->flags |= PACKET_NO_LENGTH;
	}
	out->flow_label = load_be32(p) & 0xfffff;
	out->tos = (uint8_t)(load_be16(p) >> 4);
	out->ttl = p[7];
	out->src = addr_v6(p + 8);
	out->dst = addr_v6(p + 24);
	end = w->captured;
	if (end - ip_at > out->ip_bytes)
		end = ip_at + out->ip_bytes;
	w->at += 40;
	walk_extensions(w, out, end);
	decode_transport(w, out, out->ip_bytes - (w->at - ip_at));
	return PACKET_COUNT_ip;
}

/* Raw IP: the version says which. */
static enum packet_counter
decode_ip(struct walk *w, struct packet *out)
{
	out->ip_at = w->at;
	if (!walk_has(w, 1))
		return PACKET_COUNT_short_ip;
	if (w->frame[w->at] >> 4 == 6)
		return decode_ipv6(w, out);
	return decode_ipv4(w, out);
}

/*
 * Wrappers: step over their header and give the next ethertype in *type. Any other verdict
 * than ip ends the walk.
 */
static enum packet_counter
unwrap_vlan(struct walk *w, struct packet *out, uint32_t *type)
{
	const uint8_t *p = w->frame + w->at;
	uint16_t vlan;

	if (!walk_has(w, 4))
		return PACKET_COUNT_short_link;
	vlan = load_be16(p) & 0x0fff;
	if (out->vlan == VLAN_NONE)
		out->vlan = vlan;
	else if (out->inner_vlan == VLAN_NONE)
		out->inner_vlan = vlan;
	*type = load_be16(p + 2);
	w->at += 4;
	return PACKET_COUNT_ip;
}

/* RFC 2516 session header, then a PPP protocol of 2 bytes, or 1 where it is odd. */
static enum packet_counter
unwrap_pppoe(struct walk *w, struct packet *out, uint32_t *type)
{
	const uint8_t *p = w->frame + w->at;
	uint32_t protocol;

	if (!walk_has(w, 6))
		return PACKET_COUNT_short_link;
	w->at += 6;
	if (p[0] != 0x11 || p[1] != 0)
		return PACKET_COUNT_not_ip;
	walk_limit(w, load_be16(p + 4));
	if (!walk_has(w, 2))
		return PACKET_COUNT_short_link;
	protocol = p[6] & 1 ? p[6] : load_be16(p + 6);
	w->at += p[6] & 1 ? 1 : 2;
	switch (protocol) {
	case 0x0021:
		*type = TYPE_IPV4;
		return PACKET_COUNT_ip;
	case 0x0057:
		*type = TYPE_IPV6;
		return PACKET_COUNT_ip;
	case 0x0281:
		*type = TYPE_MPLS;
		return PACKET_COUNT_ip;
	default:
		return PACKET_COUNT_not_ip;
	}
}

/* RFC 3032: labels up to the bottom of the stack; what follows only its nibble tells. */
static enum packet_counter
unwrap_mpls(struct walk *w, struct packet *out, uint32_t *type)
{
	bool is_bottom;

	out->mpls = w->frame + w->at;
	out->mpls_count = 0;
	do {
		if (!walk_has(w, 4))
			return PACKET_COUNT_short_link;
		if (out->mpls_count < UINT8_MAX)
			out->mpls_count++;
		is_bottom = w->frame[w->at + 2] & 1;
		w->at += 4;
	} while (!is_bottom);
	if (!walk_has(w, 1))
		return PACKET_COUNT_short_link;
	switch (w->frame[w->at] >> 4) {
	case 4:
		*type = TYPE_IPV4;
		return PACKET_COUNT_ip;
	case 6:
		*type = TYPE_IPV6;
		return PACKET_COUNT_ip;
	default:
		w->at++;
		return PACKET_COUNT_not_ip;
	}
}

/* 802.2 after an 802.3 length: IP's own SAP or SNAP with an ethertype, else no IP. */
static enum packet_counter
unwrap_llc(struct walk *w, struct packet *out, uint32_t *type)
{
	const uint8_t *p = w->frame + w->at;
	uint32_t oui;

	if (w->wire - w->at < 3 || *type < 3)
		return PACKET_COUNT_not_ip;
	if (!walk_has(w, 3))
		return PACKET_COUNT_short_link;
	walk_limit(w, *type);
	w->at += 3;
	if (p[2] != 3)
		return PACKET_COUNT_not_ip;
	if (p[0] == 6 && p[1] == 6) {
		*type = TYPE_IPV4;
		return PACKET_COUNT_ip;
	}
	if (p[0] != 0xaa || p[1] != 0xaa || w->wire - w->at < 5)
		return PACKET_COUNT_not_ip;
	if (!walk_has(w, 5))
		return PACKET_COUNT_short_link;
	oui = (uint32_t)p[3] << 16 | load_be16(p + 4);
	w->at += 5;
	*type = load_be16(p + 6);
	return oui == 0 || oui == 0xf8 ? PACKET_COUNT_ip : PACKET_COUNT_not_ip;
}

struct type_row {
	uint16_t type;
	const char *name;
	enum packet_counter (*network)(struct walk *, struct packet *);
	enum packet_counter (*unwrap)(struct walk *, struct packet *, uint32_t *type);
};

static const struct type_row type_rows[] = {
    {TYPE_IPV4, "ipv4", .network = decode_ipv4},
    {TYPE_IPV6, "ipv6", .network = decode_ipv6},
    {0x8100, "vlan", .unwrap = unwrap_vlan},
    {0x88a8, "qinq", .unwrap = unwrap_vlan},
    {0x9100, "qinq-9100", .unwrap = unwrap_vlan},
    {0x9200, "qinq-9200", .unwrap = unwrap_vlan},
    {0x8864, "pppoe", .unwrap = unwrap_pppoe},
    {TYPE_MPLS, "mpls", .unwrap = unwrap_mpls},
    {0x8848, "mpls-upstream", .unwrap = unwrap_mpls},
};

static enum packet_counter
decode_type(struct walk *w, struct packet *out, uint32_t type)
{
	enum packet_counter verdict;
	const struct type_row *row;
	size_t i, n = sizeof type_rows / sizeof *type_rows;

	while (type != TYPE_IPV4) {
		if (type <= LLC_LENGTH_MAX) {
			verdict = unwrap_llc(w, out, &type);
		} else {
			for (i = 0; i < n && type_rows[i].type != type; i++)
				;
			if (i == n) {
				out->ip_at = w->at;
				return PACKET_COUNT_not_ip;
			}
			row = &type_rows[i];
			if (row->network != NULL)
				return row->network(w, out);
			verdict = row->unwrap(w, out, &type);
		}
		out->ip_at = w->at;
		if (verdict != PACKET_COUNT_ip)
			return verdict;
	}
	return decode_ipv4(w, out);
}

static enum packet_counter
link_ethernet(struct walk *w, struct packet *out)
{
	const uint8_t *p = w->frame;

	if (!walk_has(w, 14))
		return PACKET_COUNT_short_link;
	memcpy(out->dst_mac, p, 6);
	memcpy(out->src_mac, p + 6, 6);
	out->flags |= PACKET_HAS_MAC;
	w->at = 14;
	return decode_type(w, out, load_be16(p + 12));
}

/* Both cooked headers name 802.2 without a length by 4, other small numbers are no IP. */
static enum packet_counter
decode_cooked(struct walk *w, struct packet *out, uint32_t type)
{
	uint32_t left = w->wire - w->at;

	out->ip_at = w->at;
	if (type == 4)
		type = left < LLC_LENGTH_MAX ? left : LLC_LENGTH_MAX;
	else if (type <= LLC_LENGTH_MAX)
		return PACKET_COUNT_not_ip;
	return decode_type(w, out, type);
}

static enum packet_counter
link_cooked(struct walk *w, struct packet *out)
{
	if (!walk_has(w, 16))
		return PACKET_COUNT_short_link;
	w->at = 16;
	return decode_cooked(w, out, load_be16(w->frame + 14));
}

static enum packet_counter
link_cooked2(struct walk *w, struct packet *out)
{
	if (!walk_has(w, 20))
		return PACKET_COUNT_short_link;
	w->at = 20;
	return decode_cooked(w, out, load_be16(w->frame));
}

/* BSD loopback: an address family in the recording machine's byte order (LOOP: network). */
static enum packet_counter
link_loopback(struct walk *w, struct packet *out)
{
	uint32_t family;

	if (!walk_has(w, 4))
		return PACKET_COUNT_short_link;
	family = load_be32(w->frame);
	if (family > 0xffff)
		family = __builtin_bswap32(family);
	w->at = out->ip_at = 4;
	switch (family) {
	case 2:
		return decode_ipv4(w, out);
	case 10: /* Linux */
	case 23: /* Windows */
	case 24: /* NetBSD, OpenBSD */
	case 28: /* FreeBSD */
	case 30: /* macOS */
		return decode_ipv6(w, out);
	default:
		return PACKET_COUNT_not_ip;
	}
}

struct link_row {
	uint32_t linktype; /* LINKTYPE_ of the pcap registry */
	const char *name;
	enum packet_counter (*decode)(struct walk *, struct packet *);
};

static const struct link_row link_rows[] = {
    {0, "null", link_loopback},
    {1, "ethernet", link_ethernet},
    {12, "raw (DLT 12)", decode_ip},
    {14, "raw (DLT 14)", decode_ip},
    {101, "raw", decode_ip},
    {108, "loop", link_loopback},
    {113, "linux-sll", link_cooked},
    {228, "ipv4", decode_ipv4},
    {229, "ipv6", decode_ipv6},
    {276, "linux-sll2", link_cooked2},
};

static const struct link_row *
link_find(uint32_t linktype)
{
	size_t i;

	for (i = 0; i < sizeof link_rows / sizeof *link_rows; i++)
		if (link_rows[i].linktype == linktype)
			return &link_rows[i];
	return NULL;
}

const struct counter_row packet_counter_rows[PACKET_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "packet/counter.def"
#undef COUNTER
};

enum packet_counter
packet_decode(uint32_t linktype, const uint8_t *frame, uint32_t captured, uint32_t wire,
    int64_t time_ns, struct packet *out)
{
	struct walk w = {frame, 0, captured, wire};
	const struct link_row *row;

	memset(out, 0, sizeof *out);
	out->time_ns = time_ns;
	out->vlan = out->inner_vlan = VLAN_NONE;
	if (captured > wire)
		return PACKET_COUNT_bad_length;
	if (linktype == 1)
		return link_ethernet(&w, out);
	if ((row = link_find(linktype)) == NULL)
		return PACKET_COUNT_unknown_link;
	return captured == 0 ? PACKET_COUNT_short_link : row->decode(&w, out);
}

const char *
packet_link_name(uint32_t linktype)
{
	const struct link_row *row = link_find(linktype);

	return row == NULL ? NULL : row->name;
}

const char *
packet_proto_name(uint8_t proto)
{
	return proto_rows[proto].name;
}
