/* SPDX-License-Identifier: BSD-2-Clause */
/* The parameters of servers and paths as model files have them. */
#include "identify/plain_row.h"

#include "identify/plain.h"

#define ROW(prefix, of, member, kind, ...) \
	{prefix #member, kind, offsetof(struct of, member), __VA_ARGS__}
#define PATH(member, kind, ...) \
	ROW("", wire_path, member, PLAIN_KIND_##kind, __VA_ARGS__)
#define SERVER(member, kind, ...) \
	ROW("", wire_server, member, PLAIN_KIND_##kind, __VA_ARGS__)
#define QUIC(member, kind, ...) \
	ROW("quic_", quic_server, member, PLAIN_KIND_##kind, __VA_ARGS__)

const struct plain_row plain_server_rows[] = {
    SERVER(overhead, u32, 1, 0, 200, "octets of headers per packet, c; 0: the usual"),
    SERVER(header, modes, 1, 0, 0,
	   "header constants: bytes:digits of the size beside decimal ones (1 "
	   "hexadecimal, 2 to base 36, 3 not even these):law of records:HTTP "
	   "header:share"),
    SERVER(several, f64, 1, 0, 0.99, "share of records with more than one download"),
    SERVER(band, f64, WIRE_BANDS, 0, 1, "share of downloads by half octave of octets"),
};
const struct plain_row plain_quic_rows[] = {
    QUIC(flows, f64, 1, 0, 1e18,
        "connections by QUIC that the following was learned from"),
    QUIC(cost, f64, 1, 0, 100, "octets of a packet by QUIC that are no file's"),
    QUIC(constant, f64, 1, -1e6, 1e6, "octets beside the file and its packets' cost"),
    QUIC(packet, f64, 1, 1, 65535, "octets of a file in a full packet"),
    QUIC(largest, f64, 1, 1, 65535, "octets of the largest packets, without IP and UDP"),
    QUIC(width, f64, 2, 1, 1e6,
        "mean distance from that, nothing sent again, and packets"),
    QUIC(again, f64, QUIC_KINDS, 0, 1,
        "share of connections by packets sent again: -2 to 8"),
    QUIC(rest, f64, 1, 0, 1, "share with any number of octets more"),
    QUIC(mean, f64, 1, 1, 1e9, "their mean"),
    QUIC(unknown, f64, 1, 0, 1,
        "share of downloads by QUIC that the catalogue does not have"),
};
const struct plain_row plain_path_rows[] = {
    PATH(flows, f64, 1, 0, 1e18, "downloads that the following was learned from"),
    PATH(mss, u32, 1, 0, 65535, "largest segment; 0: by each record"),
    PATH(own_overhead, u32, 1, 0, 200,
	 "octets of headers per packet, where they are not the server's; 0: they are"),
    PATH(request, u32, 1, 0, 65535,
        "octets of a request beside its path; 0: not learned"),
    PATH(is_request_exact, bool, 1, 0, 1, "whether that is exact"),
    PATH(options_tell, bool, 1, 0, 1,
	 "whether the client's SACK options say what was sent again"),
    PATH(lam, f64, 1, 0, 10, "retransmissions per segment"),
    PATH(r, f64, 1, 0.001, 1000, "shape of their distribution"),
    PATH(tail, f64, 1, 0, 0.99, "share of downloads with bursts of many more"),
    PATH(q, f64, WIRE_X_CLASSES, 0, 1,
	 "share of odd remainders by segments below the MSS: 0, 1-2, 3-10, 11-30, more"),
    PATH(q_whole, f64, 1, 0, 1, "the same where no segment was sent again"),
    PATH(from, f64, 8, 0, 1,
	 "sources of odd remainders, for few and for many short segments: page ends, "
	 "last segment, both, any"),
    PATH(options, f64, 1, 0, 1, "share of remainders that are TCP options"),
    PATH(by_n, f64, WIRE_N_CLASSES, 0, 1e9,
	 "segments sent again by the client's SACK options: 0, 1, 2-3, 4-7, ..."),
    PATH(n_shape, f64, 1, 0, 1000, "shape around those; 0: not fitted"),
    PATH(n_share, f64, WIRE_N_CLASSES, 0, 1, "share of downloads by those options"),
    PATH(unknown, f64, 1, 0, 1, "share of downloads that the catalogue does not have"),
    PATH(hops_client, u32, 1, 0, HOPS_UNKNOWN,
	 "routers between the meter and the client by TTL; 255: not told"),
    PATH(hops_server, u32, 1, 0, HOPS_UNKNOWN,
	 "the same to the server: near it all that is sent again is seen"),
};

#define COUNT(rows) (sizeof (rows) / sizeof *(rows))
const size_t plain_server_row_count = COUNT(plain_server_rows),
	     plain_quic_row_count = COUNT(plain_quic_rows),
	     plain_path_row_count = COUNT(plain_path_rows);
