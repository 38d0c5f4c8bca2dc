/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where an exchange ends: before a client segment that is a request (request.c) and
 * acknowledges all of the server's answer. Client data before the answer is complete, or
 * more at once than a segment holds, means pipelining; from then on requests and odd
 * segment ends are noted as marks (model/mark.h).
 */
#include "meter/exchange.h"

#include "model/mark.h"

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

void
exchange_mark_end(struct meter *m, uint32_t flow, struct stream *s, uint32_t bytes,
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

/* Notes the request of fresh octets that p is, and before the first the one under way. */
static void
request_mark(struct meter *m, uint32_t flow, struct stream *s, unsigned client,
    uint64_t fresh)
{
	const struct half *c = &s->half[client], *a = &s->half[client ^ 1];
	const struct exchange *x = exchange_of(m, s);

	if (!s->syn.is_pipelined && (x == NULL || x->marks == 0))
		mark_add(m, flow, s, mark_pack(MARK_REQUEST, u40_get(&c->span),
		    u48_get(&a->high) - u40_get(&a->span)));
	mark_add(m, flow, s, mark_pack(MARK_REQUEST, fresh, u48_get(&a->high)));
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
	    (is_answered && (d != client ||
	        acks_all(&s->syn, u48_get(&a->high), news->p, d)));
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
		if (d == client && burst_is_several_requests(m, s, burst,
		    u48_get(&c->high)))
			s->syn.is_pipelined = 1;
		if (d == client && s->syn.is_pipelined)
			request_mark(m, flow, s, client, burst);
		return true;
	}
	if (u40_get(&c->span) > 0) {
		request_mark(m, flow, s, client, burst);
		if (x == NULL || !x->is_opening || u40_get(&a->span) > 0)
			s->syn.is_pipelined = 1;
		return true;
	}
	if (s->syn.is_pipelined)
		request_mark(m, flow, s, client, burst);
	return false;
}

void
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
