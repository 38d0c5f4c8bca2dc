/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_IDENTIFY_SIM_H
#define TESTS_IDENTIFY_SIM_H

#include "base/draw.h"
#include "identify/modes.h"
#include "model/flow.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * Downloads as flow records show them: segments and acknowledgements, losses and what is
 * sent again for them, bursts of spurious retransmissions, segments below the MSS that
 * end at a page and are sent again too, the last segment sent again, selective
 * acknowledgements, SYN-ACKs sent twice, meters anywhere on the path, sampled packets.
 * The figures are those measured in a lab. Numbers come from a seed alone.
 */
struct sim_path {
	const char *name;
	uint32_t mss, overhead; /* c */
	bool is_v6, timestamps;
	double loss;      /* share of segments lost */
	double loss_spread; /* variance of a flow's loss against Poisson's: gamma shape */
	/* share of losses behind the meter: 1 at the server, 0 at the client */
	double seen;
	/* share of downloads with a burst of spurious retransmissions */
	double bursts;
	double pages;     /* share of downloads with many segments that end at a page */
	double acks;      /* SACK options per loss */
	double again_last; /* share of downloads whose last segment is sent again */
	bool no_flags, no_handshake, one_way;
	uint32_t client;  /* number of the client that the path leads to */
	uint16_t port;    /* of the server; 0: 80 */
	uint32_t sampling;  /* one packet in so many; 0: all */
	bool sampled_span;  /* with the first and last sampled sequence number */
};

struct sim {
	uint64_t seed;
};

static inline uint64_t
sim_next(struct sim *s)
{
	return draw_u64(&s->seed);
}

/* In (0, 1). */
static inline double
sim_uniform(struct sim *s)
{
	return ((double)(sim_next(s) >> 11) + 0.5) / 9007199254740992.0;
}

static inline uint64_t
sim_below(struct sim *s, uint64_t n)
{
	return sim_next(s) % n;
}

static inline double
sim_normal(struct sim *s)
{
	return sqrt(-2 * log(sim_uniform(s))) * cos(6.283185307179586 * sim_uniform(s));
}

static inline uint64_t
sim_poisson(struct sim *s, double mean)
{
	double p = exp(-mean), sum = sim_uniform(s);
	uint64_t k = 0;

	if (mean > 200) {
		sum = mean + sqrt(mean) * sim_normal(s) + 0.5;
		return sum < 0 ? 0 : (uint64_t)sum;
	}
	for (; sum > p; k++)
		sum *= sim_uniform(s);
	return k;
}

/* Gamma of a shape and mean 1 (Marsaglia and Tsang; below 1 by a power of a uniform). */
static inline double
sim_gamma(struct sim *s, double shape)
{
	double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3, c = 1 / sqrt(9 * d), x, v;

	do {
		x = sim_normal(s);
		v = 1 + c * x;
		v *= v * v;
	} while (v <= 0 || log(sim_uniform(s)) > 0.5 * x * x + d - d * v + d * log(v));
	return d * v * (shape < 1 ? pow(sim_uniform(s), 1 / shape) : 1) / shape;
}

static inline uint64_t
sim_geometric(struct sim *s, double p)
{
	return (uint64_t)(log(sim_uniform(s)) / log(1 - p));
}

/* What one direction of a connection has carried. */
struct sim_count {
	uint64_t octets, packets, first_missed, last_missed;
};

static inline uint64_t
sim_page(struct sim *s, const struct sim_path *p)
{
	uint64_t page = p->mss & (0 - (uint64_t)p->mss);

	return page * (1 + sim_below(s, p->mss / page - 1));
}

/* Payload of SACK options for n acknowledgements. */
static inline uint64_t
sim_sacks(struct sim *s, uint64_t n)
{
	uint64_t sum = 0, i;

	for (i = 0; i < n && i < 100000; i++) {
		double u = sim_uniform(s);

		sum += u < 0.6 ? 12 : u < 0.85 ? 20 : 28;
	}
	return sum;
}

