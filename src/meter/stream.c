/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP connections: sequence numbers to payload spans. Sequence numbers become 64-bit
 * stream offsets relative to the highest seen, so they may wrap and come out of order; a
 * few gaps are remembered to tell a late segment from one sent again. A direction that is
 * never seen gets its offsets from the other one's acknowledgements.
 */
#include "meter/exchange.h"

enum { FAR = 1 << 30 }; /* RFC 7323: no window is larger */
static const uint64_t SPAN_FULL = ((uint64_t)1 << 40) - ((uint64_t)1 << 32);

/* Remembers a gap; where there is no place for it the earliest one is forgotten. */
static void
gap_put(struct meter *m, struct gaps *g, uint64_t from, uint64_t to)
{
	int at = 0;

	for (int i = 0; i < GAPS; i++) {
		if (g->gap[i].from == g->gap[i].to) {
			at = i;
			break;
		}
		if (g->gap[i].from < g->gap[at].from)
			at = i;
	}
	if (g->gap[at].from != g->gap[at].to)
		m->counters[METER_gaps_lost]++;
	g->gap[at].from = from;
	g->gap[at].to = to;
}

/* Octets in [from, to) that fill known gaps; the gaps shrink. */
static uint64_t
gaps_fill(struct meter *m, struct gaps *g, uint64_t from, uint64_t to)
{
	uint64_t filled = 0;

	for (int i = 0; i < GAPS; i++) {
		uint64_t a = g->gap[i].from, b = g->gap[i].to;
		uint64_t low = from > a ? from : a, high = to < b ? to : b;

		if (low >= high)
			continue;
		filled += high - low;
		if (low == a) {
			g->gap[i].from = high;
			continue;
		}
		g->gap[i].to = low;
		if (high < b) { /* all of it lies in this gap */
			gap_put(m, g, high, b);
			break;
		}
	}
	return filled;
}

static struct gaps *
gaps_take(struct meter *m, struct half *h)
{
	if (h->gaps == 0)
		h->gaps = slab_take(&m->gaps);
	assert(h->gaps != 0); /* there are as many as directions */
	return gaps_of(m, h);
}

static void
gaps_add(struct meter *m, struct half *h, uint64_t from, uint64_t to)
{
	gap_put(m, gaps_take(m, h), from, to);
}

/* The SYN of side d. */
static void
syn_note(struct meter *m, struct hot *hot, struct syn *syn, const struct packet *p,
    int64_t now_us, unsigned d)
{
	bool has_timestamps = false;
	uint16_t peer;

	syn->bits |= SYN_SENT << d | SYN_BASE_OWN << d;
	syn->base[d] = p->tcp_seq + 1;
	if (m->config.directional)
		; /* src is who sent */
	else if (p->tcp_flags & TCP_ACK)
		hot->state = (uint8_t)((hot->state & ~FLOW_INITIATOR & ~FLOW_BY_PORT) |
		    FLOW_BY_SYN | (d ^ 1));
	else if (!(hot->state & FLOW_BY_SYN))
		hot->state = (uint8_t)((hot->state & ~FLOW_INITIATOR & ~FLOW_BY_PORT) |
		    FLOW_BY_SYN | d);
	if ((hot->state & FLOW_INITIATOR) == d)
		syn->timing_us = (uint32_t)now_us;
	peer = fingerprints_mss(m->fingerprints, syn->fingerprint[d ^ 1]);
	syn->fingerprint[d] = 0; /* a part of a header would be another system's */
	if (!(p->flags & PACKET_TRUNCATED))
		syn->fingerprint[d] = (uint16_t)fingerprint_of(m->fingerprints, p, peer,
		    &has_timestamps, &m->counters[METER_fingerprints],
		    &m->counters[METER_fingerprints_lost]);
	if (has_timestamps)
		syn->bits |= SYN_TIMESTAMPS << d;
	else
		syn->bits &= (uint16_t)~(SYN_TIMESTAMPS << d);
}

bool
stream_is_new(const struct meter *m, const struct hot *hot, const struct packet *p,
    unsigned d)
{
	const struct syn *syn = syn_of(m, hot);
	bool is_known, is_closed, is_used;

	if (!(p->tcp_flags & TCP_SYN) || p->tcp_flags & TCP_RST || syn == NULL)
		return false;
	is_known = syn->bits & (SYN_BASE_OWN | SYN_BASE_ACK) << d;
	if (is_known && syn->base[d] == p->tcp_seq + 1)
		return false; /* sent again, or its answer came first */
	is_closed = syn->bits & SYN_RST || (syn->bits & SYN_FIN * 3) != 0;
	if (p->tcp_flags & TCP_ACK) /* the answer to a SYN of this flow is not new */
		return is_closed && is_known;
	is_used = syn->bits & SYN_SENT << (d ^ 1) || !(syn->bits & SYN_SENT * 3) ||
	    stream_of(m, hot) != NULL || small_has_payload(small_of(m, hot));
	return is_closed || is_used;
}

