/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the lab's tables to verdicts: truth and findings are read, joined by record and in
 * order, and summed up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "evaluate/statistics.h"
#include "lab/facts.h"
#include "lab/tables.h"
#include "model/batch.h"
#include "model/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECOND = 1000000 };

/* A file in the test's folder with this text. */
static const char *
file_of(const char *name, const char *text)
{
	static char path[4][512];
	static unsigned turn;
	char *p = path[turn++ % 4];
	FILE *file;

	snprintf(p, sizeof path[0], "%s/%s", getenv("WEIR_TMP") ? getenv("WEIR_TMP")
	    : "/tmp", name);
	file = fopen(p, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	return p;
}

static struct lab_downloads
downloads_of(const char *text)
{
	struct lab_downloads d;
	struct err err = {0};

	if (lab_downloads_read(&d, file_of("truth.tsv", text), &err) != 0)
		fail_msg("%s", err.text);
	return d;
}

static struct lab_records
findings_of(const char *text)
{
	struct lab_records t;
	struct err err = {0};

	if (lab_findings_read(&t, file_of("findings.tsv", text), &err) != 0)
		fail_msg("%s", err.text);
	return t;
}

/* One letter a download: - not judged, R, W, U, A. */
static void
verdict_letters(const struct lab_downloads *d, const struct lab_verdict *v, char *out)
{
	static const char letters[] = "-RWUA";
	size_t i;

	for (i = 0; i < d->count; i++)
		out[i] = letters[v[i].outcome];
	out[d->count] = '\0';
}

#define TRUTH "client\tclient_port\tstart\tname\tversion\tsize\trole\tkind\tclient_seen\tclient_seen_port\n"
#define FOUND "start\tend\tclient\tclient_port\tbytes\tname\tversion\tprobability\tcandidates\n"

#define PIECES "start\tend\tclient\tclient_port\tbytes\tname\tprobability\tpieces\n"

/* Each case is a truth, findings, how they are joined and the verdicts to come. */
static const struct {
	const char *what, *truth, *found;
	enum lab_join join;
	const char *verdicts;
} cases[] = {
	{"right, wrong, unknown and absent",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t10\t\t\t\t\n10.0.0.1\t2\t110\tb\t\t10\t\t\t\t\n"
	    "10.0.0.1\t3\t120\tc\t\t10\t\t\t\t\n10.0.0.1\t4\t130\td\t\t10\t\t\t\t\n",
	    FOUND "99.9\t105\t10.0.0.1\t1\t10\ta\t\t1\t\n109.9\t111\t10.0.0.1\t2\t10\ta\t\t1\t\n"
	    "120\t121\t10.0.0.1\t3\t10\t\t\t0.4\t\n", LAB_BY_RECORD, "RWUA"},
	{"training rows and files that nobody knows are not judged",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t10\ttrain\t\t\t\n10.0.0.1\t2\t110\t\t\t10\t\t\t\t\n"
	    "10.0.0.1\t3\t120\tc\t\t10\ttest\t\t\t\n",
	    FOUND "100\t105\t10.0.0.1\t1\t10\ta\t\t1\t\n110\t111\t10.0.0.1\t2\t10\ta\t\t1\t\n"
	    "120\t121\t10.0.0.1\t3\t10\tc\t\t1\t\n", LAB_BY_RECORD, "--R"},
	{"another version is wrong where the truth has one",
	    TRUTH "10.0.0.1\t1\t100\ta\t2\t10\t\t\t\t\n10.0.0.1\t2\t110\ta\t\t10\t\t\t\t\n",
	    FOUND "100\t105\t10.0.0.1\t1\t10\ta\t1\t1\t\n110\t111\t10.0.0.1\t2\t10\ta\t1\t1\t\n",
	    LAB_BY_RECORD, "WR"},
	{"one name on a record of three: one is right",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t10\t\t\t\t\n10.0.0.1\t1\t105\tb\t\t10\t\t\t\t\n"
	    "10.0.0.1\t1\t109\tc\t\t10\t\t\t\t\n",
	    FOUND "100\t112\t10.0.0.1\t1\t30\tb\t\t1\t\n", LAB_BY_RECORD, "URU"},
	{"a wrong name on a record of three: one is wrong",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t10\t\t\t\t\n10.0.0.1\t1\t105\tb\t\t10\t\t\t\t\n"
	    "10.0.0.1\t1\t109\tc\t\t10\t\t\t\t\n",
	    FOUND "100\t112\t10.0.0.1\t1\t30\tx\t\t1\t\n", LAB_BY_RECORD, "WUU"},
	{"as many names as downloads, in any order",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t10\t\t\t\t\n10.0.0.1\t1\t105\ta\t\t10\t\t\t\t\n"
	    "10.0.0.1\t1\t109\tc\t\t10\t\t\t\t\n",
	    FOUND "100\t112\t10.0.0.1\t1\t30\tc\t\t1\t\n100\t112\t10.0.0.1\t1\t30\ta\t\t1\t\n"
	    "100\t112\t10.0.0.1\t1\t30\tx\t\t1\t\n", LAB_BY_RECORD, "RWR"},
	{"more names than downloads: all wrong",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t10\t\t\t\t\n",
	    FOUND "100\t112\t10.0.0.1\t1\t30\ta\t\t1\t\n100\t112\t10.0.0.1\t1\t30\tb\t\t1\t\n",
	    LAB_BY_RECORD, "W"},
	{"a connection cut in parts is named by the largest, not by the next download's",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t10\t\t\t\t\n10.0.0.1\t1\t300\tb\t\t10\t\t\t\t\n",
	    FOUND "100\t160\t10.0.0.1\t1\t30\tx\t\t1\t\n160.1\t220\t10.0.0.1\t1\t90\ta\t\t1\t\n"
	    "300\t320\t10.0.0.1\t1\t900\tb\t\t1\t\n", LAB_BY_RECORD, "RR"},
	{"what another end downloads meanwhile parts no connection",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t10\t\t\t\t\n10.0.0.1\t2\t130\tb\t\t10\t\t\t\t\n"
	    "10.0.0.2\t2\t131\tc\t\t10\t\t\t\t\n",
	    FOUND "100\t160\t10.0.0.1\t1\t30\tx\t\t1\t\n160.1\t220\t10.0.0.1\t1\t90\ta\t\t1\t\n"
	    "130\t132\t10.0.0.1\t2\t30\ty\t\t1\t\n140\t150\t10.0.0.1\t2\t90\tb\t\t1\t\n"
	    "131\t132\t10.0.0.2\t2\t90\tc\t\t1\t\n", LAB_BY_RECORD, "RRR"},
	{"behind the NAT it is the other end",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t10\t\t\t192.0.2.1\t4001\n"
	    "\t\t100\tb\t\t10\t\t\t192.0.2.1\t4002\n",
	    FOUND "100\t101\t192.0.2.1\t4002\t10\tb\t\t1\t\n100\t101\t192.0.2.1\t4001\t10\ta\t\t1\t\n",
	    LAB_BY_RECORD, "RR"},
	{"the same port much later is another download",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t10\t\t\t\t\n10.0.0.1\t1\t9000\tb\t\t10\t\t\t\t\n",
	    FOUND "100\t101\t10.0.0.1\t1\t10\ta\t\t1\t\n9000\t9001\t10.0.0.1\t1\t10\ta\t\t1\t\n",
	    LAB_BY_RECORD, "RW"},
	{"exchanges of one connection in order, whatever they are named",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t1000\t\t\t\t\n10.0.0.1\t1\t100.1\tb\t\t50000\t\t\t\t\n"
	    "10.0.0.1\t1\t100.2\ta\t\t1000\t\t\t\t\n",
	    FOUND "100\t100.1\t10.0.0.1\t1\t1200\tb\t\t1\t\n100.1\t100.2\t10.0.0.1\t1\t50200\tb\t\t1\t\n"
	    "100.2\t100.3\t10.0.0.1\t1\t1200\ta\t\t1\t\n", LAB_IN_ORDER, "WRR"},
	{"a download in pieces: what is said is said of each",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t1000\t\tpartial\t\t\n10.0.0.1\t2\t101\ta\t\t1000\t\tranges\t\t\n"
	    "10.0.0.1\t3\t102\tb\t\t1000\t\tranges\t\t\n10.0.0.1\t4\t103\tb\t\t1000\t\tranges\t\t\n"
	    "10.0.0.1\t5\t104\tb\t\t1000\t\tranges\t\t\n10.0.0.1\t6\t105\tb\t\t1000\t\tranges\t\t\n",
	    PIECES "100\t101.5\t10.0.0.1\t1\t1200\ta\t1\t2 101\n"
	    "102\t104.5\t10.0.0.1\t3\t1200\tc\t1\t4 103; 5 1970-01-01T00:01:44Z\n",
	    LAB_IN_ORDER, "RRWWWA"},
	{"behind the NAT it is the other port, where the address stays",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t10\t\t\t\t4001\n"
	    "10.0.0.1\t2\t100\tb\t\t10\t\t\t\t4002\n",
	    FOUND "100\t101\t10.0.0.1\t4002\t10\tb\t\t1\t\n"
	    "100\t101\t10.0.0.1\t4001\t10\tx\t\t1\t\n", LAB_BY_RECORD, "WR"},
	{"rows in any order: two clients, two ports, two downloads each",
	    TRUTH "10.0.0.2\t1\t105\ta\t\t10\t\t\t\t\n10.0.0.1\t2\t105\tb\t\t10\t\t\t\t\n"
	    "10.0.0.2\t1\t100\tc\t\t10\t\t\t\t\n10.0.0.1\t1\t100\td\t\t10\t\t\t\t\n"
	    "10.0.0.1\t2\t100\te\t\t10\t\t\t\t\n10.0.0.1\t1\t105\tf\t\t10\t\t\t\t\n",
	    FOUND "100\t110\t10.0.0.1\t2\t20\tb\t\t1\t\n100\t110\t10.0.0.2\t1\t20\tx\t\t1\t\n"
	    "100\t110\t10.0.0.1\t1\t20\tf\t\t1\t\n100\t110\t10.0.0.2\t1\t20\ta\t\t1\t\n",
	    LAB_BY_RECORD, "RRWUUR"},
	{"what is wrong is the earliest that has no name, whatever the rows' order",
	    TRUTH "10.0.0.1\t1\t109\ta\t\t10\t\t\t\t\n10.0.0.1\t1\t100\tb\t\t10\t\t\t\t\n"
	    "10.0.0.1\t1\t105\tc\t\t10\t\t\t\t\n",
	    FOUND "100\t112\t10.0.0.1\t1\t30\tx\t\t1\t\n", LAB_BY_RECORD, "UWU"},
	{"a record that ended a tolerance before is the download's, an earlier one is not",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t10\t\t\t\t\n10.0.0.1\t2\t100\tb\t\t10\t\t\t\t\n",
	    FOUND "97\t98\t10.0.0.1\t1\t10\ta\t\t1\t\n97\t97.999999\t10.0.0.1\t2\t10\tb\t\t1\t\n",
	    LAB_BY_RECORD, "RA"},
	{"a record that begins a tolerance late is the download's though the next one is as near",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t10\t\t\t\t\n10.0.0.1\t1\t103\tb\t\t10\t\t\t\t\n"
	    "10.0.0.1\t2\t100\ta\t\t10\t\t\t\t\n10.0.0.1\t2\t103\tb\t\t10\t\t\t\t\n",
	    FOUND "102\t104\t10.0.0.1\t1\t10\ta\t\t1\t\n"
	    "102.000001\t104\t10.0.0.1\t2\t10\ta\t\t1\t\n", LAB_BY_RECORD, "RUAW"},
	{"parts that follow are the download's until a tolerance before the next",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t10\t\t\t\t\n10.0.0.1\t1\t200\tb\t\t10\t\t\t\t\n"
	    "10.0.0.1\t2\t100\ta\t\t10\t\t\t\t\n10.0.0.1\t2\t200\tb\t\t10\t\t\t\t\n",
	    FOUND "197.999999\t199\t10.0.0.1\t1\t10\ta\t\t1\t\n"
	    "198\t199\t10.0.0.1\t2\t10\ta\t\t1\t\n", LAB_BY_RECORD, "RUAW"},
	{"in order, training rows and files that nobody knows are not judged either",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t10\ttrain\t\t\t\n10.0.0.1\t2\t100\t\t\t10\t\t\t\t\n"
	    "10.0.0.1\t3\t120\tc\t\t10\t\t\t\t\n10.0.0.1\t4\t120\td\t\t10\t\t\t\t\n",
	    FOUND "100\t101\t10.0.0.1\t1\t12\ta\t\t1\t\n100\t101\t10.0.0.1\t2\t12\ta\t\t1\t\n"
	    "120\t121\t10.0.0.1\t3\t12\tc\t\t1\t\n120\t121\t10.0.0.1\t4\t12\t\t\t0.3\t\n",
	    LAB_IN_ORDER, "--RU"},
	{"in order, an answer asked for ahead comes ten tolerances late, and no later",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t10\t\t\t\t\n10.0.0.1\t2\t100\tb\t\t10\t\t\t\t\n",
	    FOUND "119\t121\t10.0.0.1\t1\t12\ta\t\t1\t\n121\t122\t10.0.0.1\t2\t12\tb\t\t1\t\n",
	    LAB_IN_ORDER, "RA"},
	{"in order, of several records those nearest in octets",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t5000\t\t\t\t\n",
	    FOUND "100\t101\t10.0.0.1\t1\t90000\tx\t\t1\t\n101\t102\t10.0.0.1\t1\t5300\ta\t\t1\t\n",
	    LAB_IN_ORDER, "R"},
	{"in order, names of one record come in any order",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t10\t\t\t\t\n10.0.0.1\t1\t100.4\tb\t\t10\t\t\t\t\n"
	    "10.0.0.1\t1\t100.6\tc\t\t10\t\t\t\t\n",
	    FOUND "100\t101\t10.0.0.1\t1\t30\tc\t\t1\t\n100\t101\t10.0.0.1\t1\t30\tx\t\t1\t\n"
	    "100\t101\t10.0.0.1\t1\t30\ta\t\t1\t\n", LAB_IN_ORDER, "RWR"},
	{"and each name is of one download",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t10\t\t\t\t\n10.0.0.1\t1\t100.4\ta\t\t10\t\t\t\t\n",
	    FOUND "100\t101\t10.0.0.1\t1\t20\tx\t\t1\t\n100\t101\t10.0.0.1\t1\t20\ta\t\t1\t\n",
	    LAB_IN_ORDER, "WR"},
	{"names of two records do not",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t10\t\t\t\t\n10.0.0.1\t1\t100.4\tb\t\t10\t\t\t\t\n",
	    FOUND "100\t100.3\t10.0.0.1\t1\t10\tb\t\t1\t\n"
	    "100.4\t101\t10.0.0.1\t1\t10\ta\t\t1\t\n", LAB_IN_ORDER, "WW"},
	{"an exchange that the meter missed",
	    TRUTH "10.0.0.1\t1\t100\ta\t\t1000\t\t\t\t\n10.0.0.1\t1\t100.1\tb\t\t50000\t\t\t\t\n",
	    FOUND "100.1\t100.2\t10.0.0.1\t1\t50200\tb\t\t1\t\n", LAB_IN_ORDER, "AR"},
};

static void
test_verdicts(void **state)
{
	struct lab_verdict v[16];
	char got[17];
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct lab_downloads d = downloads_of(cases[i].truth);
		struct lab_records t = findings_of(cases[i].found);

		lab_judge(&d, &t, cases[i].join, 2 * SECOND, v);
		verdict_letters(&d, v, got);
		if (strcmp(got, cases[i].verdicts) != 0)
			fail_msg("%s: %s, not %s", cases[i].what, got, cases[i].verdicts);
		lab_records_done(&t);
		lab_downloads_done(&d);
	}
}

