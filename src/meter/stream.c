/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP connections: sequence numbers to payload spans, and where an exchange ends. Sequence
 * numbers become 64-bit stream offsets relative to the highest seen, so they may wrap and
 * come out of order; a few gaps are remembered to tell a late segment from one sent again.
 * A direction that is never seen gets its offsets from the other one's acknowledgements.
 *
 * An exchange ends before a client segment with enough new data that acknowledges all of
 * the server's answer. Client data before the answer is complete, or more at once than a
 * segment holds, means pipelining; from then on requests and odd segment ends are noted as
 * marks (model/mark.h).
 */
#include <string.h>

#include "meter/state.h"
#include "model/mark.h"

enum { FAR = 1 << 30 }; /* RFC 7323: no window is larger */
enum { USUAL_MSS = 1460 }; /* where no SYN was seen */
enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

uint32_t
syn_mss(const struct syn *syn)
{
	uint32_t a = syn->mss[0], b = syn->mss[1];
	uint32_t mss = a == 0 ? b : b == 0 || a < b ? a : b;
	unsigned sent = (syn->bits & SYN_SENT) != 0 ? 1 : 0;
	unsigned both = syn->bits & SYN_SENT << 1 ? 2 : 0;
	unsigned stamped = syn->bits / SYN_TIMESTAMPS & 3;

	return mss > 12 && (sent | both) != 0 && stamped == (sent | both) ? mss - 12 : mss;
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
syn_note(struct meter *m, struct hot *hot, struct syn *syn, const struct packet *p, unsigned d)
{
	struct fingerprint_syn seen;

	fingerprint_parse(p, &seen);
	syn->bits |= SYN_SENT << d | SYN_BASE_OWN << d;
	syn->base[d] = p->tcp_seq + 1;
	if (m->config.directional)
		; /* src is who sent */
	else if (p->tcp_flags & ACK)
		hot->key.state = (uint8_t)((hot->key.state & ~FLOW_INITIATOR & ~FLOW_BY_PORT) |
		    FLOW_BY_SYN | (d ^ 1));
	else if (!(hot->key.state & FLOW_BY_SYN))
		hot->key.state = (uint8_t)((hot->key.state & ~FLOW_INITIATOR & ~FLOW_BY_PORT) |
		    FLOW_BY_SYN | d);
	if ((hot->key.state & FLOW_INITIATOR) == d)
		syn->syn_ns = p->time_ns;
	syn->mss[d] = seen.mss;
	if (seen.has_timestamps)
		syn->bits |= SYN_TIMESTAMPS << d;
	else
		syn->bits &= (uint16_t)~(SYN_TIMESTAMPS << d);
	syn->fingerprint[d] = fingerprint_of(m->fingerprints, p, &seen, syn->mss[d ^ 1],
	    &m->counters[METER_fingerprints], &m->counters[METER_fingerprints_lost]);
}

bool
stream_is_new(const struct meter *m, const struct hot *hot, const struct packet *p, unsigned d)
{
	const struct syn *syn = syn_of(m, hot);
	bool is_known, is_closed, is_used;

	if (!(p->tcp_flags & SYN) || p->tcp_flags & RST || syn == NULL)
		return false;
	is_known = syn->bits & (SYN_BASE_OWN | SYN_BASE_ACK) << d;
	if (is_known && syn->base[d] == p->tcp_seq + 1)
		return false; /* sent again, or its answer came first */
	is_closed = syn->bits & SYN_RST || (syn->bits & SYN_FIN * 3) != 0;
	is_used = hot->key.state & FLOW_HAS_STREAM || syn->bits & SYN_SENT << (d ^ 1) ||
	    !(syn->bits & SYN_SENT * 3);
	if (p->tcp_flags & ACK) /* the answer to a SYN of this flow is not new */
		return is_closed && is_known;
	return is_closed || is_used;
}

/* Turns a flow's struct syn into a struct stream. */
static struct stream *
stream_take(struct meter *m, uint32_t flow, struct hot *hot)
{
	uint32_t number = slab_take(&m->stream);
	struct stream *s;

	if (number == 0) {
		m->counters[METER_streams_lost]++;
		return NULL;
	}
	s = slab_at(&m->stream, number);
	s->connection = connection_id(m, flow);
	s->acked_sides = 3;
	s->syn = *syn_of(m, hot);
	slab_give(&m->syn, hot->tcp);
	hot->tcp = number;
	hot->key.state |= FLOW_HAS_STREAM;
	return s;
}

void
stream_free(struct meter *m, struct hot *hot)
{
	struct stream *s = stream_of(m, hot);

	if (s != NULL) {
		for (int d = 0; d < 2; d++)
			if (s->half[d].gaps != 0)
				slab_give(&m->gaps, s->half[d].gaps);
		if (s->remainder != 0)
			slab_give(&m->remainder, s->remainder);
		if (s->marks != 0)
			slab_give(&m->marks, s->marks);
		slab_give(&m->stream, hot->tcp);
	} else if (hot->tcp != 0) {
		slab_give(&m->syn, hot->tcp);
	}
	hot->tcp = 0;
	hot->key.state &= (uint8_t)~FLOW_HAS_STREAM;
}

bool
stream_has_answer(const struct meter *m, const struct hot *hot)
{
	const struct stream *s = stream_of(m, hot);
	unsigned server = (hot->key.state & FLOW_INITIATOR) ^ 1;

	return s != NULL && s->half[server].high > s->half[server].start;
}

bool
stream_is_answered(const struct meter *m, const struct hot *hot)
{
	return stream_has_answer(m, hot) && stream_of(m, hot)->acked_sides == 3;
}

static void
mark_add(struct meter *m, struct stream *s, uint64_t mark)
{
	struct marks *marks;

	if (s->marks == 0 && (s->marks = slab_take(&m->marks)) == 0) {
		m->counters[METER_marks_lost]++;
		return;
	}
	marks = slab_at(&m->marks, s->marks);
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

/* How far side d's own packet moves what it acknowledges of the other, unseen, side. */
static uint32_t
ack_advance(const struct syn *syn, uint64_t high, const struct packet *p, unsigned d)
{
	unsigned o = d ^ 1;
	int32_t delta;

	if (!(p->tcp_flags & ACK) || p->tcp_flags & RST || syn->bits & SYN_BASE_OWN << o ||
	    !(syn->bits & SYN_BASE_ACK << o))
		return 0;
	delta = (int32_t)(p->tcp_ack - (uint32_t)(syn->base[o] + high));
	return delta > 0 && delta < FAR ? (uint32_t)delta : 0;
}

static bool
acks_all(const struct stream *s, const struct packet *p, unsigned d)
{
	unsigned o = d ^ 1;

	if (!(p->tcp_flags & ACK))
		return false;
	return (int32_t)(p->tcp_ack - (uint32_t)(s->syn.base[o] + s->half[o].high)) >= 0;
}

/* Octets of an unseen side o that were acknowledged. */
static void
acked_count(struct stream *s, unsigned o, uint32_t acked, int64_t now_ns)
{
	struct half *h = &s->half[o];

	h->high += acked;
	if (h->first_ns == 0)
		h->first_ns = now_ns;
	h->last_ns = now_ns;
}

/*
 * Whether a burst that begins an exchange after an answer holds more than one segment does.
 * An interface that merges segments shows the requests that a client sent together as one;
 * on the wire the second of them would come before the answer to the first. A connection's
 * first burst may be a large greeting and says nothing.
 */
static bool
is_burst(const struct stream *s, uint64_t fresh)
{
	uint32_t mss = syn_mss(&s->syn);

	return s->ordinal > 0 && fresh > (mss != 0 ? mss : USUAL_MSS);
}

/* Notes the pipelined request of fresh octets that p is. */
static void
request_mark(struct meter *m, struct stream *s, unsigned client, uint64_t fresh)
{
	const struct half *c = &s->half[client], *a = &s->half[client ^ 1];

	if (!s->is_pipelined) {
		s->is_pipelined = 1;
		mark_add(m, s, mark_pack(MARK_REQUEST, c->high - c->start, a->start));
	}
	mark_add(m, s, mark_pack(MARK_REQUEST, fresh, a->high));
}

/* The next packet begins an exchange: what came before it is a record, unless there was
 * nothing but packets without payload since the last one was written. */
static void
exchange_begin(struct meter *m, uint32_t flow, struct stream *s)
{
	if (s->half[0].high > s->half[0].start || s->half[1].high > s->half[1].start) {
		record_cut(m, flow, METER_EXPIRES, END_REASON_end);
		return;
	}
	s->ordinal++;
	s->is_continuation = s->was_answered = 0;
	m->counters[METER_exchanges]++;
}

/* Cuts the record before p where an exchange ends; fresh: new octets that p brings (or, of
 * an unseen client, acknowledges). */
static void
exchange_check(struct meter *m, uint32_t flow, struct hot *hot, struct stream *s,
    const struct packet *p, unsigned d, uint64_t fresh, uint32_t fresh_acked)
{
	unsigned client = hot->key.state & FLOW_INITIATOR;
	struct half *c = &s->half[client], *a = &s->half[client ^ 1];
	bool is_answered = a->high > a->start || s->was_answered;
	bool is_quiet = p->time_ns - hot->last_ns > m->timeout_ns[METER_EXPIRE_exchange_quiet];

	if (d == client && fresh >= m->config.request_min) {
		/* An unseen server's answer is what p acknowledges of it. */
		if (!(s->syn.bits & SYN_BASE_OWN << (client ^ 1)) && fresh_acked > 0) {
			acked_count(s, d ^ 1, fresh_acked, p->time_ns);
			is_answered = true;
		}
		if (is_answered && acks_all(s, p, d)) {
			exchange_begin(m, flow, s);
			if (is_burst(s, fresh))
				s->is_pipelined = 1;
			if (s->is_pipelined)
				request_mark(m, s, client, fresh);
			return;
		}
		if (c->high > c->start) {
			request_mark(m, s, client, fresh);
			return;
		}
		if (s->is_pipelined)
			request_mark(m, s, client, fresh);
	} else if (d != client && !(s->syn.bits & SYN_BASE_OWN << client) &&
	    fresh_acked >= m->config.request_min && is_answered) {
		exchange_begin(m, flow, s);
		return;
	}
	if ((fresh > 0 || fresh_acked > 1) && is_quiet && stream_is_answered(m, hot))
		record_cut(m, flow, METER_EXPIRE_exchange_quiet, END_REASON_end);
}

/* Adds a segment of n octets at stream offset off (may be negative) to its direction. */
static void
segment_count(struct meter *m, struct stream *s, const struct packet *p, unsigned d,
    int64_t off, unsigned client)
{
	struct half *h = &s->half[d];
	uint32_t n = p->payload_bytes, mss;
	int64_t end = off + n, high = (int64_t)h->high;
	uint64_t filled = 0, fresh = end > high ? (uint64_t)(end - (off > high ? off : high)) : 0;

	if (h->gaps != 0)
		filled = gaps_fill(slab_at(&m->gaps, h->gaps), off < 0 ? 0 : (uint64_t)off,
		    end < 0 ? 0 : (uint64_t)end);
	if (fresh + filled < n) {
		h->retransmitted += n - fresh - filled;
		m->counters[METER_retransmitted]++;
	}
	if (off > high)
		gaps_add(m, h, h->high, (uint64_t)off);
	h->segments++;
	if (n > h->max_segment)
		h->max_segment = n;
	mss = syn_mss(&s->syn);
	if (mss != 0 ? n > mss : p->ip_bytes > 1500)
		s->coalesced = 1;
	if (h->first_ns == 0 || p->time_ns < h->first_ns)
		h->first_ns = p->time_ns;
	if (fresh + filled > 0 && p->time_ns > h->last_ns)
		h->last_ns = p->time_ns;
	if (fresh == 0)
		return;
	h->high = (uint64_t)end;
	s->acked_sides &= (uint8_t)~(1u << d); /* not acknowledged yet */
	if (mss == 0)
		mss = h->max_segment;
	if (s->is_pipelined && d != client && n % mss != 0 && n % 4096 != 0)
		mark_add(m, s, mark_pack(MARK_END, n, h->high));
}

/* Offsets of side d begin at its first packet, or go on where acknowledgements were. */
static void
base_own(struct syn *syn, const struct stream *s, const struct packet *p, unsigned d)
{
	if (syn->bits & SYN_BASE_OWN << d || p->tcp_flags & RST)
		return;
	syn->bits |= SYN_BASE_OWN << d;
	if (s == NULL || s->half[d].high == 0)
		syn->base[d] = p->tcp_seq;
}

void
stream_packet(struct meter *m, uint32_t flow, const struct packet *p, unsigned d)
{
	struct hot *hot = hot_at(m, flow);
	struct syn *syn = syn_of(m, hot);
	struct stream *s = stream_of(m, hot);
	unsigned o = d ^ 1, client;
	uint32_t acked, seq = p->tcp_seq;
	int64_t off = 0;
	uint64_t fresh = 0;

	if (syn == NULL) {
		if ((hot->tcp = slab_take(&m->syn)) == 0) {
			m->counters[METER_streams_lost]++;
			return;
		}
		syn = slab_at(&m->syn, hot->tcp);
	}
	if (p->tcp_flags & SYN) {
		if (s == NULL)
			syn_note(m, hot, syn, p, d);
		seq++;
	}
	base_own(syn, s, p, d);
	client = hot->key.state & FLOW_INITIATOR;
	if (p->tcp_flags & ACK && !(p->tcp_flags & RST) &&
	    !(syn->bits & (SYN_BASE_OWN | SYN_BASE_ACK) << o)) {
		syn->base[o] = p->tcp_ack;
		syn->bits |= SYN_BASE_ACK << o;
	}
	if (d == client && (syn->bits & (SYN_SENT * 3 | SYN_MEASURED)) == SYN_SENT * 3 &&
	    (p->tcp_flags & (SYN | RST | ACK)) == ACK) {
		int64_t us = (p->time_ns - syn->syn_ns) / 1000;

		syn->handshake_us = us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
		syn->bits |= SYN_MEASURED;
	}
	acked = ack_advance(syn, s == NULL ? 0 : s->half[o].high, p, d);
	if (s == NULL && (p->payload_bytes > 0 || acked > 1)) {
		if ((s = stream_take(m, flow, hot)) == NULL)
			goto end;
		syn = &s->syn;
	}
	if (s == NULL)
		goto end;
	if (p->payload_bytes > 0) {
		const struct half *h = &s->half[d];
		int64_t far = (int32_t)(seq - (uint32_t)(syn->base[d] + h->high));

		off = (int64_t)h->high + far;
		if (far > FAR || far < -FAR || p->tcp_flags & RST) {
			m->counters[METER_sequence_anomalies]++;
			goto acks;
		}
		if (p->payload_bytes == 1 && far == -1) {
			m->counters[METER_keepalives]++;
			goto acks;
		}
		if (off + p->payload_bytes > (int64_t)h->high)
			fresh = (uint64_t)(far > 0 ? p->payload_bytes :
			    (int64_t)p->payload_bytes + far);
	}
	if (m->config.cut_exchanges && !m->config.directional && (fresh > 0 || acked > 0))
		exchange_check(m, flow, hot, s, p, d, fresh, acked);
	if (p->payload_bytes > 0)
		segment_count(m, s, p, d, off, client);
acks:
	if ((acked = ack_advance(syn, s->half[o].high, p, d)) > 0) {
		acked_count(s, o, acked, p->time_ns);
		s->acked_sides |= (uint8_t)(1u << o);
	} else if (acks_all(s, p, d)) {
		s->acked_sides |= (uint8_t)(1u << o);
	}
	/* A direction whose other one is unseen counts as acknowledged. */
	if (!(syn->bits & SYN_BASE_OWN << o))
		s->acked_sides |= (uint8_t)(1u << d);
end:
	if (p->tcp_flags & FIN)
		syn->bits |= SYN_FIN << d;
	if (p->tcp_flags & RST)
		syn->bits |= SYN_RST;
}
