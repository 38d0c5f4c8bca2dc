/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link emulator's engine: what was asked for is what happens, within the bounds of
 * chance (five standard deviations, with fixed seeds), and every frame is accounted for.
 */
#include "base/err.h"
#include "base/text.h"
#include "lab/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MS = 1000000, US = 1000, FRAME = 1514 };

static struct link *
make(const char *settings, uint64_t seed, uint32_t slots)
{
	struct link_config config = {.seed = seed, .frame_bytes = FRAME, .slots = slots};
	struct link *link = NULL;
	struct err err = {0};
	int way;

	for (way = 0; way < LINK_WAYS; way++) {
		link_way_default(&config.ways[way]);
		if (link_way_parse(&config.ways[way], settings, &err) != 0)
			fail_msg("%s", err.text);
	}
	if (link_new(&config, &link, &err) != 0)
		fail_msg("%s", err.text);
	return link;
}

/* A frame that carries its number, and a pattern made of it. */
static void
fill(unsigned char *data, uint64_t number, uint32_t bytes)
{
	uint32_t i;

	for (i = 0; i < bytes; i++)
		data[i] = (unsigned char)(number * 31 + i);
	memcpy(data, &number, sizeof number);
}

static void
put(struct link *link, unsigned way, int64_t now, uint64_t number, uint32_t bytes)
{
	fill(link_room(link), number, bytes);
	link_put(link, way, now, bytes);
}

/* What arrived: by number how often and when, and in which order. */
struct arrivals {
	uint64_t *order, count;
	int64_t *first_ns; /* by number; -1: never */
	unsigned char *times;
	uint64_t bits_changed;
	int64_t last_ns;
	uint64_t numbers;
};

static struct arrivals
arrivals_new(uint64_t numbers)
{
	struct arrivals a = {.numbers = numbers};
	uint64_t i;

	a.order = calloc(numbers * 2, sizeof *a.order);
	a.first_ns = calloc(numbers, sizeof *a.first_ns);
	a.times = calloc(numbers, 1);
	a.last_ns = INT64_MIN;
	for (i = 0; i < numbers; i++)
		a.first_ns[i] = -1;
	return a;
}

static void
arrivals_free(struct arrivals *a)
{
	free(a->order);
	free(a->first_ns);
	free(a->times);
}

static uint64_t
bits_that_differ(const unsigned char *a, const unsigned char *b, uint32_t n)
{
	uint64_t bits = 0;
	uint32_t i;

	for (i = 0; i < n; i++)
		bits += (unsigned)__builtin_popcount(a[i] ^ b[i]);
	return bits;
}

/* Takes out all that is due until a time. */
static void
take_until(struct link *link, unsigned way, int64_t until, struct arrivals *a)
{
	unsigned char wanted[FRAME];
	struct link_frame frame;
	uint64_t number, bits;

	while (link_next_ns(link, way) <= until) {
		assert_true(link_take(link, way, until, &frame));
		assert_true(frame.due_ns >= a->last_ns); /* times never go back */
		a->last_ns = frame.due_ns;
		memcpy(&number, frame.data, sizeof number);
		assert_true(number < a->numbers);
		fill(wanted, number, frame.bytes);
		bits = memcmp(wanted, frame.data, frame.bytes) == 0 ? 0
		    : bits_that_differ(wanted, frame.data, frame.bytes);
		assert_true(bits <= 1);
		a->bits_changed += bits;
		if (a->times[number]++ == 0)
			a->first_ns[number] = frame.due_ns;
		a->order[a->count++] = number;
		link_give_back(link, &frame);
	}
	assert_false(link_take(link, way, until, &frame));
}

static void
assert_balance(const struct link *link, unsigned way)
{
	const uint64_t *c = link_counters(link, way);

	assert_int_equal(c[LINK_COUNT_came] + c[LINK_COUNT_copied],
	    c[LINK_COUNT_queue_full] + c[LINK_COUNT_queue_bytes_full] +
	    c[LINK_COUNT_no_room] +
	    c[LINK_COUNT_lost] + c[LINK_COUNT_left] + c[LINK_COUNT_under_way]);
}

/* Sends n frames at an interval and takes all out. */
static struct arrivals
run(struct link *link, uint64_t n, int64_t interval, uint32_t bytes)
{
	struct arrivals a = arrivals_new(n);
	uint64_t i;

	for (i = 0; i < n; i++) {
		take_until(link, LINK_AHEAD, (int64_t)i * interval, &a);
		put(link, LINK_AHEAD, (int64_t)i * interval, i, bytes);
	}
	take_until(link, LINK_AHEAD, INT64_MAX - 1, &a);
	assert_balance(link, LINK_AHEAD);
	assert_int_equal(link_counters(link, LINK_AHEAD)[LINK_COUNT_under_way], 0);
	assert_int_equal(link_counters(link, LINK_AHEAD)[LINK_COUNT_came], n);
	assert_int_equal(link_counters(link, LINK_AHEAD)[LINK_COUNT_left], a.count);
	return a;
}