static void
test_reasons(void **state)
{
	static const char *const whys[] = {
	    "another version of the right file was named",
	    "not named; the right file is a candidate",
	    "another file was named; the right one is a candidate",
	    "the record holds 2 downloads and no name is left for this",
	    "not named",
	    "nothing is said of this client, port and time",
	};
	struct lab_downloads d = downloads_of(TRUTH
	    "10.0.0.1\t1\t100\ta\t2\t10\t\t\t\t\n10.0.0.1\t2\t110\tb\t\t10\t\t\t\t\n"
	    "10.0.0.1\t3\t120\tc\t\t10\t\t\t\t\n10.0.0.1\t4\t130\td\t\t10\t\t\t\t\n"
	    "10.0.0.1\t5\t140\te\t\t10\t\t\t\t\n10.0.0.1\t6\t150\tf\t\t10\t\t\t\t\n"
	    "10.0.0.1\t4\t131\td\t\t10\t\t\t\t\n");
	struct lab_records t = findings_of(FOUND
	    "100\t101\t10.0.0.1\t1\t10\ta\t1\t1\t\n"
	    "110\t111\t10.0.0.1\t2\t10\t\t\t0.4\tx 1 0.4; b 1 0.4\n"
	    "120\t121\t10.0.0.1\t3\t10\tx\t\t0.6\tx  0.6; c 1 0.4\n"
	    "130\t133\t10.0.0.1\t4\t10\t\t\t0.3\tz 1 0.3\n"
	    "140\t141\t10.0.0.1\t5\t10\t\t\t0.3\tee 1 0.3\n");
	struct lab_verdict v[16];
	char room[128];
	size_t i;

	lab_judge(&d, &t, LAB_BY_RECORD, 2 * SECOND, v);
	for (i = 0; i < sizeof whys / sizeof *whys; i++)
		assert_string_equal(lab_why(&d, &t, i, &v[i], room), whys[i]);
	lab_records_done(&t);
	lab_downloads_done(&d);
}

