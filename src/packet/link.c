/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link types: for each LINKTYPE_ number of the pcap registry that carries IP as ordinary
 * traffic the decoder of its header, which ends in an ethertype, PPP, 802.2, another link
 * type or IP itself. Whoever meets a new one adds a row here.
 *
 * Sources: the registry of www.tcpdump.org/linktypes.html and the documents named there.
 */
#include "packet/link_private.h"

static enum packet_counter
link_cooked(struct walk *w, struct packet *out)
{
	if (!walk_skip(w, 16))
		return PACKET_COUNT_short_link;
	return decode_cooked(w, out, load_be16(w->frame + 14));
}

static enum packet_counter
link_cooked2(struct walk *w, struct packet *out)
{
	if (!walk_skip(w, 20))
		return PACKET_COUNT_short_link;
	return decode_cooked(w, out, load_be16(w->frame));
}

/* The address families of IP on the systems that write captures. */
static enum packet_counter
decode_family(struct walk *w, struct packet *out, uint32_t family)
{
	out->ip_at = w->at;
	switch (family) {
	case 2:
		return decode_ipv4(w, out);
	case 10: /* Linux */
	case 23: /* Windows */
	case 24: /* NetBSD, OpenBSD */
	case 26: /* Solaris */
	case 28: /* FreeBSD */
	case 30: /* macOS */
		return decode_ipv6(w, out);
	default:
		return PACKET_COUNT_not_ip;
	}
}

/* A family of 4 octets at the frame's begin, in the recording machine's byte order. */
static enum packet_counter
decode_family4(struct walk *w, struct packet *out, uint32_t header)
{
	uint32_t family;

	if (!walk_skip(w, header))
		return PACKET_COUNT_short_link;
	family = load_be32(w->frame);
	if (family > 0xffff)
		family = __builtin_bswap32(family);
	return decode_family(w, out, family);
}

/* BSD loopback: an address family; of LOOP always in network order. */
static enum packet_counter
link_loopback(struct walk *w, struct packet *out)
{
	return decode_family4(w, out, 4);
}

/* 12 is raw IP, but on OpenBSD loopback. */
static enum packet_counter
link_raw_or_loopback(struct walk *w, struct packet *out)
{
	return w->frame[0] == 0 ? link_loopback(w, out) : decode_ip(w, out);
}

/* OpenBSD's enc(4): the family, SPI, flags. */
static enum packet_counter
link_enc(struct walk *w, struct packet *out)
{
	return decode_family4(w, out, 12);
}

/* pflog(4): length, family; the header is padded to 4. */
static enum packet_counter
link_pflog(struct walk *w, struct packet *out)
{
	if (!walk_has(w, 2) || !walk_skip(w, (w->frame[0] + 3u) & ~3u) || w->at < 4)
		return PACKET_COUNT_short_link;
	return decode_family(w, out, w->frame[1]);
}

/* ipnet of Solaris: version, family, then ids: 24 octets. */
static enum packet_counter
link_ipnet(struct walk *w, struct packet *out)
{
	if (!walk_skip(w, 24))
		return PACKET_COUNT_short_link;
	return decode_family(w, out, w->frame[1]);
}

/* Frame control, addresses, 802.2. */
static enum packet_counter
link_fddi(struct walk *w, struct packet *out)
{
	if (!walk_skip(w, 13))
		return PACKET_COUNT_short_link;
	put_macs(out, w->frame + 1, w->frame + 7);
	return decode_llc(w, out);
}

/* Access and frame control, addresses, a route where the source says so, 802.2. */
static enum packet_counter
link_token_ring(struct walk *w, struct packet *out)
{
	if (!walk_skip(w, 14))
		return PACKET_COUNT_short_link;
	put_macs(out, w->frame + 2, w->frame + 8);
	out->src_mac[0] &= 0x7f;
	if (w->frame[8] & 0x80 && (!walk_has(w, 1) || !walk_skip(w, w->frame[14] & 31)))
		return PACKET_COUNT_short_link;
	return decode_llc(w, out);
}

