/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flow table. Packets come in bursts: all keys are made and hashed, then all index
 * lines prefetched, then all flows, then the TCP state of those, then they are updated
 * one by one. When flows end is told by expire.c, what is written of them by record.c.
 */
#include "meter/meter.h"

#include <string.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/hash.h"
#include "meter/state.h"
#include "model/batch.h"

enum { BURST = 32 };
enum { TCP = 6, UDP = 17, ICMP = 1, ICMP6 = 58 };

const struct counter_row meter_counter_rows[METER_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "meter/counter.def"
#undef COUNTER
};

static uint32_t
flow_find(const struct meter *m, const struct lookup *l)
{
	struct index_search search = {0};
	uint32_t flow = l->hint;

	/* The flow may have ended since the hint was taken, and its place be
	 * another's. */
	if (flow != 0 && hot_at(m, flow)->next != 0 && key_matches(m,
	    &hot_at(m, flow)->key, l))
		return flow;
	while ((flow = flow_index_next(&m->index, l->hash, &search)) != 0)
		if (key_matches(m, &hot_at(m, flow)->key, l))
			break;
	return flow;
}

static uint32_t
flow_hash(const struct meter *m, uint32_t flow)
{
	const struct key *key = &hot_at(m, flow)->key;

	return key_hash(m, key, key->kind & KEY_V6 ? slab_at(&m->pair6, key->addr[0])
	    : NULL);
}

/* All flows anew into the empty index, a burst of hashes ahead of the memory. */
static void
index_fill(struct meter *m)
{
	uint32_t hashes[BURST], flows[BURST], n = 0;

	for (uint32_t flow = WHEEL + 1; flow <= m->hot.used; flow++) {
		if (hot_at(m, flow)->next != 0) {
			flows[n] = flow;
			hashes[n] = flow_hash(m, flow);
			__builtin_prefetch(flow_index_line(&m->index, hashes[n++]), 1);
		}
		if (n == BURST || flow == m->hot.used) {
			for (uint32_t i = 0; i < n; i++)
				flow_index_put(&m->index, hashes[i], flows[i]);
			n = 0;
		}
	}
}

/* Writes the flow (METER_EXPIRES: does not) and frees all it has but its place in the
 * index. */
void
flow_free(struct meter *m, uint32_t flow, enum meter_expire why)
{
	struct hot *hot = hot_at(m, flow);

	if (why == METER_EXPIRES)
		record_forget(m, flow);
	else
		record_finish(m, flow, why);
	wheel_remove(m, hot);
	hot->next = 0; /* who looks through the table sees that it is none */
	more_free(m, hot);
	if (m->labels.live > 0 && m->labels_of[flow] != 0) {
		slab_give(&m->labels, m->labels_of[flow]);
		m->labels_of[flow] = 0;
	}
	if (hot->key.kind & KEY_V6)
		slab_give(&m->pair6, hot->key.addr[0]);
	slab_give(&m->hot, flow);
}

void
flow_end(struct meter *m, uint32_t flow, enum meter_expire why)
{
	flow_index_remove(&m->index, flow_hash(m, flow), flow);
	flow_free(m, flow, why);
}

/* The flow has nothing that is not written. */
bool
record_is_empty(const struct meter *m, uint32_t flow, const struct hot *hot)
{
	return hot_is_empty(hot, carry_of(m, hot)) &&
	    (m->sampled == NULL || sampled_is_empty(m, flow));
}

static enum meter_expire
list_of(const struct meter *m, const struct hot *hot)
{
	const struct syn *syn;

	switch (hot->key.proto) {
	case TCP:
		if ((syn = syn_of(m, hot)) == NULL)
			return m->key->has_ports ? METER_EXPIRE_general
			    : METER_EXPIRE_tcp;
		if (syn->bits & SYN_RST)
			return METER_EXPIRE_tcp_rst;
		if ((syn->bits / SYN_FIN & 3) == 3)
			return METER_EXPIRE_tcp_closed;
		if (syn->bits / SYN_FIN & 3)
			return METER_EXPIRE_tcp_fin;
		return m->config.write_quiet && stream_has_answer(m, hot)
		    ? METER_EXPIRE_exchange_quiet : METER_EXPIRE_tcp;
	case UDP: return METER_EXPIRE_udp;
	case ICMP:
	case ICMP6: return METER_EXPIRE_icmp;
	default: return METER_EXPIRE_general;
	}
}

