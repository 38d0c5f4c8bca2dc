/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PACKET_PACKET_H
#define PACKET_PACKET_H

#include "base/counter.h"
#include "model/addr.h"

#include <stddef.h>
#include <stdint.h>

/*
 * One decoded frame: what a flow meter needs of it and nothing of the payload. Borrowed
 * pointers (tcp_options, mpls) are valid until the source's next burst.
 */
enum packet_flag {
	PACKET_HAS_PORTS = 1 << 0,     /* src_port and dst_port were read */
	/* tcp_ members: of a header up to its flags, or more */
	PACKET_HAS_TCP = 1 << 1,
	PACKET_HAS_ICMP = 1 << 2,      /* icmp_type and icmp_code were read */
	PACKET_FRAGMENT = 1 << 3,      /* part of a fragmented datagram, first or later */
	PACKET_LATER_FRAGMENT = 1 << 4, /* not the first: has no transport header */
	PACKET_DF = 1 << 5,            /* IPv4 don't fragment */
	PACKET_HAS_MAC = 1 << 6,
	/* headers cut off, by the capture or by a fragment */
	PACKET_TRUNCATED = 1 << 7,
	PACKET_RESERVED_BIT = 1 << 8,  /* IPv4 must-be-zero flag set (p0f 0+) */
	/* IP total length 0 (TSO): ip_bytes from the frame */
	PACKET_NO_LENGTH = 1 << 9,
	/* decoded from inside a tunnel (packet/tunnel.h) */
	PACKET_INNER = 1 << 10,
	PACKET_BRIDGED = 1 << 11,      /* MAC addresses are of a frame inside the frame */
	PACKET_SEGMENT = 3 << 12,      /* enum packet_segment: what segment numbers */
	/* set by the meter: a SYN, FIN or RST outside the sample */
	PACKET_UNSAMPLED = 1 << 15,
};

enum { VLAN_NONE = 0xffff };

/* The network that an inner packet is of, by what its tunnel has: addresses mean one host
 * only within it. */
enum packet_segment {
	SEGMENT_NONE,
	SEGMENT_VXLAN, /* a VNI of VXLAN; numbers as in layer2SegmentId */
	SEGMENT_NVGRE, /* a VSID of NVGRE */
	SEGMENT_KEY,   /* a GRE key, or a VNI of Geneve */
};

struct packet {
	int64_t time_ns; /* since 1970, UTC */
	struct addr src, dst; /* of the outermost IP header */
	uint32_t ip_bytes;    /* outermost IP total length: what octets count */
	/* of TCP, UDP ...: by IP length, not by what was captured */
	uint32_t payload_bytes;
	uint32_t tcp_seq, tcp_ack;
	uint16_t flags;       /* enum packet_flag */
	uint16_t src_port, dst_port; /* host order; ICMP: 0 and type << 8 | code */
	uint16_t tcp_window;  /* as tcp_urgent 0 where the header is cut off before it */
	/* RFC 9565: 16 bits, low 8 are FIN SYN RST PSH ACK URG ECE CWR */
	uint16_t tcp_flags;
	uint16_t tcp_urgent;
	uint16_t ip_id;       /* IPv4 */
	uint16_t vlan, inner_vlan; /* 12 bits, VLAN_NONE where absent */
	uint16_t ip_options_bytes; /* IPv4 */
	uint16_t tcp_options_bytes; /* as captured */
	uint8_t proto;        /* IPv6: the first header that is no extension */
	uint8_t ttl;          /* or hop limit */
	uint8_t tos;          /* or traffic class */
	uint8_t icmp_type, icmp_code;
	uint8_t mpls_count;   /* label stack entries */
	uint8_t src_mac[6], dst_mac[6];
	const uint8_t *tcp_options;
	const uint8_t *mpls;  /* entries of 4 bytes, the top first */
	uint32_t flow_label;  /* IPv6 */
	uint32_t fragment_id; /* IPv4 ip_id or IPv6 identification, of a fragment */

	/*
	 * Offsets in the frame: of the IP header (for a frame that is not metered: how
	 * far the link headers were read), of what follows the IP headers, and the end of
	 * the captured headers.
	 */
	uint32_t ip_at, transport_at, headers_end;
	uint32_t segment;     /* 0 where there is none */
	const uint8_t *frame; /* set by sources; borrowed like mpls */
};
_Static_assert(sizeof(void *) != 8 || sizeof(struct packet) == 152,
    "nothing between members");

static inline enum packet_segment
packet_segment(const struct packet *p)
{
	return (enum packet_segment)(p->flags >> 12 & 3);
}

/* One verdict per frame, each a counter (packet/counter.def). */
enum packet_counter {
#define COUNTER(id, help) PACKET_COUNT_##id,
#include "packet/counter.def"
#undef COUNTER
	PACKET_COUNTERS
};
extern const struct counter_row packet_counter_rows[PACKET_COUNTERS];

/*
 * Decodes one frame of a capture. linktype is a LINKTYPE_ number of the pcap registry;
 * captured and wire are byte counts (captured <= wire, else the frame is malformed).
 * Returns PACKET_COUNT_ip (out is filled) or the counter that says why it is no IP
 * packet; for frames that are not metered, only out->ip_at is specified. Never reads past
 * captured.
 *
 * Octets are what the outermost IP header says, be the frame longer (padding) or shorter
 * (cut capture). Where it says nothing (IPv4 total length 0, IPv6 payload length 0 before
 * a whole header of TCP, UDP or an extension: segmentation offload, jumbograms) they are
 * the frame without its link headers.
 */
enum packet_counter packet_decode(uint32_t linktype, const uint8_t *frame,
    uint32_t captured, uint32_t wire, int64_t time_ns, struct packet *out);

/* Names from the dispatch tables; NULL where the decoder does not know the number. */
const char *packet_link_name(uint32_t linktype);
const char *packet_proto_name(uint8_t proto);

#endif