/* RFC 2625: two network addresses of 8 octets. */
static enum packet_counter
link_fibre_channel(struct walk *w, struct packet *out)
{
	if (!walk_skip(w, 16))
		return PACKET_COUNT_short_link;
	put_macs(out, w->frame + 2, w->frame + 10);
	return decode_llc(w, out);
}

/*
 * ARCNET from its type on: IP as of RFC 1051, or of RFC 1201 behind a split flag and a
 * sequence number. A flag of ff marks an exception: the header comes once more.
 */
static enum packet_counter
decode_arcnet(struct walk *w, struct packet *out, uint32_t at)
{
	if (!walk_skip(w, at + 1))
		return PACKET_COUNT_short_link;
	out->ip_at = w->at;
	switch (w->frame[at]) {
	case 240:
		return decode_ipv4(w, out);
	case 196:
	case 212:
		break;
	default:
		return PACKET_COUNT_not_ip;
	}
	if (walk_has(w, 1) && *walk_at(w, 0) == 0xff && !walk_skip(w, 4))
		return PACKET_COUNT_short_link;
	if (!walk_skip(w, 3))
		return PACKET_COUNT_short_link;
	out->ip_at = w->at;
	if (*(walk_at(w, 0) - 3) != 0 && !(*(walk_at(w, 0) - 3) & 1))
		return PACKET_COUNT_not_ip; /* a later piece of a datagram */
	return decode_ip(w, out);
}

static enum packet_counter
link_arcnet(struct walk *w, struct packet *out)
{
	return decode_arcnet(w, out, 2);
}

/* Linux has the offset of the packet's end before the type. */
static enum packet_counter
link_arcnet_linux(struct walk *w, struct packet *out)
{
	return decode_arcnet(w, out, 4);
}

/* Classical IP over ATM: with 802.2 in front, or without. */
static enum packet_counter
link_clip(struct walk *w, struct packet *out)
{
	if (walk_has(w, 3) && w->frame[0] == 0xaa && w->frame[1] == 0xaa &&
	    w->frame[2] == 3)
		return decode_llc(w, out);
	return decode_ip(w, out);
}

/* IP over IEEE 1394: two ids of 8 octets and an ethertype. */
static enum packet_counter
link_firewire(struct walk *w, struct packet *out)
{
	if (!walk_skip(w, 18))
		return PACKET_COUNT_short_link;
	return decode_type(w, out, load_be16(w->frame + 16));
}

/* RFC 4391 behind the global route header of InfiniBand. */
static enum packet_counter
link_infiniband(struct walk *w, struct packet *out)
{
	if (!walk_skip(w, 44))
		return PACKET_COUNT_short_link;
	return decode_type(w, out, load_be16(w->frame + 40));
}

/* SunATM: direction and kind, VPI, VCI. */
static enum packet_counter
link_sunatm(struct walk *w, struct packet *out)
{
	if (!walk_skip(w, 4))
		return PACKET_COUNT_short_link;
	switch (w->frame[0] & 15) {
	case 1: /* LAN emulation: the client's id */
		return decode_behind(w, out, 2, decode_ethernet);
	case 2:
		return decode_llc(w, out);
	default:
		return PACKET_COUNT_not_ip;
	}
}

static enum packet_counter
link_mpls(struct walk *w, struct packet *out)
{
	return decode_type(w, out, TYPE_MPLS);
}

static enum packet_counter decode_other(struct walk *w, struct packet *out,
    uint32_t linktype);

/* Per-packet information: its length and the real link type. */
static enum packet_counter
link_ppi(struct walk *w, struct packet *out)
{
	if (!walk_has(w, 8) || le16(w->frame + 2) < 8 ||
	    !walk_skip(w, le16(w->frame + 2)))
		return PACKET_COUNT_short_link;
	return decode_other(w, out, load_le32(w->frame + 4));
}

