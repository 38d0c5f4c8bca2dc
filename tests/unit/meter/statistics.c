/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statistics of the records against a slow twin: every meter test compares them in
 * rig_done; here are known figures, several meters added up, and a mixture of protocols.
 */
#include "rig.h"

#include "meter/statistics.h"

static void
test_known(void **state)
{
	struct rig *r = rig_new();
	const struct meter_statistics *s = meter_statistics(r->meter);
	struct packet p;

	(void)state;
	assert_int_equal(s->records, 0);
	p = rig_udp(r, 1, 53, 2, 5353, 72);
	rig_packet(r, &p);
	r->now_ns += 1500 * (int64_t)MS;
	p = rig_udp(r, 2, 5353, 1, 53, 172);
	rig_packet(r, &p);
	p = rig_ip(r, 3, 4, 47, 1000);
	rig_packet(r, &p);
	rig_done(r);
	assert_int_equal(s->records, 2);
	assert_int_equal(s->bytes.min, 300);
	assert_int_equal(s->bytes.max, 1000);
	assert_int_equal(s->bytes.sum, 1300);
	assert_int_equal(s->packets.min, 1);
	assert_int_equal(s->packets.max, 2);
	assert_int_equal(s->duration_us.min, 0);
	assert_int_equal(s->duration_us.max, 1500000);
	assert_int_equal(s->protocols[17].records, 1);
	assert_int_equal(s->protocols[17].bytes, 300);
	assert_int_equal(s->protocols[17].duration_us, 1500000);
	assert_int_equal(s->protocols[17].duration_max_us, 1500000);
	assert_int_equal(s->protocols[47].packets, 1);
	assert_int_equal(s->protocols[6].records, 0);
	rig_free(r);
}

/* Many flows of all protocols; and the same twice is twice as much. */
static void
test_mixture_and_sum(void **state)
{
	struct rig *r = rig_new();
	struct meter_statistics sum = {0}, empty = {0};
	const struct meter_statistics *s = meter_statistics(r->meter);
	struct packet p;
	uint32_t i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		r->now_ns += 7 * MS;
		p = rig_ip(r, 1 + i % 13, 100 + i % 17, (uint8_t)(i % 256),
		    40 + i % 1400);
		rig_packet(r, &p);
	}
	rig_done(r);
	assert_true(s->records > 256);
	meter_statistics_add(&sum, &empty);
	meter_statistics_add(&sum, s);
	assert_memory_equal(&sum, s, sizeof sum);
	meter_statistics_add(&sum, &empty);
	assert_memory_equal(&sum, s, sizeof sum);
	meter_statistics_add(&sum, s);
	assert_int_equal(sum.records, 2 * s->records);
	assert_int_equal(sum.bytes.sum, 2 * s->bytes.sum);
	assert_int_equal(sum.bytes.min, s->bytes.min);
	assert_int_equal(sum.bytes.max, s->bytes.max);
	assert_int_equal(sum.protocols[255].packets, 2 * s->protocols[255].packets);
	assert_int_equal(sum.protocols[255].duration_max_us,
	    s->protocols[255].duration_max_us);
	assert_true(meter_mean(sum.bytes.sum, sum.records) > 40);
	assert_true(meter_mean(0, 0) == 0);
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_mixture_and_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
