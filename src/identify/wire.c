/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wire model's equation and probabilities. B, P octets and packets of the server's
 * side; c octets of headers per packet: 52 over IPv4 (40 without timestamps), 72 and 60
 * over IPv6, 14 or 18 more where an exporter counts Ethernet's; T = B - c P - 8, the 8
 * being the SYN-ACK's options beyond timestamps (12 without them), is the payload with
 * what was sent again. For a file of size S, H(S) the header's constant and digits of S:
 *
 * 	T = S + H(S) + k MSS + e
 * 	k	segments sent again; e a remainder, nearly always 0
 * 	p(k)	see wire_table.c
 * 	p(e)	(1-q) of it: 0, or with share `options` one of 8, 12, 20, 24 (a SYN-ACK
 * 		repeated; SACK options); q of it: a segment below the MSS was sent again
 * 	q	by x = P - ceil(T/MSS) - 3, the segments below the MSS
 *
 * Segments below the MSS end where the sender's memory does, at a page, or are the last
 * one: with g = gcd(MSS, 4096) a remainder is a multiple of g, or (S+H) mod MSS, or the
 * sum of both; few are anything else. And few answers have a header that none was like
 * among those that the header was found by.
 */
#include "identify/wire.h"

#include <math.h>

/* MTUs that links and tunnels have, those that are met often told apart. */
static const struct {
	uint16_t octets;
	bool is_frequent;
} usual_mtu[] = {
    {576, 0}, {1200, 0}, {1240, 0}, {1280, 1}, {1300, 0}, {1320, 0}, {1328, 0},
    {1340, 0}, {1350, 0}, {1360, 0}, {1370, 0}, {1380, 1}, {1390, 0}, {1392, 0},
    {1400, 1}, {1408, 0}, {1412, 0}, {1414, 0}, {1420, 1}, {1422, 0}, {1428, 0},
    {1432, 0}, {1436, 0}, {1438, 0}, {1440, 0}, {1442, 0}, {1446, 0}, {1448, 0},
    {1450, 1}, {1452, 0}, {1454, 0}, {1456, 0}, {1458, 0}, {1460, 1}, {1462, 0},
    {1464, 0}, {1468, 0}, {1472, 0}, {1476, 0}, {1480, 1}, {1484, 0}, {1488, 0},
    {1490, 0}, {1492, 1}, {1494, 0}, {1496, 0}, {1498, 0}, {1500, 1}, {1504, 0},
    {2304, 0}, {4352, 0}, {4464, 0}, {9000, 1}, {9001, 0}, {9180, 0}, {9198, 0},
    {9216, 0}};
enum { BAND_LEAST = 64, /* octets from which sizes of files are looked at */
       USUAL_MTU = sizeof usual_mtu / sizeof usual_mtu[0], PAGE = 4096, ETHERNET = 14,
       ETHERNET_MTU = 1500 };

/* Of a sender's records those that are cut otherwise than the others; the share of short
 * segments of those that cut, about; likelihoods of what segments longer than the largest
 * must have made. */
static const double UNLIKE = 0.03, SHORT_USUAL = 0.03, TOO_LONG = 2e-9,
    TOO_LONG_BY_ONE = 0.007;
/* Octets of a request: the fewest, usual ones; the logarithm of what there is for
 * none. */
static const double ASK_LEAST = 20, ASK_USUAL = 200, NO_REQUEST = -20;
/* Logarithms of how much less likely than Ethernet other links are. */
static const double DOUBT_FREQUENT = 3, DOUBT_SELDOM = 9, DOUBT_ODD = 9,
		    DOUBT_RECORDS = 80;
/* Octets that a mean may be above the largest segment, by those that are no segments. */
static const double MEAN_SLACK = 0.05;

/* Of unknown files, those of any size rather than of the sizes seen: the fewer, the more
 * downloads these rest on. */
