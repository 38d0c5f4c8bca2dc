/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wire model's equation and probabilities. B, P octets and packets of the server's
 * side; c octets of headers per packet: 52 over IPv4 (40 without timestamps), 72 and 60
 * over IPv6, 14 or 18 more where an exporter counts Ethernet's; T = B - c P - 8, the 8
 * being the SYN-ACK's options beyond timestamps (12 without them), is the payload with
 * what was sent again. For a file of size S, H(S) the header's constant and digits of S:
 *
 * 	T = S + H(S) + k MSS + e	k segments sent again, e a remainder, nearly always 0
 * 	p(k)	see wire_table.c
 * 	p(e)	(1-q) of it: 0, or with share `options` one of 8, 12, 20, 24 (a SYN-ACK
 * 		repeated; SACK options); q of it: a segment below the MSS was sent again
 * 	q	by x = P - ceil(T/MSS) - 3, the segments below the MSS
 *
 * Segments below the MSS end where the sender's memory does, at a page, or are the last
 * one: with g = gcd(MSS, 4096) a remainder is a multiple of g, or (S+H) mod MSS, or the
 * sum of both; few are anything else.
 */
#include "identify/wire.h"

#include <math.h>

static const uint32_t usual_mtu[] = {576,  1200, 1240, 1280, 1300, 1320, 1328, 1340, 1350,
				     1360, 1370, 1380, 1390, 1392, 1400, 1408, 1412, 1414,
				     1420, 1422, 1428, 1432, 1436, 1438, 1440, 1442, 1446,
				     1448, 1450, 1452, 1454, 1456, 1458, 1460, 1462, 1464,
				     1468, 1472, 1476, 1480, 1484, 1488, 1490, 1492, 1494,
				     1496, 1498, 1500, 1504, 2304, 4352, 4464, 9000, 9001,
				     9180, 9198, 9216};
enum { USUAL_MTU = sizeof usual_mtu / sizeof usual_mtu[0], PAGE = 4096, ETHERNET = 14,
       ETHERNET_MTU = 1500 };

/* Of unknown files, those of any size rather than of the sizes seen: the fewer, the more
 * downloads these rest on. */
static const double PLAIN_LEAST = 0.05, PLAIN_MORE = 25, PLAIN_FLOWS = 80;
/* Of odd remainders, where the client sent no SACK options. */
static const double Q_NONE = 1.0 / 6;
static const struct {
	uint32_t octets;
	double share;
} option_rows[] = {{8, 0.3}, {12, 0.4}, {20, 0.15}, {24, 0.15}};

void
wire_path_default(struct wire_path *p)
{
	*p = (struct wire_path){.lam = 0.004,
				.r = 0.5,
				.tail = 0.03,
				.options_tell = true,
				.q = {0.005, 0.05, 0.06, 0.14, 0.29},
				.q_whole = 0.003,
				.from = {{0.15, 0.5, 0.3, 0.05}, {0.8, 0.03, 0.12, 0.05}},
				.options = 0.01,
				.by_n = {0.01},
				.unknown = 0.5,
				.hops_client = HOPS_UNKNOWN,
				.hops_server = HOPS_UNKNOWN};
}

void
wire_server_default(struct wire_server *s)
{
	*s = (struct wire_server){.several = 0.02};
}

uint32_t
wire_overhead_usual(bool is_v6, bool timestamps)
{
	return (is_v6 ? 40u : 20u) + 20u + (timestamps ? 12u : 0u);
}

uint32_t
wire_overhead(const struct wire_server *s, const struct record *r)
{
	return s->overhead != 0 ? s->overhead
				: wire_overhead_usual(r->server.is_v6, true);
}

/* Octets of a link's header that c holds, told by what is left. */
static uint32_t
link_octets(uint32_t overhead, bool is_v6)
{
	uint32_t plain = is_v6 ? 60 : 40, rest = overhead - plain;

	return overhead < plain + ETHERNET ? 0 : rest % 12 == 2 ? ETHERNET : ETHERNET + 4;
}

static uint32_t
handshake_options(uint32_t overhead, bool is_v6)
{
	uint32_t left = overhead - link_octets(overhead, is_v6);

	return left == (is_v6 ? 60u : 40u) ? 12 : 8;
}