static void
macs_note(struct meter *m, uint32_t flow, const struct packet *p, unsigned side)
{
	m->macs[flow] = 0;
	if (!(p->flags & PACKET_HAS_MAC))
		return;
	m->macs[flow] = side == 0 ? mac_pair_of(m->mac_pairs, p->src_mac, p->dst_mac)
	                          : mac_pair_of(m->mac_pairs, p->dst_mac, p->src_mac);
	m->counters[METER_macs_lost] += m->macs[flow] == 0;
}

/* The MPLS labels of a flow's first packet. */
static void
labels_keep(struct meter *m, uint32_t flow, const struct packet *p)
{
	uint32_t n = p->mpls_count < m->config.labels ? p->mpls_count : m->config.labels;
	struct labels *labels;

	if (n > METER_LABELS_MAX)
		n = METER_LABELS_MAX;
	m->labels_of[flow] = slab_take(&m->labels);
	labels = slab_at(&m->labels, m->labels_of[flow]);
	labels->count = n;
	for (uint32_t i = 0; i < n; i++)
		labels->label[i] = load_be32(p->mpls + (size_t)i * 4) >> 12;
}

/* A new flow, not in the wheel yet; 0 without memory. */
static uint32_t
flow_begin(struct meter *m, const struct packet *p, const struct lookup *l)
{
	struct hot *hot;
	uint32_t flow;

	if (m->hot.live == m->hot.cap /* all but the wheel's */)
		expire_oldest(m);
	if (flow_index_is_full(&m->index)) {
		if (flow_index_grow(&m->index, m->err) < 0) {
			m->status = -1;
			return 0;
		}
		index_fill(m);
	}
	flow = slab_take(&m->hot);
	hot = hot_at(m, flow);
	hot->key = l->key;
	hot->state = initiator_guess(m, l);
	if (l->key.kind & KEY_V6) {
		hot->key.addr[0] = slab_take(&m->pair6);
		memcpy(slab_at(&m->pair6, hot->key.addr[0]), &l->pair,
		    l->key.kind & (KEY_MAC | KEY_SEGMENT) ? sizeof l->more
		    : sizeof l->pair);
	}
	if (m->sampled != NULL)
		memset(&m->sampled[flow], 0, sizeof m->sampled[flow]);
	if (p->mpls_count > 0 && m->config.labels > 0)
		labels_keep(m, flow, p);
	memset(hot->ttl_min, 0xff, sizeof hot->ttl_min);
	if (l->key.kind & KEY_ICMP)
		hot->more = p->flags & PACKET_HAS_ICMP
		    ? (uint32_t)(p->icmp_type << 8 | p->icmp_code) : l->key.port[0];
	macs_note(m, flow, p, l->side);
	flow_index_put(&m->index, l->hash, flow);
	m->counters[METER_flows]++;
	if (m->index.live > m->peak_flows)
		m->peak_flows = m->index.live;
	return flow;
}

/* A counter of 16 or 32 bits went round. */
static void
counter_carry(struct meter *m, uint32_t flow, unsigned d, unsigned packets,
unsigned bytes)
{
	struct carry *carry = &wide_take(m, hot_at(m, flow))->carry;

	carry->packets[d] = (uint16_t)(carry->packets[d] + packets);
	carry->bytes[d] = (uint8_t)(carry->bytes[d] + bytes);
}

