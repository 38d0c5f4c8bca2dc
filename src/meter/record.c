/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a flow's counters to rows. A record is first gathered as a struct part; parts of
 * small exchanges are summed up in the connection's remainder, all others become a row of
 * the batch at once. What a part holds and what is left add up to the flow.
 */
#include <string.h>

#include "base/hash.h"
#include "meter/state.h"
#include "model/batch.h"
#include "model/sink.h"

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
	const struct cold *cold = &m->cold[flow];
	uint64_t id = mix64(((uint64_t)hot->key.vlan << 48) | (uint64_t)hot->key.inner_vlan << 32 |
	    (uint32_t)hot->key.port[0] << 16 | hot->key.port[1], (uint64_t)cold->start_ns);

	if (hot->key.kind & KEY_V6)
		id = hash64(slab_at(&m->pair6, hot->key.addr[0]), sizeof(struct pair6), id);
	else
		id = mix64(id, (uint64_t)hot->key.addr[0] << 32 | hot->key.addr[1]);
	return id == 0 ? 1 : id;
}

static void
part_take(const struct meter *m, uint32_t flow, struct part *part)
{
	const struct hot *hot = hot_at(m, flow);
	const struct cold *cold = &m->cold[flow];
	const struct stream *s = stream_of(m, hot);

	memset(part, 0, sizeof *part);
	part->start_ns = cold->start_ns;
	part->end_ns = hot->last_ns;
	part->fragments = cold->fragments;
	for (int d = 0; d < 2; d++) {
		part->packets[d] = hot->packets[d];
		part->bytes[d] = hot->bytes_low[d] | (uint64_t)hot->bytes_high[d] << 32;
		part->tcp_flags[d] = (uint16_t)(hot->tcp_flags[d] | cold->tcp_flags_high[d] << 8);
		part->tos[d] = cold->tos[d];
		part->ttl_min[d] = hot->ttl_min[d];
		part->ttl_max[d] = hot->ttl_max[d];
	}
	part->is_first = s == NULL || s->parts == 0;
	if (s == NULL)
		return;
	part->ordinal = s->ordinal;
	part->is_continuation = s->is_continuation;
	part->coalesced = s->coalesced;
	for (int d = 0; d < 2; d++) {
		const struct half *h = &s->half[d];

		part->half[d] = (struct part_half){.offset = h->start, .span = h->high - h->start,
			.retransmitted = h->retransmitted, .first_ns = h->first_ns,
			.last_ns = h->last_ns, .segments = h->segments,
			.max_segment = h->max_segment};
		/* Of an unseen side the FIN was acknowledged too, if this one sent its own. */
		if (!(s->syn.bits & SYN_BASE_OWN << d) && s->syn.bits & SYN_FIN << (d ^ 1) &&
		    part->half[d].span > 0)
			part->half[d].span--;
	}
}

/* Adds b, which is later, to a. */
static void
part_add(struct part *a, const struct part *b)
{
	a->start_ns = b->start_ns < a->start_ns ? b->start_ns : a->start_ns;
	a->end_ns = b->end_ns > a->end_ns ? b->end_ns : a->end_ns;
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
		if (x->first_ns == 0)
			x->first_ns = y->first_ns;
		if (y->last_ns > x->last_ns)
			x->last_ns = y->last_ns;
	}
}

static bool
part_is_own(const struct stream *s, const struct part *part, unsigned client)
{
	size_t rule = 0;

	while (s->parts >= size_rules[rule].parts)
		rule++;
	return part->half[client ^ 1].span >= size_rules[rule].response ||
	    part->half[client].span >= size_rules[rule].request;
}

static void
batch_push(struct meter *m)
{
	if (m->status == 0 && m->batch->rows > 0 && sink_push(m->sink, m->batch, m->err) < 0)
		m->status = -1;
	batch_clear(m->batch);
}

static struct addr
side_addr(const struct meter *m, const struct key *key, unsigned side)
{
	const struct pair6 *pair;

	uint32_t v4;

	if (!(key->kind & KEY_V6))
		return addr_v4(key->addr[side]);
	pair = slab_at(&m->pair6, key->addr[0]);
	memcpy(&v4, pair->addr[side], sizeof v4);
	if (key->kind & KEY_V4_PAIR)
		return addr_v4(v4);
	return addr_v6(pair->addr[side]);
}

static uint64_t
mac_number(const uint8_t mac[6])
{
	uint64_t v = 0;

	for (int i = 0; i < 6; i++)
		v = v << 8 | mac[i];
	return v;
}