/*
 * A row of a connection that carried `sent` octets of responses in `downloads` exchanges,
 * the last of which ended with `last` octets in its last segment, for requests of
 * `request` octets in all.
 */
static inline void
sim_row(struct sim *s, const struct sim_path *p, uint64_t sent, uint32_t downloads,
	uint64_t request, struct flow *out)
{
	uint64_t handshake = p->timestamps ? 8 : 12,
	    segments = (sent + p->mss - 1) / p->mss,
		 pages = 0, lost, seen = 0, spurious = 0, sacks, again, again_octets = 0,
		 i,
		 packets, octets, acks, up;

	if (sim_uniform(s) < p->pages)
		pages = 1 + sim_below(s, 30);
	else
		pages = sim_uniform(s) < 0.3 ? 1 : 0;
	pages += downloads - 1;
	lost = sim_poisson(s, p->loss * (double)segments * sim_gamma(s, p->loss_spread));
	for (i = 0; i < lost; i++)
		seen += sim_uniform(s) < p->seen;
	if (sim_uniform(s) < p->bursts)
		spurious = (uint64_t)exp(2.3 + 4.9 * sim_uniform(s));
	if (spurious > segments / 2)
		spurious = segments / 2;
	again = seen + spurious;
	for (i = 0; i < again; i++)
		again_octets += sim_uniform(s) * (double)(segments + pages) <
		    (double)pages
				    ? sim_page(s, p)
				    : p->mss;
	if (sim_uniform(s) < p->again_last) {
		again++;
		again_octets += sent % p->mss ? sent % p->mss : p->mss;
	}
	sacks = spurious + sim_poisson(s, (double)lost * p->acks * sim_gamma(s, 1));
	if (lost > 0 && sacks == 0)
		sacks = lost;
	packets = 3 + segments + pages + again;
	octets = sent + again_octets + p->overhead * packets + handshake;
	if (p->no_handshake) {
		packets--;
		octets -= p->overhead + handshake;
	} else if (sim_uniform(s) < 0.002) {
		packets++;
		octets += p->overhead + handshake;
	}
	if (sim_uniform(s) < 0.004)
		octets += 12;
	acks = 4 + downloads + segments / 2 + sacks / 2;
	up = request + p->overhead * acks + handshake + sim_sacks(s, sacks);
	if (p->sampling > 1) {
		uint64_t n = sim_poisson(s, (double)packets / p->sampling), before, after;

		before = sim_geometric(s, 1.0 / p->sampling);
		after = sim_geometric(s, 1.0 / p->sampling);
		octets = n == 0 ? 0 : octets / packets * n + sim_below(s, 100);
		packets = n;
		acks = sim_poisson(s, (double)acks / p->sampling);
		up = acks * (p->overhead + 2);
		flow_set(out, sampling, p->sampling);
		if (p->sampled_span && before + after < segments) {
			uint64_t tail = after == 0 ? 0 : sent % p->mss
							     ? sent % p->mss + (after -
							         1) * p->mss
							     : after * p->mss;

			flow_set(out, reverse_span, sent - before * p->mss - tail);
			flow_set(out, reverse_span_kind, SPAN_at_least);
		}
	}
	if (!p->one_way) {
		flow_set(out, packets, acks);
		flow_set(out, bytes, up);
	}
	flow_set(out, reverse_packets, packets);
	flow_set(out, reverse_bytes, octets);
	if (!p->no_flags)
		flow_set(out, reverse_tcp_flags,
		    (uint16_t)(p->no_handshake ? 0x19 : 0x1b));
	/* With SYN and FIN the span of a sampled connection would be exact. */
	if (flow_or(out, reverse_span_kind, SPAN_exact) == SPAN_at_least)
		out->reverse_tcp_flags &= (uint16_t)~1u;
}

#endif