/* got events of n, each with probability p, whose variance is inflated by a factor. */
static void
assert_share(const char *what, double got, double n, double p, double inflation)
{
	double sigma = sqrt(n * p * (1 - p) * inflation);

	if (fabs(got - n * p) > 5 * sigma)
		fail_msg("%s: %g of %g, asked for %g (5 sigma: %g)", what, got, n, n * p,
		    5 * sigma);
}

static uint64_t
counter(const struct link *link, enum link_counter which)
{
	return link_counters(link, LINK_AHEAD)[which];
}

/* ---- losses ---- */

static void
test_loss(void **state)
{
	static const struct {
		const char *settings;
		double loss;
	} rows[] = {{"loss=0", 0}, {"loss=0.1%", 0.001}, {"loss=1%", 0.01},
	    {"loss=30%", 0.3},
	    {"loss=1", 1}};
	struct arrivals a;
	struct link *link;
	uint64_t n = 200000, seed, i, pairs;
	size_t k;

	for (k = 0; k < sizeof rows / sizeof *rows; k++) {
		for (seed = 0; seed < 3; seed++) {
			link = make(rows[k].settings, seed, 64);
			a = run(link, n, 1000, 20);
			assert_share(rows[k].settings,
			    (double)counter(link, LINK_COUNT_lost), (double)n,
			    rows[k].loss, 1);
			/* each alone: two in a row are as often as chance has it */
			for (pairs = 0, i = 1; i < n; i++)
				pairs += a.times[i] == 0 && a.times[i - 1] == 0;
			assert_share("pairs", (double)pairs, (double)(n - 1),
			    rows[k].loss * rows[k].loss, 3);
			arrivals_free(&a);
			link_free(link);
		}
	}
}

static void
test_bursts(void **state)
{
	static const struct {
		const char *settings;
		double loss, burst;
	} rows[] = {
		{"loss=1%,burst=1", 0.01, 1}, {"loss=1%,burst=3", 0.01, 3},
		{"loss=5%,burst=10", 0.05, 10}, {"loss=50%,burst=2.5", 0.5, 2.5},
		{"loss=0.2%,burst=40", 0.002, 40},
	};
	struct arrivals a;
	struct link *link;
	uint64_t n = 400000, seed, i, length, bursts, ones, lost;
	double mean, sigma;
	size_t k;

	for (k = 0; k < sizeof rows / sizeof *rows; k++) {
		for (seed = 7; seed < 10; seed++) {
			link = make(rows[k].settings, seed, 64);
			a = run(link, n, 1000, 20);
			bursts = ones = lost = length = 0;
			for (i = 0; i <= n; i++) {
				if (i < n && a.times[i] == 0) {
					length++;
					continue;
				}
				bursts += length > 0;
				ones += length == 1;
				lost += length;
				length = 0;
			}
			assert_int_equal(lost, counter(link, LINK_COUNT_lost));
			assert_int_equal(bursts, counter(link, LINK_COUNT_bursts));
			/* losses of a burst come together: the variance grows so much */
			assert_share(rows[k].settings, (double)lost, (double)n,
			    rows[k].loss, 2 * rows[k].burst);
			/* lengths are geometric: mean B, variance B (B - 1) */
			mean = (double)lost / (double)bursts;
			sigma = sqrt(rows[k].burst * (rows[k].burst - 1) /
			    (double)bursts);
			if (fabs(mean - rows[k].burst) > 5 * sigma + 1e-9)
				fail_msg("%s: bursts of %g", rows[k].settings, mean);
			assert_share("bursts of one", (double)ones, (double)bursts,
			    1 / rows[k].burst, 1);
			arrivals_free(&a);
			link_free(link);
		}
	}
}

/* All are lost, also in bursts, which then have no end. */
/* The second frame of a burst's chain is drawn, too: behind a lost one it is lost with 1 -
 * 1 / burst. */
