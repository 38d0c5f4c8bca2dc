/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the settings do: keys, timeouts in softflowd's spelling, the expiry interval, own
 * MAC addresses, MPLS labels, sampling; and fragments that come in no order or are made
 * to hurt.
 */
#include "rig.h"

enum { A = 0x0a000001, B = 0x0a000002 };
#define MINUTE (60ll * SEC * MS)

static struct packet
udp_of(struct rig *r, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport)
{
	return rig_udp(r, src, sport, dst, dport, 100);
}

static void
udp(struct rig *r, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport)
{
	struct packet p = udp_of(r, src, sport, dst, dport);

	rig_packet(r, &p);
}

static struct rig *
rig_key(const char *key, struct meter_config *config)
{
	struct err err = {0};

	assert_int_equal(meter_config_key(config, key, &err), 0);
	return rig_with(config);
}

/* The same packets by every key: so many flows. */
static void
test_keys(void **state)
{
	static const struct {
		const char *key;
		size_t flows;
	} rows[] = {{"ip", 2}, {"proto", 3}, {"noproto", 4}, {"full", 5}, {"port", 5},
	    {"VLAN", 6},
		{"ether", 7}};

	for (size_t i = 0; i < METER_KEYS; i++) {
		struct meter_config config = rig_config();
		struct rig *r = rig_key(rows[i].key, &config);
		struct packet p = udp_of(r, A, 1000, B, 53);

		udp(r, A, 1000, B, 53);
		udp(r, B, 53, A, 1000);
		udp(r, A, 1000, B, 54);
		udp(r, A, 1000, B + 1, 53);
		p.vlan = 7;
		rig_packet(r, &p);
		p.flags |= PACKET_HAS_MAC;
		p.src_mac[5] = 1;
		rig_packet(r, &p);
		r->client = A;
		r->server = B;
		r->client_port = 1000;
		r->server_port = 53;
		tcp_open(r);
		r->server_port = 55;
		tcp_open(r);
		rig_done(r);
		print_message("%s\n", rows[i].key);
		assert_int_equal(r->n, rows[i].flows);
		for (size_t k = 0; k < r->n; k++) {
			const struct flow *f = &r->rows[k];
			const struct meter_key_row *key = &meter_key_rows[config.key];

			assert_int_equal(flow_has(f, src_port), key->has_ports);
			assert_int_equal(f->proto != 0, key->has_proto);
			assert_int_equal(flow_has(f, tcp_flags),
			    f->proto == 6 && key->has_ports);
			assert_true(key->has_vlan || !flow_has(f, vlan));
		}
		rig_free(r);
	}
	assert_string_equal(meter_key_rows[METER_KEY_DEFAULT].id, "vlan");
}

/* Without ports a TCP packet still waits for TCP's timeout. */
static void
test_key_timeout(void **state)
{
	struct meter_config config = rig_config();
	struct rig *r;

	config.timeout_s[METER_EXPIRE_tcp] = 10;
	r = rig_key("proto", &config);
	tcp_open(r);
	r->now_ns += 11ll * SEC * MS;
	tcp_send(r, 0, ACK, 10);
	rig_done(r);
	assert_int_equal(r->n, 2);
	rig_free(r);
}

static void
test_timeout_names(void **state)
{
	static const struct {
		const char *text;
		enum meter_expire row;
		uint32_t seconds;
	} rows[] = {
		{"tcp=1h30m", METER_EXPIRE_tcp, 5400},
		{"tcp.rst=90", METER_EXPIRE_tcp_rst, 90},
		{"tcp_rst=1w", METER_EXPIRE_tcp_rst, 604800},
		{"tcp.fin=2m", METER_EXPIRE_tcp_fin, 120},
		{"tcp.fin=3m", METER_EXPIRE_tcp_closed, 180},
		{"udp=1d", METER_EXPIRE_udp, 86400},
		{"icmp=7s", METER_EXPIRE_icmp, 7},
		{"general=1d1h1m1s", METER_EXPIRE_general, 90061},
		{"maxlife=0", METER_EXPIRE_maxlife, 0},
		{"exchange_quiet=500ms", METER_EXPIRE_exchange_quiet, 1},
	};
	static const char *const bad[] = {"tcp", "tcp=", "tcp=-1", "tcp=1y", "udp.x=1",
	    "reuse=1",
		"flush=3", "overflow=1", "tcp.rst.fin=1", "=5", "udp=99999999999999w",
		"tcp=1h30x",
		"a_name_that_is_longer_than_any_timeout=1"};
	struct meter_config config = rig_config();
	struct err err = {0};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(meter_config_timeout(&config, rows[i].text, &err), 0);
		assert_int_equal(config.timeout_s[rows[i].row], rows[i].seconds);
	}
	assert_int_equal(meter_config_timeout(&config, "expint=60", &err), 0);
	assert_int_equal(config.expire_interval_s, 60);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err_clear(&err);
		assert_int_equal(meter_config_timeout(&config, bad[i], &err), -1);
		assert_non_null(strstr(err.text, bad[i]));
	}
}

