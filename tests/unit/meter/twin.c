/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The meter against a slow twin that knows the truth of every packet: a list of tuples
 * with totals. Random packets with all keys, fragments in any order and sampling;
 * whatever the timeouts and bounds do to the rows, their totals per tuple and direction
 * must be the twin's. WEIR_SEED repeats a run.
 */
#include "rig.h"

#include "base/hash.h"

enum { A = 0x0a000001, TUPLES = 1 << 14, PACKETS = 1500 };

/* One direction of a flow, as the key tells flows apart. */
struct tuple {
	struct addr src, dst;
	uint64_t src_mac, dst_mac;
	uint16_t src_port, dst_port; /* ICMP: the number that its types share */
	uint16_t vlan, inner_vlan;
	uint8_t proto, has_ports;
	uint8_t pad[6];
};

struct total {
	struct tuple tuple; /* first */
	uint64_t packets, bytes, outside_packets, outside_bytes;
	uint32_t rows, first_sequence, last_sequence;
	bool has_sequence;
};

struct totals {
	struct total rows[TUPLES];
	size_t n;
};

static struct total *
total_of(struct totals *t, const struct tuple *tuple)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (memcmp(&t->rows[i].tuple, tuple, sizeof *tuple) == 0)
			return &t->rows[i];
	assert_true(t->n < TUPLES);
	t->rows[t->n] = (struct total){.tuple = *tuple};
	return &t->rows[t->n++];
}

static uint64_t
mac_of(const uint8_t mac[6])
{
	uint64_t v = 0;

	for (int i = 0; i < 6; i++)
		v = v << 8 | mac[i];
	return v;
}

static uint16_t
icmp_number(uint8_t proto, uint8_t type, uint8_t code)
{
	if (proto == 1 && (type == 0 || type == 8))
		return 8 << 8;
	if (proto == 58 && (type == 128 || type == 129))
		return 128 << 8;
	return (uint16_t)(type << 8 | code);
}

/* What is not in the key is not in the tuple. */
static void
tuple_by_key(struct tuple *t, const struct meter_key_row *key)
{
	if (!key->has_ports || (!key->has_proto && !t->has_ports))
		t->src_port = t->dst_port = t->has_ports = 0;
	if (!key->has_proto)
		t->proto = 0;
	if (!key->has_vlan)
		t->vlan = t->inner_vlan = VLAN_NONE;
	if (!key->has_mac)
		t->src_mac = t->dst_mac = 0;
}

/* p as it is in truth: with ports, also where it is a later fragment. */
static struct tuple
tuple_of(const struct packet *p, const struct meter_key_row *key)
{
	struct tuple t;

	memset(&t, 0, sizeof t);
	t.src = p->src;
	t.dst = p->dst;
	t.proto = p->proto;
	t.vlan = p->vlan;
	t.inner_vlan = p->inner_vlan;
	if (p->flags & PACKET_HAS_MAC) {
		t.src_mac = mac_of(p->src_mac);
		t.dst_mac = mac_of(p->dst_mac);
	}
	if (p->flags & PACKET_HAS_ICMP) {
		t.src_port = t.dst_port = icmp_number(p->proto, p->icmp_type,
		    p->icmp_code);
	} else if (p->flags & PACKET_HAS_PORTS) {
		t.src_port = p->src_port;
		t.dst_port = p->dst_port;
		t.has_ports = 1;
	}
	tuple_by_key(&t, key);
	return t;
}

