/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef METER_EXCHANGE_H
#define METER_EXCHANGE_H

#include "meter/state.h"

/* Inside the folder: what the files of TCP share, stream.c, exchange.c and more.c. */

/* What a packet of side d brings: new octets of its own, and what it acknowledges of the
 * other side, if that one is not seen. */
struct news {
	const struct packet *p;
	int64_t now_us;
	unsigned d, client;
	uint64_t fresh;
	uint32_t acked;
};

/* exchange.c: what a packet means for the record before it, which may be cut. */
void exchange_check(struct meter *m, uint32_t flow, const struct hot *hot,
    struct stream *s, const struct news *news);
/* Notes that an odd segment of so many octets ended at an offset. */
void exchange_mark_end(struct meter *m, uint32_t flow, struct stream *s, uint32_t bytes,
    uint64_t offset);

/* more.c: turns a flow's struct small into a struct stream. */
struct stream *stream_take(struct meter *m, struct hot *hot);
/* Negotiated largest segment, 0 if not known. */
uint32_t stream_mss(const struct meter *m, const struct syn *syn);

/* Whether p acknowledges the high octets of the side that did not send it. */
static inline bool
acks_all(const struct syn *syn, uint64_t high, const struct packet *p, unsigned d)
{
	if (!(p->tcp_flags & TCP_ACK))
		return false;
	return (int32_t)(p->tcp_ack - (uint32_t)(syn->base[d ^ 1] + high)) >= 0;
}

static inline struct gaps *
gaps_of(const struct meter *m, const struct half *h)
{
	return ITEM(m->gaps, struct gaps, h->gaps);
}

/* Octets of an unseen side o that were acknowledged. */
static inline void
acked_count(struct stream *s, unsigned o, uint32_t acked, int64_t now_us)
{
	struct half *h = &s->half[o];

	u48_set(&h->high, u48_get(&h->high) + acked);
	u40_set(&h->span, u40_get(&h->span) + acked);
	if (u40_get(&h->first_us) == 0)
		u40_set(&h->first_us, low_us(now_us));
	u40_set(&h->last_us, low_us(now_us));
}

#endif
