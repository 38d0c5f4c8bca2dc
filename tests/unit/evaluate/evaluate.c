/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The statistics against values from elsewhere, the pairing of downloads and findings,
 * and the verdicts on them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "evaluate/evaluate.h"
#include "evaluate/statistics.h"
#include "evaluate/tables.h"
#include "model/batch.h"
#include "model/sink.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool
near(double a, double b)
{
	return fabs(a - b) < 5e-5;
}

/* Worked out apart, with 30 decimal digits. */
static void
test_wilson(void **state)
{
	static const struct {
		uint64_t k, n;
		double low, high;
	} known[] = {
	    {0, 10, 0, 0.27753},      {10, 10, 0.72247, 1},     {8, 10, 0.49016, 0.94332},
	    {50, 100, 0.40383, 0.59617}, {1, 20, 0.00888, 0.23613},
	    {95, 100, 0.88825, 0.97846},
	    {0, 0, 0, 1},             {1, 1, 0.20655, 1},
	};
	size_t i;

	for (i = 0; i < sizeof known / sizeof *known; i++) {
		struct interval w = wilson(known[i].k, known[i].n);

		if (!near(w.low, known[i].low) || !near(w.high, known[i].high))
			fail_msg("%u of %u: %f to %f", (unsigned)known[i].k,
			    (unsigned)known[i].n, w.low, w.high);
	}
	assert_true(wilson(990000, 1000000).low > 0.9897);
}

static void
test_calibration(void **state)
{
	struct calibration c = {0};
	unsigned i;

	assert_true(calibration_ece(&c) == 0 && calibration_brier(&c) == 0);
	/* 0.9 said ten times, right nine times: in order. */
	for (i = 0; i < 10; i++)
		calibration_add(&c, 0.9, i > 0);
	assert_true(near(calibration_ece(&c), 0));
	assert_true(near(calibration_brier(&c), (9 * 0.01 + 0.81) / 10));
	/* 0.3 said ten times, right eight times: half of all are off by 0.5. */
	for (i = 0; i < 10; i++)
		calibration_add(&c, 0.3, i < 8);
	assert_true(near(calibration_ece(&c), 0.25));
	assert_true(near(calibration_brier(&c),
	    (9 * 0.01 + 0.81 + 8 * 0.49 + 2 * 0.09) / 20));
	assert_int_equal(c.bins[9].count, 10);
	assert_int_equal(c.bins[3].right, 8);
	assert_int_equal(c.sure, 0);
	calibration_add(&c, 0.99, true);
	calibration_add(&c, 1, false);
	calibration_add(&c, 0, false);
	assert_int_equal(c.sure, 2);
	assert_int_equal(c.sure_wrong, 1);
	assert_int_equal(c.bins[0].count, 1);
	assert_int_equal(c.count, 23);
	/* What is no probability ends at the nearer end. */
	calibration_add(&c, 7, true);
	calibration_add(&c, NAN, false);
	assert_int_equal(c.bins[9].count, 13);
	assert_int_equal(c.bins[0].count, 2);
}

static struct evaluation *
judge(const char *findings, const char *truth, struct evaluate_config config)
{
	struct evaluate_text f = {"findings", findings, strlen(findings)};
	struct evaluate_text t = {"truth", truth, strlen(truth)};
	struct evaluation *e = NULL;
	struct err err = {0};

	if (evaluate_text(&f, &t, &config, &e, &err) != 0)
		fail_msg("%s", err.text);
	return e;
}

struct kept {
	struct sink sink;
	struct score scores[64];
	char group[64][32], grade[64][32], part[64][32];
	struct miss misses[64];
	char why[64][80];
	size_t count;
	bool is_miss;
};

static int
keep(struct sink *sink, struct batch *batch, struct err *err)
{
	struct kept *k = (struct kept *)sink;
	size_t i;

	for (i = 0; i < batch->rows; i++, k->count++) {
		assert_true(k->count < 64);
		if (k->is_miss) {
			struct miss *m = &k->misses[k->count];

			batch_row(batch, i, m);
			snprintf(k->why[k->count], 80, "%.*s", (int)m->why.len,
			    m->why.data);
		} else {
			struct score *s = &k->scores[k->count];

			batch_row(batch, i, s);
			snprintf(k->group[k->count], 32, "%.*s", (int)s->group.len,
			    s->group.data);
			snprintf(k->grade[k->count], 32, "%.*s", (int)s->grade.len,
			    s->grade.data);
			snprintf(k->part[k->count], 32, "%.*s", (int)s->part.len,
			    s->part.data);
		}
	}
	return 0;
}