static void
test_first_of_bursts(void **state)
{
	uint64_t seed, first = 0, both = 0, lost;

	for (seed = 1; seed <= 4000; seed++) {
		struct link *link = make("loss=30%,burst=4", seed, 16);

		put(link, LINK_AHEAD, 0, 0, 100);
		lost = counter(link, LINK_COUNT_lost);
		put(link, LINK_AHEAD, 0, 1, 100);
		first += lost;
		both += lost == 1 && counter(link, LINK_COUNT_lost) == 2;
		link_free(link);
	}
	assert_share("first frames lost", (double)first, 4000, 0.3, 1);
	assert_share("second ones lost behind them", (double)both, (double)first, 0.75, 1);
}

static void
test_all_lost(void **state)
{
	static const char *const settings[] = {"loss=1,burst=3", "loss=100%,burst=1"};
	struct arrivals a;
	struct link *link;
	size_t k;

	for (k = 0; k < 2; k++) {
		link = make(settings[k], 1, 64);
		a = run(link, 1000, 1000, 20);
		assert_int_equal(a.count, 0);
		assert_int_equal(counter(link, LINK_COUNT_bursts), 1);
		arrivals_free(&a);
		link_free(link);
	}
}

/* ---- time ---- */

static void
test_delay(void **state)
{
	struct link *link = make("delay=20ms", 1, 4096);
	struct arrivals a = run(link, 10000, 10 * US, 100);
	uint64_t i;

	for (i = 0; i < 10000; i++) {
		assert_int_equal(a.first_ns[i], (int64_t)i * 10 * US + 20 * MS);
		assert_int_equal(a.order[i], i);
	}
	assert_int_equal(counter(link, LINK_COUNT_overtaken), 0);
	arrivals_free(&a);
	link_free(link);
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
test_jitter(void **state)
{
	struct link *link = make("delay=20ms,jitter=5ms,order=free", 1, 65536);
	uint64_t n = 100000, i, overtaken = 0, greatest = 0;
	struct arrivals a = run(link, n, 100 * US, 100);
	int64_t *delays = calloc(n, sizeof *delays);

	for (i = 0; i < n; i++) {
		delays[i] = a.first_ns[i] - (int64_t)i * 100 * US;
		assert_true(delays[i] >= 15 * MS && delays[i] <= 25 * MS);
		overtaken += a.order[i] < greatest;
		greatest = a.order[i] > greatest ? a.order[i] : greatest;
	}
	/* even: the distribution is a line, to Kolmogorov's bound for 1 in 100,000 */
	qsort(delays, n, sizeof *delays, compare);
	for (i = 0; i < n; i++)
		assert_true(fabs((double)(delays[i] - 15 * MS) / (10 * MS) - (double)i /
		    (double)n) < 2.5 / sqrt((double)n));
	assert_int_equal(overtaken, counter(link, LINK_COUNT_overtaken));
	assert_true(overtaken > n / 2);
	free(delays);
	arrivals_free(&a);
	link_free(link);

	link = make("delay=20ms,jitter=5ms", 1, 65536); /* keeps the order */
	a = run(link, n, 100 * US, 100);
	for (i = 0; i < n; i++) {
		assert_int_equal(a.order[i], i);
		assert_true(a.first_ns[i] - (int64_t)i * 100 * US >= 15 * MS);
		assert_true(a.first_ns[i] - (int64_t)i * 100 * US <= 25 * MS);
	}
	arrivals_free(&a);
	link_free(link);

	/* never before it was sent */
	link = make("delay=1ms,jitter=50ms,order=free", 1, 65536);
	a = run(link, 1000, 100 * US, 100);
	for (i = 0; i < 1000; i++)
		assert_true(a.first_ns[i] >= (int64_t)i * 100 * US);
	arrivals_free(&a);
	link_free(link);
}

static void
test_rate(void **state)
{
	/* settings, octets of a frame, time of one in units of 1/3 ns */
	static const struct {
		const char *settings;
		uint32_t bytes;
		double frame_ns;
	} rows[] = {
		{"rate=10M,queue=100000", 1250, 1e6},
		{"rate=100M,queue=100000,overhead=24", 976, 80e3},
		{"rate=3G,queue=100000", 64, 64 * 8 / 3.0},
		{"rate=7M,queue=100000,delay=3ms", 999, 999 * 8000 / 7.0},
	};
	uint64_t n = 5000, i;
	struct arrivals a;
	struct link *link;
	double delay;
	size_t k;

	for (k = 0; k < sizeof rows / sizeof *rows; k++) {
		link = make(rows[k].settings, 1, 8192);
		a = run(link, n, 0, rows[k].bytes); /* all at once */
		delay = strstr(rows[k].settings, "delay") != NULL ? 3e6 : 0;
		for (i = 0; i < n; i++) /* exactly: fractions of a ns add up */
			assert_true(fabs((double)a.first_ns[i] - delay -
			    rows[k].frame_ns * (double)(i + 1)) < 1.001);
		arrivals_free(&a);
		link_free(link);
		/* slower than the rate: no wait, each has only its own time on the
		 * wire */
		link = make(rows[k].settings, 1, 8192);
		a = run(link, n, (int64_t)rows[k].frame_ns + 1000, rows[k].bytes);
		for (i = 0; i < n; i++)
			assert_true(fabs((double)(a.first_ns[i] - (int64_t)i *
			    ((int64_t)rows[k].frame_ns + 1000)) - delay -
			    rows[k].frame_ns) < 1.001);
		arrivals_free(&a);
		link_free(link);
	}
}

static void
test_queue(void **state)
{
	/* 100 frames of 1000 octets at once at 8 Mbit/s, which is 1 ms each, and so again
	 * 5 ms later: one is being sent, and so many wait */
	static const struct {
		const char *settings;
		unsigned pass, pass_again;
		enum link_counter why;
	} rows[] = {
		{"rate=8M,queue=10", 11, 5, LINK_COUNT_queue_full},
		{"rate=8M,queue=1", 2, 2, LINK_COUNT_queue_full},
		{"rate=8M,queue=1000,queue-bytes=4500", 5, 5,
		    LINK_COUNT_queue_bytes_full},
		{"rate=8M,queue=1000,queue-bytes=4000", 5, 5, LINK_COUNT_queue_bytes_full},
		{"rate=8M,queue=1000,queue-bytes=3999", 4, 4, LINK_COUNT_queue_bytes_full},
		{"rate=8M,queue=1000,queue-bytes=500", 1, 1, LINK_COUNT_queue_bytes_full},
		{"rate=8M,queue=1000,queue-bytes=1", 1, 1, LINK_COUNT_queue_bytes_full},
		{"rate=8M,queue=1000", 100, 100, LINK_COUNT_queue_full},
		{"queue=1", 100, 100, LINK_COUNT_queue_full},
	};
	struct arrivals a;
	struct link *link;
	uint64_t i;
	size_t k;

	for (k = 0; k < sizeof rows / sizeof *rows; k++) {
		link = make(rows[k].settings, 1, 1024);
		a = arrivals_new(200);
		for (i = 0; i < 200; i++)
			put(link, LINK_AHEAD, i < 100 ? 0 : 5 * MS, i, 1000);
		take_until(link, LINK_AHEAD, INT64_MAX - 1, &a);
		assert_balance(link, LINK_AHEAD);
		assert_int_equal(a.count, rows[k].pass + rows[k].pass_again);
		assert_int_equal(counter(link, rows[k].why),
		    200 - rows[k].pass - rows[k].pass_again);
		for (i = 0; i < rows[k].pass; i++) /* the tail was dropped */
			assert_int_equal(a.order[i], i);
		for (i = 0; i < rows[k].pass_again; i++)
			assert_int_equal(a.order[rows[k].pass + i], 100 + i);
		arrivals_free(&a);
		link_free(link);
	}
}

/* What is left of a nanosecond counts on while the wire is busy, and not after a rest: of
 * 1001 bit/s that is most of one for the length that is looked for. */
static void
test_rest(void **state)
{
	const uint64_t rate = 1001, second = 1000000000;
	struct link *link = make("rate=1001,queue=10", 1, 1024);
	struct arrivals a = arrivals_new(6);
	uint32_t bytes = 60;
	uint64_t i, time, busy;

	while (bytes < FRAME && bytes * 8 * second % rate != rate - 1)
		bytes++;
	assert_true(bytes < FRAME);
	time = bytes * 8 * second / rate;
	for (i = 0; i < 3; i++)
		put(link, LINK_AHEAD, (int64_t)(i * 100 * second), i, bytes);
	for (; i < 6; i++)
		put(link, LINK_AHEAD, (int64_t)(1000 * second), i, bytes);
	take_until(link, LINK_AHEAD, INT64_MAX - 1, &a);
	assert_int_equal(a.count, 6);
	for (i = 0; i < 3; i++)
		assert_int_equal(a.first_ns[i], i * 100 * second + time);
	for (; i < 6; i++) {
		busy = (i - 2) * bytes * 8 * second / rate;
		assert_int_equal(a.first_ns[i], 1000 * second + busy);
	}
	arrivals_free(&a);
	link_free(link);
}

/* A queue of any length keeps its places apart: a frame leaves it every millisecond, so
 * there is room for one more each time. */
static void
test_queue_moves(void **state)
{
	enum { QUEUES = 70, TURNS = 200 };
	char settings[40];
	struct link *link;
	struct arrivals a;
	uint64_t i;
	unsigned queue, full;

	for (queue = 1; queue <= QUEUES; queue++) {
		snprintf(settings, sizeof settings, "rate=8M,queue=%u", queue);
		link = make(settings, 1, 1024);
		a = arrivals_new(queue + 2 + 2 * TURNS);
		for (i = 0; i < queue + 1; i++)
			put(link, LINK_AHEAD, 0, i, 1000);
		assert_int_equal(counter(link, LINK_COUNT_queue_full), 0);
		put(link, LINK_AHEAD, 0, i++, 1000);
		assert_int_equal(counter(link, LINK_COUNT_queue_full), 1);
		for (full = 1; full <= TURNS; full++) {
			put(link, LINK_AHEAD, full * MS, i++, 1000);
			assert_int_equal(counter(link, LINK_COUNT_queue_full), full);
			put(link, LINK_AHEAD, full * MS, i++, 1000);
			assert_int_equal(counter(link, LINK_COUNT_queue_full), full + 1);
		}
		take_until(link, LINK_AHEAD, INT64_MAX - 1, &a);
		assert_int_equal(a.count, queue + 1 + TURNS);
		arrivals_free(&a);
		link_free(link);
	}
}

/* So many frames are under way at most, both directions together, as it has slots; and
 * then there is room again for each that left. */
static void
test_slots(void **state)
{
	static const uint32_t slots[] = {2, 3, 4, 63, 64, 65};
	struct link_frame frame;
	struct link *link;
	uint64_t i, more;
	size_t k;

	for (k = 0; k < sizeof slots / sizeof *slots; k++) {
		link = make("delay=1ms", 1, slots[k]);
		for (i = 0; i < slots[k]; i++)
			put(link, i % 2 ? LINK_BACK : LINK_AHEAD, 0, i, 100);
		assert_int_equal(counter(link, LINK_COUNT_no_room), 0);
		for (more = 1; more <= 3; more++) {
			put(link, LINK_AHEAD, 0, i++, 100);
			assert_int_equal(counter(link, LINK_COUNT_no_room), more);
			assert_true(link_take(link, LINK_BACK, 9 * MS, &frame) ||
			    link_take(link, LINK_AHEAD, 9 * MS, &frame));
			link_give_back(link, &frame);
			put(link, LINK_AHEAD, MS, i++, 100);
			assert_int_equal(counter(link, LINK_COUNT_no_room), more);
		}
		assert_balance(link, LINK_AHEAD);
		assert_balance(link, LINK_BACK);
		link_free(link);
	}
}

/* Frames as long as a link allows do not touch each other. */
static void
test_lengths(void **state)
{
	static const uint32_t lengths[] = {64, 65, 127, 128, 129, 1472, 1473, 1513,
	    FRAME};
	struct link_config config = {.slots = 40};
	struct link *link;
	struct arrivals a;
	struct err err = {0};
	uint64_t i;
	size_t k;

	for (k = 0; k < sizeof lengths / sizeof *lengths; k++) {
		config.frame_bytes = lengths[k];
		link_way_default(&config.ways[0]);
		link_way_default(&config.ways[1]);
		if (link_new(&config, &link, &err) != 0)
			fail_msg("%s", err.text);
		a = arrivals_new(30);
		for (i = 0; i < 30; i++)
			put(link, LINK_BACK, 0, i, lengths[k]);
		take_until(link, LINK_BACK, 0, &a);
		assert_int_equal(a.count, 30);
		assert_int_equal(a.bits_changed, 0);
		arrivals_free(&a);
		link_free(link);
	}
}

/* ---- order, copies, bits ---- */

static void
test_reorder(void **state)
{
	struct link *link = make("delay=10ms,reorder=2%,reorder-by=5ms", 3, 65536);
	uint64_t n = 100000, i, held = 0, overtaken = 0, greatest = 0;
	struct arrivals a = run(link, n, 100 * US, 100);
	int64_t delay;

	for (i = 0; i < n; i++) {
		delay = a.first_ns[i] - (int64_t)i * 100 * US;
		assert_true(delay == 10 * MS || delay == 15 * MS);
		held += delay == 15 * MS;
		overtaken += a.order[i] < greatest;
		greatest = a.order[i] > greatest ? a.order[i] : greatest;
	}
	assert_share("held back", (double)held, (double)n, 0.02, 1);
	assert_int_equal(held, counter(link, LINK_COUNT_held_back));
	assert_int_equal(overtaken, counter(link, LINK_COUNT_overtaken));
	/* 50 frames follow within that time: nearly all that are held are overtaken, and
	 * only they are */
	assert_true(overtaken <= held && overtaken + 50 > held);
	arrivals_free(&a);
	link_free(link);
}

static void
test_copies(void **state)
{
	struct link *link = make("delay=1ms,duplicate=3%", 4, 1024);
	uint64_t n = 100000, i, copies = 0;
	struct arrivals a = run(link, n, 100 * US, 1000);

	for (i = 0; i < n; i++) {
		assert_in_range(a.times[i], 1, 2);
		copies += a.times[i] == 2;
	}
	assert_share("copies", (double)copies, (double)n, 0.03, 1);
	assert_int_equal(copies, counter(link, LINK_COUNT_copied));
	assert_int_equal(counter(link, LINK_COUNT_overtaken), 0);
	arrivals_free(&a);
	link_free(link);
}

/* Octets are counted as frames are, copies with what left. */
static void
test_octets(void **state)
{
	static const char *const settings[] = {"delay=1ms", "duplicate=100%",
	    "loss=20%,duplicate=100%"};
	uint64_t came, left, i;
	size_t k;

	for (k = 0; k < sizeof settings / sizeof *settings; k++) {
		struct link *link = make(settings[k], 5, 1024);
		struct arrivals a = arrivals_new(200);

		for (i = 0, came = 0; i < 200; came += 60 + i, i++)
			put(link, LINK_AHEAD, (int64_t)i, i, 60 + (uint32_t)i);
		take_until(link, LINK_AHEAD, INT64_MAX - 1, &a);
		for (i = 0, left = 0; i < 200; i++) {
			left += a.times[i] * (60 + i);
			assert_int_equal(a.times[i],
			    a.first_ns[i] < 0 ? 0 : k == 0 ? 1 : 2);
		}
		assert_true(k == 2 ? left < 2 * came : left == (k == 0 ? 1 : 2) * came);
		assert_int_equal(counter(link, LINK_COUNT_came_bytes), came);
		assert_int_equal(counter(link, LINK_COUNT_left_bytes), left);
		assert_balance(link, LINK_AHEAD);
		arrivals_free(&a);
		link_free(link);
	}
}

static void
test_corrupt(void **state)
{
	struct link *link = make("corrupt=5%", 5, 1024);
	uint64_t n = 50000;
	struct arrivals a = run(link, n, 100 * US, 300);

	assert_share("bits", (double)a.bits_changed, (double)n, 0.05, 1);
	assert_int_equal(a.bits_changed, counter(link, LINK_COUNT_corrupted));
	arrivals_free(&a);
	link_free(link);
	link = make("corrupt=1", 5, 1024); /* a frame that is all header stays */
	a = run(link, 100, 100 * US, 14);
	assert_int_equal(a.bits_changed, 0);
	assert_int_equal(counter(link, LINK_COUNT_corrupted), 0);
	arrivals_free(&a);
	link_free(link);
}

/* The bit is any of those behind the Ethernet header, each as often. */
static void
test_corrupt_where(void **state)
{
	enum { BYTES = 24, FRAMES = 20000, BITS = 8 * (BYTES - 14) };
	struct link *link = make("corrupt=1", 5, 64);
	unsigned char wanted[BYTES];
	unsigned times[8 * BYTES] = {0}, bit;
	struct link_frame frame;
	uint64_t i;

	for (i = 0; i < FRAMES; i++) {
		fill(wanted, i, BYTES);
		put(link, LINK_AHEAD, 0, i, BYTES);
		assert_true(link_take(link, LINK_AHEAD, 0, &frame));
		assert_int_equal(frame.bytes, BYTES);
		for (bit = 0; bit < 8 * BYTES; bit++)
			times[bit] += (wanted[bit / 8] ^ frame.data[bit / 8]) >> bit % 8 & 1;
		link_give_back(link, &frame);
	}
	for (bit = 0; bit < 8 * 14; bit++)
		assert_int_equal(times[bit], 0);
	for (; bit < 8 * BYTES; bit++)
		assert_share("this bit", times[bit], FRAMES, 1.0 / BITS, 1);
	link_free(link);
}

/* ---- choices ---- */

/* Which of n frames arrive. */
static unsigned char *
pattern(const char *settings, uint64_t seed, unsigned way, uint64_t n)
{
	struct link *link = make(settings, seed, 65536);
	struct arrivals a = arrivals_new(n);
	unsigned char *times = a.times;
	uint64_t i;

	for (i = 0; i < n; i++) {
		take_until(link, way, (int64_t)i * 1000 * US, &a);
		put(link, way, (int64_t)i * 1000 * US, i, 100);
	}
	take_until(link, way, INT64_MAX - 1, &a);
	a.times = NULL;
	arrivals_free(&a);
	link_free(link);
	return times;
}

static void
test_choices(void **state)
{
	static const char *const same[] = {"loss=10%,delay=20ms", "loss=10%,rate=100M",
	    "loss=10%,jitter=1ms,delay=2ms,order=free",
	    "loss=10%,reorder=50%,corrupt=1%"};
	enum { N = 10000 };
	unsigned char *usual = pattern("loss=10%", 1, LINK_AHEAD, N), *other;
	size_t k, i, differ;

	for (k = 0; k < sizeof same / sizeof *same; k++) {
		other = pattern(same[k], 1, LINK_AHEAD, N);
		assert_memory_equal(usual, other, N);
		free(other);
	}
	for (k = 0; k < 2; k++) { /* another seed, the other direction */
		other = k == 0 ? pattern("loss=10%", 2, LINK_AHEAD,
		    N) : pattern("loss=10%", 1, LINK_BACK, N);
		for (differ = i = 0; i < N; i++)
			differ += usual[i] != other[i];
		assert_share("differ", (double)differ, N, 2 * 0.1 * 0.9, 1);
		free(other);
	}
	free(usual);
}

/* What is asked for together happens together; nothing is forgotten, even without
 * memory. */
static void
test_all_at_once(void **state)
{
	static const char *const settings[] = {
		"delay=5ms,jitter=4ms,order=free,rate=50M,queue=30,loss=2%,burst=3,reorder=5%,reorder-by=3ms,duplicate=5%,corrupt=1%",
		"delay=50ms,duplicate=50%,jitter=10ms",
		"rate=20M,queue=500,reorder=30%,reorder-by=100ms,loss=10%",
	};
	uint64_t n = 20000, i, seed, state64 = 1;
	uint32_t slots[] = {2, 40, 65536};
	struct arrivals a[LINK_WAYS];
	int64_t now[LINK_WAYS];
	struct link *link;
	unsigned way, s;
	size_t k;

	for (k = 0; k < sizeof settings / sizeof *settings; k++) {
		for (seed = 0; seed < 6; seed++) {
			s = slots[seed % 3];
			link = make(settings[k], seed, s);
			for (way = 0; way < LINK_WAYS; way++) {
				a[way] = arrivals_new(n);
				now[way] = 0;
			}
			for (i = 0; i < n; i++) {
				state64 = state64 * 6364136223846793005u +
				    1442695040888963407u;
				for (way = 0; way < LINK_WAYS; way++) {
					now[way] += (int64_t)(state64 >> 40) % (300 * US);
					if (state64 >> 63 || way == 0)
						take_until(link, way, now[way], &a[way]);
					put(link, way, now[way], i,
					    20 + (uint32_t)(state64 >> 33) % (FRAME -
					    20));
				}
			}
			for (way = 0; way < LINK_WAYS; way++) {
				assert_balance(link, way);
				take_until(link, way, INT64_MAX - 1, &a[way]);
				assert_balance(link, way);
				assert_int_equal(link_counters(link,
				    way)[LINK_COUNT_left], a[way].count);
				assert_int_equal(link_counters(link,
				    way)[LINK_COUNT_under_way], 0);
				arrivals_free(&a[way]);
			}
			if (s == 2)
				assert_true(counter(link, LINK_COUNT_no_room) > 0);
			link_free(link);
		}
	}
}

/* ---- settings as text ---- */

static void
test_settings(void **state)
{
	static const struct {
		const char *text, *printed; /* NULL: refused */
	} rows[] = {
		{"", ""}, {"delay=20ms", "delay=20000000ns"},
		{"delay=1.5s", "delay=1500000000ns"},
		{"delay=300us,jitter=5ns", "delay=300000ns,jitter=5ns"}, {"delay=0", ""},
		{"rate=100M", "rate=100000000"}, {"rate=1.5Gbit", "rate=1500000000"},
		{"rate=64k", "rate=64000"},
		{"loss=1%", "loss=0.01"}, {"loss=0.25", "loss=0.25"},
		{"loss=100%", "loss=1"},
		{"loss=5e-30", "loss=5e-30"},
		{"queue=7,queue_bytes=64Ki", "queue=7,queue-bytes=65536"},
		{"queue-bytes=1k", "queue-bytes=1000"},
		{"order=free", "order=free"}, {"order=free,order=keep", ""},
		{"burst=3.5", "burst=3.5"},
		{"reorder-by=2ms,", "reorder-by=2000000ns"},
		{"delay=20", NULL}, {"delay=-1ms", NULL}, {"delay=ms", NULL},
		{"delay=1h", NULL}, {"delay=601s", NULL},
		{"delay=1e", NULL}, {"delay", NULL}, {"=1", NULL}, {"delay=", NULL},
		{",", NULL}, {"dela=1ms", NULL},
		{"delays=1ms", NULL}, {"loss=101%", NULL}, {"loss=nan", NULL},
		{"loss=-0.1", NULL}, {"loss=1e400", NULL}, {"loss=1.1", NULL},
		{"loss=1..1", NULL},
		{"rate=2T", NULL}, {"rate=2e9G", NULL}, {"queue=-1", NULL},
		{"queue=1.5", NULL}, {"queue=1000001", NULL},
		{"order=maybe", NULL}, {"burst=20000", NULL}, {"overhead=10001", NULL},
		{"loss=0.00000000000000000000000000000000000000000000000000000000000000000000001", NULL},
	};
	struct link_way way, again;
	struct text printed;
	struct err err;
	size_t i;

	text_init(&printed);
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		err = (struct err){0};
		link_way_default(&way);
		if (rows[i].printed == NULL) {
			if (link_way_parse(&way, rows[i].text, &err) == 0)
				fail_msg("'%s' was taken", rows[i].text);
			assert_true(err.text[0] != '\0');
			link_way_default(&again);
			assert_memory_equal(&way, &again, sizeof way); /* unchanged */
			continue;
		}
		if (link_way_parse(&way, rows[i].text, &err) != 0)
			fail_msg("'%s': %s", rows[i].text, err.text);
		text_clear(&printed);
		link_way_print(&way, &printed);
		assert_string_equal(printed.data, rows[i].printed);
		link_way_default(&again);
		assert_int_equal(link_way_parse(&again, printed.data, &err), 0);
		assert_memory_equal(&way, &again, sizeof way);
	}
	text_done(&printed);
	for (i = 0; i < LINK_KEYS; i++) { /* every default is one that its key takes */
		link_way_default(&way);
		err = (struct err){0};
		assert_int_equal(link_way_set(&way, link_rows[i].name,
		    link_rows[i].fallback, &err), 0);
		assert_int_equal(link_way_set(&way, link_rows[i].name, "no-such", &err),
		    -1);
		assert_non_null(strstr(err.text, link_rows[i].name));
	}
}

