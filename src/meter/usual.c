/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The short way of most packets: of a flow that goes on, in its usual course. Of TCP that
 * is an acknowledgement or the server's next segment in order, which may be all that is
 * seen of the connection. It does what packet_add does, and leaves to it all that could
 * begin, end or cut anything, or carry a counter over; tests/unit/meter/usual.c holds
 * them together.
 */
#include <string.h>

#include "meter/exchange.h"

enum { SPAN_NEAR_FULL = 0x80 }; /* high octet of spans that may have to be cut soon */

/* key_matches for the default key's addresses in place. */
static inline bool
is_same_v4(const struct key *a, const struct key *b)
{
	uint64_t words[4];

	memcpy(&words[0], a->addr, 8);
	memcpy(&words[1], b->addr, 8);
	memcpy(&words[2], a->port, 8); /* and VLANs */
	memcpy(&words[3], b->port, 8);
	return ((words[0] ^ words[1]) | (words[2] ^ words[3]) |
	    (uint64_t)(a->proto ^ b->proto) | (uint64_t)(a->kind ^ b->kind) |
	    (a->kind & KEY_V6)) == 0;
}

/* The server's next segment in order; false, nothing changed, if it is not one. */
static inline bool
segment_is_next(const struct meter *m, const struct hot *hot, struct stream *s,
    const struct packet *p, int64_t now_us, unsigned d)
{
	struct half *h = &s->half[d];
	uint64_t high = u48_get(&h->high);
	uint32_t n = p->payload_bytes;

	if (p->tcp_seq != (uint32_t)(s->syn.base[d] + high) || h->segments == 0 ||
	    (s->syn.is_pipelined && is_odd_end(s, h, p)) ||
	    d == (hot->state & FLOW_INITIATOR) ||
	    now_us - hot_last_us(m, hot) > m->timeout_us[METER_EXPIRE_exchange_quiet])
		return false;
	h->segments++;
	if (n > u24_get(&h->max_segment))
		u24_set(&h->max_segment, n);
	if (is_coalesced(s->mss, p))
		s->syn.coalesced = 1;
	u40_set(&h->last_us, low_us(now_us));
	u40_set(&h->span, u40_get(&h->span) + n);
	u48_set(&h->high, high + n);
	s->syn.bits |= SYN_UNACKED << d;
	return true;
}

/* What stream_packet does, where it is no more than this. */
static inline bool
stream_goes_on(const struct meter *m, const struct hot *hot, const struct packet *p,
    int64_t now_us, unsigned d)
{
	struct stream *s = ITEM(m->stream, struct stream, hot->more);
	struct syn *syn = &s->syn;
	unsigned o = d ^ 1;
	bool are_both_seen = (syn->bits & SYN_BASE_OWN * 3) == SYN_BASE_OWN * 3;

	if ((p->tcp_flags & (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK)) != TCP_ACK ||
	    (syn->bits & (SYN_SENT * 3 | SYN_MEASURED)) == SYN_SENT * 3 ||
	    syn->bits & SYN_PERHAPS ||
	    (s->half[0].span.high | s->half[1].span.high) & SPAN_NEAR_FULL ||
	    (s->wide != 0 && carry_is_full(&ITEM(m->wide, struct wide,
	        s->wide)->carry, d)))
		return false;
	/* What it acknowledges of a side that is not seen would count. */
	if (!are_both_seen && (!(syn->bits & SYN_BASE_OWN << d) ||
	        !(syn->bits & SYN_BASE_ACK << o) ||
	        p->tcp_ack != (uint32_t)(syn->base[o] + u48_get(&s->half[o].high))))
		return false;
	/* The wheel may have looked at it since its last packet, and changed its
	 * timeout. */
	if (m->config.write_quiet && hot->list != METER_EXPIRE_exchange_quiet &&
	    (p->payload_bytes > 0 ||
	    u40_get(&s->half[(hot->state & FLOW_INITIATOR) ^ 1].span) > 0))
		return false;
	if (p->payload_bytes > 0 && !segment_is_next(m, hot, s, p, now_us, d))
		return false;
	if (acks_all(syn, u48_get(&s->half[o].high), p, d))
		syn->bits &= (uint16_t)~(SYN_UNACKED << o);
	if (!are_both_seen)
		syn->bits &= (uint16_t)~(SYN_UNACKED << d);
	if (p->tcp_flags > 0xff)
		syn_note_flags(syn, d, p->tcp_flags);
	return true;
}

bool
packet_usual(struct meter *m, const struct packet *p, const struct lookup *l)
{
	struct hot *hot = hot_at(m, l->hint);
	unsigned d = l->side;
	int64_t now_us = l->now_us;
	uint32_t bytes;

	/* Item 0, where no flow is known, has no next either. */
	if (hot->next == 0 || !is_same_v4(&hot->key, &l->key) ||
	    m->clock_us != now_us || (hot->packets[0] | hot->packets[1]) == 0 ||
	    hot->packets[d] == UINT16_MAX || p->flags & PACKET_FRAGMENT)
		return false;
	bytes = hot->bytes[d] + p->ip_bytes;
	if (bytes < p->ip_bytes || now_us - hot->start_us >= m->limit_us ||
	    flow_is_over(m, hot))
		return false;
	if (p->flags & PACKET_HAS_TCP) {
		if (!hot->is_tcp || !(hot->state & FLOW_WIDE) || !stream_goes_on(m, hot,
		    p, now_us, d))
			return false;
		hot->tcp_flags[d] |= (uint8_t)p->tcp_flags;
	} else if (hot->state & FLOW_WIDE) {
		return false;
	}
	hot_set_last(hot, now_us);
	hot_note_header(hot, p, d);
	hot->packets[d]++;
	hot->bytes[d] = bytes;
	m->counters[METER_packets]++;
	m->counters[METER_bytes] += p->ip_bytes;
	return true;
}
