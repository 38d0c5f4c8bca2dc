/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a flow's counters to records. A record is first gathered as a struct part; parts
 * of small exchanges are summed up in the connection's remainder, all others become a row
 * of the batch at once (write.c). What a part holds and what is left add up to the flow.
 */
#include <string.h>

#include "base/hash.h"
#include "meter/exchange.h"

/* From which ordinal on which response makes a record of its own. */
static const struct {
	uint32_t parts;
	uint64_t response, request;
} size_rules[] = {
	{64, 1 << 10, 64 << 10},
	{1024, 8 << 10, 64 << 10},
	{UINT32_MAX, 256 << 10, 256 << 10},
};

uint64_t
connection_id(const struct meter *m, uint32_t flow)
{
	const struct hot *hot = hot_at(m, flow);
	const struct exchange *x = exchange_of(m, stream_of(m, hot));
	uint64_t id;

	if (x != NULL && x->connection != 0)
		return x->connection;
	id = mix64(((uint64_t)hot->key.vlan << 48) | (uint64_t)hot->key.inner_vlan << 32 |
	    (uint32_t)hot->key.port[0] << 16 | hot->key.port[1],
	    (uint64_t)hot->start_us * 1000);

	if (hot->key.kind & KEY_V6)
		id = hash64(slab_at(&m->pair6, hot->key.addr[0]),
		    hot->key.kind & KEY_SEGMENT
		    ? sizeof(struct pair_more) : sizeof(struct pair6), id);
	else
		id = mix64(id, (uint64_t)hot->key.addr[0] << 32 | hot->key.addr[1]);
	return id == 0 ? 1 : id;
}

static void
half_take(const struct meter *m, struct part_half *out, const struct half *h,
    int64_t start_us)
{
	*out = (struct part_half){.offset = u48_get(&h->high) - u40_get(&h->span),
		.span = u40_get(&h->span),
		.first_us = half_us(&h->first_us, start_us),
		.last_us = half_us(&h->last_us, start_us), .segments = h->segments,
		.max_segment = u24_get(&h->max_segment)};
	if (h->gaps != 0)
		out->retransmitted = gaps_of(m, h)->retransmitted;
}

static void
small_take(struct part *part, const struct small *small)
{
	for (int d = 0; d < 2; d++) {
		struct part_half *h = &part->half[d];

		if (small->payload[d] == 0)
			continue;
		h->span = h->max_segment = small->payload[d];
		h->segments = 1;
		h->first_us = h->last_us = part->start_us +
		    (int32_t)(small->payload_us[d] - (uint32_t)part->start_us);
	}
}

/* Adds b, which is later, to a. */
static void
part_add(struct part *a, const struct part *b)
{
	a->start_us = b->start_us < a->start_us ? b->start_us : a->start_us;
	a->end_us = b->end_us > a->end_us ? b->end_us : a->end_us;
	a->fragments += b->fragments;
	a->coalesced |= b->coalesced;
	for (int d = 0; d < 2; d++) {
		struct part_half *x = &a->half[d];
		const struct part_half *y = &b->half[d];

		if (a->packets[d] == 0) {
			a->tos[d] = b->tos[d];
			a->ttl_min[d] = b->ttl_min[d];
		}
		if (b->packets[d] > 0 && b->ttl_min[d] < a->ttl_min[d])
			a->ttl_min[d] = b->ttl_min[d];
		if (b->ttl_max[d] > a->ttl_max[d])
			a->ttl_max[d] = b->ttl_max[d];
		a->packets[d] += b->packets[d];
		a->bytes[d] += b->bytes[d];
		a->tcp_flags[d] |= b->tcp_flags[d];
		x->span += y->span;
		x->retransmitted += y->retransmitted;
		x->segments += y->segments;
		if (y->max_segment > x->max_segment)
			x->max_segment = y->max_segment;
		if (x->first_us == 0)
			x->first_us = y->first_us;
		if (y->last_us > x->last_us)
			x->last_us = y->last_us;
	}
}

