/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a flow has besides its line, by its `more`: taken from slabs when it is needed,
 * given back when the flow ends. A connection begins as a struct small, which holds what
 * one segment a side says; the second segment, or anything that needs more thought, makes
 * it a struct stream.
 */
#include "meter/exchange.h"

bool
small_has_payload(const struct small *small)
{
	return small != NULL && (small->payload[0] | small->payload[1]) != 0;
}

uint32_t
stream_mss(const struct meter *m, const struct syn *syn)
{
	uint32_t a = fingerprints_mss(m->fingerprints, syn->fingerprint[0]);
	uint32_t b = fingerprints_mss(m->fingerprints, syn->fingerprint[1]);
	uint32_t mss = a == 0 ? b : b == 0 || a < b ? a : b;
	unsigned sent = (syn->bits & SYN_SENT) != 0 ? 1 : 0;
	unsigned both = syn->bits & SYN_SENT << 1 ? 2 : 0;
	unsigned stamped = syn->bits / SYN_TIMESTAMPS & 3;

	return mss > 12 && (sent | both) != 0 && stamped == (sent | both) ? mss - 12
	    : mss;
}

struct stream *
stream_take(struct meter *m, struct hot *hot)
{
	struct small *small = slab_at(&m->small, hot->more);
	uint32_t number = slab_take(&m->stream);
	struct stream *s;

	assert(number != 0); /* there are as many as flows */
	s = slab_at(&m->stream, number);
	s->syn = small->syn;
	s->mss = (uint16_t)stream_mss(m, &s->syn);
	for (int d = 0; d < 2; d++) {
		struct half *h = &s->half[d];
		int64_t at_us;

		if (small->payload[d] == 0)
			continue;
		at_us = hot->start_us + (int32_t)(small->payload_us[d] -
		    (uint32_t)hot->start_us);
		u48_set(&h->high, small->payload[d]);
		u40_set(&h->span, small->payload[d]);
		u24_set(&h->max_segment, small->payload[d]);
		h->segments = 1;
		u40_set(&h->first_us, low_us(at_us));
		h->last_us = h->first_us;
	}
	slab_give(&m->small, hot->more);
	hot->more = number;
	hot->state |= FLOW_WIDE;
	return s;
}

struct wide *
wide_take(struct meter *m, struct hot *hot)
{
	struct wide *wide = wide_of(m, hot);
	struct stream *s;
	uint32_t number;

	if (wide != NULL)
		return wide;
	number = slab_take(&m->wide);
	assert(number != 0);
	wide = slab_at(&m->wide, number);
	if (hot->is_tcp) {
		s = hot->state & FLOW_WIDE ? stream_of(m, hot) : stream_take(m, hot);
		s->wide = number;
	} else {
		wide->icmp = (uint16_t)hot->more;
		hot->more = number;
		hot->state |= FLOW_WIDE;
	}
	return wide;
}

struct exchange *
exchange_take(struct meter *m, uint32_t flow, struct stream *s)
{
	struct exchange *x = exchange_of(m, s);

	if (x != NULL)
		return x;
	s->exchange = slab_take(&m->exchange);
	assert(s->exchange != 0);
	x = slab_at(&m->exchange, s->exchange);
	x->connection = connection_id(m, flow);
	return x;
}

static void
exchange_free(struct meter *m, struct stream *s)
{
	struct exchange *x = exchange_of(m, s);

	if (x == NULL)
		return;
	if (x->remainder != 0)
		slab_give(&m->remainder, x->remainder);
	if (x->held != 0)
		slab_give(&m->remainder, x->held);
	if (x->marks != 0)
		slab_give(&m->marks, x->marks);
	slab_give(&m->exchange, s->exchange);
}

void
more_free(struct meter *m, struct hot *hot)
{
	struct stream *s = stream_of(m, hot);

	if (s != NULL) {
		for (int d = 0; d < 2; d++)
			if (s->half[d].gaps != 0)
				slab_give(&m->gaps, s->half[d].gaps);
		if (s->wide != 0)
			slab_give(&m->wide, s->wide);
		exchange_free(m, s);
		slab_give(&m->stream, hot->more);
	} else if (hot->is_tcp) {
		slab_give(&m->small, hot->more);
	} else if (hot->state & FLOW_WIDE) {
		slab_give(&m->wide, hot->more);
	}
	hot->more = 0;
	hot->state &= (uint8_t)~FLOW_WIDE & 15;
	hot->is_tcp = 0;
}