/* Adds the packet to the flow's record. */
static void
packet_count(struct meter *m, uint32_t flow, struct hot *hot, const struct packet *p,
    int64_t now_us, unsigned d)
{
	bool is_first = (hot->packets[0] | hot->packets[1]) == 0 &&
	    record_is_empty(m, flow, hot);

	if (is_first || now_us < hot->start_us)
		hot->start_us = now_us;
	if (is_first || now_us > hot_last_us(m, hot))
		hot_set_last(hot, now_us);
	hot_note_header(hot, p, d);
	if (p->flags & PACKET_HAS_TCP) {
		hot->tcp_flags[d] |= (uint8_t)p->tcp_flags;
		if (p->tcp_flags > 0xff && hot->is_tcp)
			syn_note_flags(syn_of(m, hot), d, p->tcp_flags);
	}
	if (m->sampled != NULL) {
		sampled_count(m, flow, p, d);
		if (p->flags & PACKET_UNSAMPLED)
			return;
	}
	hot->packets[d]++;
	hot->bytes[d] += p->ip_bytes;
	if (hot->packets[d] == 0 || hot->bytes[d] < p->ip_bytes)
		counter_carry(m, flow, d, hot->packets[d] == 0,
		hot->bytes[d] < p->ip_bytes);
	if (p->flags & PACKET_FRAGMENT)
		record_fragment(m, flow);
	m->counters[METER_packets]++;
	m->counters[METER_bytes] += p->ip_bytes;
}

/* Ends a record that is too long, in time or because a counter is nearly full. */
static void
limits_check(struct meter *m, uint32_t flow, const struct hot *hot, int64_t now_us,
unsigned d)
{
	const struct carry *carry = carry_of(m, hot);
	bool is_long = now_us - hot->start_us >= m->limit_us;
	bool is_full = carry != NULL && carry_is_full(carry, d);

	if ((!is_long && !is_full) || record_is_empty(m, flow, hot))
		return;
	record_cut(m, flow, is_long ? m->limit_reason : METER_EXPIRE_overflow,
	    END_REASON_active);
}

/* The packet's time, or the earliest that a flow's times can be told from. */
static int64_t
time_of(struct meter *m, int64_t now_us)
{
	if (m->clock_us - now_us <= DAY_US)
		return now_us;
	m->counters[METER_times_moved]++;
	return m->clock_us - DAY_US;
}

void
packet_add(struct meter *m, const struct packet *p, const struct lookup *l)
{
	int64_t now_us = time_of(m, l->now_us);
	uint32_t flow = flow_find(m, l);
	struct hot *hot;
	enum meter_expire list;
	bool was_tcp;

	if (flow != 0 && flow_is_over(m, hot_at(m, flow))) {
		flow_end(m, flow, m->timeout_reason[hot_at(m, flow)->list]);
		flow = 0;
	}
	if (flow != 0 && p->flags & PACKET_HAS_TCP &&
	    stream_is_new(m, hot_at(m, flow), p, l->side)) {
		flow_end(m, flow, METER_EXPIRE_reuse);
		flow = 0;
	}
	if (flow == 0) {
		if ((flow = flow_begin(m, p, l)) == 0)
			return;
		hot = hot_at(m, flow);
		hot->start_us = now_us;
		hot_set_last(hot, now_us);
	} else {
		hot = hot_at(m, flow);
		limits_check(m, flow, hot, now_us, l->side);
	}
	was_tcp = hot->is_tcp;
	if (p->flags & PACKET_HAS_TCP)
		stream_packet(m, flow, p, now_us, l->side);
	packet_count(m, flow, hot, p, now_us, l->side);
	if (hot->next != 0 && !m->config.write_quiet && was_tcp == hot->is_tcp &&
	    !(p->tcp_flags & (TCP_FIN | TCP_RST)))
		return; /* nothing that its timeout depends on */
	list = list_of(m, hot);
	if (list != hot->list || hot->next == 0) {
		hot->list = list;
		if (hot->next != 0)
			wheel_remove(m, hot);
		wheel_put(m, flow, hot);
	}
}