/* What is held comes before it. */
static __attribute__((noinline)) void
part_join(struct part *part, const struct part *held)
{
	struct part sum = *held;

	part_add(&sum, part);
	*part = sum;
}

static void
stream_part(const struct meter *m, struct part *part, const struct stream *s)
{
	const struct exchange *x = exchange_of(m, s);

	part->coalesced = s->syn.coalesced;
	if (x != NULL) {
		part->ordinal = x->ordinal;
		part->is_continuation = x->is_continuation;
		part->is_first = x->parts == 0;
	}
	for (int d = 0; d < 2; d++) {
		half_take(m, &part->half[d], &s->half[d], part->start_us);
		/* Of an unseen side the FIN was acknowledged too, if this one sent its
		 * own. */
		if (!(s->syn.bits & SYN_BASE_OWN << d) &&
		    s->syn.bits & SYN_FIN << (d ^ 1) && part->half[d].span > 0)
			part->half[d].span--;
	}
	if (x != NULL && x->held != 0)
		part_join(part, ITEM(m->remainder, struct part, x->held));
}

static void
part_take(const struct meter *m, uint32_t flow, struct part *part)
{
	const struct hot *hot = hot_at(m, flow);
	const struct carry *carry = carry_of(m, hot);
	const struct syn *syn = syn_of(m, hot);
	const struct wide *wide = wide_of(m, hot);

	memset(part, 0, sizeof *part);
	part->start_us = hot->start_us;
	part->end_us = hot_last_us(m, hot);
	part->is_first = true;
	for (int d = 0; d < 2; d++) {
		part->packets[d] = hot->packets[d];
		part->bytes[d] = hot->bytes[d];
		if (carry != NULL) {
			part->packets[d] |= (uint32_t)carry->packets[d] << 16;
			part->bytes[d] |= (uint64_t)carry->bytes[d] << 32;
		}
		part->tcp_flags[d] = hot->tcp_flags[d];
		if (syn != NULL)
			part->tcp_flags[d] |= (uint16_t)(syn_flags_high(syn, d) << 8);
		part->tos[d] = hot->tos[d];
		part->ttl_min[d] = hot->ttl_min[d];
		part->ttl_max[d] = hot->ttl_max[d];
	}
	if (wide != NULL)
		part->fragments = wide->fragments;
	if (syn == NULL)
		return;
	if (hot->state & FLOW_WIDE)
		stream_part(m, part, stream_of(m, hot));
	else
		small_take(part, small_of(m, hot));
}

bool
side_is_seen(const struct meter *m, uint32_t flow, const struct part *part, unsigned d)
{
	return part->packets[d] > 0 ||
	    (m->sampled != NULL && m->sampled[flow].outside_packets[d] > 0);
}

static bool
part_is_empty(const struct meter *m, uint32_t flow, const struct part *part)
{
	return !side_is_seen(m, flow, part, 0) && !side_is_seen(m, flow, part, 1);
}

static bool
part_is_own(const struct exchange *x, const struct part *part, unsigned client)
{
	size_t rule = 0;

	while (x != NULL && x->parts >= size_rules[rule].parts)
		rule++;
	return part->half[client ^ 1].span >= size_rules[rule].response ||
	    part->half[client].span >= size_rules[rule].request;
}

/* Into the connection's remainder; false if there is no room for one. */
static bool
part_fold(struct meter *m, struct exchange *x, struct part *part)
{
	struct part *sum;

	part->folded = !part->is_continuation;
	m->counters[METER_folded] += part->folded;
	part->is_continuation = false;
	if (x->remainder == 0) {
		if ((x->remainder = slab_take(&m->remainder)) == 0)
			return false;
		sum = slab_at(&m->remainder, x->remainder);
		*sum = *part;
		return true;
	}
	sum = slab_at(&m->remainder, x->remainder);
	part_add(sum, part);
	sum->folded += part->folded;
	return true;
}