/* The record of each download, training too: the first of what was said of it. */
static void
test_join(void **state)
{
	struct lab_downloads d = downloads_of(TRUTH
	    "10.0.0.1\t1\t100\ta\t\t10\ttrain\t\t\t\n10.0.0.1\t2\t110\tb\t\t10\t\t\t\t\n"
	    "10.0.0.1\t3\t120\tc\t\t10\t\t\t\t\n10.0.0.1\t2\t111\td\t\t10\t\t\t\t\n");
	struct lab_records t = findings_of(FOUND
	    "100\t101\t10.0.0.1\t1\t10\ta\t\t1\t\n"
	    "110\t113\t10.0.0.1\t2\t20\tb\t\t1\t\n110\t113\t10.0.0.1\t2\t20\td\t\t1\t\n");
	size_t out[4] = {7, 7, 7, 7};

	lab_join_records(&d, &t, 2 * SECOND, out);
	assert_int_equal(out[0], 0);
	assert_int_equal(out[1], 1);
	assert_int_equal(out[2], SIZE_MAX);
	assert_int_equal(out[3], 1);
	lab_records_done(&t);
	lab_downloads_done(&d);
}

/* A set that has the file: not what is unknown, nor a set without it, nor a name. */
static void
test_among(void **state)
{
	static const bool wanted[] = {true, false, false, false, false, true};
	struct lab_downloads d = downloads_of(TRUTH
	    "10.0.0.1\t1\t100\ta\t\t10\t\t\t\t\n10.0.0.1\t2\t100\ta\t\t10\t\t\t\t\n"
	    "10.0.0.1\t3\t100\ta\t\t10\t\t\t\t\n10.0.0.1\t4\t100\ta\t\t10\t\t\t\t\n"
	    "10.0.0.1\t5\t100\ta\t\t10\t\t\t\t\n10.0.0.1\t6\t101\ta\t\t10\t\t\t\t\n");
	struct lab_records t = findings_of("start\tend\tclient\tclient_port\tbytes\tname\t"
	    "probability\tcandidates\tkind\tpieces\n"
	    "100\t101\t10.0.0.1\t1\t10\t\t0.9\tb 0.5; a 0.4\tpartial\t6 101\n"
	    "100\t101\t10.0.0.1\t2\t10\t\t0.9\tb 0.2; a 0.1\tunknown\t\n"
	    "100\t101\t10.0.0.1\t3\t10\t\t0.9\tb 0.5; aa 0.4\tpartial\t\n"
	    "100\t101\t10.0.0.1\t4\t10\tb\t0.6\tb 0.6; a 0.4\twhole\t\n");
	struct lab_verdict v[6];
	unsigned i;

	lab_judge(&d, &t, LAB_IN_ORDER, 2 * SECOND, v);
	for (i = 0; i < 6; i++)
		if (v[i].is_among != wanted[i])
			fail_msg("download %u is%s among what is said", i + 1,
			    v[i].is_among ? "" : " not");
	lab_records_done(&t);
	lab_downloads_done(&d);
}

