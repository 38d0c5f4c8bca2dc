/* SPDX-License-Identifier: BSD-2-Clause */
/* The flow table: keys, direction, timeouts, bounds, time; and a slow twin to agree
 * with. */
#include "rig.h"

#include "base/hash.h"

enum { A = 0x0a000001, B = 0x0a000002 };

static void
udp(struct rig *r, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport, uint32_t n)
{
	struct packet p = rig_udp(r, src, sport, dst, dport, n);

	rig_packet(r, &p);
}

static void
test_biflow(void **state)
{
	struct rig *r = rig_new();

	udp(r, B, 5353, A, 40000, 100); /* the answer was seen first: port table */
	udp(r, A, 40000, B, 5353, 50);
	udp(r, A, 40000, B, 40001, 50);
	udp(r, B, 53, A, 67, 10); /* both known: the first packet */
	rig_done(r);
	assert_int_equal(r->n, 3);
	for (size_t i = 0; i < r->n; i++) {
		const struct flow *f = &r->rows[i];

		if (f->src_port == 53) {
			assert_int_equal(f->biflow_direction, DIRECTION_first);
			continue;
		}
		assert_int_equal(f->src_port, 40000);
		if (f->dst_port == 5353) {
			assert_int_equal(f->biflow_direction, DIRECTION_port);
			assert_int_equal(f->bytes, 78);
			assert_int_equal(f->reverse_bytes, 128);
			assert_int_equal(f->reverse_packets, 1);
		} else {
			assert_int_equal(f->biflow_direction, DIRECTION_first);
			assert_false(flow_has(f, reverse_bytes));
			assert_false(flow_has(f, reverse_packets));
			assert_false(flow_has(f, reverse_ttl_min));
		}
		assert_int_equal(f->end_reason, END_REASON_forced);
		assert_false(flow_has(f, tcp_flags));
		assert_false(flow_has(f, vlan));
		assert_false(flow_has(f, connection));
	}
	rig_free(r);
}

static void
test_directional(void **state)
{
	struct meter_config config = rig_config();
	struct rig *r;

	config.directional = true;
	r = rig_with(&config);
	tcp_open(r);
	tcp_exchange(r, 100, 20000);
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 2);
	for (int i = 0; i < 2; i++) {
		assert_false(flow_has(&r->rows[i], reverse_packets));
		assert_int_equal(r->rows[i].span,
		    r->rows[i].src_port == 80 ? 20000 : 100);
	}
	rig_free(r);
}

static void
icmp(struct rig *r, uint32_t src, uint32_t dst, uint8_t type, uint8_t code)
{
	struct packet p = rig_ip(r, src, dst, 1, 84);

	p.flags = PACKET_HAS_ICMP;
	p.icmp_type = type;
	p.icmp_code = code;
	p.dst_port = (uint16_t)(type << 8 | code);
	rig_packet(r, &p);
}

static void
test_icmp(void **state)
{
	struct rig *r = rig_new();

	icmp(r, A, B, 8, 0);
	icmp(r, B, A, 0, 0);
	icmp(r, A, B, 3, 1);
	icmp(r, A, B, 3, 3);
	rig_done(r);
	assert_int_equal(r->n, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(r->rows[i].src.v4, A);
		assert_false(flow_has(&r->rows[i], src_port));
		assert_true(flow_has(&r->rows[i], icmp_type));
		if (r->rows[i].icmp_type == 8)
			assert_int_equal(r->rows[i].reverse_packets, 1);
	}
	rig_free(r);
}

static void
fragment(struct rig *r, uint32_t id, bool is_later)
{
	struct packet p = rig_udp(r, A, 40000, B, 2049, 1000);

	p.fragment_id = id;
	p.flags |= PACKET_FRAGMENT;
	if (is_later) {
		p.flags = PACKET_FRAGMENT | PACKET_LATER_FRAGMENT;
		p.src_port = p.dst_port = 0;
	}
	rig_packet(r, &p);
}