/* Apple's PKTAP: length, record type (1 is a packet), link type. */
static enum packet_counter
link_pktap(struct walk *w, struct packet *out)
{
	if (!walk_has(w, 12) || load_le32(w->frame) < 12 ||
	    !walk_skip(w, load_le32(w->frame)))
		return PACKET_COUNT_short_link;
	if (load_le32(w->frame + 4) != 1)
		return PACKET_COUNT_not_ip;
	return decode_other(w, out, load_le32(w->frame + 8));
}

/* Linux netfilter log: family, version, id, then attributes of which 9 is the packet. */
static enum packet_counter
link_nflog(struct walk *w, struct packet *out)
{
	uint32_t n, type;

	if (!walk_skip(w, 4))
		return PACKET_COUNT_short_link;
	while (walk_has(w, 4)) {
		n = le16(walk_at(w, 0));
		type = le16(walk_at(w, 2)) & 0x7fff;
		if (n < 4)
			return PACKET_COUNT_not_ip;
		if (type == 9) {
			walk_limit(w, n);
			w->at += 4;
			return decode_family(w, out, w->frame[0]);
		}
		if (!walk_skip(w, (n + 3) & ~3u))
			break;
	}
	return w->captured == w->wire ? PACKET_COUNT_not_ip : PACKET_COUNT_short_link;
}

/* DOCSIS: frame control, extended header's length, length, that header. */
static enum packet_counter
link_docsis(struct walk *w, struct packet *out)
{
	if (!walk_skip(w, 6))
		return PACKET_COUNT_short_link;
	out->ip_at = w->at;
	if (w->frame[0] & 0xfe)
		return PACKET_COUNT_not_ip; /* no packet PDU */
	if (w->frame[0] & 1 && !walk_skip(w, w->frame[1]))
		return PACKET_COUNT_short_link;
	return decode_ethernet(w, out);
}

/* Headers of a fixed size that say nothing of what follows. */
#define SKIP(name, octets, next)                                                       \
	static enum packet_counter link_##name(struct walk *w, struct packet *out)     \
	{                                                                              \
		return decode_behind(w, out, octets, next);                            \
	}
SKIP(slip, 16, decode_ip)          /* a direction and the compressed header of RFC 1144 */
SKIP(slip_bsdos, 24, decode_ip)
SKIP(netanalyzer, 4, decode_ethernet)
SKIP(netanalyzer_raw, 12, decode_ethernet) /* with the preamble of Ethernet */
SKIP(preamble, 8, decode_ethernet)
SKIP(tag_in_front, 4, decode_ethernet)

/* Switch tags between the addresses and the ethertype. */
static enum packet_counter
decode_tagged(struct walk *w, struct packet *out, uint32_t tag)
{
	if (!walk_skip(w, 14 + tag))
		return PACKET_COUNT_short_link;
	put_macs(out, w->frame, w->frame + 6);
	return decode_type(w, out, load_be16(walk_at(w, 0) - 2));
}

static enum packet_counter
link_tag4(struct walk *w, struct packet *out)
{
	return decode_tagged(w, out, 4);
}

static enum packet_counter
link_tag8(struct walk *w, struct packet *out)
{
	return decode_tagged(w, out, 8);
}

struct link_row {
	uint32_t linktype; /* LINKTYPE_ of the pcap registry */
	const char *name;
	walk_fn *decode;
};

