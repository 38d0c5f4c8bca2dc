/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking at a running meter's flows, throwing them away, changing its timeouts.
 */
#include "rig.h"

#include "meter/control.h"

enum { FLOWS = 3000 };

static void
udp_to(struct rig *r, uint16_t port)
{
	struct packet p = rig_udp(r, r->client, port, r->server, 53, 100);

	r->now_ns += 1000;
	p.time_ns = r->now_ns;
	rig_packet(r, &p);
}

struct seen {
	unsigned times[65536];
	uint64_t packets;
	int64_t due_ns;
	enum meter_expire timeout;
};

static void
see(void *context, const struct meter_live *live)
{
	struct seen *s = context;
	const struct flow *row = live->row;

	assert_true(flow_has(row, src_port));
	s->times[row->src_port]++;
	s->packets += row->packets + flow_or(row, reverse_packets, 0);
	s->due_ns = live->due_ns;
	s->timeout = live->timeout;
}

/* Flows that stay are seen once, whatever comes and goes meanwhile. */
static void
test_walk(void **state)
{
	static const uint32_t chunks[] = {1, 7, 1000, UINT32_MAX};
	struct rig *r = rig_new();
	struct seen *s = calloc(1, sizeof *s);
	uint32_t cursor;
	uint16_t i, next = FLOWS;
	size_t c;

	(void)state;
	for (i = 0; i < FLOWS; i++)
		udp_to(r, (uint16_t)(1024 + i));
	rig_send(r);
	for (c = 0; c < sizeof chunks / sizeof *chunks; c++) {
		memset(s, 0, sizeof *s);
		for (cursor = 0; meter_walk(r->meter, &cursor, chunks[c], see, s);)
			;
		for (i = 0; i < FLOWS; i++)
			assert_int_equal(s->times[1024 + i], 1);
		assert_int_equal(s->packets, FLOWS);
		assert_int_equal(s->timeout, METER_EXPIRE_udp);
		assert_true(s->due_ns > r->now_ns);
	}
	memset(s, 0, sizeof *s);
	for (cursor = 0; meter_walk(r->meter, &cursor, 10, see, s);) {
		udp_to(r, (uint16_t)(1024 + next++));
		rig_send(r);
		if (next == FLOWS + 500)
			break;
	}
	while (meter_walk(r->meter, &cursor, 10, see, s))
		;
	for (i = 0; i < FLOWS; i++)
		assert_int_equal(s->times[1024 + i], 1);
	rig_done(r);
	memset(s, 0, sizeof *s);
	cursor = 0;
	assert_false(meter_walk(r->meter, &cursor, UINT32_MAX, see, s));
	assert_int_equal(s->packets, 0);
	free(s);
	rig_free(r);
}

/* A row that is shown equals the one that is written when the flow ends just then. */
static struct flow shown;

static void
keep(void *context, const struct meter_live *live)
{
	(void)context;
	shown = *live->row;
}

static void
test_walk_shows_the_row(void **state)
{
	struct rig *r = rig_new();
	uint32_t cursor = 0;

	(void)state;
	tcp_open(r);
	tcp_exchange(r, 300, 50000);
	rig_send(r);
	assert_false(meter_walk(r->meter, &cursor, UINT32_MAX, keep, NULL));
	rig_done(r);
	assert_int_equal(r->n, 1);
	assert_int_equal(shown.bytes, r->rows[0].bytes);
	assert_int_equal(shown.reverse_bytes, r->rows[0].reverse_bytes);
	assert_int_equal(shown.reverse_span, 50000);
	assert_int_equal(shown.start, r->rows[0].start);
	assert_int_equal(shown.end, r->rows[0].end);
	assert_int_equal(shown.connection, r->rows[0].connection);
	rig_free(r);
}