static void
test_fragments(void **state)
{
	struct rig *r = rig_new();
	struct meter_stats stats;

	fragment(r, 7, false);
	fragment(r, 7, true);
	fragment(r, 8, true); /* its first was lost */
	rig_done(r);
	meter_stats(r->meter, &stats);
	assert_int_equal(stats.counters[METER_fragments], 3);
	assert_int_equal(stats.counters[METER_fragments_unmatched], 1);
	assert_int_equal(r->n, 2);
	for (int i = 0; i < 2; i++)
		if (flow_has(&r->rows[i], src_port)) {
			assert_int_equal(r->rows[i].packets, 2);
			assert_int_equal(r->rows[i].fragments, 2);
		} else {
			assert_int_equal(r->rows[i].packets, 1);
			assert_int_equal(r->rows[i].proto, 17);
		}
	rig_free(r);
}

/* Strangers may fill the table of first fragments: it forgets, and says so. */
static void
test_fragments_bound(void **state)
{
	struct rig *r = rig_new();
	struct meter_stats stats;

	for (uint32_t i = 0; i < 20000; i++)
		fragment(r, i, false);
	for (uint32_t i = 0; i < 20000; i++)
		fragment(r, i, true);
	rig_done(r);
	meter_stats(r->meter, &stats);
	assert_in_range(stats.counters[METER_fragments_unmatched], 20000 - 4096, 20000);
	rig_free(r);
}

static void
test_ipv6_vlan_mac(void **state)
{
	struct rig *r = rig_new();
	struct packet p = rig_udp(r, 0, 40000, 0, 53, 100);
	uint8_t a[16] = {0x20, 1, 0xd, 0xb8, [15] = 1},
	    b[16] = {0x20, 1, 0xd, 0xb8, [15] = 2};

	for (unsigned i = 0; i < 300; i++) {
		b[13] = (uint8_t)i;
		b[12] = (uint8_t)(i >> 8);
		p.src = addr_v6(a);
		p.dst = addr_v6(b);
		p.vlan = 5;
		p.inner_vlan = 6;
		p.flags = PACKET_HAS_PORTS | PACKET_HAS_MAC;
		p.src_port = 40000;
		p.dst_port = 53;
		p.ttl = 60;
		memcpy(p.src_mac, "\2\0\0\0\0\1", 6);
		memcpy(p.dst_mac, "\2\0\0\0\0\2", 6);
		rig_packet(r, &p);
		p.src = addr_v6(b);
		p.dst = addr_v6(a);
		p.src_port = 53;
		p.dst_port = 40000;
		p.ttl = (uint8_t)(i % 100);
		rig_packet(r, &p);
		p.vlan = 7; /* another VLAN, another flow */
		rig_packet(r, &p);
	}
	rig_done(r);
	assert_int_equal(r->n, 600);
	for (size_t i = 0; i < r->n; i++) {
		const struct flow *f = &r->rows[i];

		assert_int_equal(f->src_port, 40000);
		assert_int_equal(f->inner_vlan, 6);
		assert_memory_equal(f->src.v6, a, 16);
		assert_int_equal(f->src_mac,
		    f->vlan == 5 ? 0x020000000001 : 0x020000000002);
		if (f->vlan == 5) {
			assert_int_equal(f->ttl_min, 60);
			assert_int_equal(f->reverse_packets, 1);
			assert_int_equal(f->reverse_ttl_max,
			    (f->dst.v6[12] * 256 + f->dst.v6[13]) % 100);
		}
	}
	rig_free(r);
}

static void
test_timeouts(void **state)
{
	struct rig *r = rig_new();

	udp(r, A, 1, B, 2, 1);
	r->now_ns += 300ll * SEC * MS;
	udp(r, A, 1, B, 2, 1); /* just in time */
	r->now_ns += 301ll * SEC * MS;
	udp(r, A, 1, B, 2, 1); /* too late: a new flow, in the same burst */
	rig_done(r);
	assert_int_equal(r->n, 2);
	assert_int_equal(r->rows[0].packets, 2);
	assert_int_equal(r->rows[0].end_reason, END_REASON_idle);
	assert_int_equal(r->rows[0].end - r->rows[0].start, 300000000);
	assert_int_equal(r->rows[1].end_reason, END_REASON_forced);
	rig_free(r);
}