static struct kept kept;

static const struct score *
score_of(const struct evaluation *e, const char *part, const char *group,
    const char *grade)
{
	size_t i;

	kept = (struct kept){.sink.push = keep};
	assert_int_equal(evaluation_scores(e, &kept.sink, NULL), 0);
	for (i = 0; i < kept.count; i++)
		if (strcmp(kept.part[i], part) == 0 && strcmp(kept.group[i],
		    group) == 0 && strcmp(kept.grade[i], grade) == 0)
			return &kept.scores[i];
	fail_msg("no score of %s, %s, %s", part, group, grade);
	return NULL;
}

static const char truth[] =
    "client\tclient_port\tstart\tname\tversion\tpath\n"
    "10.0.0.1\t1000\t100\ta\t1\twest\n" /* right */
    "10.0.0.1\t1001\t110\tb\t1\twest\n" /* another version */
    "10.0.0.1\t1002\t120\tc\t\teast\n"  /* right whatever its version */
    "10.0.0.2\t1000\t130\td\t1\teast\n" /* not named, a candidate */
    "10.0.0.2\t1001\t140\te\t1\teast\n" /* no finding */
    "10.0.0.2\t1002\t150\t\t\twest\n"   /* unknown to all */
    "10.0.0.2\t1003\t160\t\t\twest\n"   /* unknown, but named */
    "10.0.0.2\t1004\t170\tf\t1\twest\n"; /* another file */
static const char findings[] =
    "start\tclient\tclient_port\tname\tversion\tprobability\tgrade\tcandidates\n"
    "100.5\t10.0.0.1\t1000\ta\t1\t0.995\tspan\ta 1 0.995\n"
    "110\t10.0.0.1\t1001\tb\t2\t0.9\tspan\tb 2 0.9; b 1 0.1\n"
    "121\t10.0.0.1\t1002\tc\t7\t0.6\tplain\tc 7 0.6\n"
    "130\t10.0.0.2\t1000\t\t\t0.2\tplain\tdd 1 0.4; d 1 0.4\n"
    "145\t10.0.0.2\t1001\te\t1\t1\tplain\te 1 1\n" /* too late */
    "150\t10.0.0.2\t1002\t\t\t0.8\tplain\t\n"
    "160\t10.0.0.2\t1003\tg\t1\t1\tplain\tg 1 1\n"
    "170\t10.0.0.2\t1004\tg\t1\t0.5\tplain\tg 1 0.5\n";

static void
test_verdicts(void **state)
{
	static const char *const whys[] = {
	    "another version of the right file was named",
	    "not named; the right file is a candidate",
	    "no finding of this client, port and time",
	    "a file that the truth does not know was given a name",
	    "another file was named",
	};
	struct evaluation *e =
	    judge(findings, truth, (struct evaluate_config){.group = "path",
	    .split = "0.5"});
	const uint64_t *counters = evaluation_counters(e);
	const struct score *s;
	size_t i;

	assert_int_equal(counters[EVALUATE_truths], 8);
	assert_int_equal(counters[EVALUATE_paired], 7);
	assert_int_equal(counters[EVALUATE_absent], 1);
	assert_int_equal(counters[EVALUATE_unjudged], 1);
	s = score_of(e, "all", "all", "all");
	assert_int_equal(s->downloads, 8);
	assert_int_equal(s->right, 3);
	assert_int_equal(s->wrong, 3);
	assert_int_equal(s->unnamed, 2);
	assert_int_equal(s->absent, 1);
	assert_true(near(s->accuracy, 3.0 / 8));
	assert_true(near(s->low, wilson(3, 8).low));
	assert_true(near(s->precision, 2.0 / 5));
	assert_true(near(s->recall, 2.0 / 6));
	assert_int_equal(s->sure, 2);
	assert_int_equal(s->sure_wrong, 1);
	s = score_of(e, "all", "east", "all");
	assert_int_equal(s->downloads, 3);
	assert_int_equal(s->right, 1);
	s = score_of(e, "all", "all", "absent");
	assert_int_equal(s->downloads, 1);
	s = score_of(e, "all", "all", "span");
	assert_int_equal(s->downloads, 2);
	s = score_of(e, "train", "all", "all");
	assert_int_equal(s->downloads, 4);
	assert_int_equal(s->right, 2);
	s = score_of(e, "test", "all", "all");
	assert_int_equal(s->downloads, 4);
	kept = (struct kept){.sink.push = keep, .is_miss = true};
	assert_int_equal(evaluation_misses(e, &kept.sink, NULL), 0);
	assert_int_equal(kept.count, sizeof whys / sizeof *whys);
	for (i = 0; i < kept.count; i++)
		assert_string_equal(kept.why[i], whys[i]);
	evaluation_free(e);
}