/* 0 switches a timeout off: the more general one holds, as in softflowd. */
static void
test_timeout_off(void **state)
{
	struct meter_config config = rig_config();
	struct rig *r;

	config.timeout_s[METER_EXPIRE_udp] = 0;
	config.timeout_s[METER_EXPIRE_general] = 100;
	r = rig_with(&config);
	udp(r, A, 1, B, 2);
	r->now_ns += 99ll * SEC * MS;
	udp(r, A, 1, B, 2);
	r->now_ns += 101ll * SEC * MS;
	udp(r, A, 1, B, 2);
	rig_done(r);
	assert_int_equal(r->n, 2);
	rig_free(r);
}

/* Flows that are over are written at whole intervals of the clock; which they are does
 * not change. */
static void
test_expire_interval(void **state)
{
	static const struct {
		uint32_t interval_s, at_s;
	} rows[] = {{0, 2}, {1, 2}, {60, 60}, {3600, 3600}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct meter_config config = rig_config();
		struct meter_stats stats;
		struct rig *r;
		int64_t from_s = 1699999200, s; /* a whole hour */

		config.timeout_s[METER_EXPIRE_udp] = 1;
		config.expire_interval_s = rows[i].interval_s;
		r = rig_with(&config);
		r->now_ns = from_s * 1000000000;
		udp(r, A, 1, B, 2);
		rig_send(r);
		for (s = 1; s < 5000; s++) {
			assert_int_equal(meter_time(r->meter, (from_s + s) * 1000000000,
			    &r->err), 0);
			meter_stats(r->meter, &stats);
			if (stats.live_flows == 0)
				break;
		}
		assert_int_equal(s, rows[i].at_s);
		r->now_ns = (from_s + s) * 1000000000;
		/* Not looked for yet, but over: its next packet begins a flow. */
		udp(r, A, 1, B, 2);
		r->now_ns += 2ll * SEC * MS;
		udp(r, A, 1, B, 2);
		rig_done(r);
		assert_int_equal(r->n, 3);
		rig_free(r);
	}
}

static void
test_own_mac(void **state)
{
	struct meter_config config = rig_config();
	struct err err = {0};
	struct packet p;
	struct rig *r;

	assert_int_equal(meter_config_mac(&config, "02:00:00:00:00:0a", &err), 0);
	assert_int_equal(meter_config_check(&config, &err), -1); /* needs the key */
	assert_non_null(strstr(err.text, "--key ether"));
	assert_int_equal(meter_config_mac(&config, "02:00:00:00:00", &err), -1);
	assert_int_equal(meter_config_mac(&config, "02:00:00:00:00:0a:", &err), -1);
	r = rig_key("ether", &config);
	assert_int_equal(meter_config_check(&config, &err), 0);
	for (int i = 0; i < 3; i++) {
		p = udp_of(r, A, (uint16_t)(1000 + i), B, 53);
		p.flags |= PACKET_HAS_MAC;
		memcpy(i == 0 ? p.src_mac : p.dst_mac, "\2\0\0\0\0\12", 6);
		if (i == 2)
			p.dst_mac[0] = 4;
		rig_packet(r, &p);
	}
	rig_done(r);
	assert_int_equal(r->n, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct flow *f = &r->rows[i];

		assert_int_equal(flow_has(f, flow_direction), f->src_port != 1002);
		if (flow_has(f, flow_direction))
			assert_int_equal(f->flow_direction, f->src_port == 1000);
	}
	rig_free(r);
}

