/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A frame to a struct packet. Three tables drive it: the link type picks the decoder of
 * the link header; an ethertype is either a wrapper (VLAN, PPPoE, MPLS, LLC), which
 * yields the next ethertype, or a network protocol; an IP protocol number picks the
 * decoder of the transport header or says that it is an IPv6 extension header. All of
 * them walk one offset forward through the captured bytes, and every turn of a loop
 * consumes some. Before any of them, usual_frame takes Ethernet, IPv4 and TCP or UDP in
 * one piece.
 */
#include "packet/walk.h"

enum {
	LINK_ETHERNET = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	TYPE_NSH = 0x894f,
	OUI_BRIDGED = 0x0080c2,
	TYPE_BRIDGED = 0x10001, /* no ethertype: PPP's bridging (RFC 3518) */
};

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

/*
 * Wrappers: step over their header and give the next ethertype in *type. Any other
 * verdict than ip ends the walk.
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

/*
 * PPP (RFC 1661): a protocol of 2 bytes, or 1 where it is odd, behind address and control
 * where these are not left out (RFC 1662). Of a packet that goes over several links in
 * pieces (RFC 1990) the first one shows what it is.
 */
static enum packet_counter
unwrap_ppp(struct walk *w, struct packet *out, uint32_t *type)
{
	static const uint32_t types[][2] = {{0x0021, TYPE_IPV4}, {0x0057, TYPE_IPV6},
		{0x0281, TYPE_MPLS}, {0x0283, TYPE_MPLS}, {0x0031, TYPE_BRIDGED}};
	const uint8_t *p;
	uint32_t protocol;

	if (walk_has(w, 2) && load_be16(walk_at(w, 0)) == 0xff03)
		w->at += 2;
	if (!walk_has(w, 2))
		return PACKET_COUNT_short_link;
	p = walk_at(w, 0);
	protocol = p[0] & 1 ? p[0] : load_be16(p);
	w->at += p[0] & 1 ? 1 : 2;
	if (protocol == 0x003d) {
		if (!walk_has(w, 4))
			return PACKET_COUNT_short_link;
		*type = TYPE_PPP;
		w->at += 4;
		return walk_at(w, 0)[-4] & 0x80 ? PACKET_COUNT_ip : PACKET_COUNT_not_ip;
	}
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (types[i][0] == protocol) {
			*type = types[i][1];
			return PACKET_COUNT_ip;
		}
	}
	return protocol == 0x0053 || protocol == 0x0055 ? PACKET_COUNT_encrypted
	                                                : PACKET_COUNT_not_ip;
}

/* RFC 2516 session header. */
static enum packet_counter
unwrap_pppoe(struct walk *w, struct packet *out, uint32_t *type)
{
	const uint8_t *p = walk_at(w, 0);

	if (!walk_has(w, 6))
		return PACKET_COUNT_short_link;
	w->at += 6;
	if (p[0] != 0x11 || p[1] != 0)
		return PACKET_COUNT_not_ip;
	walk_limit(w, load_be16(p + 4));
	return unwrap_ppp(w, out, type);
}

/* Whether IP of this ethertype lies whole, by its own length, n octets on. */
static bool
is_ip(const struct walk *w, uint32_t n, uint32_t type)
{
	const uint8_t *p = walk_at(w, n);
	uint32_t left;

	if (!walk_has(w, n + 6))
		return false;
	left = w->wire - w->at - n;
	if (type == TYPE_IPV4)
		return p[0] >> 4 == 4 && (p[0] & 15) >= 5 && load_be16(p + 2) <= left;
	return type == TYPE_IPV6 && p[0] >> 4 == 6 && load_be16(p + 4) + 40u <= left;
}

/* Whether an Ethernet frame with IP in it begins n octets on: addresses have no mark. */
static bool
is_frame(const struct walk *w, uint32_t n)
{
	uint32_t type;

	for (n += 12; walk_has(w, n + 4); n += 4) {
		type = load_be16(walk_at(w, n));
		if (type == 0x8864)
			return *walk_at(w, n + 2) == 0x11;
		if (type != 0x8100 && type != 0x88a8)
			return is_ip(w, n + 2, type);
	}
	return false;
}

