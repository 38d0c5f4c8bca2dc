/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ethertypes: each is either a wrapper (VLAN, PPPoE, MPLS, 802.2 and others), which
 * yields the next ethertype, or a network protocol. One table says which; every turn of
 * its loop consumes some of the frame. What begins with one of them is here too:
 * Ethernet, PPP and 802.2.
 */
#include "packet/walk.h"

enum {
	TYPE_NSH = 0x894f,
	OUI_BRIDGED = 0x0080c2,
	TYPE_BRIDGED = 0x10001, /* no ethertype: PPP's bridging (RFC 3518) */
};

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

bool
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
	switch (walk_at(w, 0)[-1]) {
	case 0xcc:
		*type = TYPE_IPV4;
		return PACKET_COUNT_ip;
	case 0x8e:
		*type = TYPE_IPV6;
		return PACKET_COUNT_ip;
	default:
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

/* Arista's time stamps: a subtype, the format in the version's second half, 8 or 6. */
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

/* Cisco's FabricPath: its own addresses were the outer ones; a tag and the frame come. */
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
	uint32_t options_words;

	if (!walk_has(w, 2))
		return PACKET_COUNT_short_link;
	options_words = load_be16(walk_at(w, 0)) >> 6 & 31;
	*type = TYPE_ETHERNET;
	return walk_skip(w, 6 + options_words * 4) ? PACKET_COUNT_ip
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
	    [3] = TYPE_ETHERNET, [4] = TYPE_NSH, [5] = TYPE_MPLS};
	const uint8_t *p = walk_at(w, 0);
	uint32_t words;

	if (!walk_has(w, 4))
		return PACKET_COUNT_short_link;
	words = p[1] & 63;
	if (!walk_skip(w, words < 2 ? 8 : words * 4))
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