static void
test_active(void **state)
{
	struct meter_config config = rig_config();
	struct rig *r;

	config.timeout_s[METER_EXPIRE_active] = 60;
	r = rig_with(&config);
	for (int i = 0; i < 130; i++) {
		udp(r, A, 1, B, 2, 1);
		r->now_ns += 1ll * SEC * MS;
	}
	rig_done(r);
	assert_int_equal(r->n, 3);
	assert_int_equal(r->rows[0].packets, 60);
	assert_int_equal(r->rows[0].end_reason, END_REASON_active);
	assert_int_equal(r->rows[2].packets, 10);
	rig_free(r);
}

static void
test_forced(void **state)
{
	struct meter_config config = rig_config();
	struct meter_stats stats;
	struct rig *r;

	config.max_flows = 100;
	r = rig_with(&config);
	for (uint32_t i = 0; i < 5000; i++) {
		udp(r, A + i, 1, B, 2, 1);
		r->now_ns += 1;
	}
	rig_send(r);
	meter_stats(r->meter, &stats);
	assert_int_equal(stats.live_flows, 100);
	assert_int_equal(stats.peak_flows, 100);
	assert_int_equal(stats.expired[METER_EXPIRE_resources], 4900);
	rig_done(r);
	assert_int_equal(r->n, 5000);
	assert_int_equal(r->rows[0].src.v4, A); /* the oldest */
	assert_int_equal(r->rows[0].end_reason, END_REASON_resources);
	rig_free(r);
}

/* A flood of new flows does not push out those that live, nor take more memory. */
static void
test_flood(void **state)
{
	enum { MAX = 4000, OLD = 1000, FLOOD = 100000 };
	struct meter_config config = rig_config();
	struct meter_stats before, after;
	uint32_t fresh = 0, whole = 0;
	struct rig *r;

	config.max_flows = MAX;
	r = rig_with(&config);
	for (uint32_t i = 0; i < FLOOD; i++) {
		udp(r, A + i % OLD, 1, B, 2, 1);
		udp(r, 0x20000000 + fresh++, 1, B, 2, 1);
		r->now_ns += 1000;
		if (i == 2 * MAX) {
			rig_send(r);
			meter_stats(r->meter, &before);
		}
	}
	rig_send(r);
	meter_stats(r->meter, &after);
	assert_int_equal(after.memory_bytes, before.memory_bytes);
	assert_int_equal(after.live_flows, MAX);
	/* The first few that make room are chosen by age alone. */
	assert_in_range(after.expired[METER_EXPIRE_resources], FLOOD + OLD - MAX,
	    FLOOD + OLD - MAX + 16);
	rig_done(r);
	for (size_t i = 0; i < r->n; i++) {
		if (r->rows[i].src.v4 >= 0x20000000)
			assert_int_equal(r->rows[i].packets, 1);
		else
			whole += r->rows[i].packets == FLOOD / OLD;
	}
	assert_in_range(whole, OLD - 16, OLD);
	rig_free(r);
}

static void
test_backwards(void **state)
{
	struct rig *r = rig_new();
	int64_t t = r->now_ns;
	struct meter_stats stats;

	udp(r, A, 1, B, 2, 1);
	r->now_ns = t - 2ll * SEC * MS;
	udp(r, A, 1, B, 2, 1);
	r->now_ns = t + 1ll * SEC * MS;
	udp(r, A, 1, B, 2, 1);
	rig_done(r);
	meter_stats(r->meter, &stats);
	assert_int_equal(stats.counters[METER_backwards], 1);
	assert_int_equal(r->n, 1);
	assert_int_equal(r->rows[0].start, (t - 2ll * SEC * MS) / 1000);
	assert_int_equal(r->rows[0].end, (t + 1ll * SEC * MS) / 1000);
	rig_free(r);
}

