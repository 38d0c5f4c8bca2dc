/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Live, flows end by the clock: at most a quarter of a second after their time, those
 * that are too long as well, without a further packet; and the clock may be set.
 */
#include "rig.h"

#include "meter/control.h"

static const int64_t S = 1000 * (int64_t)MS;

static struct rig *
rig_live(uint32_t udp_s, uint32_t active_s)
{
	struct meter_config config = rig_config();

	config.is_live = config.write_quiet = true;
	config.timeout_s[METER_EXPIRE_udp] = udp_s;
	config.timeout_s[METER_EXPIRE_active] = active_s;
	return rig_with(&config);
}

static void
udp_at(struct rig *r, int64_t ns)
{
	struct packet p = rig_udp(r, r->client, 40000, r->server, 53, 100);

	p.time_ns = ns;
	rig_packet(r, &p);
	rig_send(r);
}

/* Lets the clock run in steps of 10 ms until there are n rows; the time then. */
static int64_t
run_until(struct rig *r, int64_t from_ns, int64_t to_ns, size_t n)
{
	int64_t now = from_ns;

	while (r->n < n && now < to_ns) {
		now += 10 * MS;
		assert_int_equal(meter_time(r->meter, now, &r->err), 0);
		assert_int_equal(meter_push(r->meter, &r->err), 0);
	}
	return now;
}

static void
test_idle(void **state)
{
	struct rig *r = rig_live(2, 0);
	int64_t start = r->now_ns + 123456789, over = start + 2 * S, seen;
	int i;

	(void)state;
	for (i = 0; i < 20; i++, start += 7 * S + 130 * MS, over = start + 2 * S) {
		udp_at(r, start);
		seen = run_until(r, start, over + 10 * S, (size_t)i + 1);
		assert_int_equal(r->n, i + 1);
		assert_in_range(seen - over, 1, 260 * MS);
		assert_int_equal(r->rows[i].end_reason, END_REASON_idle);
	}
	rig_done(r);
	rig_free(r);
}

static void
test_active(void **state)
{
	struct rig *r = rig_live(10, 3);
	int64_t start = r->now_ns, seen;

	(void)state;
	udp_at(r, start);
	udp_at(r, start + S);
	seen = run_until(r, start + S, start + 30 * S, 1);
	assert_int_equal(r->n, 1);
	assert_in_range(seen - start - 3 * S, 0, 260 * MS);
	assert_int_equal(r->rows[0].end_reason, END_REASON_active);
	assert_int_equal(r->rows[0].packets, 2);
	/* a packet after that begins a record that has its own limit */
	udp_at(r, seen + S);
	seen = run_until(r, seen + S, start + 60 * S, 2);
	assert_int_equal(r->rows[1].packets, 1);
	assert_int_equal(r->rows[1].end_reason, END_REASON_active);
	assert_in_range(seen - r->rows[1].start * 1000 - 3 * S, 0, 260 * MS);
	/* and no row comes of nothing */
	(void)run_until(r, seen, seen + 60 * S, 3);
	assert_int_equal(r->n, 2);
	rig_done(r);
	rig_free(r);
}

static void
test_restart(void **state)
{
	struct rig *r = rig_live(300, 0);
	struct meter_stats stats;
	int64_t start = r->now_ns;

	(void)state;
	udp_at(r, start);
	assert_int_equal(meter_restart(r->meter, &r->err), 0);
	assert_int_equal(meter_push(r->meter, &r->err), 0);
	assert_int_equal(r->n, 1);
	assert_int_equal(r->rows[0].end_reason, END_REASON_forced);
	/* there is no time to forget */
	assert_int_equal(meter_restart(r->meter, &r->err), 0);
	udp_at(r, start - 86400 * S); /* the clock was a day ahead */
	assert_int_equal(run_until(r, start - 86400 * S, start, 2) < start, 1);
	assert_int_equal(r->rows[1].start * 1000, start - 86400 * S);
	meter_stats(r->meter, &stats);
	assert_int_equal(stats.counters[METER_clock_resets], 1);
	assert_int_equal(stats.counters[METER_backwards], 0);
	rig_done(r);
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_idle),
	    cmocka_unit_test(test_active),
	    cmocka_unit_test(test_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