static const double PLAIN_LEAST = 0.05, PLAIN_MORE = 25, PLAIN_FLOWS = 80;
/* Of answers whose header is none of those that were found, beside the shares of these:
 * any octets are left then. */
static const double HEADER_OTHER = 0.001;
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
	return usual_mtu[i].octets - (overhead - link_octets(overhead, is_v6));
}

uint32_t
wire_mss_usual(uint32_t overhead, bool is_v6)
{
	return ETHERNET_MTU - (overhead - link_octets(overhead, is_v6));
}

/*
 * Likelihood of x short segments among so many. Mostly there are few; but a sender may
 * cut at every page's end (of 4096 octets 1448, 1448 and 1200), so that some per cent are
 * short: share is that of such senders. No segment is longer than the largest: x is below
 * 0 by error only.
 */
static double
p_of_short(int64_t x, uint64_t packets, double share)
{
	double n = (double)x + 1, few, many, usual = SHORT_USUAL * (double)packets;

	if (x < 0)
		return x < -1 ? TOO_LONG : TOO_LONG_BY_ONE;
	few = 1 / (n * (n + 1));
	many = usual / ((n + usual) * (n + usual));
	return (1 - share) * few + share * many;
}

static bool
tells_segments(const struct record *r, uint64_t payload)
{
	/* Small records have many short segments: they say little. */
	return r->packets >= 30 && payload > 0;
}

double
wire_score_of_mss(const struct record *r, uint32_t overhead, uint32_t mss)
{
	uint64_t payload = wire_payload(r, overhead);

	return tells_segments(r, payload)
		   ? log(p_of_short(wire_x(r, payload, mss), r->packets, 0.5))
		   : 0;
}

/* How much less likely than Ethernet a row of the table is, a logarithm; USUAL_MTU: what
 * the table does not have. */
static double
doubt_of(size_t i)
{
	return i == USUAL_MTU                     ? DOUBT_ODD
	       : usual_mtu[i].octets == ETHERNET_MTU ? 0
	       : usual_mtu[i].is_frequent          ? DOUBT_FREQUENT
						   : DOUBT_SELDOM;
}

double
wire_mss_doubt(uint32_t mss, uint32_t overhead, bool is_v6)
{
	size_t i;

	for (i = 0; i < USUAL_MTU && segment_of(i, overhead, is_v6) != mss; i++)
		;
	return doubt_of(i);
}

/* The mean octets of its segments. */
static double
mean_segment(const struct record *r, uint32_t overhead)
{
	return r->packets <= others(r) ? 0
				       : (double)wire_payload(r, overhead) /
					     (double)(r->packets - others(r));
}

uint32_t
wire_mss_least(const struct record *r, uint32_t overhead)
{
	return (uint32_t)ceil(mean_segment(r, overhead) - MEAN_SLACK);
}

uint32_t
wire_mss(const struct record *r, uint32_t overhead)
{
	double m = mean_segment(r, overhead), best = -INFINITY, score;
	uint32_t found = 0, mss;
	size_t i;

	if (m == 0)
		return 0;
	for (i = 0; i < USUAL_MTU; i++) {
		mss = segment_of(i, overhead, r->server.is_v6);
		if (mss < m - MEAN_SLACK)
			continue;
		score = wire_score_of_mss(r, overhead, mss) - doubt_of(i);
		/* The least where nothing tells more. */
		if (r->packets < 30 || found == 0 ? found == 0 : score > best) {
			best = score;
			found = mss;
		}
	}
	return found;
}

/* How well segments of a size explain the packets: their sender cuts at pages or does
 * not, but for a few records. */
static double
mss_score(const struct record *const *records, size_t n, uint32_t overhead, uint32_t mss)
{
	double few = 0, many = 0, most;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct record *r = records[i];
		uint64_t payload = wire_payload(r, overhead);
		int64_t x = wire_x(r, payload, mss);

		if (!tells_segments(r, payload))
			continue;
		few += log(p_of_short(x, r->packets, UNLIKE));
		many += log(p_of_short(x, r->packets, 1 - UNLIKE));
	}
	most = few > many ? few : many;
	return most + log(0.5 * exp(few - most) + 0.5 * exp(many - most));
}