static void
test_labels(void **state)
{
	uint8_t stack[12 * 4];

	for (int i = 0; i < 12; i++)
		memcpy(stack + 4 * i, (uint8_t[]){0x12, 0x34, (uint8_t)(i << 4), 64}, 4);
	for (uint32_t most = 0; most <= METER_LABELS_MAX; most += 5) {
		struct meter_config config = rig_config();
		struct rig *r;

		config.labels = most;
		r = rig_with(&config);
		for (uint8_t depth = 0; depth <= 12; depth++)
			for (int again = 0; again < 2; again++) {
				struct packet p = udp_of(r, A, (uint16_t)(20000 + depth),
				    B, 53);

				p.mpls = stack;
				p.mpls_count = depth;
				rig_packet(r, &p);
			}
		rig_done(r);
		assert_int_equal(r->n, 13);
		for (size_t i = 0; i < r->n; i++) {
			const struct flow *f = &r->rows[i];
			uint32_t all = f->src_port - 20000u,
			    depth = all < most ? all : most;

			assert_int_equal(flow_has(f, mpls_label), depth >= 1);
			assert_int_equal(flow_has(f, mpls_label2), depth >= 2);
			assert_int_equal(flow_has(f, mpls_label6), depth >= 6);
			assert_int_equal(flow_has(f, mpls_label10), depth >= 10);
			if (depth >= 10)
				assert_int_equal(f->mpls_label10, 0x12349);
			if (depth >= 1)
				assert_int_equal(f->mpls_label, 0x12340);
		}
		rig_free(r);
	}
}

/* After all flows ended at once nothing of them is left, nor in the places that others
 * take. */
static void
test_all_end(void **state)
{
	struct meter_config config = rig_config();
	struct meter_stats stats;
	struct err err = {0};
	uint8_t stack[4] = {0x12, 0x34, 0x01, 64};
	struct packet p;
	struct rig *r;

	config.labels = 1;
	r = rig_with(&config);
	for (uint16_t i = 0; i < 40; i++) {
		p = udp_of(r, A, (uint16_t)(20000 + i), B, 53);
		p.mpls = stack;
		p.mpls_count = 1;
		rig_packet(r, &p);
	}
	rig_send(r);
	assert_int_equal(meter_flush(r->meter, &err), 0);
	assert_int_equal(r->n, 40);
	meter_stats(r->meter, &stats);
	assert_int_equal(stats.live_flows, 0);
	for (uint16_t i = 0; i < 3; i++) {
		p = udp_of(r, A, (uint16_t)(20000 + i), B, 53);
		p.mpls = stack;
		p.mpls_count = i == 1;
		rig_packet(r, &p);
	}
	rig_done(r);
	assert_int_equal(r->n, 43);
	for (size_t i = 40; i < 43; i++) {
		assert_int_equal(r->rows[i].packets, 1);
		assert_int_equal(flow_has(&r->rows[i], mpls_label),
		    r->rows[i].src_port == 20001);
	}
	rig_free(r);
}

/* ---- sampling ---- */

/* A download under 1 in N: the connection's ends are always there, and not in the
 * counts. */
static void
test_sampling(void **state)
{
	for (int is_random = 0; is_random < 2; is_random++) {
		struct meter_config config = rig_config();
		struct meter_stats stats;
		struct rig *r;
		const struct flow *f;
		uint64_t all, packets, rest;

		config.sample_interval = 11; /* odd: every second packet is one side's */
		config.sample_is_random = is_random;
		config.write_quiet = true;
		r = rig_with(&config);
		tcp_open(r);
		tcp_exchange(r, 100, 1460 * 1000);
		/* quiet, and another exchange: nothing is cut */
		r->now_ns += 20ll * SEC * MS;
		tcp_exchange(r, 100, 1460 * 1000);
		tcp_close(r);
		all = r->packets;
		rig_send(r);
		assert_int_equal(meter_flush(r->meter, &r->err), 0);
		meter_stats(r->meter, &stats);
		assert_int_equal(r->n, 1);
		f = &r->rows[0];
		packets = f->packets + f->reverse_packets;
		rest = f->outside_packets + f->reverse_outside_packets;
		assert_int_equal(packets, stats.counters[METER_packets]);
		assert_int_equal(rest, stats.counters[METER_outside]);
		assert_int_equal(packets + rest + stats.counters[METER_unsampled], all);
		assert_int_equal(f->bytes + f->reverse_bytes + f->outside_bytes +
		        f->reverse_outside_bytes + stats.counters[METER_unsampled_bytes],
		        r->bytes);
		/* two SYN, two FIN, but for those in the sample */
		assert_true(rest <= 4);
		if (!is_random)
			assert_int_equal(packets, (all + 10) / 11);
		else
			assert_in_range(packets, all / 11 - 120, all / 11 + 120);
		assert_int_equal(f->sampling, 11);
		assert_int_equal(f->biflow_direction, DIRECTION_syn);
		assert_int_equal(f->reverse_span, 2 * 1460 * 1000); /* the FIN tells */
		assert_int_equal(f->reverse_span_kind, SPAN_exact);
		assert_int_equal(f->span, 2 * 100);
		assert_int_equal(f->span_kind, SPAN_exact);
		assert_true(flow_has(f, reverse_first_sequence));
		assert_in_range(f->reverse_last_sequence, 5000 + 2900000, 5001 + 2920001);
		assert_false(flow_has(f, retransmitted));
		assert_false(flow_has(f, handshake));
		assert_false(flow_has(f, marks));
		rig_free(r);
	}
}

