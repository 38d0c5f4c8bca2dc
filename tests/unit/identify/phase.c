/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * identify/sequence_phase: where the segments behind a hidden border end with pages of
 * the file, the border and the header are found by them; a segment that ends elsewhere,
 * or behind the response's end, says nothing for a border.
 */
#include "identify/sequence_run.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PAGE = 4096, HEADER = 241, RESPONSES = 12 };

static struct sequence_item items[2] = {{.size = 20000}, {.size = 200000}};

/* Twelve responses of 300,000 octets or so, sizes of six digits; of each one the third
 * page ends a segment. Every third border is hidden. */
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
		assert_true(phase_weight(&run, start[i], HEADER + 6,
		    start[i + 1]) > 1000);
		assert_true(phase_weight(&run, start[i], HEADER + 5, start[i + 1]) < 1);
		assert_true(phase_weight(&run, start[i] + 4, HEADER + 6,
		    start[i + 1]) < 1);
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
			found += run.borders[i].is_page &&
			    run.borders[i].offset == start[k];
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

/*
 * A captured run, no model's: script/apt-runs pipelined 26, nginx by a veth pair that
 * merges segments again. The meter's marks of segment ends, and the true responses. Where
 * a server's queue never empties most borders hide; 14 of them have a page's end behind
 * them.
 */
static const uint64_t captured_ends[] = {
    285925, 778911, 911080, 973413, 1037935, 1072751, 1102301, 1205709,
    1269197, 1331661, 1396173, 1488962, 1552356, 1747744, 1765720, 1807950,
    1823310, 1870731, 1888139, 1941483, 2116467, 2180979, 2293243, 2419195,
    2462763, 2523273, 2541250, 2651842, 2725570, 2773698, 2823098, 2838178,
    2858351, 2870728, 2903573, 3083313, 3216085, 3345191, 3749839, 3806159,
    3939927, 4004439, 4188879,
};

static const struct {
	uint32_t start, size, header;
} captured[] = {
    {0, 123648, 238}, {123886, 4064, 236}, {128186, 5484, 236},
    {133906, 4088, 236}, {138230, 85780, 237}, {224247, 498984, 238},
    {723469, 9912, 236}, {733617, 152412, 238}, {886267, 37520, 237},
    {924024, 72476, 237}, {996737, 105088, 238}, {1102063, 382328, 238},
    {1484629, 42676, 237}, {1527542, 219964, 238}, {1747744, 59732, 237},
    {1807713, 13392, 237}, {1821342, 54168, 237}, {1875747, 34808, 237},
    {1910792, 26120, 237}, {1937149, 533056, 238}, {2470443, 31928, 237},
    {2502608, 4616, 236}, {2507460, 15576, 237}, {2523273, 17740, 237},
    {2541250, 188280, 238}, {2729768, 74232, 237}, {2804237, 18624, 237},
    {2823098, 30112, 237}, {2853447, 4668, 236}, {2858351, 12140, 237},
    {2870728, 32608, 237}, {2903573, 19532, 237}, {2923342, 35012, 237},
    {2958591, 7564, 236}, {2966391, 55008, 237}, {3021636, 92720, 237},
    {3114593, 14400, 237}, {3129230, 24940, 237}, {3154407, 182116, 238},
    {3336761, 851880, 238},
};

enum {
	CAPTURED = sizeof captured / sizeof *captured,
	CAPTURED_ENDS = sizeof captured_ends / sizeof *captured_ends,
	CAPTURED_PAGES = 14,
	CAPTURED_HEADER = 232, /* without the digits */
};

static uint64_t
captured_end(uint32_t i)
{
	return (uint64_t)captured[i].start + captured[i].size + captured[i].header;
}

static bool
is_shown(uint64_t offset)
{
	uint32_t i;

	for (i = 0; i < CAPTURED_ENDS; i++)
		if (captured_ends[i] == offset)
			return true;
	return offset == 0;
}

static void
read_captured(struct run *run, struct sequence_config *config,
    struct sequence_stats *stats, struct sequence_item sizes[CAPTURED])
{
	uint32_t i;

	for (i = 0; i < CAPTURED; i++)
		sizes[i] = (struct sequence_item){.size = captured[i].size};
	sequence_config_init(config);
	config->items = sizes;
	config->count = CAPTURED;
	*run = (struct run){.config = config, .stats = stats, .phased = 0.5};
	run->odd = calloc(CAPTURED_ENDS, sizeof *run->odd);
	run->borders = calloc(CAPTURED_ENDS + 1, sizeof *run->borders);
	run->border_count = 1;
	for (i = 0; i < CAPTURED_ENDS; i++) {
		run->odd[run->odd_count++] = captured_ends[i];
		run->borders[run->border_count++] =
		    (struct border){.offset = captured_ends[i], .is_end = 1};
	}
	run->modes.headers = 1;
	run->modes.header[0] = (struct sequence_mode){.bytes = CAPTURED_HEADER,
	    .weight = 1};
}

/* True places gain; places anywhere gain and lose alike, so that their mean is one. */
static void
test_captured_weight(void **state)
{
	struct sequence_config config;
	struct sequence_stats stats = {0};
	struct sequence_item sizes[CAPTURED];
	struct run run;
	uint32_t i, shift, hidden = 0;
	double sum = 0, n = 0;

	read_captured(&run, &config, &stats, sizes);
	for (i = 0; i < CAPTURED; i++) {
		uint64_t start = captured[i].start;

		hidden += !is_shown(start) &&
			  phase_weight(&run, start, captured[i].header,
			  captured_end(i)) > 100;
		for (shift = 1; shift < PAGE; shift++) {
			sum += phase_weight(&run, start + shift, captured[i].header,
					    captured_end(i) + shift);
			n++;
		}
	}
	assert_true(hidden >= CAPTURED_PAGES);
	assert_true(sum / n > 0.7 && sum / n < 1.4);
	run_done(&run);
}

/* The hidden places are among the borders that pages tell of. */
static void
test_captured_borders(void **state)
{
	struct sequence_config config;
	struct sequence_stats stats = {0};
	struct sequence_item sizes[CAPTURED];
	struct run run;
	struct err err = {0};
	uint32_t i, k, found = 0;

	read_captured(&run, &config, &stats, sizes);
	assert_int_equal(phase_learn(&run, &err), 0);
	/* The starts that show have none: there the queue had been empty. */
	run.has_pages = true;
	assert_int_equal(phase_add_borders(&run, &err), 0);
	for (i = 0; i < CAPTURED; i++)
		for (k = 0; k < run.border_count; k++)
			found += run.borders[k].is_page &&
				 run.borders[k].offset == captured[i].start;
	assert_true(found >= CAPTURED_PAGES);
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
	    cmocka_unit_test(test_captured_weight),
	    cmocka_unit_test(test_captured_borders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