/* One absurd time must not spoil the rest of the file. */
static void
test_clock_reset(void **state)
{
	struct rig *r = rig_new();
	int64_t t = r->now_ns;
	struct meter_stats stats;

	r->now_ns = t + 86400ll * 3650 * SEC * MS;
	udp(r, A, 9, B, 9, 1);
	r->now_ns = t;
	for (int i = 0; i < 1000; i++)
		udp(r, A, 1, B, 2, 1);
	rig_done(r);
	meter_stats(r->meter, &stats);
	assert_int_equal(stats.counters[METER_clock_resets], 1);
	assert_int_equal(stats.counters[METER_times_moved], 0);
	assert_int_equal(r->n, 2);
	assert_int_equal(r->rows[1].packets, 1000);
	assert_int_equal(r->rows[1].start, t / 1000);
	rig_free(r);
}

/* Captures put one behind the other, the newest first: every record has its packets'
 * times. */
static void
test_clock_by_pieces(void **state)
{
	enum { PIECES = 64 };
	struct rig *r = rig_new();
	int64_t t = r->now_ns, starts[PIECES];
	struct meter_stats stats;

	for (int i = 0; i < PIECES; i++) {
		starts[i] = r->now_ns = t - i * 3ll * 86400 * SEC * MS;
		for (int j = 0; j < 3; j++) {
			udp(r, A, 1, B, 2, 1);
			r->now_ns += MS;
		}
	}
	rig_done(r);
	meter_stats(r->meter, &stats);
	assert_int_equal(stats.counters[METER_clock_resets], PIECES - 1);
	assert_int_equal(stats.counters[METER_times_moved], 0);
	assert_int_equal(r->n, PIECES);
	for (int i = 0; i < PIECES; i++) {
		assert_int_equal(r->rows[i].packets, 3);
		assert_int_equal(r->rows[i].start, starts[i] / 1000);
		assert_int_equal(r->rows[i].end, (starts[i] + 2 * MS) / 1000);
	}
	rig_free(r);
}

/* Times at random are no reason to write everything packet by packet; none gets lost. */
static void
test_clock_wild(void **state)
{
	enum { PACKETS = 20000 };
	struct rig *r = rig_new();
	int64_t t = r->now_ns;
	struct meter_stats stats;

	for (int i = 0; i < PACKETS; i++) {
		r->now_ns = t + i % 2 * 30ll * 86400 * SEC * MS;
		udp(r, A, 1, B, 2, 1);
	}
	rig_done(r);
	meter_stats(r->meter, &stats);
	assert_in_range(stats.counters[METER_clock_resets], 64, 64 + PACKETS / 64);
	assert_int_equal(stats.counters[METER_record_packets], PACKETS);
	assert_int_equal(stats.counters[METER_packets], PACKETS);
	rig_free(r);
}

static int
sink_fails(struct sink *sink, struct batch *batch, struct err *err)
{
	return err_set(err, 28, "disk full");
}

static void
test_sink_fails(void **state)
{
	struct rig *r = rig_new();

	r->sink.push = sink_fails;
	udp(r, A, 1, B, 2, 1);
	rig_send(r);
	assert_int_equal(meter_flush(r->meter, &r->err), -1);
	assert_string_equal(r->err.text, "disk full");
	rig_free(r);
}

/* Small memory, as DESIGN.md asks: about 100 octets for a biflow of two UDP packets. */
static void
test_memory(void **state)
{
	struct rig *r = rig_new();
	struct meter_stats stats;

	for (uint32_t i = 0; i < 20000; i++) {
		udp(r, A, (uint16_t)(i + 1024), B, 53, 40);
		udp(r, B, 53, A, (uint16_t)(i + 1024), 100);
	}
	rig_send(r);
	meter_stats(r->meter, &stats);
	assert_int_equal(stats.live_flows, 20000);
	assert_true(stats.memory_bytes / 20000 <= 120);
	rig_done(r);
	rig_free(r);
}

/* The slow twin: a list of five-tuples with totals. */
struct total {
	uint32_t addr[2];
	uint16_t port[2];
	uint64_t packets[2], bytes[2];
};