/*
 * What follows labels only its first half octet tells: IP, an associated channel, which
 * may carry IP (RFC 4385, 5), or Ethernet (RFC 4448) behind a control word of 0 or at
 * once, its address beginning as it likes.
 */
static enum packet_counter
unwrap_unmarked(struct walk *w, uint32_t *type)
{
	uint32_t nibble;

	if (!walk_has(w, 1))
		return PACKET_COUNT_short_link;
	nibble = *walk_at(w, 0) >> 4;
	*type = nibble == 4 ? TYPE_IPV4 : nibble == 6 ? TYPE_IPV6 : TYPE_ETHERNET;
	if (!is_ip(w, 0, *type) && is_frame(w, 0)) {
		*type = TYPE_ETHERNET;
		return PACKET_COUNT_ip;
	}
	if (*type != TYPE_ETHERNET)
		return PACKET_COUNT_ip;
	if (nibble > 1 || (nibble == 0 && !is_frame(w, 4))) {
		w->at++;
		return PACKET_COUNT_not_ip;
	}
	if (!walk_skip(w, 4))
		return PACKET_COUNT_short_link;
	if (nibble == 0)
		return PACKET_COUNT_ip;
	*type = load_be16(walk_at(w, 0) - 2) == 0x0021 ? TYPE_IPV4 : TYPE_IPV6;
	return *type == TYPE_IPV4 || load_be16(walk_at(w, 0) - 2) == 0x0057
	    ? PACKET_COUNT_ip : PACKET_COUNT_not_ip;
}

/* RFC 3032: labels up to the bottom of the stack. */
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
	return unwrap_unmarked(w, type);
}

/* ISO/IEC TR 9577, one octet: what RFC 2427 and IS-IS networks have in front of IP. */
static enum packet_counter
unwrap_nlpid(struct walk *w, struct packet *out, uint32_t *type)
{
	if (!walk_skip(w, 1))
		return PACKET_COUNT_short_link;
	*type = *(walk_at(w, 0) - 1) == 0xcc ? TYPE_IPV4 : TYPE_IPV6;
	return *(walk_at(w, 0) - 1) == 0xcc || *(walk_at(w, 0) - 1) == 0x8e
	    ? PACKET_COUNT_ip
	                                                                  : PACKET_COUNT_not_ip;
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
	if (p[0] == 0xfe && p[1] == 0xfe)
		return unwrap_nlpid(w, out, type);
	if (p[0] != 0xaa || p[1] != 0xaa || w->wire - w->at < 5)
		return PACKET_COUNT_not_ip;
	if (!walk_has(w, 5))
		return PACKET_COUNT_short_link;
	oui = (uint32_t)p[3] << 16 | load_be16(p + 4);
	w->at += 5;
	*type = load_be16(p + 6);
	/* RFC 2684, 5.2: padded */
	if (oui == OUI_BRIDGED && (*type == 1 || *type == 7)) {
		*type = TYPE_ETHERNET;
		return walk_skip(w, 2) ? PACKET_COUNT_ip : PACKET_COUNT_short_link;
	}
	return oui == 0 || oui == 0xf8 ? PACKET_COUNT_ip : PACKET_COUNT_not_ip;
}

/* 802.2 in frames longer than an 802.3 length can say. */
static enum packet_counter
unwrap_long_llc(struct walk *w, struct packet *out, uint32_t *type)
{
	*type = w->wire - w->at < LLC_LENGTH_MAX ? w->wire - w->at : LLC_LENGTH_MAX;
	return unwrap_llc(w, out, type);
}

/* A frame inside a frame: its addresses and VLANs are the packet's from here on. */
static enum packet_counter
unwrap_ethernet(struct walk *w, struct packet *out, uint32_t *type)
{
	const uint8_t *p = walk_at(w, 0);

	if (!walk_skip(w, 14))
		return PACKET_COUNT_short_link;
	memcpy(out->dst_mac, p, 6);
	memcpy(out->src_mac, p + 6, 6);
	out->flags |= PACKET_HAS_MAC | PACKET_BRIDGED;
	out->vlan = out->inner_vlan = VLAN_NONE;
	*type = load_be16(p + 12);
	return PACKET_COUNT_ip;
}

