/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PACKET_STRIP_H
#define PACKET_STRIP_H

#include <stdint.h>

struct err;

struct strip_stats {
	uint64_t frames, ip_packets;
	/* of frames, without the file's own headers */
	uint64_t captured_bytes, written_bytes;
	uint32_t addresses_v4, addresses_v6, macs;
	/* IPv4 addresses that got a benchmark one (RFC 2544) */
	uint32_t beyond_documentation;
};

/*
 * Copies a capture without what people said and who they were: each frame ends after its
 * transport header, its wire length and time stay. Addresses become documentation ones
 * (RFC 5737, RFC 3849) in order of first appearance, MAC addresses 02:00:00:00:00:01 and
 * so on. IPv4 options become no-operations, IPv6 extension headers and rare TCP options
 * empty, transport checksums 0. What is no IP keeps its link header, an IP header that is
 * bad or cut nothing of it (so bad_ip becomes short_ip). The result gives the same flows,
 * but for frames inside frames (PBB, TRILL), of which the outer header alone is kept.
 * Link types whose headers hold addresses that nobody here can find are refused. Writes
 * classic pcap, whole or not at all: a temporary file is renamed to out.
 */
int strip_file(const char *in, const char *out, struct strip_stats *stats,
    struct err *err);

#endif