/* Fields that a direction has; id and reverse_id by is_reverse. */
#define SIDE_SET(id, value)                                 \
	do {                                                \
		if (is_reverse)                             \
			flow_set(row, reverse_##id, value); \
		else                                        \
			flow_set(row, id, value);           \
	} while (0)

static bool
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

static void
side_row(const struct meter *m, struct flow *row, uint32_t flow, const struct part *part,
    unsigned d, bool is_reverse)
{
	const struct hot *hot = hot_at(m, flow);

	SIDE_SET(bytes, part->bytes[d]);
	SIDE_SET(packets, part->packets[d]);
	if (!side_is_seen(m, flow, part, d))
		return;
	SIDE_SET(tos, part->tos[d]);
	SIDE_SET(ttl_min, part->ttl_min[d]);
	SIDE_SET(ttl_max, part->ttl_max[d]);
	if (hot->tcp != 0)
		SIDE_SET(tcp_flags, part->tcp_flags[d]);
}

/* Of TCP with payload: the spans and what belongs to them. */
static void
span_row(struct flow *row, const struct stream *s, const struct part *part, unsigned d,
    bool is_reverse)
{
	const struct part_half *h = &part->half[d];
	bool is_own = s->syn.bits & SYN_BASE_OWN << d;
	bool is_mid = !(s->syn.bits & SYN_SENT * 3);

	if (!(s->syn.bits & (SYN_BASE_OWN | SYN_BASE_ACK) << d))
		return;
	SIDE_SET(offset, h->offset);
	SIDE_SET(span, h->span);
	SIDE_SET(span_kind, !is_own ? SPAN_by_ack
	        : is_mid && h->offset == 0 && h->span > 0 ? SPAN_at_least : SPAN_exact);
	if (h->first_ns != 0 && h->span > 0)
		SIDE_SET(first_payload, h->first_ns / 1000);
	if (h->last_ns != 0 && h->span > 0)
		SIDE_SET(last_payload, h->last_ns / 1000);
	if (!is_own)
		return;
	SIDE_SET(retransmitted, h->retransmitted);
	SIDE_SET(segments, h->segments);
	SIDE_SET(max_segment, h->max_segment);
}

static void
syn_row(const struct meter *m, struct flow *row, const struct syn *syn, unsigned d,
    bool is_first, bool is_reverse)
{
	if (syn->bits & SYN_BASE_OWN << d)
		SIDE_SET(initial_sequence,
		    syn->base[d] - (syn->bits & SYN_SENT << d ? 1u : 0u));
	if (is_first && syn->fingerprint[d] != 0)
		SIDE_SET(fingerprint, fingerprints_get(m->fingerprints, syn->fingerprint[d]));
}

static void
tcp_row(const struct meter *m, struct flow *row, uint32_t flow, const struct part *part,
    unsigned from)
{
	const struct hot *hot = hot_at(m, flow);
	const struct syn *syn = syn_of(m, hot);
	const struct stream *s = stream_of(m, hot);
	const struct marks *marks;

	flow_set(row, mid_stream, !(syn->bits & SYN_SENT * 3));
	flow_set(row, connection, s != NULL ? s->connection : connection_id(m, flow));
	flow_set(row, exchange, part->ordinal);
	for (unsigned i = 0; i < 2; i++)
		syn_row(m, row, syn, from ^ i, part->is_first, i);
	if (part->is_first && syn->bits & SYN_MEASURED)
		flow_set(row, handshake, syn->handshake_us);
	if (s == NULL)
		return;
	flow_set(row, folded, part->folded);
	flow_set(row, coalesced, part->coalesced);
	for (unsigned i = 0; i < (m->config.directional ? 1 : 2); i++)
		span_row(row, s, part, from ^ i, i);
	if (s->marks != 0 && part->folded == 0) {
		marks = slab_at(&m->marks, s->marks);
		if (marks->count > 0)
			flow_set(row, marks, ((struct list){marks->items, marks->count}));
	}
}

/* Egress (1) from our own MAC address, ingress (0) to it, else unknown. */
static void
direction_row(const struct meter *m, struct flow *row, uint64_t src, uint64_t dst)
{
	for (unsigned i = 0; i < m->config.mac_count; i++)
		if (m->config.macs[i] == src || m->config.macs[i] == dst) {
			flow_set(row, flow_direction, m->config.macs[i] == src);
			return;
		}
}

static void
key_row(const struct meter *m, struct flow *row, const struct hot *hot,
    const struct cold *cold, unsigned from)
{
	const struct key *key = &hot->key;

	flow_set(row, src, side_addr(m, key, from));
	flow_set(row, dst, side_addr(m, key, from ^ 1));
	flow_set(row, proto, key->proto);
	if (!(key->kind & KEY_NO_PORTS)) {
		flow_set(row, src_port, key->port[from]);
		flow_set(row, dst_port, key->port[from ^ 1]);
	}
	if (cold->has_icmp) {
		flow_set(row, icmp_type, cold->icmp_type);
		flow_set(row, icmp_code, cold->icmp_code);
	} else if (key->kind & KEY_NO_PORTS && key->port[0] != 0) {
		/* a later fragment of an ICMP message: the number that its types share */
		flow_set(row, icmp_type, (uint8_t)(key->port[0] >> 8));
		flow_set(row, icmp_code, (uint8_t)key->port[0]);
	}
	if (key->vlan != VLAN_NONE)
		flow_set(row, vlan, key->vlan);
	if (key->inner_vlan != VLAN_NONE)
		flow_set(row, inner_vlan, key->inner_vlan);
	if (cold->has_mac) {
		flow_set(row, src_mac, mac_number(cold->mac[from]));
		flow_set(row, dst_mac, mac_number(cold->mac[from ^ 1]));
	}
	if (cold->has_mac && m->config.mac_count > 0)
		direction_row(m, row, mac_number(cold->mac[from]), mac_number(cold->mac[from ^ 1]));
	if (!m->config.directional)
		flow_set(row, biflow_direction, key->state & FLOW_BY_SYN ? DIRECTION_syn
		        : key->state & FLOW_BY_PORT ? DIRECTION_port : DIRECTION_first);
}

static void
labels_row(const struct meter *m, struct flow *row, uint32_t flow)
{
	const struct labels *l = slab_at(&m->labels, m->labels_of[flow]);

#define LABEL(n, id)                                            \
	if (l->count >= (n))                                    \
		flow_set(row, id, l->label[(n) - 1]);
	LABEL(1, mpls_label)
	LABEL(2, mpls_label2)
	LABEL(3, mpls_label3)
	LABEL(4, mpls_label4)
	LABEL(5, mpls_label5)
	LABEL(6, mpls_label6)
	LABEL(7, mpls_label7)
	LABEL(8, mpls_label8)
	LABEL(9, mpls_label9)
	LABEL(10, mpls_label10)
#undef LABEL
}

static int64_t
microseconds(int64_t ns)
{
	return ns >= 0 ? ns / 1000 : -((-ns + 999) / 1000);
}

static void
part_row(const struct meter *m, uint32_t flow, const struct part *part, enum end_reason reason,
    struct flow *row)
{
	const struct hot *hot = hot_at(m, flow);
	unsigned from = hot->key.state & FLOW_INITIATOR;

	memset(row->present, 0, sizeof row->present);
	flow_set(row, start, microseconds(part->start_ns));
	flow_set(row, end, microseconds(part->end_ns));
	key_row(m, row, hot, &m->cold[flow], from);
	flow_set(row, end_reason, part->is_continuation ? END_REASON_active : reason);
	flow_set(row, fragments, part->fragments);
	side_row(m, row, flow, part, from, false);
	if (side_is_seen(m, flow, part, from ^ 1))
		side_row(m, row, flow, part, from ^ 1, true);
	if (hot->tcp != 0)
		tcp_row(m, row, flow, part, from);
	if (m->labels.live > 0 && m->labels_of[flow] != 0)
		labels_row(m, row, flow);
	if (m->sampled != NULL)
		sampled_row(m, row, flow, from);
}

static void
part_write(struct meter *m, uint32_t flow, const struct part *part, enum meter_expire why,
    enum end_reason reason)
{
	const struct hot *hot = hot_at(m, flow);
	const struct flow *row = &m->row;

	part_row(m, flow, part, reason, &m->row);
	if (m->sampled != NULL)
		sampled_written(m, flow);
	batch_append(m->batch, row);
	m->counters[METER_biflows] += flow_has(row, reverse_packets);
	m->counters[METER_records]++;
	m->counters[METER_record_packets] += part->packets[0] + part->packets[1];
	m->counters[METER_record_bytes] += part->bytes[0] + part->bytes[1];
	m->counters[METER_continuations] += part->is_continuation;
	meter_statistics_count(&m->statistics, hot->key.proto, part->bytes[0] + part->bytes[1],
	    part->packets[0] + part->packets[1], row->end - row->start);
	if (why < METER_EXPIRES)
		m->expired[why]++;
	if (batch_is_full(m->batch))
		batch_push(m);
}

/* Into the connection's remainder; false if there is no room for one. */
static bool
part_fold(struct meter *m, struct stream *s, struct part *part)
{
	struct part *sum;

	part->folded = !part->is_continuation;
	m->counters[METER_folded] += part->folded;
	part->is_continuation = false;
	if (s->remainder == 0) {
		if ((s->remainder = slab_take(&m->remainder)) == 0)
			return false;
		sum = slab_at(&m->remainder, s->remainder);
		*sum = *part;
		return true;
	}
	sum = slab_at(&m->remainder, s->remainder);
	part_add(sum, part);
	sum->folded += part->folded;
	return true;
}

/* The flow goes on with an empty record. */
static void
record_reset(struct meter *m, uint32_t flow)
{
	struct hot *hot = hot_at(m, flow);
	struct cold *cold = &m->cold[flow];
	struct stream *s = stream_of(m, hot);

	memset(hot->packets, 0, sizeof hot->packets);
	memset(hot->bytes_low, 0, sizeof hot->bytes_low);
	memset(hot->bytes_high, 0, sizeof hot->bytes_high);
	memset(hot->tcp_flags, 0, sizeof hot->tcp_flags);
	memset(hot->ttl_max, 0, sizeof hot->ttl_max);
	memset(hot->ttl_min, 0xff, sizeof hot->ttl_min);
	memset(cold->tcp_flags_high, 0, sizeof cold->tcp_flags_high);
	cold->fragments = 0;
	if (m->sampled != NULL)
		memset(&m->sampled[flow], 0, sizeof m->sampled[flow]);
	if (s == NULL)
		return;
	s->coalesced = 0;
	for (int d = 0; d < 2; d++) {
		struct half *h = &s->half[d];

		h->start = h->high;
		h->retransmitted = 0;
		h->first_ns = h->last_ns = 0;
		h->segments = h->max_segment = 0;
	}
	if (s->marks != 0) {
		struct marks *marks = slab_at(&m->marks, s->marks);

		marks->count = marks->lost = 0;
	}
}

void
record_cut(struct meter *m, uint32_t flow, enum meter_expire why, enum end_reason reason)
{
	struct hot *hot = hot_at(m, flow);
	struct stream *s = stream_of(m, hot);
	struct part part;
	bool is_exchange = why == METER_EXPIRES;

	if (s != NULL)
		s->was_answered = !is_exchange && (s->was_answered || stream_has_answer(m, hot));
	part_take(m, flow, &part);
	if (s == NULL || !m->config.cut_exchanges || part_is_own(s, &part, hot->key.state &
	        FLOW_INITIATOR) || !part_fold(m, s, &part))
		part_write(m, flow, &part, why, reason);
	record_reset(m, flow);
	if (s == NULL)
		return;
	s->parts++;
	s->is_continuation = !is_exchange;
	if (is_exchange) {
		s->ordinal++;
		m->counters[METER_exchanges]++;
	}
}

void
record_finish(struct meter *m, uint32_t flow, enum meter_expire why)
{
	const struct hot *hot = hot_at(m, flow);
	enum end_reason reason = meter_expire_rows[why].end_reason;
	struct stream *s = stream_of(m, hot);
	unsigned client = hot->key.state & FLOW_INITIATOR;
	struct part part;
	bool has_payload;

	part_take(m, flow, &part);
	if (why == METER_EXPIRE_flush && (hot->key.list == METER_EXPIRE_tcp_closed ||
	        hot->key.list == METER_EXPIRE_tcp_rst))
		reason = END_REASON_end;
	if (s == NULL) {
		if (!part_is_empty(m, flow, &part))
			part_write(m, flow, &part, why, reason);
		return;
	}
	has_payload = part.half[0].span + part.half[1].span > 0;
	m->counters[METER_exchanges] += has_payload;
	if (part_is_empty(m, flow, &part)) {
		;
	} else if (!m->config.cut_exchanges || (s->parts == 0 && s->remainder == 0) ||
	    part_is_own(s, &part, client) || (!has_payload && s->remainder == 0)) {
		part_write(m, flow, &part, why, reason);
	} else {
		if (!has_payload)
			part.is_continuation = true; /* packets only, no exchange */
		if (!part_fold(m, s, &part))
			part_write(m, flow, &part, why, reason);
	}
	if (s->remainder != 0)
		part_write(m, flow, slab_at(&m->remainder, s->remainder), why, reason);
}

void
record_peek(const struct meter *m, uint32_t flow, struct flow *row)
{
	struct part part;

	part_take(m, flow, &part);
	part_row(m, flow, &part, END_REASON_active, row);
}

void
record_forget(struct meter *m, uint32_t flow)
{
	const struct stream *s = stream_of(m, hot_at(m, flow));
	struct part part;

	part_take(m, flow, &part);
	if (s != NULL && s->remainder != 0)
		part_add(&part, slab_at(&m->remainder, s->remainder));
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
	batch_push(m);
	return m->status;
}