/* The tuple of a row's forward direction. */
static struct tuple
tuple_of_row(const struct flow *f, const struct meter_key_row *key)
{
	struct tuple t;

	memset(&t, 0, sizeof t);
	t.src = f->src;
	t.dst = f->dst;
	t.proto = f->proto;
	t.vlan = flow_or(f, vlan, VLAN_NONE);
	t.inner_vlan = flow_or(f, inner_vlan, VLAN_NONE);
	t.src_mac = flow_or(f, src_mac, 0);
	t.dst_mac = flow_or(f, dst_mac, 0);
	if (flow_has(f, src_port)) {
		t.src_port = f->src_port;
		t.dst_port = f->dst_port;
		t.has_ports = 1;
	} else if (flow_has(f, icmp_type)) {
		t.src_port = t.dst_port = icmp_number(f->proto, f->icmp_type,
		    f->icmp_code);
	}
	/* Recorded is what is in the key, but the MAC addresses are always. */
	assert_true(key->has_vlan || t.vlan == VLAN_NONE);
	assert_true(key->has_ports || t.src_port == 0);
	assert_true(key->has_proto || t.proto == 0);
	if (!key->has_mac)
		t.src_mac = t.dst_mac = 0;
	return t;
}

static struct tuple
turned(const struct tuple *t)
{
	struct tuple back = *t;

	back.src = t->dst;
	back.dst = t->src;
	back.src_port = t->dst_port;
	back.dst_port = t->src_port;
	back.src_mac = t->dst_mac;
	back.dst_mac = t->src_mac;
	return back;
}

static void
rows_add(struct totals *t, const struct rig *r, const struct meter_key_row *key)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct flow *f = &r->rows[i];
		struct tuple forward = tuple_of_row(f, key), back = turned(&forward);
		struct total *total = total_of(t, &forward);

		total->packets += f->packets;
		total->bytes += f->bytes;
		total->outside_packets += flow_or(f, outside_packets, 0);
		total->outside_bytes += flow_or(f, outside_bytes, 0);
		total->rows++;
		total->has_sequence = flow_has(f, first_sequence);
		total->first_sequence = flow_or(f, first_sequence, 0);
		total->last_sequence = flow_or(f, last_sequence, 0);
		if (!flow_has(f, reverse_packets))
			continue;
		total = total_of(t, &back);
		total->packets += f->reverse_packets;
		total->bytes += f->reverse_bytes;
		total->outside_packets += flow_or(f, reverse_outside_packets, 0);
		total->outside_bytes += flow_or(f, reverse_outside_bytes, 0);
		total->rows++;
		total->has_sequence = flow_has(f, reverse_first_sequence);
		total->first_sequence = flow_or(f, reverse_first_sequence, 0);
		total->last_sequence = flow_or(f, reverse_last_sequence, 0);
	}
}

static void
compare(struct totals *truth, struct totals *rows)
{
	size_t n = rows->n;

	for (size_t i = 0; i < truth->n; i++) {
		const struct total *a = &truth->rows[i], *b;

		if (a->packets + a->outside_packets == 0)
			continue; /* none in the sample */
		b = total_of(rows, &a->tuple);
		if (a->packets != b->packets)
			print_message("proto %u ports %u %u has %u v6 %u vlan %u: %lu %lu\n",
			    a->tuple.proto, a->tuple.src_port, a->tuple.dst_port,
			    a->tuple.has_ports, a->tuple.src.is_v6, a->tuple.vlan,
			    a->packets,
			    b->packets);
		assert_int_equal(a->packets, b->packets);
		assert_int_equal(a->bytes, b->bytes);
		assert_int_equal(a->outside_packets, b->outside_packets);
		assert_int_equal(a->outside_bytes, b->outside_bytes);
		if (b->rows == 1 && a->has_sequence && b->has_sequence) {
			assert_int_equal(a->first_sequence, b->first_sequence);
			assert_int_equal(a->last_sequence, b->last_sequence);
		}
	}
	assert_int_equal(rows->n, n); /* the twin has no flow that we have not */
	for (size_t i = 0; i < rows->n; i++) {
		const struct total *b = &rows->rows[i];

		if (b->packets + b->outside_packets > 0)
			assert_true(total_of(truth, &b->tuple)->packets == b->packets);
	}
}

/* ---- random packets ---- */

static unsigned seed;

static uint32_t
dice(uint32_t sides)
{
	return (uint32_t)rand_r(&seed) % sides;
}