static void
test_bounds(void **state)
{
	static const struct {
		const char *settings;
		uint32_t frame_bytes, slots;
		const char *message;
	} rows[] = {
		{"", 63, 10, "octets"}, {"", LINK_FRAME_MAX + 1, 10, "octets"},
		{"", 1514, 1, "under way"},
		{"", 1514, LINK_SLOTS_MAX + 1, "under way"},
		{"rate=1M,queue=0", 1514, 10, "queue"},
		{"rate=999", 1514, 10, "rate"}, {"burst=0.5", 1514, 10, "burst"},
		{"loss=60%,burst=1", 1514, 10, "loss"},
	};
	struct link_config config;
	struct link *link;
	struct err err;
	size_t i;

	for (i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
		size_t k = i / 2;

		err = (struct err){0};
		config = (struct link_config){.frame_bytes = rows[k].frame_bytes,
		    .slots = rows[k].slots};
		link_way_default(&config.ways[0]);
		link_way_default(&config.ways[1]);
		assert_int_equal(link_way_parse(&config.ways[i % 2], rows[k].settings,
		    &err), 0);
		assert_int_equal(link_new(&config, &link, &err), -1);
		assert_non_null(strstr(err.text, rows[k].message));
	}
	/* the limits themselves are good; of slots, memory is taken as they are used */
	for (i = 0; i < 4; i++) {
		config = (struct link_config){
		    .frame_bytes = i == 0 ? 64 : i == 1 ? LINK_FRAME_MAX : 1514,
		    .slots = i == 2 ? 2 : 10};
		link_way_default(&config.ways[0]);
		link_way_default(&config.ways[1]);
		if (i == 3)
			assert_int_equal(link_way_parse(&config.ways[0],
			    "rate=1000,queue=1,loss=50%,burst=1", &err), 0);
		err = (struct err){0};
		if (link_new(&config, &link, &err) != 0)
			fail_msg("limit %zu: %s", i, err.text);
		link_free(link);
	}
	link_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest list[] = {
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_first_of_bursts),
		cmocka_unit_test(test_all_lost),
		cmocka_unit_test(test_delay),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_queue_moves),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_reorder),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_octets),
		cmocka_unit_test(test_corrupt),
		cmocka_unit_test(test_corrupt_where),
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(list, NULL, NULL);
}