/* A flag octet, whether the FCS was kept, and the MAC type, of which 1 is Ethernet. */
static enum packet_counter
unwrap_bridged(struct walk *w, struct packet *out, uint32_t *type)
{
	if (!walk_has(w, 2))
		return PACKET_COUNT_short_link;
	*type = TYPE_ETHERNET;
	w->at += 2;
	return walk_at(w, 0)[-1] == 1 ? PACKET_COUNT_ip : PACKET_COUNT_not_ip;
}

/* Tags of which the last two octets are the next ethertype. */
static enum packet_counter
next_type(struct walk *w, uint32_t octets, uint32_t *type)
{
	if (!walk_skip(w, octets))
		return PACKET_COUNT_short_link;
	*type = load_be16(walk_at(w, 0) - 2);
	return PACKET_COUNT_ip;
}

static enum packet_counter
unwrap_tag6(struct walk *w, struct packet *out, uint32_t *type)
{
	return next_type(w, 6, type);
}

static enum packet_counter
unwrap_tag8(struct walk *w, struct packet *out, uint32_t *type)
{
	return next_type(w, 8, type);
}

/* Arista's time stamps: a subtype, the format in the version's second half, 8 or 6
 * octets. */
static enum packet_counter
unwrap_stamp(struct walk *w, struct packet *out, uint32_t *type)
{
	const uint8_t *p = walk_at(w, 0);

	if (!walk_has(w, 4))
		return PACKET_COUNT_short_link;
	if (load_be16(p) != 1 || (p[3] >> 4 != 1 && p[3] >> 4 != 2))
		return PACKET_COUNT_not_ip;
	return next_type(w, p[3] >> 4 == 1 ? 14 : 12, type);
}

/* Cisco's FabricPath: its own addresses were the outer ones; a tag and the frame
 * follow. */
static enum packet_counter
unwrap_fabric(struct walk *w, struct packet *out, uint32_t *type)
{
	*type = TYPE_ETHERNET;
	return walk_skip(w, 2) ? PACKET_COUNT_ip : PACKET_COUNT_short_link;
}

/* IEEE 802.1ah: the service tag, then the customer's frame. */
static enum packet_counter
unwrap_backbone(struct walk *w, struct packet *out, uint32_t *type)
{
	*type = TYPE_ETHERNET;
	return walk_skip(w, 4) ? PACKET_COUNT_ip : PACKET_COUNT_short_link;
}

/* RFC 6325, 3.1 */
static enum packet_counter
unwrap_trill(struct walk *w, struct packet *out, uint32_t *type)
{
	if (!walk_has(w, 2))
		return PACKET_COUNT_short_link;
	*type = TYPE_ETHERNET;
	return walk_skip(w, 6 + (load_be16(walk_at(w, 0)) >> 6 & 31) * 4u)
	    ? PACKET_COUNT_ip
	                                                                  : PACKET_COUNT_short_link;
}

/* IEEE 802.1AE without encryption: a tag of 6 octets, or 14 with the channel's name. */
static enum packet_counter
unwrap_macsec(struct walk *w, struct packet *out, uint32_t *type)
{
	uint8_t tci;

	if (!walk_has(w, 1))
		return PACKET_COUNT_short_link;
	tci = *walk_at(w, 0);
	if (tci & 0x0c)
		return PACKET_COUNT_encrypted;
	if (!walk_skip(w, (tci & 0x20 ? 14 : 6) + 2))
		return PACKET_COUNT_short_link;
	*type = load_be16(walk_at(w, 0) - 2);
	return PACKET_COUNT_ip;
}

/* RFC 8300, 2.2 */
static enum packet_counter
unwrap_nsh(struct walk *w, struct packet *out, uint32_t *type)
{
	static const uint32_t types[] = {[1] = TYPE_IPV4, [2] = TYPE_IPV6,
	    [3] = TYPE_ETHERNET,
		[4] = TYPE_NSH, [5] = TYPE_MPLS};
	const uint8_t *p = walk_at(w, 0);

	if (!walk_has(w, 4) || !walk_skip(w, (p[1] & 63) < 2 ? 8 : (p[1] & 63) * 4u))
		return PACKET_COUNT_short_link;
	*type = p[3] < sizeof types / sizeof *types ? types[p[3]] : 0;
	return *type != 0 ? PACKET_COUNT_ip : PACKET_COUNT_not_ip;
}