/* Which spans are exact under sampling: those of a side whose SYN and FIN were both seen,
 * in the sample or outside of it, however few of its segments were in it. */
static void
test_sampling_bounds(void **state)
{
	enum { NO_SYN = 1, NO_FIN = 2, RESET = 4 };
	static const uint32_t sizes[] = {1, 500, 1460, 20000, 1000000};

	for (int how = 0; how < 8; how++)
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			struct meter_config config = rig_config();
			const struct flow *f;
			struct rig *r;

			config.sample_interval = 1000;
			r = rig_with(&config);
			/* of another connection: that is in it */
			tcp_raw(r, 0, 7, 0, ACK, 0);
			r->client_port++;
			r->seen = how & NO_SYN ? 0 : 3;
			tcp_open(r);
			r->seen = 3;
			tcp_exchange(r, 100, sizes[i]);
			r->seen = how & NO_FIN ? 0 : 3;
			if (how & RESET)
				tcp_send(r, 1, RST | ACK, 0);
			else
				tcp_close(r);
			rig_send(r);
			assert_int_equal(meter_flush(r->meter, &r->err), 0);
			f = r->n > 0 ? &r->rows[r->n - 1] : NULL;
			if (how == 0) {
				assert_int_equal(f->span_kind, SPAN_exact);
				assert_int_equal(f->span, 100);
				assert_int_equal(f->reverse_span_kind, SPAN_exact);
				assert_int_equal(f->reverse_span, sizes[i]);
			} else if (f != NULL) {
				assert_true(!flow_has(f, reverse_span) ||
				    f->reverse_span_kind == SPAN_at_least);
				assert_true(!flow_has(f, span) ||
				    f->span_kind == SPAN_at_least);
			}
			rig_free(r);
		}
}

/* A scan: SYNs alone, most of them outside, are rows of no packets but of what is
 * outside. */
static void
test_sampling_scan(void **state)
{
	struct meter_config config = rig_config();
	uint64_t packets = 0, outside = 0;
	struct rig *r;

	config.sample_interval = 100;
	r = rig_with(&config);
	for (int i = 0; i < 1000; i++) {
		r->client_port = (uint16_t)(1000 + i);
		tcp_raw(r, 0, 7, 0, SYN, 0);
	}
	rig_send(r);
	assert_int_equal(meter_flush(r->meter, &r->err), 0);
	assert_int_equal(r->n, 1000);
	for (size_t i = 0; i < r->n; i++) {
		packets += r->rows[i].packets;
		outside += r->rows[i].outside_packets;
		assert_false(flow_has(&r->rows[i], reverse_packets));
	}
	assert_int_equal(packets, 10);
	assert_int_equal(outside, 990);
	rig_free(r);
}

/* Random sampling of many: a binomial, within six standard deviations. */
static void
test_sampling_random(void **state)
{
	static const uint32_t intervals[] = {2, 3, 10, 1000};

	for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++) {
		struct meter_config config = rig_config();
		double n = 200000, p = 1.0 / intervals[i], off;
		struct meter_stats stats;
		struct rig *r;

		config.sample_interval = intervals[i];
		config.sample_is_random = true;
		r = rig_with(&config);
		for (int k = 0; k < 200000; k++)
			udp(r, A, 1, B, 2);
		rig_send(r);
		meter_stats(r->meter, &stats);
		off = (double)stats.counters[METER_packets] - n * p;
		assert_true(off * off < 36 * n * p * (1 - p));
		assert_int_equal(stats.counters[METER_packets] +
		    stats.counters[METER_unsampled], 200000);
		rig_free(r);
	}
}

