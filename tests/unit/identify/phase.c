/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * identify/sequence_phase: where the segments behind a hidden border end with pages of the
 * file, the border and the header are found by them; a segment that ends elsewhere, or
 * behind the response's end, says nothing for a border.
 */
#include "identify/sequence_run.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PAGE = 4096, HEADER = 241, RESPONSES = 12 };

static struct sequence_item items[2] = {{.size = 20000}, {.size = 200000}};

/* Twelve responses of 300,000 octets or so, sizes of six digits; of each one the third page
 * ends a segment. Every third border is hidden. */
static void
make_run(struct run *run, struct sequence_config *config, struct sequence_stats *stats,
	 uint64_t start[RESPONSES + 1])
{
	uint64_t at = 0;
	int i;

	sequence_config_init(config);
	config->items = items;
	config->count = 2;
	*run = (struct run){.config = config, .stats = stats};
	run->odd = calloc(2 * RESPONSES, sizeof *run->odd);
	run->borders = calloc(2 * RESPONSES, sizeof *run->borders);
	for (i = 0; i < RESPONSES; i++) {
		start[i] = at;
		if (i % 3 != 2) {
			if (i > 0)
				run->odd[run->odd_count++] = at;
			run->borders[run->border_count++] =
			    (struct border){.offset = at, .is_end = i > 0};
		}
		run->odd[run->odd_count] = at + HEADER + 6 + 3 * PAGE;
		run->borders[run->border_count++] = (struct border){
		    .offset = run->odd[run->odd_count++], .is_end = 1};
		at += 300000 + (uint64_t)i * 1234;
	}
	start[RESPONSES] = at;
	run->borders[run->border_count++] = (struct border){.offset = at, .is_end = 1};
}

static void
test_weight(void **state)
{
	struct sequence_config config;
	struct sequence_stats stats = {0};
	struct run run;
	uint64_t start[RESPONSES + 1];

	make_run(&run, &config, &stats, start);
	run.phased = 0.5;
	for (int i = 0; i < RESPONSES; i++) {
		assert_true(phase_weight(&run, start[i], HEADER + 6, start[i + 1]) > 1000);
		assert_true(phase_weight(&run, start[i], HEADER + 5, start[i + 1]) < 1);
		assert_true(phase_weight(&run, start[i] + 4, HEADER + 6, start[i + 1]) < 1);
	}
	/* It ends before the segment does. */
	assert_true(phase_weight(&run, start[2], HEADER + 6, start[2] + 9000) == 1);
	run_done(&run);
}

static void
test_header(void **state)
{
	static uint8_t none[2 * RESPONSES];
	struct sequence_config config;
	struct sequence_stats stats = {0};
	struct run run;
	uint64_t start[RESPONSES + 1];
	double gain[1024];
	struct phase_poll poll = {.low = 40, .count = 1024, .starts = 100, .gain = gain};
	uint32_t i, best = 0;

	make_run(&run, &config, &stats, start);
	phase_vote(&run, false, 0.25, none, &poll);
	for (i = 0; i < poll.count; i++)
		best = gain[i] > gain[best] ? i : best;
	/* Five or six digits: the catalogue has both. */
	assert_in_range(best + poll.low, HEADER, HEADER + 1);
	assert_true(poll.base + gain[best] > 10);
	run_done(&run);
}

static void
test_borders(void **state)
{
	struct sequence_config config;
	struct sequence_stats stats = {0};
	struct run run;
	struct err err = {0};
	uint64_t start[RESPONSES + 1];
	uint32_t i, found = 0;

	make_run(&run, &config, &stats, start);
	run.modes.headers = 1;
	run.modes.header[0] = (struct sequence_mode){.bytes = HEADER, .weight = 1};
	assert_int_equal(phase_learn(&run, &err), 0);
	assert_true(run.has_pages);
	assert_int_equal(phase_add_borders(&run, &err), 0);
	for (i = 0; i < run.border_count; i++) {
		assert_true(i == 0 || run.borders[i].offset > run.borders[i - 1].offset);
		for (int k = 2; k < RESPONSES; k += 3)
			found += run.borders[i].is_page && run.borders[i].offset == start[k];
		if (i > 0 && run.borders[i - 1].next < run.border_count)
			assert_false(run.borders[run.borders[i - 1].next].is_page);
	}
	assert_int_equal(found, RESPONSES / 3);
	assert_true(stats.pages >= found);
	run_done(&run);
}

/* Segments that end anywhere say nothing. */
static void
test_no_pages(void **state)
{
	struct sequence_config config;
	struct sequence_stats stats = {0};
	struct run run;
	struct err err = {0};
	uint64_t start[RESPONSES + 1];
	uint32_t i, before;

	make_run(&run, &config, &stats, start);
	for (i = 0; i < run.odd_count; i++)
		run.odd[i] += i * 37 + 11;
	run.modes.headers = 1;
	run.modes.header[0] = (struct sequence_mode){.bytes = HEADER, .weight = 1};
	before = run.border_count;
	assert_int_equal(phase_learn(&run, &err), 0);
	assert_false(run.has_pages);
	assert_int_equal(phase_add_borders(&run, &err), 0);
	assert_int_equal(run.border_count, before);
	run_done(&run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_weight),
	    cmocka_unit_test(test_header),
	    cmocka_unit_test(test_borders),
	    cmocka_unit_test(test_no_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