struct type_row {
	uint32_t type;
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
    {0x9300, "qinq-9300", .unwrap = unwrap_vlan},
    {0x8864, "pppoe", .unwrap = unwrap_pppoe},
    {TYPE_MPLS, "mpls", .unwrap = unwrap_mpls},
    {0x8848, "mpls-upstream", .unwrap = unwrap_mpls},
    {TYPE_PPP, "ppp", .unwrap = unwrap_ppp},
    {TYPE_ETHERNET, "ethernet", .unwrap = unwrap_ethernet},
    {TYPE_BRIDGED, "ppp-bridged", .unwrap = unwrap_bridged},
    {0x88e7, "backbone", .unwrap = unwrap_backbone},
    {0x88e5, "macsec", .unwrap = unwrap_macsec},
    {0x8870, "llc", .unwrap = unwrap_long_llc},
    {TYPE_NSH, "nsh", .unwrap = unwrap_nsh},
    {0x22f3, "trill", .unwrap = unwrap_trill},
    {0x8903, "fabricpath", .unwrap = unwrap_fabric},
    {0x8926, "vntag", .unwrap = unwrap_tag6},
    {0x893f, "e-tag", .unwrap = unwrap_tag8},
    {0x8909, "cisco-metadata", .unwrap = unwrap_tag8},
    {0x892f, "hsr", .unwrap = unwrap_tag6},
    {0xf1c1, "r-tag", .unwrap = unwrap_tag6},
    {0xd28b, "arista-stamp", .unwrap = unwrap_stamp},
};

enum packet_counter
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

enum packet_counter
decode_ppp(struct walk *w, struct packet *out)
{
	return decode_type(w, out, TYPE_PPP);
}

enum packet_counter
decode_llc(struct walk *w, struct packet *out)
{
	uint32_t left = w->wire - w->at;

	out->ip_at = w->at;
	return decode_type(w, out, left < LLC_LENGTH_MAX ? left : LLC_LENGTH_MAX);
}

/* Cisco's inter-switch link: 26 octets, known by their destination, then the frame. */
static bool
is_isl(const uint8_t *p)
{
	return (p[0] & 0xfd) == 1 && load_be32(p + 1) == 0x000c0000 && p[5] >> 4 == 0;
}

static enum packet_counter
decode_isl(struct walk *w, struct packet *out)
{
	const uint8_t *p = walk_at(w, 0);
	enum packet_counter verdict;
	uint32_t type;

	if (!walk_skip(w, 26))
		return PACKET_COUNT_short_link;
	out->ip_at = w->at;
	if ((verdict = unwrap_ethernet(w, out, &type)) != PACKET_COUNT_ip)
		return verdict;
	out->vlan = load_be16(p + 20) >> 1 & 0x0fff;
	return decode_type(w, out, type);
}

enum packet_counter
decode_ethernet(struct walk *w, struct packet *out)
{
	const uint8_t *p = walk_at(w, 0);

	if (!walk_has(w, 14))
		return PACKET_COUNT_short_link;
	if (is_isl(p))
		return decode_isl(w, out);
	memcpy(out->dst_mac, p, 6);
	memcpy(out->src_mac, p + 6, 6);
	out->flags |= PACKET_HAS_MAC;
	w->at += 14;
	return decode_type(w, out, load_be16(p + 12));
}

const struct counter_row packet_counter_rows[PACKET_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "packet/counter.def"
#undef COUNTER
};

/*
 * Most frames there are, in one piece: Ethernet, IPv4 without options that is no
 * fragment, and a whole TCP or UDP header. False, nothing written, for all others.
 */