static void
twin_add(struct total *totals, size_t *n, uint32_t src, uint16_t sport, uint32_t dst,
    uint16_t dport, uint64_t packets, uint64_t bytes)
{
	unsigned side = src != dst ? src > dst : sport > dport;

	for (size_t i = 0; i <= *n; i++) {
		struct total *t = &totals[i];

		if (i == *n) {
			*t = (struct total){0};
			t->addr[side] = src;
			t->addr[side ^ 1] = dst;
			t->port[side] = sport;
			t->port[side ^ 1] = dport;
			(*n)++;
		}
		if (t->addr[side] == src && t->port[side] == sport &&
		    t->addr[side ^ 1] == dst && t->port[side ^ 1] == dport) {
			t->packets[side] += packets;
			t->bytes[side] += bytes;
			return;
		}
	}
}

static void
test_twin(void **state)
{
	static struct total slow[4096], fast[4096];
	unsigned seed = (unsigned)random_seed();

	print_message("seed %u\n", seed);
	for (int round = 0; round < 20; round++) {
		struct meter_config config = rig_config();
		struct rig *r;
		size_t n_slow = 0, n_fast = 0;

		config.max_flows = round % 3 == 0 ? 50 : 20000;
		config.write_quiet = round % 5 == 1;
		config.timeout_s[METER_EXPIRE_udp] = 1 + round;
		config.timeout_s[METER_EXPIRE_active] = round % 3 == 0 ? 5 : 0;
		r = rig_with(&config);
		for (int i = 0; i < 3000; i++) {
			uint32_t src = A + (uint32_t)rand_r(&seed) % 6,
			    dst = A + (uint32_t)rand_r(&seed) % 6;
			uint16_t sport = (uint16_t)(rand_r(&seed) % 6),
			    dport = (uint16_t)(rand_r(&seed) % 6);
			uint32_t n = (uint32_t)rand_r(&seed) % 1400;
			bool is_tcp = round % 2;

			r->client = src;
			r->server = dst;
			r->client_port = sport;
			r->server_port = dport;
			if (is_tcp)
				tcp_raw(r, 0, (uint32_t)rand_r(&seed) << (rand_r(&seed) % 3 * 8),
				    (uint32_t)rand_r(&seed),
				    (unsigned)rand_r(&seed) & 0x1ff, n);
			else
				udp(r, src, sport, dst, dport, n);
			if (r->pending == 0)
				r->burst_max = 1 + (unsigned)rand_r(&seed) % 32;
			twin_add(slow, &n_slow, src, sport, dst, dport, 1, 0);
			r->now_ns += (int64_t)(rand_r(&seed) % 400 - 100) * MS;
			if (rand_r(&seed) % 100 == 0)
				r->now_ns += 4000ll * MS;
		}
		rig_done(r);
		for (size_t i = 0; i < r->n; i++) {
			const struct flow *f = &r->rows[i];

			twin_add(fast, &n_fast, f->src.v4, f->src_port, f->dst.v4,
			    f->dst_port, f->packets, 0);
			if (flow_has(f, reverse_packets))
				twin_add(fast, &n_fast, f->dst.v4, f->dst_port, f->src.v4,
				    f->src_port, f->reverse_packets, 0);
		}
		assert_int_equal(n_slow, n_fast);
		for (size_t i = 0; i < n_slow; i++)
			for (int d = 0; d < 2; d++) {
				size_t before = n_fast;
				unsigned o = (unsigned)d ^ 1;

				twin_add(fast, &n_fast, slow[i].addr[d], slow[i].port[d],
				    slow[i].addr[o], slow[i].port[o],
				    (uint64_t)0 - slow[i].packets[d], 0);
				assert_int_equal(before, n_fast);
			}
		for (size_t i = 0; i < n_fast; i++)
			assert_int_equal(fast[i].packets[0] + fast[i].packets[1], 0);
		rig_free(r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_biflow),
		cmocka_unit_test(test_directional),
		cmocka_unit_test(test_icmp),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_fragments_bound),
		cmocka_unit_test(test_ipv6_vlan_mac),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_active),
		cmocka_unit_test(test_forced),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_backwards),
		cmocka_unit_test(test_clock_reset),
		cmocka_unit_test(test_clock_by_pieces),
		cmocka_unit_test(test_clock_wild),
		cmocka_unit_test(test_sink_fails),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_twin),
	};

	return cmocka_run_group_tests_name("meter/table", tests, NULL, NULL);
}