/* A pipelined connection keeps what its marks are in. */
static void
marks_reset(struct meter *m, const struct stream *s, struct exchange *x)
{
	struct marks *marks;

	if (x->marks == 0)
		return;
	if (!s->syn.is_pipelined) {
		slab_give(&m->marks, x->marks);
		x->marks = 0;
		return;
	}
	marks = slab_at(&m->marks, x->marks);
	marks->count = marks->lost = 0;
}

static void
stream_reset(struct meter *m, struct stream *s)
{
	struct exchange *x = exchange_of(m, s);

	s->syn.coalesced = 0;
	for (int d = 0; d < 2; d++) {
		struct half *h = &s->half[d];

		h->span = h->first_us = h->last_us = (struct u40){0};
		h->segments = 0;
		h->max_segment = (struct u24){0};
		if (h->gaps != 0)
			gaps_of(m, h)->retransmitted = 0;
	}
	if (x == NULL)
		return;
	if (x->held != 0)
		slab_give(&m->remainder, x->held);
	x->held = 0;
	s->syn.bits &= (uint16_t)~SYN_PERHAPS;
	marks_reset(m, s, x);
}

/* The flow goes on with an empty record. */
static void
record_reset(struct meter *m, uint32_t flow)
{
	struct hot *hot = hot_at(m, flow);
	struct syn *syn = syn_of(m, hot);
	struct wide *wide = wide_of(m, hot);

	memset(hot->packets, 0, sizeof hot->packets);
	memset(hot->bytes, 0, sizeof hot->bytes);
	memset(hot->tcp_flags, 0, sizeof hot->tcp_flags);
	memset(hot->ttl_max, 0, sizeof hot->ttl_max);
	memset(hot->ttl_min, 0xff, sizeof hot->ttl_min);
	if (wide != NULL) {
		wide->carry = (struct carry){0};
		wide->fragments = 0;
	}
	if (m->sampled != NULL)
		memset(&m->sampled[flow], 0, sizeof m->sampled[flow]);
	if (syn != NULL)
		syn->flags_high = 0;
	if (stream_of(m, hot) != NULL)
		stream_reset(m, stream_of(m, hot));
}

void
record_fragment(struct meter *m, uint32_t flow)
{
	wide_take(m, hot_at(m, flow))->fragments++;
}

/* Writes or folds a part of the flow. */
static void
part_end(struct meter *m, uint32_t flow, struct exchange *x, struct part *part,
    enum meter_expire why, enum end_reason reason)
{
	if (x == NULL || !m->config.cut_exchanges ||
	    part_is_own(x, part, hot_at(m, flow)->state & FLOW_INITIATOR) ||
	    !part_fold(m, x, part))
		part_write(m, flow, part, why, reason);
}

static void
exchange_part_ended(struct exchange *x)
{
	x->parts += x->parts < PARTS_MAX;
}

void
exchange_count(struct meter *m, struct exchange *x)
{
	x->ordinal++;
	x->is_continuation = x->was_answered = 0;
	m->counters[METER_exchanges]++;
}

void
record_cut(struct meter *m, uint32_t flow, enum meter_expire why, enum end_reason reason)
{
	struct hot *hot = hot_at(m, flow);
	struct exchange *x = NULL;
	struct part part;
	bool is_exchange = why == METER_EXPIRES;

	if (small_has_payload(small_of(m, hot)))
		stream_take(m, hot);
	if (stream_of(m, hot) != NULL) {
		x = exchange_take(m, flow, stream_of(m, hot));
		x->was_answered = !is_exchange &&
		    (x->was_answered || stream_has_answer(m, hot));
	}
	part_take(m, flow, &part);
	part_end(m, flow, x, &part, why, reason);
	record_reset(m, flow);
	if (x == NULL)
		return;
	exchange_part_ended(x);
	x->is_continuation = !is_exchange;
	if (is_exchange)
		exchange_count(m, x);
}

