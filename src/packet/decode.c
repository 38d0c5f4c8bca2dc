/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A frame to a struct packet. usual_frame takes Ethernet, IPv4 and TCP or UDP in one
 * piece; for all others three tables say how to go on: that of link types (link.c), that
 * of ethertypes (ethertype.c) and that of IP protocols (ip.c).
 */
#include "packet/walk.h"

enum { LINK_ETHERNET = 1 };

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