/* What a flow's times cannot be told from is refused, and said. */
static void
test_longest_times(void **state)
{
	for (int i = 0; i < METER_EXPIRES; i++) {
		bool is_life = i == METER_EXPIRE_active || i == METER_EXPIRE_maxlife;
		uint32_t most = (is_life ? 11 : 5) * 86400;
		struct meter_config config = rig_config();
		struct sink sink = {rig_push, rig_ignore, rig_ignore};
		struct err err = {0};
		struct meter *m;

		if (!is_life && !meter_expire_rows[i].is_idle)
			continue;
		config.timeout_s[i] = most;
		assert_non_null(m = meter_new(&config, &sink, &err));
		meter_free(m);
		config.timeout_s[i] = most + 1;
		assert_null(meter_new(&config, &sink, &err));
		assert_non_null(strstr(err.text, meter_expire_rows[i].id));
		assert_non_null(strstr(err.text, is_life ? "11 days" : "5 days"));
	}
}

struct shown {
	uint64_t packets, bytes, seen;
	uint32_t calls_left; /* the call after these fails */
};

static int
take_shown(void *arg, const struct packet *packets, size_t n, size_t seen,
    struct err *err)
{
	struct shown *s = arg;

	assert_true(n <= seen);
	for (size_t i = 0; i < n; i++) {
		assert_false(packets[i].flags & PACKET_UNSAMPLED);
		s->bytes += packets[i].ip_bytes;
	}
	s->packets += n;
	s->seen += seen;
	return s->calls_left-- > 0 ? 0 : err_set(err, 5, "no more");
}

/* Whoever is shown the packets sees those that are in flows, and no others: what is
 * reported of packets and what is told of flows is one sample. */
static void
test_shown(void **state)
{
	static const uint32_t intervals[] = {0, 3, 10};

	for (int key = 0; key < METER_KEYS; key++)
		for (unsigned i = 0; i < 6; i++) {
			struct meter_config config = rig_config();
			struct shown shown = {.calls_left = UINT32_MAX};
			struct meter_stats stats;
			struct rig *r;

			config.key = (enum meter_key)key;
			config.sample_interval = intervals[i / 2];
			config.sample_is_random = i % 2;
			config.show = take_shown;
			config.show_arg = &shown;
			r = rig_with(&config);
			for (int k = 0; k < 300; k++) {
				r->client_port = (uint16_t)(20000 + k);
				tcp_open(r);
				tcp_exchange(r, 100, 5000);
				tcp_close(r);
				udp(r, A, 1, B, 2);
			}
			rig_send(r);
			meter_stats(r->meter, &stats);
			assert_int_equal(shown.packets, stats.counters[METER_packets]);
			assert_int_equal(shown.bytes, stats.counters[METER_bytes]);
			assert_int_equal(shown.seen, r->packets);
			rig_free(r);
		}
}

static void
test_shown_fails(void **state)
{
	for (int sampled = 0; sampled < 2; sampled++) {
		struct meter_config config = rig_config();
		struct shown shown = {.calls_left = 1};
		struct rig *r;

		config.sample_interval = sampled ? 2 : 0;
		config.show = take_shown;
		config.show_arg = &shown;
		r = rig_with(&config);
		for (unsigned i = 0; i < 32; i++)
			r->burst[i] = rig_udp(r, A, 1, B, 2, 100);
		assert_int_equal(meter_packets(r->meter, r->burst, 32, &r->err), 0);
		assert_int_equal(meter_packets(r->meter, r->burst, 32, &r->err), -1);
		assert_string_equal(r->err.text, "no more");
		rig_free(r);
	}
}

/* ---- fragments ---- */

static void
piece(struct rig *r, uint32_t id, unsigned what, uint16_t port)
{
	struct packet p = rig_udp(r, A, port, B, 2049, 1000);

	p.fragment_id = id;
	p.flags = PACKET_FRAGMENT | (what == 0 ? PACKET_HAS_PORTS
	    : PACKET_LATER_FRAGMENT);
	if (what > 0)
		p.src_port = p.dst_port = 0;
	rig_packet(r, &p);
}

static const struct flow *
row_of_port(const struct rig *r, uint16_t port)
{
	for (size_t i = 0; i < r->n; i++)
		if (flow_or(&r->rows[i], src_port, 0) == port)
			return &r->rows[i];
	return NULL;
}