static void
test_forget(void **state)
{
	struct rig *r = rig_new();
	struct meter_stats stats;
	uint64_t packets;
	uint16_t i;

	(void)state;
	for (i = 0; i < 100; i++)
		udp_to(r, (uint16_t)(1024 + i));
	tcp_open(r);
	tcp_exchange(r, 300, 600); /* small: waits in a remainder */
	tcp_exchange(r, 300, 50000);
	tcp_exchange(r, 300, 700);
	rig_send(r);
	packets = r->packets;
	assert_int_equal(meter_forget(r->meter), 101);
	assert_int_equal(meter_forget(r->meter), 0);
	meter_stats(r->meter, &stats);
	assert_int_equal(stats.live_flows, 0);
	assert_int_equal(stats.counters[METER_deleted_flows], 101);
	assert_int_equal(stats.counters[METER_record_packets] +
	    stats.counters[METER_deleted_packets], packets);
	assert_int_equal(stats.counters[METER_record_bytes] +
	    stats.counters[METER_deleted_bytes], r->bytes);
	assert_true(stats.counters[METER_deleted_packets] >= 100);
	/* And on it goes. */
	for (i = 0; i < 50; i++)
		udp_to(r, (uint16_t)(1024 + i));
	rig_send(r);
	assert_int_equal(meter_flush(r->meter, &r->err), 0);
	meter_stats(r->meter, &stats);
	assert_int_equal(stats.counters[METER_record_packets] +
	    stats.counters[METER_deleted_packets], packets + 50);
	rig_free(r);
}

/* Under sampling too: what is counted apart in a flow is deleted with it. */
static void
test_forget_sampled(void **state)
{
	struct meter_config config = rig_config();
	struct meter_stats stats;
	struct rig *r;
	int i;

	(void)state;
	config.sample_interval = 3;
	r = rig_with(&config);
	for (i = 0; i < 40; i++) {
		tcp_open(r);
		tcp_exchange(r, 300, 5000);
		if (i % 2 == 0)
			tcp_close(r);
		r->client_port++;
		if (i == 20) {
			rig_send(r);
			assert_true(meter_forget(r->meter) > 0);
		}
	}
	rig_send(r);
	assert_int_equal(meter_flush(r->meter, &r->err), 0);
	meter_stats(r->meter, &stats);
	assert_true(stats.counters[METER_deleted_outside] > 0);
	assert_true(stats.counters[METER_record_outside] > 0);
	assert_int_equal(stats.counters[METER_packets],
	    stats.counters[METER_record_packets] + stats.counters[METER_deleted_packets]);
	assert_int_equal(stats.counters[METER_outside],
	    stats.counters[METER_record_outside] + stats.counters[METER_deleted_outside]);
	assert_int_equal(stats.counters[METER_outside_bytes],
	    stats.counters[METER_record_outside_bytes] +
	    stats.counters[METER_deleted_outside_bytes]);
	assert_int_equal(stats.counters[METER_packets] + stats.counters[METER_outside] +
	    stats.counters[METER_unsampled], r->packets);
	rig_free(r);
}

/* A shorter timeout holds for flows that are there already, a longer one too. */
static void
test_timeouts(void **state)
{
	static const struct {
		uint32_t seconds, later_s;
		unsigned written;
	} rows[] = {
		{10, 8, 0}, {10, 13, 100}, {5000, 310, 0}, {5000, 5010, 100},
		{300, 302, 100},
	};
	size_t k;
	uint16_t i;

	(void)state;
	for (k = 0; k < sizeof rows / sizeof *rows; k++) {
		struct rig *r = rig_new();
		struct meter_stats stats;
		uint32_t cursor = 0;
		char text[32];

		for (i = 0; i < 100; i++)
			udp_to(r, (uint16_t)(1024 + i));
		rig_send(r);
		assert_int_equal(meter_timeout(r->meter, METER_EXPIRE_udp), 300);
		snprintf(text, sizeof text, "udp=%u", rows[k].seconds);
		assert_int_equal(meter_set_timeout(r->meter, text, &r->err), 0);
		assert_int_equal(meter_timeout(r->meter, METER_EXPIRE_udp),
		    rows[k].seconds);
		while (meter_reschedule(r->meter, &cursor, 9))
			;
		assert_int_equal(meter_time(r->meter, r->now_ns +
		    (int64_t)rows[k].later_s * SEC * MS, &r->err), 0);
		meter_stats(r->meter, &stats);
		assert_int_equal(stats.counters[METER_records], rows[k].written);
		rig_done(r);
		rig_free(r);
	}
}

