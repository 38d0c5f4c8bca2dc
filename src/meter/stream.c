/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP connections: sequence numbers to payload spans, and where an exchange ends.
 * Sequence numbers become 64-bit stream offsets relative to the highest seen, so they may
 * wrap and come out of order; a few gaps are remembered to tell a late segment from one
 * sent again. A direction that is never seen gets its offsets from the other one's
 * acknowledgements.
 *
 * An exchange ends before a client segment that is a request (request.c) and acknowledges
 * all of the server's answer. Client data before the answer is complete, or more at once
 * than a segment holds, means pipelining; from then on requests and odd segment ends are
 * noted as marks (model/mark.h).
 *
 * A connection begins as a struct small, which holds what one segment a side says; the
 * second segment, or anything that needs more thought, makes it a struct stream.
 */
#include <string.h>

#include "meter/state.h"
#include "model/mark.h"

enum { FAR = 1 << 30 }; /* RFC 7323: no window is larger */
static const uint64_t SPAN_FULL = ((uint64_t)1 << 40) - ((uint64_t)1 << 32);

/* Negotiated largest segment, 0 if not known. */
static uint32_t
syn_mss(const struct meter *m, const struct syn *syn)
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

bool
small_has_payload(const struct small *small)
{
	return small != NULL && (small->payload[0] | small->payload[1]) != 0;
}

/* Octets in [from, to) that fill known gaps; the gaps shrink. */
static uint64_t
gaps_fill(struct gaps *g, uint64_t from, uint64_t to)
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
		} else {
			g->gap[i].to = low;
			/* The rest behind it goes into a free place, if there is one. */
			for (int k = 0; k < GAPS && high < b; k++)
				if (g->gap[k].from == g->gap[k].to) {
					g->gap[k].from = high;
					g->gap[k].to = b;
					break;
				}
		}
	}
	return filled;
}