static uint64_t
payload_of(uint64_t bytes, uint64_t packets, uint64_t overhead, uint64_t extra)
{
	/* Products cannot wrap: a record has fewer packets than octets / 20. */
	return packets > bytes / overhead || bytes - overhead * packets <= extra
		   ? 0
		   : bytes - overhead * packets - extra;
}

uint64_t
wire_payload(const struct record *r, uint32_t overhead)
{
	return payload_of(r->bytes, r->packets, overhead,
			  r->has_handshake
			      ? handshake_options(overhead, r->server.is_v6)
			      : 0);
}

uint64_t
wire_request(const struct record *r, uint32_t overhead)
{
	return payload_of(r->request_bytes, r->request_packets, overhead,
			  r->has_handshake
			      ? handshake_options(overhead, r->server.is_v6)
			      : 0);
}

static uint64_t
others(const struct record *r)
{
	return r->has_handshake ? 3 : 0;
}

/* Segments by MTU i of the table, for a given c. */
static uint32_t
segment_of(size_t i, uint32_t overhead, bool is_v6)
{
	return usual_mtu[i] - (overhead - link_octets(overhead, is_v6));
}

uint32_t
wire_mss(const struct record *r, uint32_t overhead)
{
	double m;
	size_t i;

	if (r->packets <= others(r))
		return 0;
	m = (double)wire_payload(r, overhead) / (double)(r->packets - others(r));
	for (i = 0; i < USUAL_MTU; i++)
		if (segment_of(i, overhead, r->server.is_v6) >= m - 0.05)
			return segment_of(i, overhead, r->server.is_v6);
	return 0;
}

uint32_t
wire_mss_usual(uint32_t overhead, bool is_v6)
{
	return ETHERNET_MTU - (overhead - link_octets(overhead, is_v6));
}

/*
 * Log likelihood of x short segments among so many. Mostly there are few; but a sender
 * may cut at every page's end (of 4096 octets 1448, 1448 and 1200), so that up to a tenth
 * are short. No segment is longer than the largest: x is below 0 by error only.
 */
static double
score_of_short(int64_t x, uint64_t packets)
{
	double n = (double)x + 1, few, many;

	if (x < 0)
		return x < -1 ? -20 : -5;
	few = 1 / (n * (n + 1));
	many = (uint64_t)x <= packets / 10 ? 10 / (double)packets : 0;
	return log(0.5 * few + 0.5 * many);
}

double
wire_score_of_mss(const struct record *r, uint32_t overhead, uint32_t mss)
{
	uint64_t payload = wire_payload(r, overhead);

	/* Small records have many short segments: they say little. */
	return r->packets < 30 || payload == 0
		   ? 0
		   : score_of_short(wire_x(r, payload, mss), r->packets);
}

/* How well segments of a size explain the packets. */
static double
mss_score(const struct record *const *records, size_t n, uint32_t overhead, uint32_t mss)
{
	double score = 0;
	size_t i;

	for (i = 0; i < n; i++)
		score += wire_score_of_mss(records[i], overhead, mss);
	return score;
}

uint32_t
wire_mss_of(const struct record *const *records, size_t n, uint32_t overhead)
{
	/* Ethernet is likely, and what no link is known to have is not: all the more
	 * where many records could say so. */
	double best = -INFINITY, score, m, most = 0, doubt = 4 + (double)n / 20;
	uint32_t mss, found = 0;
	bool is_v6;
	size_t i;

	if (n == 0)
		return 0;
	is_v6 = records[0]->server.is_v6;
	for (i = 0; i < n; i++) {
		if (records[i]->packets < 1000)
			continue;
		m = (double)wire_payload(records[i], overhead) /
		    (double)(records[i]->packets - others(records[i]));
		most = m > most ? m : most;
	}
	for (i = 0; i <= USUAL_MTU; i++) {
		/* The last one: not usual, but what the fullest record shows. */
		mss = i < USUAL_MTU ? segment_of(i, overhead, is_v6)
				    : (uint32_t)(most + 0.95);
		if (mss < 400 || mss > 9216)
			continue;
		score = mss_score(records, n, overhead,
		    mss) - (i < USUAL_MTU ? 0 : 3 + doubt) + (i < USUAL_MTU &&
		    usual_mtu[i] == 1500 ? doubt : 0);
		if (score > best) {
			best = score;
			found = mss;
		}
	}
	for (i = 0; i < n && records[i]->packets < 30; i++)
		;
	return i < n ? found : 0;
}