static const struct link_row link_rows[] = {
    {0, "null", link_loopback},
    {1, "ethernet", decode_ethernet},
    {6, "token-ring", link_token_ring},
    {7, "arcnet", link_arcnet},
    {8, "slip", link_slip},
    {9, "ppp", link_ppp},
    {10, "fddi", link_fddi},
    {12, "raw (DLT 12)", link_raw_or_loopback},
    {14, "raw (DLT 14)", decode_ip},
    {50, "ppp-hdlc", link_hdlc},
    {51, "pppoe", link_pppoe},
    {100, "atm-rfc1483", decode_llc},
    {101, "raw", decode_ip},
    {102, "slip-bsdos", link_slip_bsdos},
    {104, "c-hdlc", link_hdlc},
    {105, "ieee802.11", link_wireless},
    {106, "atm-clip", link_clip},
    {107, "frame-relay", link_frame_relay},
    {108, "loop", link_loopback},
    {109, "enc", link_enc},
    {112, "netbsd-hdlc", link_hdlc},
    {113, "linux-sll", link_cooked},
    {117, "pflog", link_pflog},
    {119, "prism", link_prism},
    {122, "ip-over-fc", link_fibre_channel},
    {123, "sunatm", link_sunatm},
    {127, "radiotap", link_radiotap},
    {129, "arcnet-linux", link_arcnet_linux},
    {138, "ieee1394", link_firewire},
    {143, "docsis", link_docsis},
    {163, "ieee802.11-avs", link_prism},
    {166, "ppp-pppd", link_pppd},
    {175, "erf-ethernet", link_erf},
    {176, "erf-pos", link_erf},
    {178, "juniper-ethernet", link_juniper_ethernet},
    {179, "juniper-ppp", link_juniper_ppp},
    {180, "juniper-frame-relay", link_juniper_frame_relay},
    {181, "juniper-hdlc", link_juniper_hdlc},
    {192, "ppi", link_ppi},
    {197, "erf", link_erf},
    {204, "ppp-with-direction", link_ppp_direction},
    {205, "c-hdlc-with-direction", link_hdlc_direction},
    {206, "frame-relay-with-direction", link_frame_relay_direction},
    {219, "mpls", link_mpls},
    {226, "ipnet", link_ipnet},
    {228, "ipv4", decode_ipv4},
    {229, "ipv6", decode_ipv6},
    {239, "nflog", link_nflog},
    {240, "netanalyzer", link_netanalyzer},
    {241, "netanalyzer-raw", link_netanalyzer_raw},
    {242, "ip-over-infiniband", link_infiniband},
    {258, "pktap", link_pktap},
    {259, "epon", link_preamble},
    {274, "ethernet-mpacket", link_preamble},
    {276, "linux-sll2", link_cooked2},
    {281, "dsa-brcm", link_tag4},
    {282, "dsa-brcm-in-front", link_tag_in_front},
    {284, "dsa", link_tag4},
    {285, "edsa", link_tag8},
};

static const struct link_row *
link_find(uint32_t linktype)
{
	for (size_t i = 0; i < sizeof link_rows / sizeof *link_rows; i++)
		if (link_rows[i].linktype == linktype)
			return &link_rows[i];
	return NULL;
}

walk_fn *
link_decoder(uint32_t linktype)
{
	const struct link_row *row = link_find(linktype);

	return row == NULL ? NULL : row->decode;
}

const char *
link_name(uint32_t linktype)
{
	const struct link_row *row = link_find(linktype);

	return row == NULL ? NULL : row->name;
}

/*
 * Another link type behind a header that names it. The walk goes on in what is left, as
 * if it were the whole frame; headers that name each other would never end, so they may
 * not.
 */
static enum packet_counter
decode_other(struct walk *w, struct packet *out, uint32_t linktype)
{
	walk_fn *decode = link_decoder(linktype);
	struct walk inner = {w->frame + w->at, 0, w->captured - w->at, w->wire - w->at};
	uint32_t before = w->at;
	enum packet_counter verdict;

	out->ip_at = w->at;
	if (decode == NULL || decode == link_ppi || decode == link_pktap)
		return PACKET_COUNT_unknown_link;
	if (inner.captured == 0)
		return PACKET_COUNT_short_link;
	out->ip_at = 0;
	verdict = decode(&inner, out);
	out->ip_at += before;
	out->transport_at += before;
	out->headers_end += before;
	return verdict;
}
