/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IP and what stands behind it: the IP protocol number picks from one table the decoder
 * of the transport header, or says that it is an IPv6 extension header. All of them walk
 * one offset forward through the captured bytes; what a header promises and the capture
 * does not hold is marked as truncated.
 */
#include "packet/walk.h"

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
	if (there < header) {
		out->flags |= PACKET_TRUNCATED;
		header = there;
	}
	out->headers_end += header;
	if (there < 14 || p[12] >> 4 < 5) /* no header is so short: it is none */
		return;
	out->flags |= PACKET_HAS_TCP;
	out->tcp_seq = load_be32(p + 4);
	out->tcp_ack = load_be32(p + 8);
	out->tcp_flags = load_be16(p + 12) & 0x0fff;
	out->tcp_options = p + header;
	if (there < 20)
		return;
	out->tcp_window = load_be16(p + 14);
	out->tcp_urgent = load_be16(p + 18);
	out->tcp_options = p + 20;
	out->tcp_options_bytes = (uint16_t)(header - 20);
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
	void (*transport)(struct packet *, const uint8_t *p, uint32_t there,
	    uint32_t said);
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
    [88] = {"eigrp"},
    [89] = {"ospf"},
    [97] = {"etherip"},
    [103] = {"pim"},
    [112] = {"vrrp"},
    [115] = {"l2tp"},
    [132] = {"sctp", transport_sctp},
    [135] = {"mobility", .extension = EXTENSION_OPTIONS},
    [136] = {"udplite", transport_udp},
    [137] = {"mpls-in-ip"},
    [139] = {"hip", .extension = EXTENSION_OPTIONS},
    [140] = {"shim6", .extension = EXTENSION_OPTIONS},
};

/* The transport header at w->at; said is what the IP header promises from there on. */
static inline void
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
	if (proto_rows[out->proto].transport != NULL)
		proto_rows[out->proto].transport(out, p, there, said);
}

enum packet_counter
decode_ipv4(struct walk *w, struct packet *out)
{
	const uint8_t *p = w->frame + w->at;
	uint32_t header, fragment, said;

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
	if (header > w->wire - w->at)
		return PACKET_COUNT_short_ip;
	said = out->ip_bytes - header;
	if (!walk_has(w, header)) { /* the capture ends within the options */
		header = w->captured - w->at;
		out->flags |= PACKET_TRUNCATED;
	}
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
	out->ip_options_bytes = (uint16_t)(header - 20);
	w->at += header;
	decode_transport(w, out, said);
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

/*
 * A payload length of 0 is that of offloaded segments and jumbograms, which have a whole
 * header behind it; where none fits, or none that is ever offloaded, the packet is empty
 * and what follows is padding.
 */
static bool
is_offloaded(const struct walk *w, uint8_t proto)
{
	uint32_t left = w->wire - w->at - 40;

	if (proto == PROTO_TCP)
		return left >= 20;
	return left >= 8 && (proto == PROTO_UDP ||
	    proto_rows[proto].extension != EXTENSION_NO);
}

enum packet_counter
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
	if (out->ip_bytes == 40 && is_offloaded(w, out->proto)) {
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
enum packet_counter
decode_ip(struct walk *w, struct packet *out)
{
	out->ip_at = w->at;
	if (!walk_has(w, 1))
		return PACKET_COUNT_short_ip;
	if (w->frame[w->at] >> 4 == 6)
		return decode_ipv6(w, out);
	return decode_ipv4(w, out);
}

const char *
packet_proto_name(uint8_t proto)
{
	return proto_rows[proto].name;
}