/* Whichever way rows point, octets are the server's; others' rows are left out. */
static void
test_rows(void **state)
{
	struct lab_downloads d = downloads_of(TRUTH
	    "10.0.0.1\t1\t100\ta\t\t10\t\t\t192.0.2.1\t4001\n"
	    "10.0.0.1\t2\t100\ta\t\t10\t\t\t\t\n");
	struct lab_records t;
	struct err err = {0};

	if (lab_rows_read(&t, file_of("rows.tsv",
	    "start\tend\tsrc\tdst\tsrc_port\tdst_port\tbytes\tpackets\treverse_bytes\t"
	    "reverse_packets\tretransmitted\treverse_retransmitted\tmax_segment\treverse_max_segment\tspan\treverse_span\n"
	    "1\t2\t10.0.0.1\t10.9.9.9\t1\t80\t5\t1\t500\t7\t3\t2896\t100\t1448\t120\t450\n"
	    "1\t2\t10.9.9.9\t10.0.0.1\t80\t2\t600\t8\t\t\t\t\t\t\t\t\n"
	    "1\t2\t192.0.2.1\t10.9.9.9\t4001\t80\t5\t1\t700\t9\t\t\t\t\t\t\n"
	    "1\t2\t10.0.0.1\t10.9.9.9\t3\t80\t5\t1\t500\t7\t\t\t\t\t\t\n"
	    "1\t2\t10.0.0.1\t10.9.9.9\t1\t80\t5\t1\t\t\t\t\t\t\t\t\n"), &d, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(t.count, 3);
	assert_int_equal(t.list[0].bytes, 500);
	assert_int_equal(t.list[0].packets, 7);
	assert_true(t.list[0].has_again && t.list[0].again == 2896 &&
	    t.list[0].segment == 1448);
	assert_int_equal(t.list[0].server_port, 80);
	assert_true(t.list[0].has_span && t.list[0].span == 450 &&
	    t.list[0].request == 120);
	assert_false(t.list[1].has_span);
	assert_int_equal(t.list[1].bytes, 600);
	assert_int_equal(t.list[1].port, 2);
	assert_false(t.list[1].has_again);
	assert_int_equal(t.list[2].bytes, 700);
	assert_string_equal(lab_record_text(&t, t.list[2].start), "1");
	lab_records_done(&t);
	lab_downloads_done(&d);
}

/* What is learned from must lie before what is judged. */
static void
test_split(void **state)
{
	struct lab_downloads d = downloads_of(TRUTH
	    "10.0.0.1\t1\t100\ta\t\t10\ttrain\t\t\t\n"
	    "10.0.0.1\t2\t101\ta\t\t10\ttest\t\t\t\n"
	    "10.0.0.1\t2\t160\ta\t\t10\ttest\t\t\t\n");
	int64_t between = 0;
	bool has_both;

	assert_true(lab_downloads_split(&d, &between, &has_both) && has_both);
	assert_int_equal(between, 100500000);
	assert_int_equal(d.training, 1);
	d.list[0].start_us = 10 * SECOND;
	assert_true(lab_downloads_split(&d, &between, &has_both));
	assert_int_equal(between, 100 * SECOND);
	d.list[0].start_us = 102 * SECOND;
	assert_false(lab_downloads_split(&d, &between, &has_both));
	lab_downloads_done(&d);
	d = downloads_of(TRUTH "10.0.0.1\t1\t100\ta\t\t10\ttest\t\t\t\n");
	assert_true(lab_downloads_split(&d, &between, &has_both) && !has_both);
	lab_downloads_done(&d);
}

/* What is refused, and that the message says where. */
static void
test_refused(void **state)
{
	static const struct {
		const char *text, *message;
	} wrong[] = {
	    {"", "empty"},
	    {"client\tstart\n", "no column 'name'"},
	    {TRUTH, "no downloads"},
	    {TRUTH "10.0.0.1\t1\tyesterday\ta\t\t10\t\t\t\t\n", "line 2: column 'start'"},
	    {TRUTH "10.0.0\t1\t1\ta\t\t10\t\t\t\t\n", "line 2: column 'client'"},
	    {TRUTH "10.0.0.1\t65536\t1\ta\t\t10\t\t\t\t\n", "column 'client_port'"},
	    {TRUTH "10.0.0.1\t1\t1\ta\t\t-1\t\t\t\t\n", "column 'size'"},
	    {TRUTH "10.0.0.1\t1\t1\ta\n", "not as many cells"},
	    {TRUTH "\t1\t1\ta\t\t1\t\t\t\t\n", "client and start must be there"},
	};
	size_t i;

	for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct lab_downloads d;
		struct err err = {0};

		assert_int_equal(lab_downloads_read(&d,
		    file_of("wrong.tsv", wrong[i].text), &err), -1);
		if (strstr(err.text, wrong[i].message) == NULL ||
		    strstr(err.text, "wrong.tsv") == NULL)
			fail_msg("'%s' does not say '%s'", err.text, wrong[i].message);
	}
}

/* ---- the tables ---- */

struct kept {
	struct sink sink;
	char rows[64][256];
	size_t count;
};

/* Rows as texts of their numbers and words, in the schema's order. */
static int
keep(struct sink *sink, struct batch *batch, struct err *err)
{
	struct kept *k = (struct kept *)sink;
	uint32_t end;
	size_t i;
	unsigned f;

	for (i = 0; i < batch->rows; i++, k->count++) {
		struct text line;

		assert_true(k->count < 64);
		text_init(&line);
		for (f = 0; f < batch->schema->count; f++) {
			types[batch->schema->fields[f].type].print(&line,
			    &batch->columns[f], i, 1, &end, STYLE_MACHINE);
			text_char(&line, ' ');
		}
		snprintf(k->rows[k->count], sizeof k->rows[0], "%s", line.data);
		text_done(&line);
	}
	return 0;
}

static struct kept kept;

static void
push(const struct lab_tables *t, enum lab_table table)
{
	struct lab_push what = {.table = table};

	kept = (struct kept){.sink.push = keep};
	assert_int_equal(lab_tables_push(t, &what, &kept.sink, NULL, NULL), 0);
}

static void
test_tables(void **state)
{
	struct lab_downloads d = downloads_of(TRUTH
	    "10.0.0.1\t1\t100\ta\t\t10\t\twhole\t\t\n"
	    "10.0.0.1\t2\t110\tb\t\t10\t\twhole\t\t\n"
	    "10.0.0.1\t3\t120\tc\t\t10\t\tpartial\t\t\n"
	    "10.0.0.1\t4\t130\td\t\t10\t\t\t\t\n");
	struct lab_records t = findings_of(FOUND
	    "100\t101\t10.0.0.1\t1\t10\ta\t\t0.95\t\n"
	    "110\t111\t10.0.0.1\t2\t10\tx\t\t0.95\t\n"
	    "120\t121\t10.0.0.1\t3\t10\t\t\t0.4\t\n");
	const int64_t again[] = {0, 2, 11, -1};
	struct lab_case of = {.scenario = "one-hop", .place = "edge",
	    .method = &lab_methods[LAB_METHOD_wire], .names = 50, .has_article = true,
	    .article = 98};
	struct lab_tables *tables = lab_tables_new();
	struct interval quarter = wilson(1, 4);
	struct lab_verdict v[4];
	char wanted[256];
	size_t n;

	lab_judge(&d, &t, LAB_BY_RECORD, 2 * SECOND, v);
	lab_tables_add(tables, &of, &d, &t, v, again);
	of.has_decoys = true;
	of.names = 1000;
	lab_tables_add(tables, &of, &d, &t, v, again);
	of.method = &lab_methods[LAB_METHOD_spans];
	lab_tables_note(tables, &of, "not there");

	push(tables, LAB_TABLE_SCORE);
	assert_int_equal(kept.count, 7);
	snprintf(wanted, sizeof wanted,
	    "score one-hop edge wire 50 all 4 1 1 2 1 0 25 %.2f %.2f 98  ",
	    100 * quarter.low, 100 * quarter.high);
	assert_string_equal(kept.rows[0], wanted);
	assert_non_null(strstr(kept.rows[1], "wire 50 whole 3 1 1 1 1 0 33.33 "));
	assert_non_null(strstr(kept.rows[2], "wire 50 partial 1 0 0 1 0 0 0 "));
	assert_non_null(strstr(kept.rows[3], "wire 1000 all 4 1 1 2 1 0 25 "));
	assert_string_equal(kept.rows[6],
	    "score one-hop edge spans 1000 all          98 not there ");
	assert_int_equal((lab_tables_scores(tables, &n), n), 7);

	push(tables, LAB_TABLE_AGAIN); /* of all, then of the case; decoys do not count */
	assert_int_equal(kept.count, 6);
	assert_non_null(strstr(kept.rows[0], "again all all wire 0 0 1 1 0 0 100 "));
	assert_non_null(strstr(kept.rows[1], "again all all wire 1 2 1 0 1 0 0 "));
	assert_non_null(strstr(kept.rows[5], "again one-hop edge wire 11 30 1 0 0 1 0 "));

	push(tables, LAB_TABLE_BIN);
	assert_int_equal(kept.count, 2);
	assert_non_null(strstr(kept.rows[0], "bin all wire 0.9 1 2 1 0.95 0.5 "));
	assert_non_null(strstr(kept.rows[1], "bin one-hop wire 0.9 1 2 1 0.95 0.5 "));

	push(tables, LAB_TABLE_MISS);
	assert_int_equal(kept.count, 3);
	assert_non_null(strstr(kept.rows[0],
	    "10.0.0.1 2 b  whole x  0.95 2 another file was named"));
	assert_non_null(strstr(kept.rows[1], "10.0.0.1 3 c  partial    11 not named"));
	assert_non_null(strstr(kept.rows[2],
	    "10.0.0.1 4 d  whole     nothing is said of this client"));
	lab_tables_free(tables);
	lab_records_done(&t);
	lab_downloads_done(&d);
}

/* The first rows are these, each with the same words in front. */
static void
rows_begin(const char *front, const char *const *rows, size_t n)
{
	char wanted[128];

	for (size_t i = 0; i < n; i++) {
		snprintf(wanted, sizeof wanted, "%s%s", front, rows[i]);
		if (strncmp(kept.rows[i], wanted, strlen(wanted)) != 0)
			fail_msg("'%s' does not begin '%s'", kept.rows[i], wanted);
	}
}

/* Where one bin ends and the next begins; sums of two scenarios are those of all. */
static void
test_bins(void **state)
{
	static const int64_t again[] = {0, 1, 2, 3, 10, 11, 30, 31, 100, 101};
	static const char *const said[] = {"0", "0.05", "0.0999999", "0.1", "0.5", "0.55",
	    "0.8999999",
	    "0.9", "0.99", "1"};
	static const char *const sent_again[] = {"0 0 2 2 0 0 100 ", "1 2 4 2 2 0 50 ",
	    "3 10 4 2 2 0 50 ", "11 30 4 2 2 0 50 ", "31 100 4 2 2 0 50 ",
	    "101  2 0 2 0 0 "};
	static const char *const bins[] = {"0 0.1 6 4 0.05 0.666667 ",
	    "0.1 0.2 2 0 0.1 0 ",
	    "0.5 0.6 4 2 0.525 0.5 ", "0.8 0.9 2 2 0.9 1 ",
	    "0.9 1 6 2 0.963333 0.333333 "};
	struct lab_case of = {.scenario = "a", .place = "edge",
	    .method = &lab_methods[LAB_METHOD_spans], .names = 2};
	struct lab_tables *tables = lab_tables_new();
	struct lab_downloads d;
	struct lab_records t;
	struct lab_verdict v[10];
	struct text truth, found;
	size_t i;

	text_init(&truth);
	text_init(&found);
	text_str(&truth, TRUTH);
	text_str(&found, FOUND);
	for (i = 0; i < 10; i++) {
		text_printf(&truth, "10.0.0.1\t%zu\t100\tx\t\t10\t\t\t\t\n", i + 1);
		/* every other one is right */
		text_printf(&found, "100\t101\t10.0.0.1\t%zu\t10\t%s\t\t%s\t\n", i + 1,
		    i % 2 == 0 ? "x" : "y", said[i]);
	}
	d = downloads_of(truth.data);
	t = findings_of(found.data);
	lab_judge(&d, &t, LAB_BY_RECORD, 2 * SECOND, v);
	lab_tables_add(tables, &of, &d, &t, v, again);
	of.scenario = "b";
	lab_tables_add(tables, &of, &d, &t, v, again);

	push(tables, LAB_TABLE_AGAIN);
	assert_int_equal(kept.count, 18);
	rows_begin("again all all spans ", sent_again, 6);
	assert_non_null(strstr(kept.rows[7], "again a edge spans 1 2 2 1 1 0 50 "));
	assert_non_null(strstr(kept.rows[12], "again b edge spans 0 0 1 1 0 0 100 "));

	push(tables, LAB_TABLE_BIN);
	assert_int_equal(kept.count, 15);
	rows_begin("bin all spans ", bins, 5);
	assert_non_null(strstr(kept.rows[9], "bin a spans 0.9 1 3 1 0.963333 0.333333 "));
	assert_non_null(strstr(kept.rows[10], "bin b spans 0 0.1 3 2 0.05 0.666667 "));
	text_done(&truth);
	text_done(&found);
	lab_tables_free(tables);
	lab_records_done(&t);
	lab_downloads_done(&d);
}

static void
test_facts(void **state)
{
	static const struct {
		const char *scenario;
		double percent;
		bool is_there;
	} known[] = {{"one-hop", 98, true}, {"six-hops", 88, true}, {"vpn", 61, true},
	    {"vpn-openvpn", 61, true}, {"reuse", 0, true}, {"reuse-browser", 0, true},
	    {"one", 0, false}, {"vpnish", 0, false}, {"", 0, false},
	    {"scenario", 0, false}};
	struct lab_fact fact;
	size_t i;

	for (i = 0; i < sizeof known / sizeof *known; i++) {
		bool is_there = lab_fact_find(known[i].scenario, &fact);

		if (is_there != known[i].is_there)
			fail_msg("%s", known[i].scenario);
		if (!is_there)
			continue;
		assert_int_equal(fact.has_percent, known[i].percent > 0);
		if (fact.has_percent)
			assert_true(fact.percent == known[i].percent);
		assert_true(fact.source.len > 0 && fact.words.len > 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_verdicts), cmocka_unit_test(test_reasons), cmocka_unit_test(test_among),
	    cmocka_unit_test(test_join),
	    cmocka_unit_test(test_rows), cmocka_unit_test(test_split),
	    cmocka_unit_test(test_refused), cmocka_unit_test(test_tables),
	    cmocka_unit_test(test_bins), cmocka_unit_test(test_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