static struct addr
some_addr(bool is_v6)
{
	uint8_t v6[16] = {0x20, 1, 0xd, 0xb8};

	if (!is_v6)
		return addr_v4(A + dice(5));
	v6[15] = (uint8_t)dice(5);
	return addr_v6(v6);
}

static struct packet
some_packet(struct rig *r)
{
	static const uint8_t protos[] = {6, 6, 6, 17, 17, 1, 47, 132};
	struct packet p = rig_ip(r, 0, 0, protos[dice(8)], 40 + dice(1400));
	bool is_v6 = dice(3) == 0;

	p.src = some_addr(is_v6);
	p.dst = some_addr(is_v6);
	if (is_v6 && p.proto == 1)
		p.proto = 58;
	p.flags = dice(4) ? PACKET_HAS_MAC : 0;
	p.src_mac[5] = p.src.is_v6 ? p.src.v6[15] : (uint8_t)p.src.v4;
	p.dst_mac[5] = p.dst.is_v6 ? p.dst.v6[15] : (uint8_t)p.dst.v4;
	p.src_mac[0] = p.dst_mac[0] = (uint8_t)(dice(2) * 2);
	if (dice(4) == 0)
		p.vlan = (uint16_t)dice(3);
	if (dice(8) == 0)
		p.inner_vlan = (uint16_t)dice(3);
	if (p.proto == 1 || p.proto == 58) {
		p.flags |= PACKET_HAS_ICMP;
		p.icmp_type = p.proto == 1 ? (uint8_t[]){0, 8, 3, 11}[dice(4)]
		    : (uint8_t[]){128, 129, 1, 3}[dice(4)];
		p.icmp_code = p.icmp_type == 3 ? (uint8_t)dice(3) : 0;
	} else if (p.proto != 47) {
		p.flags |= PACKET_HAS_PORTS;
		p.src_port = (uint16_t)dice(4);
		p.dst_port = (uint16_t)dice(4);
	}
	if (p.proto == 6) {
		p.flags |= PACKET_HAS_TCP;
		p.tcp_seq = dice(1 << 20);
		p.tcp_ack = dice(1 << 20);
		p.tcp_flags = dice(5) ? ACK : (uint16_t)dice(0x200);
		p.payload_bytes = p.ip_bytes - 40;
	}
	return p;
}

struct twin {
	struct totals truth, rows;
	const struct meter_config *config;
	uint64_t count, unsampled, unsampled_bytes;
};

/* The packet goes to the meter as seen, and is counted as truth has it. */
static void
both(struct twin *twin, struct rig *r, const struct packet *seen,
    const struct packet *truth)
{
	const struct meter_key_row *key = &meter_key_rows[twin->config->key];
	struct tuple tuple = tuple_of(truth, key);
	uint32_t interval = twin->config->sample_interval;
	struct total *total = total_of(&twin->truth, &tuple);
	bool is_bare = !key->has_ports || !key->has_proto;

	r->burst[r->pending++] = *seen;
	if (r->pending >= r->burst_max) {
		rig_send(r);
		r->burst_max = 1 + dice(32);
	}
	if (interval <= 1 || twin->count++ % interval == 0) {
		r->packets++;
		r->bytes += seen->ip_bytes;
		total->packets++;
		total->bytes += seen->ip_bytes;
		if (interval > 1 && seen->flags & PACKET_HAS_TCP && !is_bare) {
			if (!total->has_sequence)
				total->first_sequence = seen->tcp_seq;
			total->last_sequence = seen->tcp_seq;
			total->has_sequence = true;
		}
	} else if (seen->flags & PACKET_HAS_TCP && seen->tcp_flags & (SYN | FIN | RST) &&
	    !is_bare) {
		total->outside_packets++;
		total->outside_bytes += seen->ip_bytes;
	} else {
		twin->unsampled++;
		twin->unsampled_bytes += seen->ip_bytes;
	}
}

