/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What makes packets one flow: addresses, ports, protocol and VLANs, with the lower endpoint
 * first so that both directions have one key. ICMP has no ports: types that answer each other
 * share a number instead. Later fragments have none either: they take those of their first
 * fragment from a bounded table, else they are in a flow without ports.
 */
#include <string.h>

#include "base/hash.h"
#include "meter/state.h"

enum { ICMP = 1 };
static const int64_t FRAGMENT_NS = 30 * 1000000000ll;

static uint64_t
load64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

uint32_t
key_hash(const struct meter *m, const struct key *key, const struct pair6 *pair)
{
	uint64_t seed = m->config.seed;
	/* ports and VLANs */
	uint64_t rest = load64(key->port) ^ (uint64_t)key->proto << 20 ^ (uint64_t)key->kind << 60;
	uint64_t h = mix64(rest ^ seed, seed >> 7);

	if (key->kind & KEY_V6) {
		for (int i = 0; i < 4; i++)
			h = mix64(h ^ load64(&pair->addr[i / 2][i % 2 * 8]), seed + (uint64_t)i);
	} else {
		h = mix64(h ^ load64(key->addr), seed);
	}
	return (uint32_t)(h >> 32);
}

/* ICMP types that answer one another share a number, so that both are one biflow. */
static uint16_t
icmp_family(const struct packet *p)
{
	static const uint8_t pairs4[][2] = {{0, 8}, {14, 13}, {16, 15}, {18, 17}, {9, 10}};
	static const uint8_t pairs6[][2] = {{129, 128}, {134, 133}, {136, 135}};
	const uint8_t(*pairs)[2] = p->proto == ICMP ? pairs4 : pairs6;
	size_t n = p->proto == ICMP ? sizeof pairs4 / 2 : sizeof pairs6 / 2;

	for (size_t i = 0; i < n; i++)
		if (p->icmp_type == pairs[i][0] || p->icmp_type == pairs[i][1])
			return (uint16_t)(pairs[i][1] << 8);
	return (uint16_t)(p->icmp_type << 8 | p->icmp_code);
}

static struct fragment_slot *
fragment_find(struct meter *m, const struct packet *p, uint64_t *key)
{
	struct {
		struct addr src, dst;
		uint32_t id, proto;
	} k;
	struct fragment_slot *set;

	memset(&k, 0, sizeof k);
	k.src = p->src;
	k.dst = p->dst;
	k.id = p->fragment_id;
	k.proto = p->proto;
	*key = hash64(&k, sizeof k, m->config.seed) | 1;
	set = m->fragments + (*key >> 32) % (FRAGMENT_SLOTS / FRAGMENT_WAYS) * FRAGMENT_WAYS;
	for (int i = 0; i < FRAGMENT_WAYS; i++)
		if (set[i].key == *key && p->time_ns - set[i].time_ns < FRAGMENT_NS)
			return &set[i];
	return set;
}

/* Remembers the ports of a first fragment; the oldest of its set makes room. */
static void
fragment_note(struct meter *m, const struct packet *p, uint16_t src_port, uint16_t dst_port,
    uint16_t flags)
{
	uint64_t key;
	struct fragment_slot *slot = fragment_find(m, p, &key);

	if (slot->key != key)
		for (int i = 1; i < FRAGMENT_WAYS; i++)
			if (slot[i].time_ns < slot->time_ns)
				slot += i, i = FRAGMENT_WAYS;
	*slot = (struct fragment_slot){key, p->time_ns, src_port, dst_port, flags};
}

void
key_make(struct meter *m, const struct packet *p, struct lookup *out)
{
	uint16_t src_port = p->src_port, dst_port = p->dst_port;
	uint16_t flags = p->flags & (PACKET_HAS_PORTS | PACKET_HAS_ICMP);
	int order;

	memset(out, 0, sizeof *out);
	if (flags & PACKET_HAS_ICMP)
		src_port = dst_port = icmp_family(p);
	if (p->flags & PACKET_FRAGMENT) {
		m->counters[METER_fragments]++;
		if (p->flags & PACKET_LATER_FRAGMENT) {
			uint64_t key;
			const struct fragment_slot *slot = fragment_find(m, p, &key);

			if (slot->key == key) {
				src_port = slot->src_port;
				dst_port = slot->dst_port;
				flags = slot->flags;
			} else {
				m->counters[METER_fragments_unmatched]++;
			}
		} else if (flags != 0) {
			fragment_note(m, p, src_port, dst_port, flags);
		}
	}
	if (flags == 0)
		src_port = dst_port = 0;
	order = m->config.directional ? 0 : addr_compare(&p->src, &p->dst);
	if (order == 0 && !m->config.directional)
		order = (int)src_port - (int)dst_port;
	out->side = order > 0;
	out->key.port[out->side] = src_port;
	out->key.port[out->side ^ 1] = dst_port;
	out->key.vlan = p->vlan;
	out->key.inner_vlan = p->inner_vlan;
	out->key.proto = p->proto;
	out->key.kind = flags & PACKET_HAS_PORTS ? 0 : KEY_NO_PORTS;
	if (p->src.is_v6) {
		out->key.kind |= KEY_V6;
		memcpy(out->pair.addr[out->side], p->src.v6, 16);
		memcpy(out->pair.addr[out->side ^ 1], p->dst.v6, 16);
	} else {
		out->key.addr[out->side] = p->src.v4;
		out->key.addr[out->side ^ 1] = p->dst.v4;
	}
	out->hash = key_hash(m, &out->key, &out->pair);
	if (p->src.is_v6)
		out->key.addr[1] = out->hash;
}

bool
key_matches(const struct meter *m, const struct key *a, const struct lookup *b)
{
	if (load64(a->port) != load64(b->key.port) /* and VLANs */ || a->proto != b->key.proto ||
	    a->kind != b->key.kind)
		return false;
	if (!(a->kind & KEY_V6))
		return load64(a->addr) == load64(b->key.addr);
	return a->addr[1] == b->key.addr[1] &&
	    memcmp(slab_at(&m->pair6, a->addr[0]), &b->pair, sizeof b->pair) == 0;
}