/* Without the column, whether the right file was a candidate is not known. */
static void
test_no_candidates(void **state)
{
	struct evaluation *e = judge("client,start,name,probability\n::1,10,,0.5\n",
	    "client,start,name\n::1,10,a\n", (struct evaluate_config){0});

	kept = (struct kept){.sink.push = keep, .is_miss = true};
	assert_int_equal(evaluation_misses(e, &kept.sink, NULL), 0);
	assert_int_equal(kept.count, 1);
	assert_string_equal(kept.why[0], "not named");
	evaluation_free(e);
}

static uint64_t
rights(const char *f, const char *t, struct evaluate_config config)
{
	struct evaluation *e = judge(f, t, config);
	uint64_t right = score_of(e, "all", "all", "all")->right;

	evaluation_free(e);
	return right;
}

/* Several downloads of one client and port. */
static void
test_alignment(void **state)
{
	const struct evaluate_config usual = {0}, wide = {.tolerance_us = 9000000};

	/* Requests in a batch, answers one after the other. */
	assert_int_equal(rights(
	    "client,client_port,start,name,probability\n"
	    "::1,5,10.1,a,1\n::1,5,10.9,b,1\n::1,5,11.6,c,1\n",
	    "client,client_port,start,name\n::1,5,10,a\n::1,5,10,b\n::1,5,10,c\n", usual),
	    3);
	/* The second has no finding: the sizes say where the gap is. */
	assert_int_equal(rights(
	    "client,client_port,start,bytes,name,probability\n"
	    "::1,5,12,90000,a,1\n::1,5,13,500000,c,1\n",
	    "client,client_port,start,size,name\n"
	    "::1,5,10,89000,a\n::1,5,10,7000000,b\n::1,5,10,498000,c\n", wide), 2);
	/* One record holds the third and the fourth: headers and records of TLS make its
	 * neighbours look like somewhat larger files, but their times are theirs. */
	assert_int_equal(rights(
	    "client,client_port,start,bytes,name,probability\n"
	    "::1,5,50.886,21463933,c,1\n::1,5,51.072,21464249,c,1\n"
	    "::1,5,51.259,30048883,,1\n::1,5,51.465,27372102,f,1\n",
	    "client,client_port,start,size,name\n"
	    "::1,5,50.887,20639083,c\n::1,5,51.072,20639083,c\n"
	    "::1,5,51.259,21095440,d\n::1,5,51.418,7797043,e\n"
	    "::1,5,51.466,26320133,f\n", usual), 3);
	/* Ordinals settle it, whatever the times. */
	assert_int_equal(rights(
	    "client,client_port,start,exchange,name,probability\n"
	    "::1,5,10,1,b,1\n::1,5,10,2,c,1\n",
	    "client,client_port,start,exchange,name\n"
	    "::1,5,10,0,a\n::1,5,11,1,b\n::1,5,11.5,2,c\n", usual), 2);
	/* A truth without ports, findings with. */
	assert_int_equal(rights(
	    "client,client_port,start,name,probability\n::1,5,10,a,1\n::1,6,20,b,1\n",
	    "client,start,name\n::1,10,a\n::1,20,b\n", usual), 2);
	/* A download in pieces: what is said of it is said of each, wherever it is; a
	 * piece that the truth has no row of is not held against it. */
	assert_int_equal(rights(
	    "client,client_port,start,bytes,name,probability,pieces\n"
	    "::1,5,10,900000,a,1,6 11; 7 1970-01-01T00:00:30Z\n"
	    "::1,8,40,900000,b,1,8 41; 9 42\n",
	    "client,client_port,start,size,name\n"
	    "::1,5,10,900000,a\n::1,6,11,900000,a\n::1,7,30,900000,a\n"
	    "::1,8,40,900000,b\n::1,8,41,900000,b\n", usual), 5);
	/* Names of several downloads in one record are in no order, those of two records
	 * are; and no name is of two downloads. */
	assert_int_equal(rights(
	    "client,client_port,start,bytes,name,probability\n"
	    "::1,5,10,900000,c,1\n::1,5,10,900000,a,1\n::1,5,10,900000,b,1\n",
	    "client,client_port,start,size,name\n"
	    "::1,5,10,300000,a\n::1,5,10.4,300000,b\n::1,5,10.9,300000,c\n", usual), 3);
	assert_int_equal(rights(
	    "client,client_port,start,bytes,name,probability\n"
	    "::1,5,10,300000,b,1\n::1,5,10.4,300000,a,1\n",
	    "client,client_port,start,size,name\n"
	    "::1,5,10,300000,a\n::1,5,10.4,300000,b\n", usual), 0);
	assert_int_equal(rights(
	    "client,client_port,start,exchange,name,probability\n"
	    "::1,5,10,1,b,1\n::1,5,10,2,a,1\n",
	    "client,client_port,start,name\n::1,5,10,a\n::1,5,10.4,b\n", usual), 0);
	assert_int_equal(rights(
	    "client,client_port,start,bytes,name,probability\n"
	    "::1,5,10,600000,x,1\n::1,5,10,600000,a,1\n",
	    "client,client_port,start,size,name\n"
	    "::1,5,10,300000,a\n::1,5,10.4,300000,a\n", usual), 1);
	/* Other clients and ports are never taken. */
	assert_int_equal(rights(
	    "client,client_port,start,name,probability\n::2,5,10,a,1\n::1,6,10,a,1\n",
	    "client,client_port,start,name\n::1,5,10,a\n", usual), 0);
}