/* A datagram in fragments, in any order; without the first one nobody knows the ports. */
static void
datagram(struct twin *twin, struct rig *r, uint32_t id)
{
	struct packet whole = some_packet(r), pieces[6], truth;
	size_t n = 2 + dice(5), i, k;
	bool is_lost = dice(6) == 0;

	for (i = 0; i < n; i++) {
		pieces[i] = whole;
		pieces[i].fragment_id = id;
		pieces[i].ip_bytes = 28 + dice(1000);
		pieces[i].flags |= PACKET_FRAGMENT;
		if (i == 0)
			continue;
		pieces[i].flags |= PACKET_LATER_FRAGMENT;
		pieces[i].flags &= (uint16_t)~(PACKET_HAS_PORTS | PACKET_HAS_TCP |
		    PACKET_HAS_ICMP);
		pieces[i].src_port = pieces[i].dst_port = 0;
		if (whole.src.is_v6 && id % 2)
			pieces[i].proto = 60; /* an extension header came first */
	}
	for (i = n; i > 1 && id % 3 != 0; i--) {
		struct packet swap = pieces[k = dice((uint32_t)i)];

		pieces[k] = pieces[i - 1];
		pieces[i - 1] = swap;
	}
	for (i = 0; i < n; i++) {
		bool is_first = !(pieces[i].flags & PACKET_LATER_FRAGMENT);

		if (is_first && is_lost)
			continue;
		truth = is_lost ? pieces[i] : whole;
		pieces[i].time_ns = r->now_ns;
		both(twin, r, &pieces[i], &truth);
		r->now_ns += (int64_t)dice(20) * MS;
	}
}

static void
round_of(struct twin *twin, unsigned round)
{
	struct meter_config config = rig_config();
	struct meter_stats stats;
	struct rig *r;

	config.key = (enum meter_key)(round % METER_KEYS);
	config.max_flows = round % 5 == 0 ? 40 : 20000;
	config.write_quiet = round % 4 == 1;
	config.directional = round % 6 == 5;
	config.timeout_s[METER_EXPIRE_udp] = 1 + dice(100);
	config.timeout_s[METER_EXPIRE_active] = round % 4 == 2 ? 5 : 0;
	config.expire_interval_s = round % 7 == 3 ? dice(100) : 0;
	config.sample_interval = round % 3 == 2 ? 1 + dice(10) : 0;
	config.seed = (uint64_t)round * 77777;
	twin->truth.n = twin->rows.n = 0;
	twin->count = twin->unsampled = twin->unsampled_bytes = 0;
	twin->config = &config;
	r = rig_with(&config);
	for (uint32_t i = 0; i < PACKETS; i++) {
		struct packet p = some_packet(r);

		if (dice(6) == 0)
			datagram(twin, r, i);
		else
			both(twin, r, &p, &p);
		r->now_ns += (int64_t)dice(30) * MS;
		if (dice(400) == 0)
			r->now_ns += (int64_t)dice(1000) * SEC * MS;
	}
	rig_send(r);
	rig_done(r);
	meter_stats(r->meter, &stats);
	assert_int_equal(stats.counters[METER_unsampled], twin->unsampled);
	assert_int_equal(stats.counters[METER_unsampled_bytes], twin->unsampled_bytes);
	assert_int_equal(stats.counters[METER_outside],
	    stats.counters[METER_record_outside]);
	assert_int_equal(stats.counters[METER_outside_bytes],
	    stats.counters[METER_record_outside_bytes]);
	rows_add(&twin->rows, r, &meter_key_rows[config.key]);
	compare(&twin->truth, &twin->rows);
	rig_free(r);
}

static void
test_twin(void **state)
{
	static struct twin twin;
	const char *given = getenv("WEIR_SEED");

	seed = given != NULL ? (unsigned)strtoul(given, NULL, 10)
	    : (unsigned)random_seed();
	print_message("WEIR_SEED=%u\n", seed);
	for (unsigned round = 0; round < 6 * METER_KEYS; round++)
		round_of(&twin, round);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_twin),
	};

	return cmocka_run_group_tests_name("meter/twin", tests, NULL, NULL);
}