/* How far side d's own packet moves what it acknowledges of the other, unseen, side. */
static uint32_t
ack_advance(const struct syn *syn, uint64_t high, const struct packet *p, unsigned d)
{
	unsigned o = d ^ 1;
	int32_t delta;

	if (!(p->tcp_flags & TCP_ACK) || p->tcp_flags & TCP_RST ||
	    syn->bits & SYN_BASE_OWN << o || !(syn->bits & SYN_BASE_ACK << o))
		return 0;
	delta = (int32_t)(p->tcp_ack - (uint32_t)(syn->base[o] + high));
	return delta > 0 && delta < FAR ? (uint32_t)delta : 0;
}

/* Adds a segment of n octets at stream offset off (may be negative) to its direction. */
static void
segment_count(struct meter *m, uint32_t flow, struct stream *s, const struct packet *p,
    int64_t now_us, unsigned d, int64_t off, unsigned client)
{
	struct half *h = &s->half[d];
	uint32_t n = p->payload_bytes;
	int64_t end = off + n, high = (int64_t)u48_get(&h->high),
	    start_us = hot_at(m, flow)->start_us;
	uint64_t filled = 0,
	    fresh = end > high ? (uint64_t)(end - (off > high ? off : high)) : 0;

	if (h->gaps != 0)
		filled = gaps_fill(m, gaps_of(m, h),
		    off < 0 ? 0 : (uint64_t)off, end < 0 ? 0 : (uint64_t)end);
	if (fresh + filled < n) {
		gaps_take(m, h)->retransmitted += n - fresh - filled;
		m->counters[METER_retransmitted]++;
	}
	if (off > high)
		gaps_add(m, h, (uint64_t)high, (uint64_t)off);
	h->segments++;
	if (n > u24_get(&h->max_segment))
		u24_set(&h->max_segment, n);
	if (is_coalesced(s->mss, p))
		s->syn.coalesced = 1;
	if (u40_get(&h->first_us) == 0 || now_us < half_us(&h->first_us, start_us))
		u40_set(&h->first_us, low_us(now_us));
	if (fresh + filled > 0 && now_us > half_us(&h->last_us, start_us))
		u40_set(&h->last_us, low_us(now_us));
	if (fresh == 0)
		return;
	u40_set(&h->span, u40_get(&h->span) + (uint64_t)(end - high));
	u48_set(&h->high, (uint64_t)end);
	s->syn.bits |= SYN_UNACKED << d;
	if (s->syn.is_pipelined && d != client && is_odd_end(s, h, p))
		exchange_mark_end(m, flow, s, n, (uint64_t)end);
}

/* Offsets of side d begin at its first packet, or go on where acknowledgements were. */
static void
base_own(struct syn *syn, const struct stream *s, const struct packet *p, unsigned d)
{
	if (syn->bits & SYN_BASE_OWN << d || p->tcp_flags & TCP_RST)
		return;
	syn->bits |= SYN_BASE_OWN << d;
	if (s == NULL || u48_get(&s->half[d].high) == 0)
		syn->base[d] = p->tcp_seq;
}

/*
 * The side's first and only segment so far, where nothing about it asks for a cut or for
 * more state than a struct small has; false if something does.
 */
static bool
small_segment(const struct meter *m, const struct hot *hot, struct small *small,
    const struct packet *p, int64_t now_us, uint32_t seq, unsigned d)
{
	const struct syn *syn = &small->syn;
	unsigned client = hot->state & FLOW_INITIATOR;
	uint32_t n = p->payload_bytes;

	if (m->sampled != NULL || small->payload[d] != 0 || n > UINT16_MAX ||
	    seq != syn->base[d] || p->tcp_flags & TCP_RST ||
	    now_us - hot->start_us > INT32_MAX || now_us < hot->start_us)
		return false;
	if (!(syn->bits & SYN_BASE_OWN << client))
		return false;
	if (d == client && small->payload[d ^ 1] != 0)
		return false;
	if (is_coalesced(stream_mss(m, syn), p))
		return false;
	small->payload[d] = (uint16_t)n;
	small->payload_us[d] = (uint32_t)now_us;
	return true;
}

static void
handshake_measure(struct syn *syn, const struct packet *p, int64_t now_us)
{
	int32_t us = (int32_t)((uint32_t)now_us - syn->timing_us);

	if ((syn->bits & (SYN_SENT * 3 | SYN_MEASURED)) != SYN_SENT * 3 ||
	    (p->tcp_flags & (TCP_SYN | TCP_RST | TCP_ACK)) != TCP_ACK)
		return;
	syn->timing_us = us < 0 ? 0 : (uint32_t)us;
	syn->bits |= SYN_MEASURED;
}