static void
gaps_add(struct meter *m, struct half *h, uint64_t from, uint64_t to)
{
	struct gaps *g;
	int at = 0;

	if (h->gaps == 0 && (h->gaps = slab_take(&m->gaps)) == 0) {
		m->counters[METER_gaps_lost]++;
		return;
	}
	g = slab_at(&m->gaps, h->gaps);
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

/* Turns a flow's struct small into a struct stream. */
static struct stream *
stream_take(struct meter *m, struct hot *hot)
{
	struct small *small = slab_at(&m->small, hot->more);
	uint32_t number = slab_take(&m->stream);
	struct stream *s;

	assert(number != 0); /* there are as many as flows */
	s = slab_at(&m->stream, number);
	s->syn = small->syn;
	s->mss = (uint16_t)syn_mss(m, &s->syn);
	for (int d = 0; d < 2; d++) {
		struct half *h = &s->half[d];
		int64_t at_us;

		if (small->payload[d] == 0)
			continue;
		at_us = hot->start_us + (int32_t)(small->payload_us[d] -
		    (uint32_t)hot->start_us);
		h->high = small->payload[d];
		u40_set(&h->span, small->payload[d]);
		h->max_segment = small->payload[d];
		h->segments = 1;
		u40_set(&h->first_us, low_us(at_us));
		h->last_us = h->first_us;
	}
	slab_give(&m->small, hot->more);
	hot->more = number;
	hot->state |= FLOW_WIDE;
	return s;
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

void
more_widen(struct meter *m, uint32_t flow)
{
	struct hot *hot = hot_at(m, flow);
	struct wide *wide;
	uint32_t number;

	if (hot->state & FLOW_WIDE)
		return;
	if (hot->is_tcp) {
		stream_take(m, hot);
		return;
	}
	number = slab_take(&m->wide);
	assert(number != 0);
	wide = slab_at(&m->wide, number);
	wide->icmp = (uint16_t)hot->more;
	hot->more = number;
	hot->state |= FLOW_WIDE;
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

bool
stream_has_answer(const struct meter *m, const struct hot *hot)
{
	const struct stream *s = stream_of(m, hot);
	const struct small *small = small_of(m, hot);
	const struct exchange *x = exchange_of(m, s);
	unsigned server = (hot->state & FLOW_INITIATOR) ^ 1;

	if (s == NULL)
		return small != NULL && small->payload[server] > 0;
	return u40_get(&s->half[server].span) > 0 || (x != NULL && x->held != 0);
}

bool
stream_is_answered(const struct meter *m, const struct hot *hot)
{
	return stream_has_answer(m, hot) && !(syn_of(m, hot)->bits & SYN_UNACKED * 3);
}

/* The marks of a connection; NULL, counted, if the meter has no room for more. */
static struct marks *
marks_take(struct meter *m, uint32_t flow, struct stream *s)
{
	struct exchange *x = exchange_take(m, flow, s);

	if (x->marks == 0 && (x->marks = slab_take(&m->marks)) == 0) {
		m->counters[METER_marks_lost]++;
		return NULL;
	}
	return slab_at(&m->marks, x->marks);
}

static void
mark_add(struct meter *m, uint32_t flow, struct stream *s, uint64_t mark)
{
	struct marks *marks = marks_take(m, flow, s);

	if (marks == NULL)
		return;
	if (marks->count < MARKS - 1) {
		marks->items[marks->count++] = mark;
		m->counters[METER_marks]++;
		return;
	}
	/* The last place says how many more there were. */
	if (marks->lost++ == 0)
		marks->count++;
	marks->items[MARKS - 1] = mark_pack(MARK_LOST, marks->lost,
	    marks->lost == 1 ? mark_offset(mark) : mark_offset(marks->items[MARKS - 1]));
	m->counters[METER_marks_lost]++;
}

/* Whether an odd segment of so many octets came often; the rarest length is forgotten. */
static bool
is_habit(struct marks *marks, uint32_t bytes)
{
	int at = 0;

	for (int i = 0; i < HABITS; i++) {
		if (marks->habit[i].bytes == bytes)
			return marks->habit[i].times++ >= HABIT;
		if (marks->habit[i].times < marks->habit[at].times)
			at = i;
	}
	marks->habit[at].bytes = bytes;
	marks->habit[at].times = 1;
	return false;
}

/* Notes that an odd segment of so many octets ended at an offset. */
static void
end_mark(struct meter *m, uint32_t flow, struct stream *s, uint32_t bytes,
    uint64_t offset)
{
	struct marks *marks = marks_take(m, flow, s);

	if (marks == NULL)
		return;
	if (is_habit(marks, bytes))
		m->counters[METER_marks_usual]++;
	else
		mark_add(m, flow, s, mark_pack(MARK_END, bytes, offset));
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

/* Whether p acknowledges the high octets of the side that did not send it. */
static bool
acks_all(const struct syn *syn, uint64_t high, const struct packet *p, unsigned d)
{
	if (!(p->tcp_flags & TCP_ACK))
		return false;
	return (int32_t)(p->tcp_ack - (uint32_t)(syn->base[d ^ 1] + high)) >= 0;
}

/* Octets of an unseen side o that were acknowledged. */
static void
acked_count(struct stream *s, unsigned o, uint32_t acked, int64_t now_us)
{
	struct half *h = &s->half[o];

	h->high += acked;
	u40_set(&h->span, u40_get(&h->span) + acked);
	if (u40_get(&h->first_us) == 0)
		u40_set(&h->first_us, low_us(now_us));
	u40_set(&h->last_us, low_us(now_us));
}

/* Notes the request of fresh octets that p is, and before the first the one under way. */
static void
request_mark(struct meter *m, uint32_t flow, struct stream *s, unsigned client,
    uint64_t fresh)
{
	const struct half *c = &s->half[client], *a = &s->half[client ^ 1];
	const struct exchange *x = exchange_of(m, s);

	if (!s->is_pipelined && (x == NULL || x->marks == 0))
		mark_add(m, flow, s, mark_pack(MARK_REQUEST, u40_get(&c->span),
		    a->high - u40_get(&a->span)));
	mark_add(m, flow, s, mark_pack(MARK_REQUEST, fresh, a->high));
}

/* The next packet, with a burst of the client's, begins an exchange: what came before it
 * is a record, unless there was nothing but packets without payload since the last one
 * was written. */
static void
exchange_begin(struct meter *m, uint32_t flow, struct stream *s, unsigned client,
    uint64_t burst)
{
	struct exchange *x = exchange_take(m, flow, s);

	x->is_opening = burst_opens(x, u40_get(&s->half[client].span), burst);
	if (u40_get(&s->half[0].span) > 0 || u40_get(&s->half[1].span) > 0) {
		record_cut(m, flow, METER_EXPIRES, END_REASON_end);
		return;
	}
	exchange_count(m, x);
}

/*
 * Whether the client's burst before was a request: it was if the server answers with more
 * than flow control, and not if the client goes on before. answer and burst: how many
 * octets more of the one and, after them, of the other are known now.
 */
static void
perhaps_decide(struct meter *m, uint32_t flow, struct stream *s, unsigned client,
    uint64_t answer, uint64_t burst)
{
	uint64_t all = u40_get(&s->half[client ^ 1].span) + answer;

	if (answer > 0 && burst_is_answered(exchange_of(m, s), all))
		record_release(m, flow);
	else if (burst > 0)
		record_join(m, flow);
}

/* Cuts the record before a packet after a pause. */
static inline void
quiet_check(struct meter *m, uint32_t flow, const struct hot *hot, int64_t now_us)
{
	if (now_us - hot_last_us(m, hot) > m->timeout_us[METER_EXPIRE_exchange_quiet] &&
	    stream_is_answered(m, hot))
		record_cut(m, flow, METER_EXPIRE_exchange_quiet, END_REASON_end);
}

/* What a packet of side d brings: new octets of its own, and what it acknowledges of the
 * other side, if that one is not seen. */
struct news {
	const struct packet *p;
	int64_t now_us;
	unsigned d, client;
	uint64_t fresh;
	uint32_t acked;
};

/*
 * A burst of the client's, in its packet or acknowledged by the server's: cuts the record
 * before the packet where an exchange ends; true if it did, or holds it, or notes a
 * further request.
 */
static __attribute__((noinline)) bool /* or packets without a burst pay for it */
burst_check(struct meter *m, uint32_t flow, const struct hot *hot, struct stream *s,
    const struct news *news)
{
	unsigned client = news->client, d = news->d;
	uint64_t burst = d == client ? news->fresh : news->acked;
	uint32_t answer = d == client ? news->acked : 0;
	struct half *c = &s->half[client], *a = &s->half[client ^ 1];
	const struct exchange *x = exchange_of(m, s);
	bool is_answered = u40_get(&a->span) > 0 || (x != NULL && x->was_answered);
	bool is_whole = answer > 0 ||
	    (is_answered && (d != client || acks_all(&s->syn, a->high, news->p, d)));
	enum burst kind = burst_of(m, s, client, burst, is_whole, answer);

	if (kind == BURST_SMALL || (d != client && !is_whole))
		return false;
	if (answer > 0)
		acked_count(s, d ^ 1, answer, news->now_us);
	if (kind == BURST_PERHAPS) {
		quiet_check(m, flow, hot, news->now_us);
		if (record_hold(m, flow) && d != client)
			perhaps_decide(m, flow, s, client, news->fresh, 0);
		return true;
	}
	if (is_whole) {
		exchange_begin(m, flow, s, client, burst);
		if (d == client && burst_is_several_requests(m, s, burst, c->high))
			s->is_pipelined = 1;
		if (d == client && s->is_pipelined)
			request_mark(m, flow, s, client, burst);
		return true;
	}
	if (u40_get(&c->span) > 0) {
		request_mark(m, flow, s, client, burst);
		if (x == NULL || !x->is_opening || u40_get(&a->span) > 0)
			s->is_pipelined = 1;
		return true;
	}
	if (s->is_pipelined)
		request_mark(m, flow, s, client, burst);
	return false;
}

/* What a packet means for the record before it. */
static void
exchange_check(struct meter *m, uint32_t flow, const struct hot *hot, struct stream *s,
    const struct news *news)
{
	uint64_t burst = news->d == news->client ? news->fresh : news->acked;
	uint64_t answer = news->d == news->client ? news->acked : burst == 0 ? news->fresh
	    : 0;

	if (s->syn.bits & SYN_PERHAPS)
		perhaps_decide(m, flow, s, news->client, answer, burst);
	if (burst > 0 && burst_check(m, flow, hot, s, news))
		return;
	if (news->fresh > 0 || news->acked > 1)
		quiet_check(m, flow, hot, news->now_us);
}

/* Adds a segment of n octets at stream offset off (may be negative) to its direction. */
static void
segment_count(struct meter *m, uint32_t flow, struct stream *s, const struct packet *p,
    int64_t now_us, unsigned d, int64_t off, unsigned client)
{
	struct half *h = &s->half[d];
	uint32_t n = p->payload_bytes;
	int64_t end = off + n, high = (int64_t)h->high,
	    start_us = hot_at(m, flow)->start_us;
	uint64_t filled = 0,
	    fresh = end > high ? (uint64_t)(end - (off > high ? off : high)) : 0;

	if (h->gaps != 0)
		filled = gaps_fill(slab_at(&m->gaps, h->gaps),
		    off < 0 ? 0 : (uint64_t)off, end < 0 ? 0 : (uint64_t)end);
	if (fresh + filled < n) {
		u40_set(&h->retransmitted,
		    u40_get(&h->retransmitted) + n - fresh - filled);
		m->counters[METER_retransmitted]++;
	}
	if (off > high)
		gaps_add(m, h, h->high, (uint64_t)off);
	h->segments++;
	if (n > h->max_segment)
		h->max_segment = n;
	if (is_coalesced(s->mss, p))
		s->coalesced = 1;
	if (u40_get(&h->first_us) == 0 || now_us < half_us(&h->first_us, start_us))
		u40_set(&h->first_us, low_us(now_us));
	if (fresh + filled > 0 && now_us > half_us(&h->last_us, start_us))
		u40_set(&h->last_us, low_us(now_us));
	if (fresh == 0)
		return;
	u40_set(&h->span, u40_get(&h->span) + (uint64_t)(end - high));
	h->high = (uint64_t)end;
	s->syn.bits |= SYN_UNACKED << d;
	if (s->is_pipelined && d != client && is_odd_end(s, h, p))
		end_mark(m, flow, s, n, h->high);
}

/* Offsets of side d begin at its first packet, or go on where acknowledgements were. */
static void
base_own(struct syn *syn, const struct stream *s, const struct packet *p, unsigned d)
{
	if (syn->bits & SYN_BASE_OWN << d || p->tcp_flags & TCP_RST)
		return;
	syn->bits |= SYN_BASE_OWN << d;
	if (s == NULL || s->half[d].high == 0)
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
	if (is_coalesced(syn_mss(m, syn), p))
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
	uint64_t fresh = 0;
	uint32_t acked = ack_advance(&s->syn, s->half[d ^ 1].high, p, d);
	int64_t far = 0, off = 0;
	bool is_counted = p->payload_bytes > 0;

	if (is_counted) {
		far = (int32_t)(seq - (uint32_t)(s->syn.base[d] + h->high));
		off = (int64_t)h->high + far;
		if (far > FAR || far < -FAR || p->tcp_flags & TCP_RST) {
			m->counters[METER_sequence_anomalies]++;
			return;
		}
		if (p->payload_bytes == 1 && far == -1) {
			m->counters[METER_keepalives]++;
			return;
		}
		if (off + p->payload_bytes > (int64_t)h->high)
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
syn_take(struct meter *m, uint32_t flow, struct hot *hot)
{
	const struct wide *wide = wide_of(m, hot);
	uint32_t number;

	if (wide == NULL) {
		number = slab_take(&m->small);
		assert(number != 0);
		hot->more = number;
	} else {
		uint32_t before = hot->more, fragments = wide->fragments;
		struct stream *s;

		number = slab_take(&m->stream);
		assert(number != 0);
		s = slab_at(&m->stream, number);
		s->carry = wide->carry;
		hot->more = number;
		if (fragments > 0)
			exchange_take(m, flow, s)->fragments = fragments;
		slab_give(&m->wide, before);
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
		syn_take(m, flow, hot);
	small = small_of(m, hot);
	s = stream_of(m, hot);
	syn = syn_of(m, hot);
	if (p->tcp_flags & TCP_SYN) {
		if (s != NULL ? s->half[d].high == 0 && !(syn->bits & SYN_BASE_OWN << d)
		              : small->payload[d] == 0)
			syn_note(m, hot, syn, p, now_us, d);
		if (s != NULL)
			s->mss = (uint16_t)syn_mss(m, syn);
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
		if ((acked = ack_advance(syn, s->half[o].high, p, d)) > 0)
			acked_count(s, o, acked, now_us);
		acks_note(syn, s->half[o].high, p, d);
	}
	if (p->tcp_flags & TCP_FIN)
		syn->bits |= SYN_FIN << d;
	if (p->tcp_flags & TCP_RST)
		syn->bits |= SYN_RST;
}