/* A burst in which fragments came before their first one. */
static void
slow_burst(struct meter *m, const struct packet *packets, const struct lookup *lookups,
size_t n)
{
	m->is_slow_burst = false;
	for (size_t i = 0; i < n; i++) {
		const struct packet *p = &packets[i];

		clock_set(m, p->time_ns / 1000);
		if (lookups[i].side != LOOKUP_HELD)
			packet_add(m, p, &lookups[i]);
		if ((p->flags & (PACKET_FRAGMENT | PACKET_LATER_FRAGMENT)) ==
		PACKET_FRAGMENT)
			fragment_release(m, p);
	}
}

/* One by one, with times that can be calculated with. */
static int
packets_sane(struct meter *m, const struct packet *packets, size_t n, struct err *err)
{
	for (; n > 0 && m->status == 0; packets++, n--) {
		struct packet p = *packets;

		if (p.time_ns < 0 || p.time_ns > METER_TIME_MAX_NS) {
			m->counters[METER_absurd_times]++;
			p.time_ns = p.time_ns < 0 ? 0 : METER_TIME_MAX_NS;
		}
		(void)meter_packets(m, &p, 1, err);
	}
	return m->status;
}

/* Packets with their keys made: all are found, then updated one by one. */
static void
burst_update(struct meter *m, const struct packet *packets, struct lookup *lookups,
    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		lookups[i].hint = flow_index_first(&m->index, lookups[i].hash);
		__builtin_prefetch(hot_at(m, lookups[i].hint), 1);
	}
	for (size_t i = 0; i < n; i++)
		if (lookups[i].hint != 0)
			__builtin_prefetch(syn_of(m, hot_at(m, lookups[i].hint)), 1);
	if (m->is_slow_burst) {
		slow_burst(m, packets, lookups, n);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		clock_run(m, lookups[i].now_us);
		if (!m->is_plain || !packet_usual(m, &packets[i], &lookups[i]))
			packet_add(m, &packets[i], &lookups[i]);
	}
}

/* The packets of the sample, of n that were looked at, to whoever wants to see them. */
static void
show(struct meter *m, const struct packet *packets, size_t kept, size_t n)
{
	struct packet sample[BURST];
	size_t i, count = 0;

	for (i = 0; m->sampled != NULL && i < kept; i++)
		if (!(packets[i].flags & PACKET_UNSAMPLED))
			sample[count++] = packets[i];
	if (m->sampled != NULL)
		packets = sample;
	else
		count = kept;
	if (m->config.show(m->config.show_arg, packets, count, n, m->err) != 0)
		m->status = -1;
}

/* A burst under sampling or with another key than the default. */
static void
burst_by_config(struct meter *m, const struct packet *packets, size_t n)
{
	struct lookup lookups[BURST];
	struct packet kept[BURST];

	size_t seen = n;

	n = sample_packets(m, packets, n, kept);
	if (m->config.show != NULL)
		show(m, kept, n, seen);
	for (size_t i = 0; i < n; i++) {
		key_make_by_row(m, &kept[i], &lookups[i]);
		__builtin_prefetch(flow_index_line(&m->index, lookups[i].hash));
	}
	burst_update(m, kept, lookups, n);
}

int
meter_packets(struct meter *m, const struct packet *packets, size_t n, struct err *err)
{
	struct lookup lookups[BURST];

	m->err = err;
	while (n > 0 && m->status == 0) {
		size_t now = n < BURST ? n : BURST;

		for (size_t i = 0; i < now; i++)
			if (packets[i].time_ns < 0 ||
			packets[i].time_ns > METER_TIME_MAX_NS)
				return packets_sane(m, packets, n, err);
		if (m->is_plain) {
			if (m->config.show != NULL)
				show(m, packets, now, now);
			for (size_t i = 0; i < now; i++) {
				key_make(m, &packets[i], &lookups[i]);
				__builtin_prefetch(flow_index_line(&m->index,
				lookups[i].hash));
			}
			burst_update(m, packets, lookups, now);
		} else {
			burst_by_config(m, packets, now);
		}
		packets += now;
		n -= now;
	}
	return m->status;
}