/* The longest record, switched on and off. */
static void
test_active(void **state)
{
	struct rig *r = rig_new();
	int i;

	(void)state;
	assert_int_equal(meter_set_timeout(r->meter, "active=1m", &r->err), 0);
	for (i = 0; i < 200; i++) {
		udp_to(r, 2000);
		r->now_ns += (int64_t)SEC * MS;
	}
	rig_send(r);
	assert_int_equal(meter_set_timeout(r->meter, "active=0", &r->err), 0);
	assert_int_equal(meter_set_timeout(r->meter, "nonsense=1", &r->err), -1);
	for (i = 0; i < 200; i++) {
		udp_to(r, 2000);
		r->now_ns += (int64_t)SEC * MS;
	}
	rig_done(r);
	assert_int_equal(r->n, 4);
	rig_free(r);
}

/* A timeout of 0: the next more general one holds, is why the flow ends, and goes on to
 * hold when it is changed. softflowd's tcp.fin is tcp_closed here. */
static void
test_switched_off(void **state)
{
	static const struct {
		const char *off, *then;
		unsigned flags[2]; /* the last segments of client and server */
		enum meter_expire why;
		enum end_reason reason;
	} rows[] = {
		{"tcp_fin=0", "tcp=20", {FIN | ACK, ACK}, METER_EXPIRE_tcp, END_REASON_idle},
		{"tcp_rst=0", "tcp=20", {ACK, RST | ACK}, METER_EXPIRE_tcp,
		END_REASON_idle},
		{"tcp_closed=0", "tcp_fin=20", {FIN | ACK, FIN | ACK},
		METER_EXPIRE_tcp_fin, END_REASON_end},
		{"tcp=0", "general=20", {ACK, ACK}, METER_EXPIRE_general,
		END_REASON_idle},
		{"icmp=0", "tcp_fin=20", {FIN | ACK, ACK}, METER_EXPIRE_tcp_fin,
		END_REASON_end},
	};
	struct meter_stats stats;
	size_t k;

	(void)state;
	for (k = 0; k < sizeof rows / sizeof *rows; k++) {
		struct meter_config config = rig_config();
		struct rig *r;
		uint32_t cursor = 0;

		config.cut_exchanges = false;
		r = rig_with(&config);
		assert_int_equal(meter_set_timeout(r->meter, rows[k].off, &r->err), 0);
		tcp_open(r);
		tcp_send(r, 0, rows[k].flags[0], 0);
		tcp_send(r, 1, rows[k].flags[1], 0);
		rig_send(r);
		assert_int_equal(meter_set_timeout(r->meter, rows[k].then, &r->err), 0);
		while (meter_reschedule(r->meter, &cursor, 9))
			;
		assert_int_equal(meter_time(r->meter, r->now_ns + 15ll * SEC * MS,
		    &r->err), 0);
		meter_stats(r->meter, &stats);
		assert_int_equal(stats.counters[METER_records], 0);
		assert_int_equal(meter_time(r->meter, r->now_ns + 25ll * SEC * MS,
		    &r->err), 0);
		meter_stats(r->meter, &stats);
		assert_int_equal(stats.expired[rows[k].why], 1);
		rig_done(r);
		assert_int_equal(r->n, 1);
		assert_int_equal(r->rows[0].end_reason, rows[k].reason);
		rig_free(r);
	}
}

/* Live and not cut: a connection stays a record over quiet times. */
static void
test_quiet_uncut(void **state)
{
	struct meter_config config = rig_config();
	struct rig *r;
	int i;

	(void)state;
	config.cut_exchanges = false;
	config.write_quiet = true;
	r = rig_with(&config);
	tcp_open(r);
	for (i = 0; i < 3; i++) {
		tcp_exchange(r, 300, 50000);
		rig_send(r);
		r->now_ns += 20ll * SEC * MS;
		assert_int_equal(meter_time(r->meter, r->now_ns, &r->err), 0);
	}
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 1);
	assert_int_equal(r->rows[0].reverse_span, 150000);
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_walk_shows_the_row),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_forget_sampled),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_active),
	    cmocka_unit_test(test_switched_off),
		cmocka_unit_test(test_quiet_uncut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