static void
refuse(const char *f, const char *t, struct evaluate_config config, const char *words)
{
	struct evaluate_text ft = {"findings", f, strlen(f)},
	    tt = {"truth", t, strlen(t)};
	struct evaluation *e;
	struct err err = {0};

	assert_int_equal(evaluate_text(&ft, &tt, &config, &e, &err), -1);
	if (strstr(err.text, words) == NULL)
		fail_msg("'%s' has no '%s'", err.text, words);
}

static void
test_refused(void **state)
{
	static const char f[] = "client,start,name,probability\n",
	    t[] = "client,start,name\n";

	refuse(f, "", (struct evaluate_config){0}, "truth: empty");
	refuse(f, t, (struct evaluate_config){0}, "no downloads");
	refuse(f, "client,name\n::1,a\n", (struct evaluate_config){0},
	    "no column 'start'");
	refuse(f, "client,start,name\n::1,1,a\nx,1,a\n", (struct evaluate_config){0},
	    "truth: line 3: column 'client'");
	refuse(f, "client,start,name\n::1,1,a,b\n", (struct evaluate_config){0},
	    "line 2: not as many cells");
	refuse(f, "client,start,start,name\n", (struct evaluate_config){0}, "twice");
	refuse("client,start,name,probability\n::1,1,a,1.5\n",
	    "client,start,name\n::1,1,a\n", (struct evaluate_config){0},
	    "findings: line 2: column 'probability'");
	refuse("client,start,name,probability\n::1,1,a,nan\n",
	    "client,start,name\n::1,1,a\n", (struct evaluate_config){0},
	    "findings: line 2: column 'probability'");
	refuse("client,start,name,probability,grade\n::1,1,a,1,good\n",
	    "client,start,name\n::1,1,a\n", (struct evaluate_config){0},
	    "column 'grade'");
	{
		static const char *const wrong[] = {"5", "5 ", "x 1", "65536 1", "5 1;6",
		    "5 1 6"};
		char text[120];
		size_t i;

		for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
			snprintf(text, sizeof text,
			    "client,start,name,probability,pieces\n::1,1,a,1,%s\n",
			    wrong[i]);
			refuse(text, "client,start,name\n::1,1,a\n",
			    (struct evaluate_config){0},
			    "findings: line 2: column 'pieces'");
		}
	}
	refuse(f, "client,start,name\n::1,1,a\n",
	    (struct evaluate_config){.split = "soon"},
	    "--split");
	refuse(f, "client,start,name\n::1,1,a\n", (struct evaluate_config){.split = "0"},
	    "above 0");
	refuse(f, "client,start,name\n::1,1,a\n",
	    (struct evaluate_config){.group = "colour"},
	    "--group colour");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_wilson),
	    cmocka_unit_test(test_calibration),
	    cmocka_unit_test(test_verdicts), cmocka_unit_test(test_no_candidates),
	    cmocka_unit_test(test_alignment),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("evaluate", tests, NULL, NULL);
}
