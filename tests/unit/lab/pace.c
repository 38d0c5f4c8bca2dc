/* SPDX-License-Identifier: BSD-2-Clause */
/* What a scenario's first downloads foresee, over clients whose times are known. */
#include "base/draw.h"
#include "base/err.h"
#include "lab/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

/* A client: each download costs fixed_s and octet_s an octet; parallel at once. */
struct client {
	double fixed_s, octet_s;
};

struct made {
	struct scenario s;
	struct corpus files;
	struct plan plan;
};

static void
make(struct made *m, const char *text)
{
	struct err err = {0};

	*m = (struct made){0};
	if (scenario_parse(&m->s, "x", text, strlen(text), &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(corpus_draw(&m->files, &m->s, 7, &err), 0);
	assert_int_equal(plan_draw(&m->plan, &m->s, &m->files, 11, &err), 0);
}

static void
unmake(struct made *m)
{
	plan_done(&m->plan);
	corpus_done(&m->files);
}

static double
took(const struct client *client, const struct pace_load *load)
{
	return client->fixed_s * load->downloads + client->octet_s * load->octets;
}

/*
 * Plays the runs in order, one after the other, until something is foreseen; the truth is
 * what all of them take. Returns what is foreseen, and after how many seconds; -1: never.
 */
static double
play(const struct made *m, const struct client *client, double limit_s, double *at_s,
    double *truth_s, struct pace *pace)
{
	struct pace_load none = {0};
	double now = 0, all = -1;
	uint32_t i;

	pace_begin(pace, limit_s, 1, &m->plan, &m->files);
	*truth_s = 0;
	for (i = 0; i < m->plan.run_count; i++) {
		struct pace_load load =
		    pace_load_of(&m->plan, &m->files, &m->plan.runs[i]);

		*truth_s += took(client, &load);
		if (all >= 0)
			continue;
		now += took(client, &load);
		pace_ended(pace, &load, took(client, &load));
		if (pace_foresee(pace, now, &none, &all))
			*at_s = now;
	}
	return all;
}

static const struct client clients[] = {{0, 1e-7}, {2, 1e-8}, {3, 0}, {0.3, 8e-8}};

static void
test_foreseen(void **state)
{
	static const char *const texts[] = {"", "[client]\nprogram = curl\nreuse = 10\n",
	    "[scenario]\ntrain = 100\n",
	    "[client]\nprogram = curl\nranges = 0.3\nabort = 0.3\nunmodified = 0.2\n"};
	size_t t, c;

	for (t = 0; t < sizeof texts / sizeof *texts; t++) {
		struct made m;

		make(&m, texts[t]);
		for (c = 0; c < sizeof clients / sizeof *clients; c++) {
			double at, truth, all;
			struct pace pace;

			all = play(&m, &clients[c], 400, &at, &truth, &pace);
			/* times are exact, so what is foreseen is, too */
			assert_true(fabs(all - truth) < 0.001 * truth);
			/* after a twentieth of the limit and five runs, and no later
			 * than a run after that or after a quarter of the limit */
			assert_true(at >= 400 * 0.05);
			assert_true(pace.count >= 5 || at >= 400 * 0.25);
			assert_true(at - pace.seconds[pace.count - 1] < 400 * 0.05 ||
			    (pace.count <= 5 &&
				at - pace.seconds[pace.count - 1] < 400 * 0.25));
		}
		unmake(&m);
	}
}

/* Octets and downloads of each kind of run: what truth and servers count. */
static void
test_loads(void **state)
{
	struct made m;
	struct plan_run run;
	struct pace_load load;
	struct pace pace;

	make(&m, "[scenario]\ndownloads = 4\n[files]\ncount = 4\n[client]\nprogram = curl\n"
		 "reuse = 2\n");
	assert_int_equal(m.plan.run_count, 2);
	pace_begin(&pace, 1, 1, &m.plan, &m.files);
	assert_true(pace.all.downloads == 4);
	run = m.plan.runs[1];
	load = pace_load_of(&m.plan, &m.files, &run);
	assert_true(load.downloads == 2);
	assert_true(load.octets ==
	    (double)(m.files.list[m.plan.files[2]].bytes +
		m.files.list[m.plan.files[3]].bytes));
	run.count = 1;
	run.cut = 1000;
	run.end = 2999;
	run.action = ACTION_range;
	assert_true(pace_load_of(&m.plan, &m.files, &run).octets == 2000);
	run.action = ACTION_abort;
	assert_true(pace_load_of(&m.plan, &m.files, &run).octets == 1000);
	run.action = ACTION_unmodified;
	assert_true(pace_load_of(&m.plan, &m.files, &run).octets == 0);
	run.action = ACTION_resume; /* the first part, then the rest */
	assert_true(pace_load_of(&m.plan, &m.files, &run).octets ==
	    (double)m.files.list[m.plan.files[2]].bytes);
	unmake(&m);
}

static void
test_when(void **state)
{
	struct pace_load one = {1e6, 1}, none = {0};
	struct pace pace = {.limit_s = 100, .parallel = 4, .all = {100e6, 100}};
	double all = -1;
	int i;

	/* eight runs, twice as many as at once */
	for (i = 0; i < 7; i++)
		pace_ended(&pace, &one, 1);
	assert_false(pace_foresee(&pace, 24.9, &none, &all));
	assert_true(all == -1);
	pace_ended(&pace, &one, 1);
	assert_false(pace_foresee(&pace, 4.9, &none, &all)); /* a twentieth */
	assert_true(pace_foresee(&pace, 5, &none, &all));
	assert_true(fabs(all - 5 * 100 / 8.) < 1e-9);
	/* what is under way is half done */
	one = (struct pace_load){4e6, 4};
	assert_true(pace_foresee(&pace, 5, &one, &all));
	assert_true(fabs(all - 5 * 100 / 10.) < 1e-9);
	/* a quarter of the limit is enough, whatever has ended */
	pace.count = 0;
	pace.ended = none;
	assert_true(pace_foresee(&pace, 25, &one, &all));
	assert_true(fabs(all - 25 * 100 / 2.) < 1e-9);
	/* nothing has even begun */
	assert_false(pace_foresee(&pace, 99, &none, &all));
}

static void
test_many(void **state)
{
	struct pace_load one = {1, 1};
	struct pace pace = {.limit_s = 1};
	int i;

	for (i = 0; i < PACE_SEEN_MAX + 10; i++)
		pace_ended(&pace, &one, 1);
	assert_int_equal(pace.count, PACE_SEEN_MAX);
	assert_true(pace.ended.downloads == PACE_SEEN_MAX);
}

/* What is cut takes what was wanted, and hardly less. */
static void
test_cut(void **state)
{
	static const double wanted[] = {0.97, 0.6, 0.3, 0.05};
	size_t c, w, sizes;

	for (c = 0; c < sizeof clients / sizeof *clients; c++)
		for (w = 0; w < sizeof wanted / sizeof *wanted; w++)
			for (sizes = 0; sizes < 2; sizes++) {
				double at, truth, now, share;
				struct pace_cut cut;
				struct pace pace;
				struct made m;

				make(&m, "");
				play(&m, &clients[c], 400, &at, &truth, &pace);
				cut = pace_cut(&pace, sizes == 1, truth,
				    wanted[w] * truth);
				share = clients[c].fixed_s * pace.all.downloads / truth;
				now = cut.downloads *
				    (share + cut.sizes * (1 - share)) * truth;
				assert_true(now <= wanted[w] * truth * 1.006);
				assert_true(now >= (wanted[w] - 0.021) * truth);
				if (sizes == 0)
					assert_true(cut.sizes == 1);
				else
					assert_true(cut.sizes >= 0.05 - 1e-9);
				/* downloads only where sizes do not do */
				if (sizes == 1 &&
				    share + 0.05 * (1 - share) < wanted[w] - 0.01)
					assert_true(cut.downloads == 1);
				unmake(&m);
			}
}

/* Times that scatter: the law is never below nothing. */
static void
test_law(void **state)
{
	struct draw draw = draw_of(3, "pace");
	int round, i;

	for (round = 0; round < 200; round++) {
		struct pace pace = {.limit_s = 100, .all = {1e9, 100}};
		struct pace_law law;
		struct pace_cut cut;

		for (i = 0; i < 6; i++) {
			struct pace_load one = {1e6 + 1e7 * draw_share(&draw), 1};

			pace_ended(&pace, &one, 0.1 + 3 * draw_share(&draw));
		}
		law = pace_law(&pace);
		assert_true(law.a_s >= 0 && law.b_s >= 0 && law.a_s + law.b_s > 0);
		cut = pace_cut(&pace, true, 1000, 500);
		assert_true(cut.sizes > 0 && cut.sizes <= 1);
		assert_true(cut.downloads > 0 && cut.downloads <= 1);
		assert_true(cut.sizes < 1 || cut.downloads < 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_foreseen),
	    cmocka_unit_test(test_loads),
	    cmocka_unit_test(test_when),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_law),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
