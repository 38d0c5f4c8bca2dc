/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fragments. Only the first fragment of a datagram has the transport header, so the
 * others take its ports, and for IPv6 its protocol, from a table of datagrams: sets of
 * four slots, of which the oldest makes room. Fragments that come before their first one
 * are held back in a ring, for a short time, until it comes; then they are metered as it
 * is. Whatever waits too long, or is pushed out by others, is metered without ports, and
 * counted.
 *
 * Who fills the table with strange fragments makes later fragments lose their ports,
 * never a packet get lost. Datagrams are told apart by source, destination,
 * identification and, in IPv4, the protocol (RFC 791, 3.2; RFC 8200, 4.5), hashed with
 * the meter's secret seed.
 */
#include <string.h>

#include "base/hash.h"
#include "meter/state.h"

static const int64_t FRAGMENT_NS = 30 * 1000000000ll; /* RFC 8200: 60 at the receiver */
static const int64_t HOLD_NS = 2 * 1000000000ll;

static uint64_t
datagram_key(const struct meter *m, const struct packet *p)
{
	struct {
		struct addr src, dst;
		uint32_t id, proto, segment, kind;
	} k;

	memset(&k, 0, sizeof k);
	k.src = p->src;
	k.dst = p->dst;
	k.id = p->fragment_id;
	k.proto = p->src.is_v6 ? 0 : p->proto;
	k.segment = p->segment;
	k.kind = packet_segment(p);
	return hash64(&k, sizeof k, m->config.seed) | 1;
}

/* The datagram's slot, or NULL. */
static struct fragment_slot *
slot_find(struct meter *m, const struct packet *p, uint64_t key)
{
	struct fragment_slot *set = m->fragments +
	    (key >> 32) % (FRAGMENT_SLOTS / FRAGMENT_WAYS) * FRAGMENT_WAYS;

	for (int i = 0; i < FRAGMENT_WAYS; i++)
		if (set[i].key == key && p->time_ns - set[i].time_ns < FRAGMENT_NS)
			return &set[i];
	return NULL;
}

/* A slot for a datagram that has none: a free one, or the oldest of its set. */
static struct fragment_slot *
slot_take(struct meter *m, const struct packet *p, uint64_t key)
{
	struct fragment_slot *set = m->fragments +
	    (key >> 32) % (FRAGMENT_SLOTS / FRAGMENT_WAYS) * FRAGMENT_WAYS;
	struct fragment_slot *slot = &set[0];

	for (int i = 0; i < FRAGMENT_WAYS; i++) {
		if (set[i].key == key || set[i].key == 0) { /* the former too old */
			slot = &set[i];
			break;
		}
		if (set[i].time_ns < slot->time_ns)
			slot = &set[i];
	}
	if (slot->key != 0 && slot->key != key &&
	    p->time_ns - slot->time_ns < FRAGMENT_NS)
		m->counters[METER_fragments_displaced]++;
	*slot = (struct fragment_slot){.key = key, .time_ns = p->time_ns};
	return slot;
}

/*
 * Meters what was held back. The clock may not have come to it yet, where it is of the
 * burst at work; no packet is ahead of the clock.
 */
static void
held_meter(struct meter *m, struct held *held, const struct ports *ports)
{
	struct lookup l;

	if (held->packet.time_ns / 1000 > m->clock_us)
		held->packet.time_ns = m->clock_us * 1000;
	held->key = 0;
	key_fill(m, &held->packet, ports, &l);
	packet_add(m, &held->packet, &l);
}

static void
held_give_up(struct meter *m, struct held *held)
{
	struct ports none = {.proto = held->packet.proto};

	m->counters[METER_fragments_unmatched]++;
	held_meter(m, held, &none);
}

/* Frees the ring's places up to the first that is in use and not older than before_ns. */
void
fragment_drain(struct meter *m, int64_t before_ns)
{
	while (m->held_count > 0) {
		struct held *held = &m->held[m->held_first];

		if (held->key != 0 && held->packet.time_ns >= before_ns &&
		    before_ns != FRAGMENT_ALL)
			return;
		m->held_first = (m->held_first + 1) % HELD;
		m->held_count--;
		if (held->key != 0)
			held_give_up(m, held);
	}
}

void
fragment_tick(struct meter *m)
{
	fragment_drain(m, m->clock_us * 1000 - HOLD_NS);
}

static void
hold(struct meter *m, const struct packet *p, uint64_t key)
{
	struct held *held;

	if (m->held_count == HELD) {
		held = &m->held[m->held_first];
		m->held_first = (m->held_first + 1) % HELD;
		m->held_count--;
		if (held->key != 0)
			held_give_up(m, held);
	}
	held = &m->held[(m->held_first + m->held_count++) % HELD];
	*held = (struct held){.key = key, .packet = *p};
	held->packet.mpls_count = 0; /* their memory is borrowed */
	held->packet.frame = NULL;
	m->counters[METER_fragments_early]++;
}

/* A first fragment: what its others have to know. */
static void
note(struct meter *m, const struct packet *p, uint64_t key, const struct ports *ports)
{
	struct fragment_slot *slot = slot_find(m, p, key);

	if (slot == NULL)
		slot = slot_take(m, p, key);
	if (slot->is_waiting)
		m->is_slow_burst = true; /* fragment_release has to be called */
	slot->time_ns = p->time_ns;
	slot->ports = *ports;
	slot->is_waiting = false;
}

bool
fragment_ports(struct meter *m, const struct packet *p, struct ports *ports)
{
	uint64_t key = datagram_key(m, p);
	struct fragment_slot *slot;

	m->counters[METER_fragments]++;
	if (!(p->flags & PACKET_LATER_FRAGMENT)) {
		note(m, p, key, ports);
		return true;
	}
	slot = slot_find(m, p, key);
	if (slot != NULL && !slot->is_waiting) {
		*ports = slot->ports;
		return true;
	}
	if (slot == NULL) {
		slot = slot_take(m, p, key);
		slot->is_waiting = true;
	}
	hold(m, p, key);
	m->is_slow_burst = true;
	return false;
}

void
fragment_release(struct meter *m, const struct packet *p)
{
	uint64_t key = datagram_key(m, p);
	const struct fragment_slot *slot = slot_find(m, p, key);

	for (uint32_t i = 0; slot != NULL && !slot->is_waiting && i < m->held_count;
	    i++) {
		struct held *held = &m->held[(m->held_first + i) % HELD];

		if (held->key == key)
			held_meter(m, held, &slot->ports);
	}
}

void
fragment_unsampled(struct meter *m, const struct packet *p)
{
	struct ports ports;

	if (p->flags & PACKET_LATER_FRAGMENT)
		return;
	key_ports(p, &ports);
	note(m, p, datagram_key(m, p), &ports);
	fragment_release(m, p);
}