static void
test_fragments_early(void **state)
{
	struct meter_stats stats;

	/* The first comes last; whatever the bursts. */
	for (unsigned burst = 1; burst <= 4; burst++) {
		struct rig *r = rig_new();

		r->burst_max = burst;
		piece(r, 7, 2, 4000);
		piece(r, 7, 1, 4000);
		piece(r, 7, 0, 4000);
		rig_done(r);
		meter_stats(r->meter, &stats);
		assert_int_equal(r->n, 1);
		assert_int_equal(r->rows[0].packets, 3);
		assert_int_equal(r->rows[0].fragments, 3);
		assert_int_equal(stats.counters[METER_fragments_early], 2);
		assert_int_equal(stats.counters[METER_fragments_unmatched], 0);
		rig_free(r);
	}
}

/* The first never comes: the rest is not lost, and not held for ever. */
static void
test_fragments_never(void **state)
{
	struct rig *r = rig_new();
	struct meter_stats stats;

	r->burst_max = 1;
	piece(r, 7, 1, 4000);
	meter_stats(r->meter, &stats);
	assert_int_equal(stats.counters[METER_packets], 0);
	assert_int_equal(meter_time(r->meter, r->now_ns + 5ll * SEC * MS, &r->err), 0);
	meter_stats(r->meter, &stats);
	assert_int_equal(stats.counters[METER_packets], 1);
	assert_int_equal(stats.counters[METER_fragments_unmatched], 1);
	/* Comes it after all, the flow has the others, and later ones. */
	piece(r, 7, 0, 4000);
	piece(r, 7, 2, 4000);
	rig_done(r);
	assert_int_equal(r->n, 2);
	assert_int_equal(row_of_port(r, 4000)->packets, 2);
	rig_free(r);
}

/* An id is used again while the table knows it: the newer first fragment's flow it is. */
static void
test_fragments_reuse(void **state)
{
	struct rig *r = rig_new();

	for (int i = 0; i < 3; i++) {
		piece(r, 7, 0, (uint16_t)(4000 + i));
		piece(r, 7, 1, 0);
	}
	r->now_ns += 31ll * SEC * MS; /* forgotten */
	piece(r, 7, 1, 0);
	rig_done(r);
	assert_int_equal(r->n, 4);
	for (uint16_t i = 0; i < 3; i++)
		assert_int_equal(row_of_port(r, (uint16_t)(4000 + i))->packets, 2);
	assert_non_null(row_of_port(r, 0));
	rig_free(r);
}

/* Strangers fill ring and table with later fragments: bounded, counted, nothing lost; a
 * datagram in order keeps its ports all the time, which is softflowd's known bug. */
static void
test_fragments_flood(void **state)
{
	struct rig *r = rig_new();
	struct meter_stats stats;
	uint64_t memory;

	rig_send(r);
	meter_stats(r->meter, &stats);
	memory = stats.memory_bytes;
	for (uint32_t i = 0; i < 20000; i++) {
		piece(r, i | 1u << 20, 1, 0);
		if (i % 50 == 0) {
			piece(r, i, 0, 4000);
			piece(r, i, 1, 0);
			piece(r, i, 2, 0);
		}
	}
	rig_send(r);
	meter_stats(r->meter, &stats);
	assert_in_range(stats.counters[METER_packets], r->packets - 256, r->packets);
	assert_true(stats.memory_bytes - memory < 4096);
	assert_true(stats.counters[METER_fragments_displaced] > 0);
	rig_done(r);
	meter_stats(r->meter, &stats);
	assert_int_equal(stats.counters[METER_fragments_unmatched], 20000);
	assert_int_equal(row_of_port(r, 4000)->packets, 3 * 400);
	rig_free(r);
}

/* IPv6: later fragments name the header that follows the fragment header, which need not
 * be the transport; atomic fragments are none (packet/decode.c). */
static void
test_fragments_v6(void **state)
{
	uint8_t a[16] = {0x20, 1, 0xd, 0xb8, [15] = 1},
	    b[16] = {0x20, 1, 0xd, 0xb8, [15] = 2};
	struct rig *r = rig_new();

	for (int order = 0; order < 2; order++)
		for (int i = 0; i < 3; i++) {
			struct packet p = rig_udp(r, 0, 4000, 0, 53, 1000);
			bool is_first = order == 0 ? i == 0 : i == 2;

			p.src = addr_v6(a);
			p.dst = addr_v6(b);
			p.fragment_id = 0xdeadbe00 + (uint32_t)order;
			p.flags = PACKET_FRAGMENT | (is_first ? PACKET_HAS_PORTS
			                                      : PACKET_LATER_FRAGMENT);
			if (!is_first) {
				p.src_port = p.dst_port = 0;
				p.proto = 60;
			}
			rig_packet(r, &p);
		}
	rig_done(r);
	assert_int_equal(r->n, 1);
	assert_int_equal(r->rows[0].packets, 6);
	assert_int_equal(r->rows[0].proto, 17);
	rig_free(r);
}