int64_t
wire_x(const struct record *r, uint64_t payload, uint32_t mss)
{
	return (int64_t)r->packets - (int64_t)((payload + mss - 1) / mss) -
	       (int64_t)others(r);
}

unsigned
wire_x_class(int64_t x)
{
	return x <= 0 ? 0 : x <= 2 ? 1 : x <= 10 ? 2 : x <= 30 ? 3 : 4;
}

unsigned
wire_band(uint64_t payload, double *width)
{
	uint64_t v = payload | 1;
	unsigned top = 63u - (unsigned)__builtin_clzll(v),
		 half = top > 0 ? (unsigned)(v >> (top - 1)) & 1 : 0;

	*width = top > 0 ? ldexp(1, (int)top - 1) : 1;
	return 2 * top + half;
}

unsigned
wire_options_class(const struct wire_path *path, uint64_t request)
{
	uint64_t rest;

	if (path->request == 0 || request < path->request || !path->options_tell)
		return WIRE_N_CLASSES;
	rest = request - path->request;
	/* SACK options have 12, 20 or 28 octets. An inexact constant matters less for
	 * many. */
	if (path->is_request_exact ? rest % 4 != 0 || (rest > 0 && rest < 12)
	    : rest < 600)
		return WIRE_N_CLASSES;
	return wire_n_class(rest / 12);
}

void
wire_look(const struct wire_model *m, const struct record *r, struct wire_sight *out)
{
	out->payload = wire_payload(r, m->overhead);
	out->x = wire_x(r, out->payload, m->mss);
	out->segments = (double)out->payload / m->mss;
	out->n_class = r->request_packets == 0 || m->files->has_paths
			   ? WIRE_N_CLASSES
			   : wire_options_class(m->path, wire_request(r, m->overhead));
}

void
wire_parts_of_e(const struct wire_path *path, uint32_t mss,
    const struct wire_sight *sight, struct wire_parts *out)
{
	const double *from = path->from[sight->x > 2];
	uint32_t page = mss & (uint32_t)-(int32_t)mss;
	double q = path->q[wire_x_class(sight->x)];

	page = page > PAGE ? PAGE : page;
	*out = (struct wire_parts){
	    .q = {sight->n_class == 0                ? Q_NONE * path->q_whole
		  : sight->n_class == WIRE_N_CLASSES ? path->q_whole
						      : q,
		  q},
	    .page = page,
	    .page_share = from[0] * page / mss,
	    .last_share = from[1],
	    .both_share = from[2] * page / mss,
	    .any_share = from[3] / mss,
	    .options = path->options};
}

double
wire_option_share(uint32_t e)
{
	size_t i;

	for (i = 0; i < sizeof option_rows / sizeof option_rows[0]; i++)
		if (e == option_rows[i].octets)
			return option_rows[i].share;
	return 0;
}

double
wire_p_of_e(const struct wire_path *path, uint32_t mss, const struct wire_sight *sight,
	    uint64_t k, uint32_t e, uint32_t tail)
{
	struct wire_parts parts;

	wire_parts_of_e(path, mss, sight, &parts);
	return wire_parts_p(&parts, mss, k, e, tail);
}

double
wire_unknown_density(const struct files *files, const struct wire_server *server,
		     uint64_t payload)
{
	double t = (double)payload, width, band,
	       range = files->count > 0
			   ? (double)files->file[files->count - 1].size * 1.05 + 1000
			   : 1,
	       plain, share;

	band = server->band[wire_band(payload, &width)] / width;
	if (range < 1.2 * t)
		range = 1.2 * t;
	plain = 0.5 * (1 / range + 1 / (25.0 * (t + 256)));
	share = server->flows > 0 ? PLAIN_LEAST + PLAIN_MORE /
	    (PLAIN_FLOWS + server->flows) : 1;
	return share * plain + (1 - share) * band;
}
