/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What makes packets one flow, by a row of key.def, with the lower endpoint first so that
 * both directions have one key. ICMP has no ports: types that answer each other share a
 * number instead. Later fragments have none either: fragment.c finds those of the first.
 */
#include <string.h>

#include "base/hash.h"
#include "meter/state.h"


static uint64_t
load64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* Ports and VLANs, addresses: words that lie in a struct key as they are. */
static inline uint32_t
hash_words(uint64_t seed, uint64_t addr, uint64_t ports, uint8_t proto, uint8_t kind)
{
	uint64_t h;

	ports ^= (uint64_t)proto << 20 ^ (uint64_t)kind << 56;
	h = mix64(ports ^ seed, addr ^ (seed << 32 | seed >> 32));
	/* One multiplication alone maps addresses in a row to places in a row, in some
	 * seeds to few. */
	return (uint32_t)(mix64(h, ~seed) >> 32);
}

static uint32_t
hash_pair(uint64_t seed, const struct key *key, const struct pair6 *pair)
{
	uint64_t h = mix64(load64(key->port) ^ seed,
	    (uint64_t)key->proto << 8 | key->kind);

	for (int i = 0; i < 4; i++)
		h = mix64(h ^ load64(&pair->addr[i / 2][i % 2 * 8]), seed + (uint64_t)i);
	if (key->kind & (KEY_MAC | KEY_SEGMENT))
		h = hash64(((const struct pair_more *)pair)->mac,
		    sizeof(struct pair_more) - sizeof(struct pair6), h);
	return (uint32_t)(mix64(h, ~seed) >> 32);
}

uint32_t
key_hash(const struct meter *m, const struct key *key, const struct pair6 *pair)
{
	if (key->kind & KEY_V6)
		return hash_pair(m->config.seed, key, pair);
	return hash_words(m->config.seed, load64(key->addr), load64(key->port),
	    key->proto, key->kind);
}

/* ICMP types that answer one another share a number, so that both are one biflow. */
static uint16_t
icmp_family(const struct packet *p)
{
	static const uint8_t pairs[][3] = {
#define ANSWER(protocol, request, answer) {protocol, request, answer},
#include "model/icmp.def"
#undef ANSWER
	};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (p->proto == pairs[i][0] &&
		    (p->icmp_type == pairs[i][1] || p->icmp_type == pairs[i][2]))
			return (uint16_t)(pairs[i][1] << 8);
	return (uint16_t)(p->icmp_type << 8 | p->icmp_code);
}

void
key_ports(const struct packet *p, struct ports *out)
{
	*out = (struct ports){.src = p->src_port, .dst = p->dst_port, .proto = p->proto,
		.flags = p->flags & (PACKET_HAS_PORTS | PACKET_HAS_ICMP)};
	if (out->flags & PACKET_HAS_ICMP)
		out->src = out->dst = icmp_family(p);
	else if (out->flags == 0)
		out->src = out->dst = 0;
}

/* Two halves as they follow one another in memory. */
static inline uint64_t
join32(uint32_t first, uint32_t second)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? (uint64_t)second << 32 | first
	                                                 : (uint64_t)first << 32 | second;
}

static inline uint32_t
join16(uint16_t first, uint16_t second)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? (uint32_t)second << 16 | first
	                                                 : (uint32_t)first << 16 | second;
}

/* Addresses of an IPv6 pair (or of two families) and what its key has of them. */
static void
fill_pair(const struct meter *m, const struct packet *p, struct lookup *out)
{
	out->key.kind |= KEY_V6;
	memcpy(out->pair.addr[out->side], p->src.v6, 16);
	memcpy(out->pair.addr[out->side ^ 1], p->dst.v6, 16);
	out->hash = hash_pair(m->config.seed, &out->key, &out->pair);
	out->key.addr[0] = 0;
	out->key.addr[1] = out->hash;
}

/* The addresses of a key into its pair, with room for more beside them. */
static void
key_add_more(struct lookup *out)
{
	if (!(out->key.kind & KEY_V6)) {
		out->key.kind |= KEY_V6 | KEY_V4_PAIR;
		memset(&out->pair, 0, sizeof out->pair);
		for (int i = 0; i < 2; i++)
			memcpy(out->pair.addr[i], &out->key.addr[i],
			    sizeof out->key.addr[i]);
	}
	out->key.addr[0] = out->key.addr[1] = 0;
	if (!(out->key.kind & (KEY_MAC | KEY_SEGMENT)))
		memset(out->more.mac, 0, sizeof out->more - sizeof out->pair);
}

static void
key_add_segment(const struct meter *m, const struct packet *p, struct lookup *out)
{
	key_add_more(out);
	out->key.kind |= (uint8_t)(packet_segment(p) << 5);
	out->more.segment = p->segment;
	out->hash = out->key.addr[1] = key_hash(m, &out->key, &out->pair);
}

/*
 * The default key: all that a packet has but its MAC addresses. The words are put
 * together before they are stored, because a load of what was just stored in parts has to
 * wait.
 */
static inline void
fill_plain(struct meter *m, const struct packet *p, const struct ports *ports,
    struct lookup *out)
{
	uint64_t addr, rest;
	bool is_turned = false;