bool
record_hold(struct meter *m, uint32_t flow)
{
	struct stream *s = stream_of(m, hot_at(m, flow));
	struct exchange *x = exchange_of(m, s);
	uint32_t number = 0, marks;

	if (x == NULL || s->syn.is_pipelined)
		return false;
	if (u40_get(&s->half[0].span) > 0 || u40_get(&s->half[1].span) > 0) {
		if ((number = slab_take(&m->remainder)) == 0)
			return false;
		part_take(m, flow, ITEM(m->remainder, struct part, number));
		/* Marks are of what is held: there are no more before it is known what p
		 * is. */
		marks = x->marks;
		x->marks = 0;
		record_reset(m, flow);
		x->marks = marks;
	}
	x->held = number;
	s->syn.bits |= SYN_PERHAPS;
	return true;
}

void
record_release(struct meter *m, uint32_t flow)
{
	struct stream *s = stream_of(m, hot_at(m, flow));
	struct exchange *x = exchange_of(m, s);

	if (x->held != 0) {
		struct part part = *ITEM(m->remainder, struct part, x->held);

		slab_give(&m->remainder, x->held);
		x->held = 0;
		part_end(m, flow, x, &part, METER_EXPIRES, END_REASON_end);
		marks_reset(m, s, x);
		exchange_part_ended(x);
	}
	s->syn.bits &= (uint16_t)~SYN_PERHAPS;
	exchange_count(m, x);
}

void
record_join(struct meter *m, uint32_t flow)
{
	struct stream *s = stream_of(m, hot_at(m, flow));

	s->syn.bits &= (uint16_t)~SYN_PERHAPS;
	exchange_of(m, s)->was_answered = 1;
}

void
record_finish(struct meter *m, uint32_t flow, enum meter_expire why)
{
	const struct hot *hot = hot_at(m, flow);
	enum end_reason reason = meter_expire_rows[why].end_reason;
	struct exchange *x = exchange_of(m, stream_of(m, hot));
	unsigned client = hot->state & FLOW_INITIATOR;
	struct part part;
	bool has_payload;

	part_take(m, flow, &part);
	if (why == METER_EXPIRE_flush && (hot->list == METER_EXPIRE_tcp_closed ||
	        hot->list == METER_EXPIRE_tcp_rst))
		reason = END_REASON_end;
	has_payload = part.half[0].span + part.half[1].span > 0;
	m->counters[METER_exchanges] += has_payload;
	if (part_is_empty(m, flow, &part)) {
		;
	} else if (x == NULL || !m->config.cut_exchanges ||
	    (x->parts == 0 && x->remainder == 0) || part_is_own(x, &part, client) ||
	    (!has_payload && x->remainder == 0)) {
		part_write(m, flow, &part, why, reason);
	} else {
		if (!has_payload)
			part.is_continuation = true; /* packets only, no exchange */
		if (!part_fold(m, x, &part))
			part_write(m, flow, &part, why, reason);
	}
	if (x != NULL && x->remainder != 0)
		part_write(m, flow, slab_at(&m->remainder, x->remainder), why, reason);
}

void
record_peek(const struct meter *m, uint32_t flow, struct flow *row)
{
	struct part part;

	part_take(m, flow, &part);
	part_peek(m, flow, &part, row);
}

void
record_forget(struct meter *m, uint32_t flow)
{
	const struct exchange *x = exchange_of(m, stream_of(m, hot_at(m, flow)));
	struct part part;

	part_take(m, flow, &part);
	if (x != NULL && x->remainder != 0)
		part_add(&part, slab_at(&m->remainder, x->remainder));
	if (m->sampled != NULL)
		sampled_forgotten(m, flow);
	m->counters[METER_deleted_flows]++;
	m->counters[METER_deleted_packets] += part.packets[0] + part.packets[1];
	m->counters[METER_deleted_bytes] += part.bytes[0] + part.bytes[1];
}

int
meter_push(struct meter *m, struct err *err)
{
	m->err = err;
	writer_push(m);
	return m->status;
}