/* The same inner addresses in two overlay networks are two flows, under every key, of
 * both families; both directions of one are one. */
static void
test_segments(void **state)
{
	static const struct {
		enum packet_segment kind;
		uint32_t segment;
	} nets[] = {{SEGMENT_NONE, 0}, {SEGMENT_VXLAN, 5}, {SEGMENT_VXLAN, 6},
	    {SEGMENT_NVGRE, 5},
		{SEGMENT_KEY, 5}, {SEGMENT_KEY, 0xffffffff}, {SEGMENT_VXLAN, 0}};
	enum { NETS = sizeof nets / sizeof *nets };

	for (unsigned key = 0; key < METER_KEYS; key++)
		for (unsigned i = 0; i < 4; i++) {
			struct meter_config config = rig_config();
			bool is_v6 = i & 1, has_segments = i < 2;
			unsigned seen[NETS] = {0};
			struct rig *r;

			config.key = key;
			config.has_segments = has_segments;
			r = rig_with(&config);
			for (unsigned turn = 0; turn < 4; turn++)
				for (unsigned n = 0; n < NETS; n++) {
					struct packet p = rig_udp(r, 0x0a000001, 4000,
					    0x0a000002, 53, 100);

					if (is_v6) {
						p.src = addr_v6((const uint8_t[16]){0xfd,
						    1});
						p.dst = addr_v6((const uint8_t[16]){0xfd,
						    2});
					}
					if (turn % 2) {
						struct addr src = p.src;

						p.src = p.dst;
						p.dst = src;
						p.src_port = 53;
						p.dst_port = 4000;
					}
					p.segment = nets[n].segment;
					p.flags |= (uint16_t)(nets[n].kind << 12);
					rig_packet(r, &p);
				}
			rig_done(r);
			assert_int_equal(r->n, has_segments ? NETS : 1);
			for (size_t k = 0; has_segments && k < r->n; k++) {
				const struct flow *f = &r->rows[k];
				unsigned n = 0;

				assert_int_equal(f->packets, 2);
				assert_int_equal(f->reverse_packets, 2);
				assert_int_equal(f->src.is_v6, is_v6);
				if (is_v6)
					assert_int_equal(f->src.v6[0], 0xfd);
				else
					assert_in_range(f->src.v4, 0x0a000001,
					    0x0a000002);
				while (n < NETS && !(nets[n].kind == SEGMENT_KEY
				    ? flow_has(f, tunnel_key) &&
				    f->tunnel_key == nets[n].segment
				    : nets[n].kind == SEGMENT_NONE
				    ? !flow_has(f, segment) && !flow_has(f, tunnel_key)
				    : flow_has(f, segment) &&
				        f->segment == ((uint64_t)nets[n].kind << 56 |
				        nets[n].segment)))
					n++;
				assert_in_range(n, 0, NETS - 1);
				assert_int_equal(seen[n]++, 0);
			}
			rig_free(r);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_key_timeout),
		cmocka_unit_test(test_timeout_names),
		cmocka_unit_test(test_timeout_off),
		cmocka_unit_test(test_expire_interval),
		cmocka_unit_test(test_own_mac),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_all_end),
		cmocka_unit_test(test_sampling),
		cmocka_unit_test(test_sampling_bounds),
		cmocka_unit_test(test_sampling_scan),
		cmocka_unit_test(test_sampling_random),
		cmocka_unit_test(test_longest_times),
	    cmocka_unit_test(test_shown),
	    cmocka_unit_test(test_shown_fails),
		cmocka_unit_test(test_fragments_early),
		cmocka_unit_test(test_fragments_never),
		cmocka_unit_test(test_fragments_reuse),
		cmocka_unit_test(test_fragments_flood),
		cmocka_unit_test(test_fragments_v6),
	};

	return cmocka_run_group_tests_name("meter/config", tests, NULL, NULL);
}