static inline __attribute__((always_inline)) bool
usual_frame(const uint8_t *frame, uint32_t captured, int64_t time_ns, struct packet *out)
{
	enum { IP = 14, TRANSPORT = 34, TCP = 20, UDP = 8 };
	const uint8_t *ip = frame + IP, *p = frame + TRANSPORT;
	uint32_t bytes, header = UDP;
	bool is_tcp;

	if (captured < TRANSPORT + TCP ||
	    load_be32(frame + 12) >> 8 != (TYPE_IPV4 << 8 | 0x45) ||
	    load_be16(ip + 6) & 0xbfff)
		return false;
	is_tcp = ip[9] == PROTO_TCP;
	if (is_tcp)
		header = (p[12] >> 4) * 4u;
	else if (ip[9] != PROTO_UDP)
		return false;
	bytes = load_be16(ip + 2);
	if (bytes < 20 + header || captured < TRANSPORT + header ||
	    (is_tcp && header < TCP))
		return false;
	out->time_ns = time_ns;
	addr_set_v4(&out->src, load_be32(ip + 12));
	addr_set_v4(&out->dst, load_be32(ip + 16));
	out->ip_bytes = bytes;
	out->payload_bytes = bytes - 20 - header;
	out->flags = (uint16_t)(PACKET_HAS_PORTS | PACKET_HAS_MAC |
	    (ip[6] & 0x40) / 0x40 * PACKET_DF | is_tcp * PACKET_HAS_TCP);
	out->src_port = load_be16(p);
	out->dst_port = load_be16(p + 2);
	out->ip_id = load_be16(ip + 4);
	out->vlan = out->inner_vlan = VLAN_NONE;
	out->proto = ip[9];
	out->ttl = ip[8];
	out->tos = ip[1];
	out->ip_options_bytes = out->icmp_type = out->icmp_code = out->mpls_count = 0;
	out->mpls = NULL;
	out->flow_label = out->fragment_id = out->segment = 0;
	out->ip_at = IP;
	out->transport_at = TRANSPORT;
	out->headers_end = TRANSPORT + header;
	memcpy(out->dst_mac, frame, 6);
	memcpy(out->src_mac, frame + 6, 6);
	if (is_tcp) {
		out->tcp_seq = load_be32(p + 4);
		out->tcp_ack = load_be32(p + 8);
		out->tcp_flags = load_be16(p + 12) & 0x0fff;
		out->tcp_window = load_be16(p + 14);
		out->tcp_urgent = load_be16(p + 18);
		out->tcp_options = p + TCP;
		out->tcp_options_bytes = (uint16_t)(header - TCP);
	} else {
		out->tcp_seq = out->tcp_ack = 0;
		out->tcp_flags = out->tcp_window = out->tcp_urgent = 0;
		out->tcp_options = NULL;
		out->tcp_options_bytes = 0;
	}
	return true;
}

/* Any frame: see packet_decode. */
static __attribute__((noinline)) enum packet_counter
any_frame(uint32_t linktype, const uint8_t *frame, uint32_t captured, uint32_t wire,
    int64_t time_ns, struct packet *out)
{
	struct walk w = {frame, 0, captured, wire};
	walk_fn *decode;

	memset(out, 0, sizeof *out);
	out->time_ns = time_ns;
	out->vlan = out->inner_vlan = VLAN_NONE;
	if (captured > wire)
		return PACKET_COUNT_bad_length;
	if (linktype == LINK_ETHERNET)
		return decode_ethernet(&w, out);
	if ((decode = link_decoder(linktype)) == NULL)
		return PACKET_COUNT_unknown_link;
	return captured == 0 ? PACKET_COUNT_short_link : decode(&w, out);
}

enum packet_counter
packet_decode(uint32_t linktype, const uint8_t *frame, uint32_t captured, uint32_t wire,
    int64_t time_ns, struct packet *out)
{
	if (linktype == LINK_ETHERNET && captured <= wire &&
	    usual_frame(frame, captured, time_ns, out))
		return PACKET_COUNT_ip;
	return any_frame(linktype, frame, captured, wire, time_ns, out);
}

const char *
packet_link_name(uint32_t linktype)
{
	return link_name(linktype);
}

const char *
packet_proto_name(uint8_t proto)
{
	return proto_rows[proto].name;
}