/* Payload and acknowledgements of a connection with a struct stream. */
static void
stream_segment(struct meter *m, uint32_t flow, struct hot *hot, struct stream *s,
    const struct packet *p, int64_t now_us, uint32_t seq, unsigned d)
{
	const struct half *h = &s->half[d];
	uint64_t fresh = 0, high = u48_get(&h->high);
	uint32_t acked = ack_advance(&s->syn, u48_get(&s->half[d ^ 1].high), p, d);
	int64_t far = 0, off = 0;
	bool is_counted = p->payload_bytes > 0;

	if (is_counted) {
		far = (int32_t)(seq - (uint32_t)(s->syn.base[d] + high));
		off = (int64_t)high + far;
		if (far > FAR || far < -FAR || p->tcp_flags & TCP_RST) {
			m->counters[METER_sequence_anomalies]++;
			return;
		}
		if (p->payload_bytes == 1 && far == -1) {
			m->counters[METER_keepalives]++;
			return;
		}
		if (off + p->payload_bytes > (int64_t)high)
			fresh = (uint64_t)(far > 0 ? p->payload_bytes :
			    (int64_t)p->payload_bytes + far);
	}
	if (u40_get(&s->half[0].span) >= SPAN_FULL ||
	    u40_get(&s->half[1].span) >= SPAN_FULL)
		record_cut(m, flow, METER_EXPIRE_overflow, END_REASON_active);
	if (m->config.cut_exchanges && !m->config.directional && (fresh > 0 || acked > 0))
		exchange_check(m, flow, hot, s, &(struct news){p, now_us, d,
		    hot->state & FLOW_INITIATOR, fresh, acked});
	if (is_counted)
		segment_count(m, flow, s, p, now_us, d, off,
		    hot->state & FLOW_INITIATOR);
}

/* What p says of the octets that the other side sent. */
static void
acks_note(struct syn *syn, uint64_t high, const struct packet *p, unsigned d)
{
	unsigned o = d ^ 1;

	if (acks_all(syn, high, p, d))
		syn->bits &= (uint16_t)~(SYN_UNACKED << o);
	/* A direction whose other one is unseen counts as acknowledged. */
	if (!(syn->bits & SYN_BASE_OWN << o))
		syn->bits &= (uint16_t)~(SYN_UNACKED << d);
}

/* Under sampling: a FIN that ends octets of which none was in the sample. */
static bool
fin_tells(const struct meter *m, const struct syn *syn, const struct packet *p,
    unsigned d)
{
	return m->sampled != NULL && (p->tcp_flags & (TCP_FIN | TCP_RST)) == TCP_FIN &&
	    syn->bits & SYN_BASE_OWN << d &&
	    (int32_t)(p->tcp_seq + p->payload_bytes - syn->base[d]) > 0;
}

/* The first packet of a connection: makes its struct small. Where packets without a TCP
 * header were many or in fragments before, it is a struct stream from the start. */
static void
syn_take(struct meter *m, struct hot *hot)
{
	const struct wide *wide = wide_of(m, hot);
	uint32_t number;

	if (wide == NULL) {
		number = slab_take(&m->small);
		assert(number != 0);
		hot->more = number;
	} else {
		number = slab_take(&m->stream);
		assert(number != 0);
		ITEM(m->stream, struct stream, number)->wide = hot->more;
		hot->more = number;
	}
	hot->is_tcp = 1;
}

void
stream_packet(struct meter *m, uint32_t flow, const struct packet *p, int64_t now_us,
    unsigned d)
{
	struct hot *hot = hot_at(m, flow);
	struct small *small;
	struct stream *s;
	struct syn *syn;
	unsigned o = d ^ 1;
	uint32_t acked, seq = p->tcp_seq;

	if (!hot->is_tcp)
		syn_take(m, hot);
	small = small_of(m, hot);
	s = stream_of(m, hot);
	syn = syn_of(m, hot);
	if (p->tcp_flags & TCP_SYN) {
		if (s != NULL ? u48_get(&s->half[d].high) == 0 &&
		        !(syn->bits & SYN_BASE_OWN << d)
		              : small->payload[d] == 0)
			syn_note(m, hot, syn, p, now_us, d);
		if (s != NULL)
			s->mss = (uint16_t)stream_mss(m, syn);
		seq++;
	}
	base_own(syn, s, p, d);
	if (p->tcp_flags & TCP_ACK && !(p->tcp_flags & TCP_RST) &&
	    !(syn->bits & (SYN_BASE_OWN | SYN_BASE_ACK) << o)) {
		syn->base[o] = p->tcp_ack;
		syn->bits |= SYN_BASE_ACK << o;
	}
	if (d == (hot->state & FLOW_INITIATOR))
		handshake_measure(syn, p, now_us);
	if (s == NULL) {
		if (ack_advance(syn, 0, p, d) > 1 || fin_tells(m, syn, p, d) ||
		    (p->payload_bytes > 0 &&
		        !small_segment(m, hot, small, p, now_us, seq, d))) {
			s = stream_take(m, hot);
			syn = &s->syn;
		} else {
			if (p->payload_bytes > 0)
				syn->bits |= SYN_UNACKED << d;
			acks_note(syn, small->payload[o], p, d);
		}
	}
	if (s != NULL) {
		stream_segment(m, flow, hot, s, p, now_us, seq, d);
		if ((acked = ack_advance(syn, u48_get(&s->half[o].high), p, d)) > 0)
			acked_count(s, o, acked, now_us);
		acks_note(syn, u48_get(&s->half[o].high), p, d);
	}
	if (p->tcp_flags & TCP_FIN)
		syn->bits |= SYN_FIN << d;
	if (p->tcp_flags & TCP_RST)
		syn->bits |= SYN_RST;
}