	if (!m->config.directional) {
		int order = p->src.is_v6 ? addr_compare(&p->src, &p->dst)
		    : p->src.v4 < p->dst.v4 ? -1 : p->src.v4 > p->dst.v4;

		is_turned = order > 0 || (order == 0 && ports->src > ports->dst);
	}
	out->side = is_turned;
	out->hint = 0;
	out->now_us = p->time_ns / 1000;
	out->key.proto = ports->proto;
	out->key.kind = ports->flags & PACKET_HAS_PORTS ? 0
	    : ports->flags & PACKET_HAS_ICMP ? KEY_NO_PORTS | KEY_ICMP : KEY_NO_PORTS;
	rest = join32(is_turned ? join16(ports->dst, ports->src) : join16(ports->src,
	    ports->dst), join16(p->vlan, p->inner_vlan));
	memcpy(out->key.port, &rest, sizeof rest); /* and VLANs */
	if (p->src.is_v6) {
		fill_pair(m, p, out);
	} else {
		addr = is_turned ? join32(p->dst.v4, p->src.v4) : join32(p->src.v4,
		    p->dst.v4);
		memcpy(out->key.addr, &addr, sizeof addr);
		out->hash = hash_words(m->config.seed, addr, rest, out->key.proto,
		    out->key.kind);
	}
	if (p->flags & PACKET_SEGMENT && m->config.has_segments)
		key_add_segment(m, p, out);
}

static void
key_add_mac(const struct meter *m, const struct packet *p, struct lookup *out)
{
	key_add_more(out);
	out->key.kind |= KEY_MAC;
	if (p->flags & PACKET_HAS_MAC) {
		memcpy(out->more.mac[out->side], p->src_mac, 6);
		memcpy(out->more.mac[out->side ^ 1], p->dst_mac, 6);
	}
	out->hash = out->key.addr[1] = key_hash(m, &out->key, &out->pair);
}

/* Any row of key.def: what it leaves out is taken off the packet first. */
static void
fill_row(struct meter *m, const struct packet *p, const struct ports *ports,
    struct lookup *out)
{
	struct ports kept = *ports;
	struct packet q = *p;

	if (!m->key->has_ports)
		kept = (struct ports){.proto = ports->proto};
	if (!m->key->has_proto)
		kept.proto = 0;
	if (!m->key->has_vlan)
		q.vlan = q.inner_vlan = VLAN_NONE;
	fill_plain(m, &q, &kept, out);
	if (m->key->has_mac)
		key_add_mac(m, p, out);
}

void
key_fill(struct meter *m, const struct packet *p, const struct ports *ports,
    struct lookup *out)
{
	if (m->key == &meter_key_rows[METER_KEY_DEFAULT])
		fill_plain(m, p, ports, out);
	else
		fill_row(m, p, ports, out);
}

/* fill_plain of IPv4 with ports: most of what there is. */
static inline void
fill_usual(const struct meter *m, const struct packet *p, struct lookup *out)
{
	uint64_t src = (uint64_t)p->src.v4 << 16 | p->src_port;
	uint64_t dst = (uint64_t)p->dst.v4 << 16 | p->dst_port;
	bool is_turned = src > dst && !m->config.directional;
	uint64_t low = is_turned ? dst : src, high = is_turned ? src : dst;
	uint64_t addr = join32((uint32_t)(low >> 16), (uint32_t)(high >> 16));
	uint64_t rest = join32(join16((uint16_t)low, (uint16_t)high),
	    join16(p->vlan, p->inner_vlan));

	memcpy(out->key.addr, &addr, sizeof addr);
	memcpy(out->key.port, &rest, sizeof rest); /* and VLANs */
	out->key.proto = p->proto;
	out->key.kind = 0;
	out->side = is_turned;
	out->hint = 0;
	out->now_us = p->time_ns / 1000;
	out->hash = hash_words(m->config.seed, addr, rest, p->proto, 0);
}

void
key_make(struct meter *m, const struct packet *p, struct lookup *out)
{
	struct ports ports;

	if ((p->flags & (PACKET_HAS_PORTS | PACKET_FRAGMENT | PACKET_SEGMENT)) ==
	    PACKET_HAS_PORTS && !p->src.is_v6 && !p->dst.is_v6) {
		fill_usual(m, p, out);
		return;
	}
	key_ports(p, &ports);
	if (p->flags & PACKET_FRAGMENT && !fragment_ports(m, p, &ports))
		*out = (struct lookup){.side = LOOKUP_HELD};
	else
		fill_plain(m, p, &ports, out);
}

void
key_make_by_row(struct meter *m, const struct packet *p, struct lookup *out)
{
	struct ports ports;

	key_ports(p, &ports);
	if (p->flags & PACKET_FRAGMENT && !fragment_ports(m, p, &ports))
		*out = (struct lookup){.side = LOOKUP_HELD};
	else
		key_fill(m, p, &ports, out);
}

bool
key_matches(const struct meter *m, const struct key *a, const struct lookup *b)
{
	if (load64(a->port) != load64(b->key.port) /* and VLANs */ ||
	    a->proto != b->key.proto || a->kind != b->key.kind)
		return false;
	if (!(a->kind & KEY_V6))
		return load64(a->addr) == load64(b->key.addr);
	return a->addr[1] == b->key.addr[1] &&
	    memcmp(slab_at(&m->pair6, a->addr[0]), &b->pair, sizeof b->pair) == 0 &&
	    (!(a->kind & (KEY_MAC | KEY_SEGMENT)) ||
	    memcmp(slab_at(&m->pair6, a->addr[0]), &b->more, sizeof b->more) == 0);
}
