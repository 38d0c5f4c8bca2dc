/* SPDX-License-Identifier: BSD-2-Clause */
/* A part as a row of the batch (writer.h). */
#include "meter/writer.h"

#include <string.h>

#include "model/dict.h"

static const uint16_t labels_only[METER_LABELS_MAX] = {FLOW_mpls_label, FLOW_mpls_label2,
	FLOW_mpls_label3, FLOW_mpls_label4, FLOW_mpls_label5, FLOW_mpls_label6,
	FLOW_mpls_label7, FLOW_mpls_label8, FLOW_mpls_label9, FLOW_mpls_label10};

#define PUT(id, value) \
	(((__typeof__(((struct flow *)NULL)->id) *)w->values[FLOW_##id])[w->row] = \
	    (value))
/* Fields that a direction has; id and reverse_id by is_reverse. */
#define SIDE_PUT(id, value)                          \
	do {                                         \
		if (is_reverse)                      \
			PUT(reverse_##id, (value));  \
		else                                 \
			PUT(id, (value));            \
	} while (0)

/* The row has a value in each column of the group. */
static inline void
has(struct writer *w, unsigned group)
{
	w->bits[group] |= (uint64_t)1 << w->row % 64;
}

static void
put_addr(const struct meter *m, const struct writer *w, unsigned field,
    const struct key *key, unsigned side)
{
	struct column *c = &w->batch->columns[field];
	const struct pair6 *pair = NULL;
	uint32_t v4 = key->addr[side];

	if (key->kind & KEY_V6) {
		pair = slab_at(&m->pair6, key->addr[0]);
		memcpy(&v4, pair->addr[side], sizeof v4);
	}
	if ((key->kind & (KEY_V6 | KEY_V4_PAIR)) == KEY_V6) {
		column_mix(c, w->row);
		((struct addr *)c->values)[w->row] = addr_v6(pair->addr[side]);
	} else if (c->is_mixed) {
		addr_set_v4(&((struct addr *)c->values)[w->row], v4);
	} else {
		((uint32_t *)c->values)[w->row] = v4;
	}
}

static inline void
put_side(const struct meter *m, struct writer *w, uint32_t flow, const struct part *part,
    unsigned d, bool is_reverse)
{
	bool is_seen = side_is_seen(m, flow, part, d);

	if (!is_reverse || is_seen) {
		SIDE_PUT(bytes, part->bytes[d]);
		SIDE_PUT(packets, part->packets[d]);
	}
	if (!is_seen)
		return;
	SIDE_PUT(tos, part->tos[d]);
	SIDE_PUT(ttl_min, part->ttl_min[d]);
	SIDE_PUT(ttl_max, part->ttl_max[d]);
	has(w, SIDE + is_reverse);
	if (!hot_at(m, flow)->is_tcp)
		return;
	SIDE_PUT(tcp_flags, part->tcp_flags[d]);
	has(w, FLAGS + is_reverse);
}

/* How the span is known. Under sampling octets outside the sample may lie beyond what was
 * seen, but SYN and FIN are never outside: where both were sent nothing does. */
static inline enum span_kind
span_kind(const struct meter *m, const struct syn *syn, const struct part *part,
    unsigned d)
{
	const struct part_half *h = &part->half[d];
	bool is_ended = syn->bits & SYN_SENT << d && syn->bits & SYN_FIN << d;

	if (m->sampled != NULL)
		return is_ended ? SPAN_exact : SPAN_at_least;
	if (!(syn->bits & SYN_BASE_OWN << d))
		return SPAN_by_ack;
	return !(syn->bits & SYN_SENT * 3) && h->offset == 0 &&
	    h->span > 0 ? SPAN_at_least
									    : SPAN_exact;
}

/* Of TCP with payload: the spans and what belongs to them. */
static inline void
put_span(const struct meter *m, struct writer *w, const struct syn *syn,
    const struct part *part, unsigned d, bool is_reverse)
{
	const struct part_half *h = &part->half[d];
	bool is_own = syn->bits & SYN_BASE_OWN << d;

	if (!(syn->bits & (SYN_BASE_OWN | SYN_BASE_ACK) << d))
		return;
	SIDE_PUT(offset, h->offset);
	SIDE_PUT(span, h->span);
	SIDE_PUT(span_kind, span_kind(m, syn, part, d));
	has(w, SPAN + is_reverse);
	if (h->first_us != 0 && h->span > 0) {
		SIDE_PUT(first_payload, h->first_us);
		has(w, FIRST + is_reverse);
	}
	if (h->last_us != 0 && h->span > 0) {
		SIDE_PUT(last_payload, h->last_us);
		has(w, LAST + is_reverse);
	}
	if (!is_own)
		return;
	if (m->sampled == NULL) /* only a look at every packet could tell */
		SIDE_PUT(retransmitted, h->retransmitted);
	SIDE_PUT(segments, h->segments);
	SIDE_PUT(max_segment, h->max_segment);
	has(w, OWN + is_reverse);
}

static inline void
put_syn(const struct meter *m, struct writer *w, const struct syn *syn, unsigned d,
    bool is_first, bool is_reverse)
{
	unsigned field = is_reverse ? FLOW_reverse_fingerprint : FLOW_fingerprint;
	uint32_t number = syn->fingerprint[d];

	if (syn->bits & SYN_BASE_OWN << d) {
		SIDE_PUT(initial_sequence,
		    syn->base[d] - (syn->bits & SYN_SENT << d ? 1u : 0u));
		has(w, INITIAL + is_reverse);
	}
	if (!is_first || number == 0)
		return;
	if (w->codes[is_reverse][number].serial != w->serial) {
		struct str text = fingerprints_get(m->fingerprints, number);

		w->codes[is_reverse][number].code =
		    dict_code(w->batch->columns[field].dict, text.data, text.len);
		w->codes[is_reverse][number].serial = w->serial;
	}
	((uint32_t *)w->values[field])[w->row] = w->codes[is_reverse][number].code;
	has(w, PRINT + is_reverse);
}

static void
put_marks(const struct meter *m, struct writer *w, const struct exchange *x)
{
	const struct marks *marks;

	if (x == NULL || x->marks == 0)
		return;
	marks = slab_at(&m->marks, x->marks);
	if (marks->count == 0)
		return;
	batch_flat(w->batch, FLOW_marks);
	batch_put(w->batch, FLOW_marks, w->row,
	    &(struct list){marks->items, marks->count});
}

static void
put_tcp(const struct meter *m, struct writer *w, uint32_t flow, const struct part *part,
    unsigned from)
{
	const struct hot *hot = hot_at(m, flow);
	const struct syn *syn = syn_of(m, hot);
	const struct stream *s = stream_of(m, hot);

	PUT(mid_stream, !(syn->bits & SYN_SENT * 3));
	PUT(connection, connection_id(m, flow));
	PUT(exchange, part->ordinal);
	has(w, CONNECTION);
	put_syn(m, w, syn, from, part->is_first, false);
	put_syn(m, w, syn, from ^ 1, part->is_first, true);
	if (part->is_first && syn->bits & SYN_MEASURED && m->sampled == NULL) {
		PUT(handshake, syn->timing_us);
		has(w, HANDSHAKE);
	}
	if (s == NULL && !small_has_payload(small_of(m, hot)))
		return;
	PUT(folded, part->folded);
	PUT(coalesced, part->coalesced);
	has(w, PAYLOAD);
	put_span(m, w, syn, part, from, false);
	if (!m->config.directional)
		put_span(m, w, syn, part, from ^ 1, true);
	if (part->folded == 0)
		put_marks(m, w, exchange_of(m, s));
}

static void
put_icmp(const struct meter *m, struct writer *w, const struct hot *hot)
{
	const struct wide *wide = wide_of(m, hot);
	uint16_t icmp = wide != NULL ? wide->icmp : (uint16_t)hot->more;

	PUT(icmp_type, (uint8_t)(icmp >> 8));
	PUT(icmp_code, (uint8_t)icmp);
	has(w, ICMP);
}

static void
put_segment(const struct meter *m, struct writer *w, const struct key *key)
{
	uint32_t segment = ((const struct pair_more *)slab_at(&m->pair6,
	    key->addr[0]))->segment;
	unsigned kind = (key->kind & KEY_SEGMENT) >> 5;

	if (kind == SEGMENT_KEY) {
		PUT(tunnel_key, segment);
		has(w, TUNNEL_KEY);
	} else {
		PUT(segment, (uint64_t)kind << 56 | segment);
		has(w, SEGMENT);
	}
}

/* Egress (1) from our own MAC address, ingress (0) to it, else unknown. */
static void
put_direction(const struct meter *m, struct writer *w, uint64_t src, uint64_t dst)
{
	for (unsigned i = 0; i < m->config.mac_count; i++)
		if (m->config.macs[i] == src || m->config.macs[i] == dst) {
			PUT(flow_direction, m->config.macs[i] == src);
			has(w, FLOW_DIRECTION);
			return;
		}
}

/* Label columns come to life with the first label of a batch. */
static void
put_labels(const struct meter *m, struct writer *w, uint32_t flow)
{
	const struct labels *l = slab_at(&m->labels, m->labels_of[flow]);

	for (uint32_t i = 0; i < METER_LABELS_MAX; i++) {
		struct column *c = &w->batch->columns[labels_only[i]];

		if (i < l->count) {
			batch_flat(w->batch, labels_only[i]);
			batch_put(w->batch, labels_only[i], w->row, &l->label[i]);
		} else if (c->form == COLUMN_FLAT) {
			column_set_null(c, w->row);
		}
	}
}

static inline void
put_sampled_side(struct writer *w, const struct sampled *s, unsigned d, bool is_reverse)
{
	SIDE_PUT(outside_packets, s->outside_packets[d]);
	SIDE_PUT(outside_bytes, s->outside_bytes[d]);
	has(w, OUTSIDE + is_reverse);
	if (!s->has_sequence[d])
		return;
	SIDE_PUT(first_sequence, s->first_sequence[d]);
	SIDE_PUT(last_sequence, s->last_sequence[d]);
	has(w, SEQUENCE + is_reverse);
}

static void
put_sampled(const struct meter *m, struct writer *w, uint32_t flow,
    const struct part *part, unsigned from)
{
	const struct sampled *s = &m->sampled[flow];

	PUT(sampling, m->config.sample_interval);
	has(w, SAMPLING);
	put_sampled_side(w, s, from, false);
	if (side_is_seen(m, flow, part, from ^ 1))
		put_sampled_side(w, s, from ^ 1, true);
}

static void
put_key(const struct meter *m, struct writer *w, uint32_t flow, unsigned from)
{
	const struct hot *hot = hot_at(m, flow);
	const struct key *key = &hot->key;
	uint16_t macs = m->macs[flow];

	put_addr(m, w, FLOW_src, key, from);
	put_addr(m, w, FLOW_dst, key, from ^ 1);
	PUT(proto, key->proto);
	if (!(key->kind & KEY_NO_PORTS)) {
		PUT(src_port, key->port[from]);
		PUT(dst_port, key->port[from ^ 1]);
		has(w, PORTS);
	}
	if (key->kind & KEY_ICMP)
		put_icmp(m, w, hot);
	if (key->vlan != VLAN_NONE) {
		PUT(vlan, key->vlan);
		has(w, VLAN);
	}
	if (key->inner_vlan != VLAN_NONE) {
		PUT(inner_vlan, key->inner_vlan);
		has(w, INNER_VLAN);
	}
	if (key->kind & KEY_SEGMENT)
		put_segment(m, w, key);
	if (macs != 0 && m->config.mac_count > 0)
		put_direction(m, w, mac_pair_get(m->mac_pairs, macs, from),
		    mac_pair_get(m->mac_pairs, macs, from ^ 1));
	if (macs != 0) {
		PUT(src_mac, mac_pair_get(m->mac_pairs, macs, from));
		PUT(dst_mac, mac_pair_get(m->mac_pairs, macs, from ^ 1));
		has(w, MACS);
	}
	if (!m->config.directional) {
		PUT(biflow_direction, hot->state & FLOW_BY_SYN ? DIRECTION_syn
		        : hot->state & FLOW_BY_PORT ? DIRECTION_port : DIRECTION_first);
		has(w, DIRECTION);
	}
}

static void
put_part(const struct meter *m, struct writer *w, uint32_t flow, const struct part *part,
    enum end_reason reason)
{
	unsigned from = hot_at(m, flow)->state & FLOW_INITIATOR;
	struct column *marks = &w->batch->columns[FLOW_marks];

	if (!w->is_open)
		writer_open(w, m);
	w->bits = w->words[w->row / 64];
	if (w->row % 64 == 0)
		memset(w->bits, 0, sizeof *w->words);
	PUT(start, part->start_us);
	PUT(end, part->end_us);
	PUT(end_reason, part->is_continuation ? END_REASON_active : reason);
	PUT(fragments, part->fragments);
	if (marks->form == COLUMN_FLAT)
		column_set_null(marks, w->row);
	put_key(m, w, flow, from);
	put_side(m, w, flow, part, from, false);
	put_side(m, w, flow, part, from ^ 1, true);
	if (hot_at(m, flow)->is_tcp)
		put_tcp(m, w, flow, part, from);
	if (m->labels.live > 0 || w->batch->columns[FLOW_mpls_label].form == COLUMN_FLAT)
		put_labels(m, w, flow);
	if (m->sampled != NULL)
		put_sampled(m, w, flow, part, from);
	w->row = ++w->batch->rows;
}

void
part_write(struct meter *m, uint32_t flow, const struct part *part, enum meter_expire why,
    enum end_reason reason)
{
	const struct hot *hot = hot_at(m, flow);
	unsigned from = hot->state & FLOW_INITIATOR;

	put_part(m, m->writer, flow, part, reason);
	if (m->sampled != NULL)
		sampled_written(m, flow);
	m->counters[METER_biflows] += side_is_seen(m, flow, part, from ^ 1);
	m->counters[METER_records]++;
	m->counters[METER_record_packets] += part->packets[0] + part->packets[1];
	m->counters[METER_record_bytes] += part->bytes[0] + part->bytes[1];
	m->counters[METER_continuations] += part->is_continuation;
	meter_statistics_count(&m->statistics, hot->key.proto,
	    part->bytes[0] + part->bytes[1], part->packets[0] + part->packets[1],
	    part->end_us - part->start_us);
	if (why < METER_EXPIRES)
		m->expired[why]++;
	if (batch_is_full(m->writer->batch))
		writer_push(m);
}

void
part_peek(const struct meter *m, uint32_t flow, const struct part *part, struct flow *row)
{
	struct writer *w = m->peek;

	batch_clear(w->batch);
	w->is_open = false;
	put_part(m, w, flow, part, END_REASON_active);
	writer_close(w);
	batch_row(w->batch, 0, row);
}