uint32_t
wire_mss_of(const struct record *const *records, size_t n, uint32_t overhead)
{
	double best = -INFINITY, score, m, most = 0;
	uint32_t mss, found = 0;
	bool is_v6;
	size_t i;

	if (n == 0)
		return 0;
	is_v6 = records[0]->server.is_v6;
	for (i = 0; i < n; i++) {
		if (records[i]->packets < 1000)
			continue;
		m = mean_segment(records[i], overhead);
		most = m > most ? m : most;
	}
	for (i = 0; i <= USUAL_MTU; i++) {
		/* The last one: not usual, but what the fullest record shows. */
		mss = i < USUAL_MTU ? segment_of(i, overhead, is_v6)
				    : (uint32_t)(most + 0.95);
		if (mss < 400 || mss > 9216)
			continue;
		/* What is likely beforehand counts for more where many records could say
		 * otherwise: what they have in common is more than what x tells. */
		score = mss_score(records, n, overhead, mss) -
			doubt_of(i) * (1 + (double)n / DOUBT_RECORDS);
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

unsigned
wire_ask_class(const struct record *r, uint32_t overhead)
{
	double octets = r->request_packets > 0 ? (double)wire_request(r, overhead) : 0,
	       step = 2 * log2(octets / ASK_LEAST);

	if (!(octets > 0))
		return WIRE_N_CLASSES;
	step = fmin(fmax(step, 0), WIRE_ASK_STEPS - 1);
	return WIRE_ASK_FIRST + (unsigned)step +
	       (tls_is_port(r->server_port) ? WIRE_ASK_STEPS : 0);
}

double
wire_score_of_request(const struct record *r, uint32_t overhead)
{
	double octets;

	if (r->request_packets == 0)
		return 0;
	octets = (double)wire_request(r, overhead);
	return octets < ASK_LEAST ? NO_REQUEST : -log(octets + ASK_USUAL);
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
	if (out->n_class == WIRE_N_CLASSES && m->path->broad > 0)
		out->n_class = wire_ask_class(r, m->overhead);
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
		  : sight->n_class >= WIRE_N_CLASSES ? path->q_whole
						      : q,
		  q},
	    .page = page,
	    .page_share = from[0] * page / mss,
	    .last_share = from[1],
	    .both_share = from[2] * page / mss,
	    .any_share = from[3] / mss,
	    .other = HEADER_OTHER / mss,
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

/* Of what is said of files by size, what rests on nothing: the less, the more downloads
 * there were. */
static double
plain_share(const struct wire_server *server)
{
	return server->flows > 0 ? PLAIN_LEAST + PLAIN_MORE /
	    (PLAIN_FLOWS + server->flows) : 1;
}

double
wire_band_factor(const struct files *files, const struct wire_server *server,
		 uint64_t payload)
{
	/* A half octave and its neighbours. */
	double width, share = plain_share(server), all, near;
	unsigned band = wire_band(payload, &width);
	uint64_t octets = (uint64_t)width, first, past, upper;

	/* As they are counted: wire_learn_bands. */
	if (files->count == 0 || payload < BAND_LEAST)
		return 1;
	first = payload - payload % octets;
	past = first + octets;
	upper = band % 2;
	near = files_rank(files, past) - files_rank(files, first);
	all = files_rank(files, past + (octets << upper)) -
	      files_rank(files, first - (octets << upper) / 2);
	near += 0.25 * (all - near) + 1;
	return share +
	       (1 - share) * server->band[band] * 1.5 * (double)files->count / near;
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
	share = plain_share(server);
	return share * plain + (1 - share) * band;
}
