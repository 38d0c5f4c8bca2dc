/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verdict on findings: each download of the truth is right, wrong or not named, and
 * is counted in its part (before or after the split), as a whole, in its group and in the
 * grade of its evidence.
 */
#include "evaluate/evaluate.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/memory.h"
#include "evaluate/align.h"
#include "evaluate/tables.h"
#include "model/batch.h"
#include "model/sink.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
	GROUPS_MAX = 1000,
	GROUP_SLOTS = 4096,
	GRADES = 6, /* of enum grade; one more: no finding */
	GRADE_absent = GRADES,
	PARTS_MAX = 3,
	TOLERANCE_US = 2000000,
	TOLERANCE_S_MAX = 86400,
};

struct tally {
	uint64_t downloads, right, wrong, unnamed, absent;
	uint64_t named_right, known;
	struct calibration names;
};

struct evaluation {
	struct items truth, findings;
	uint32_t *pairs;
	uint32_t *group_of;         /* of each download */
	size_t groups[GROUPS_MAX + 1]; /* texts of truth's strings */
	uint32_t group_count;
	uint32_t slots[GROUP_SLOTS];
	int64_t split_us;
	bool has_split;
	struct tally *tallies; /* by part: all, groups, grades */
	uint64_t counters[EVALUATE_COUNTERS];
};

const struct counter_row evaluate_counter_rows[EVALUATE_COUNTERS] = {
#define COUNTER(id, help) [EVALUATE_##id] = {#id, help},
#include "evaluate/counter.def"
#undef COUNTER
};

static const char *const part_names[PARTS_MAX] = {"all", "train", "test"};

static const char *
text_of(const struct items *t, size_t text)
{
	return text == 0 ? "" : items_text(t, text);
}

static size_t
tallies_each(const struct evaluation *e)
{
	return 1 + e->group_count + GRADES + 1;
}

/* ---- groups ---- */

static uint32_t
group_number(struct evaluation *e, const char *text)
{
	size_t slot = hash64(text, strlen(text), 0) % GROUP_SLOTS, at;

	while (e->slots[slot] != 0) {
		if (strcmp(items_text(&e->truth, e->groups[e->slots[slot] - 1]),
		    text) == 0)
			return e->slots[slot] - 1;
		slot = (slot + 1) % GROUP_SLOTS;
	}
	if (e->group_count >= GROUPS_MAX) {
		e->counters[EVALUATE_groups_over]++;
		text = "other";
		if (e->group_count == GROUPS_MAX + 1)
			return GROUPS_MAX;
	}
	at = e->truth.strings.len;
	text_str(&e->truth.strings, text);
	text_char(&e->truth.strings, '\0');
	e->groups[e->group_count] = at;
	e->slots[slot] = ++e->group_count;
	return e->group_count - 1;
}

/* The group of a download: the truth's column, else the finding's, else "none". */
static void
make_groups(struct evaluation *e)
{
	char text[256];
	size_t i;

	e->group_of = must(calloc(e->truth.count + 1, sizeof *e->group_of));
	for (i = 0; i < e->truth.count; i++) {
		const char *group = "";

		if (e->truth.has_group)
			group = text_of(&e->truth, e->truth.list[i].group);
		else if (e->pairs[i] != UNPAIRED)
			group = text_of(&e->findings,
			    e->findings.list[e->pairs[i]].group);
		/* A copy: the strings may move when a new one is kept. */
		snprintf(text, sizeof text, "%s", *group != '\0' ? group : "none");
		e->group_of[i] = group_number(e, text);
	}
}

/* ---- the split ---- */

static int
time_compare(const void *pa, const void *pb)
{
	int64_t a = *(const int64_t *)pa, b = *(const int64_t *)pb;

	return a < b ? -1 : a > b;
}

static int
set_split(struct evaluation *e, const char *split, struct err *err)
{
	int64_t *starts;
	double share;
	size_t i;

	if (split == NULL)
		return 0;
	e->has_split = true;
	if (!parse_f64(split, strlen(split), &share) || share >= 1) {
		if (time_parse(split, strlen(split), &e->split_us))
			return 0;
		return err_set(err, EINVAL,
		    "--split takes a time or a share of the downloads "
		    "between 0 and 1, not '%s'", split);
	}
	if (!(share > 0))
		return err_set(err, EINVAL, "--split: a share above 0, not '%s'", split);
	starts = must(malloc((e->truth.count + 1) * sizeof *starts));
	for (i = 0; i < e->truth.count; i++)
		starts[i] = e->truth.list[i].start_us;
	qsort(starts, e->truth.count, sizeof *starts, time_compare);
	e->split_us = e->truth.count > 0
	    ? starts[(size_t)(share * (double)e->truth.count)] : 0;
	free(starts);
	return 0;
}

/* ---- the verdicts ---- */

static bool
says_so(const struct evaluation *e, const struct item *truth, const struct item *finding)
{
	return strcmp(text_of(&e->truth, truth->name),
	    text_of(&e->findings, finding->name)) == 0 &&
	    (truth->version == 0 || strcmp(text_of(&e->truth, truth->version),
	    text_of(&e->findings, finding->version)) == 0);
}

static const struct item *
finding_of(const struct evaluation *e, size_t i)
{
	return e->pairs[i] == UNPAIRED ? NULL : &e->findings.list[e->pairs[i]];
}

static bool
is_right(const struct evaluation *e, size_t i)
{
	const struct item *truth = &e->truth.list[i], *finding = finding_of(e, i);

	if (truth->name == 0)
		return finding == NULL || finding->name == 0;
	return finding != NULL && finding->name != 0 && says_so(e, truth, finding);
}

static void
count_one(const struct evaluation *e, size_t i, struct tally *t)
{
	const struct item *finding = finding_of(e, i);
	bool is_named = finding != NULL && finding->name != 0, right = is_right(e, i);

	t->downloads++;
	t->right += right;
	t->wrong += is_named && !right;
	t->unnamed += !is_named && !right;
	t->absent += finding == NULL && !right;
	t->named_right += is_named && right;
	t->known += e->truth.list[i].name != 0;
	if (is_named)
		calibration_add(&t->names, finding->probability, right);
}

static unsigned
part_of(const struct evaluation *e, size_t i)
{
	return e->truth.list[i].start_us < e->split_us ? 1 : 2;
}

static void
count_all(struct evaluation *e)
{
	size_t each = tallies_each(e), i;
	unsigned part, own;

	e->tallies = must(calloc(each * PARTS_MAX, sizeof *e->tallies));
	for (i = 0; i < e->truth.count; i++) {
		const struct item *finding = finding_of(e, i);
		unsigned grade = finding == NULL ? GRADE_absent : finding->grade;

		own = e->has_split ? part_of(e, i) : 0;
		e->counters[finding != NULL ? EVALUATE_paired : EVALUATE_absent]++;
		for (part = 0; part < PARTS_MAX; part++) {
			struct tally *t = e->tallies + part * each;

			if (part != 0 && part != own)
				continue;
			count_one(e, i, &t[0]);
			count_one(e, i, &t[1 + e->group_of[i]]);
			count_one(e, i, &t[1 + e->group_count + grade]);
		}
	}
	e->counters[EVALUATE_truths] = e->truth.count;
	e->counters[EVALUATE_findings] = e->findings.count;
	e->counters[EVALUATE_unjudged] = e->findings.count - e->counters[EVALUATE_paired];
}

int
evaluate_text(const struct evaluate_text *findings, const struct evaluate_text *truth,
    const struct evaluate_config *config, struct evaluation **out, struct err *err)
{
	struct evaluation *e = must(calloc(1, sizeof *e));
	int64_t tolerance = config->tolerance_us > 0 ? config->tolerance_us
	    : TOLERANCE_US;
	const char *group = config->group != NULL ? config->group : "exporter";

	items_init(&e->truth);
	items_init(&e->findings);
	if (tolerance > (int64_t)TOLERANCE_S_MAX * 1000000) {
		err_set(err, EINVAL, "--tolerance: a day at most");
		goto fail;
	}
	if (items_read(&e->truth, truth, true, group, err) != 0 ||
	    items_read(&e->findings, findings, false, group, err) != 0)
		goto fail;
	if (e->truth.count == 0) {
		err_set(err, EINVAL,
		    "%s: no downloads: there is nothing to hold findings "
		    "against", truth->name);
		goto fail;
	}
	if (config->group != NULL && !e->truth.has_group && !e->findings.has_group) {
		err_set(err, EINVAL, "--group %s: neither %s nor %s has such a column",
		    group, truth->name, findings->name);
		goto fail;
	}
	e->pairs = must(malloc((e->truth.count + 1) * sizeof *e->pairs));
	e->counters[EVALUATE_crowded] =
	    align_items(&e->truth, &e->findings, tolerance, e->pairs);
	make_groups(e);
	if (set_split(e, config->split, err) != 0)
		goto fail;
	count_all(e);
	*out = e;
	return 0;

fail:
	evaluation_free(e);
	return -1;
}

int
evaluate(const char *findings, const char *truth, const struct evaluate_config *config,
    struct evaluation **out, struct err *err)
{
	struct evaluate_text f = {findings, NULL, 0}, t = {truth, NULL, 0};

	return evaluate_text(&f, &t, config, out, err);
}

void
evaluation_free(struct evaluation *e)
{
	if (e == NULL)
		return;
	items_done(&e->truth);
	items_done(&e->findings);
	free(e->pairs);
	free(e->group_of);
	free(e->tallies);
	free(e);
}

const uint64_t *
evaluation_counters(const struct evaluation *e)
{
	return e->counters;
}

/* ---- tables ---- */

/* A batch on its way: rows are pushed when it is full and at the end. */
struct table {
	struct batch *batch;
	struct sink *sink;
	struct err *err;
	int status;
};

static struct table
table_open(const struct schema *schema, struct sink *sink, struct err *err)
{
	return (struct table){batch_new(schema, 1024), sink, err, 0};
}

static void
table_add(struct table *t, const void *row)
{
	if (t->status != 0)
		return;
	batch_append(t->batch, row);
	if (!batch_is_full(t->batch))
		return;
	t->status = sink_push(t->sink, t->batch, t->err);
	batch_clear(t->batch);
}

static int
table_close(struct table *t)
{
	if (t->status == 0 && t->batch->rows > 0)
		t->status = sink_push(t->sink, t->batch, t->err);
	batch_free(t->batch);
	return t->status;
}

static struct str
str_of(const char *s)
{
	return (struct str){s, (uint32_t)strlen(s)};
}

/* To six decimals: more would only say how doubles are printed. */
static double
rounded(double v)
{
	return round(v * 1e6) / 1e6;
}

static void
add_score(struct table *table, const struct tally *t, const char *part, const char *group,
    const char *grade)
{
	uint64_t named = t->named_right + t->wrong;
	struct interval interval = wilson(t->right, t->downloads);
	struct score s = {0};

	if (t->downloads == 0)
		return;
	score_set(&s, row, str_of("score"));
	score_set(&s, part, str_of(part));
	score_set(&s, group, str_of(group));
	score_set(&s, grade, str_of(grade));
	score_set(&s, downloads, t->downloads);
	score_set(&s, right, t->right);
	score_set(&s, wrong, t->wrong);
	score_set(&s, unnamed, t->unnamed);
	score_set(&s, absent, t->absent);
	score_set(&s, accuracy, rounded((double)t->right / (double)t->downloads));
	score_set(&s, low, rounded(interval.low));
	score_set(&s, high, rounded(interval.high));
	if (named > 0)
		score_set(&s, precision, rounded((double)t->named_right / (double)named));
	if (t->known > 0)
		score_set(&s, recall, rounded((double)t->named_right / (double)t->known));
	score_set(&s, sure, t->names.sure);
	score_set(&s, sure_wrong, t->names.sure_wrong);
	if (t->names.count > 0) {
		score_set(&s, brier, rounded(calibration_brier(&t->names)));
		score_set(&s, ece, rounded(calibration_ece(&t->names)));
	}
	table_add(table, &s);
}

int
evaluation_scores(const struct evaluation *e, struct sink *sink, struct err *err)
{
	struct table table = table_open(&score_schema, sink, err);
	size_t each = tallies_each(e);
	unsigned part, i;

	for (part = 0; part < PARTS_MAX; part++) {
		const struct tally *t = e->tallies + part * each;
		const char *name = part_names[part];

		add_score(&table, &t[0], name, "all", "all");
		for (i = 0; i < e->group_count; i++)
			add_score(&table, &t[1 + i], name,
			    items_text(&e->truth, e->groups[i]),
			    "all");
		for (i = 0; i <= GRADES; i++)
			add_score(&table, &t[1 + e->group_count + i], name, "all",
			    i == GRADE_absent ? "absent" : types[TYPE_grade].names[i]);
	}
	return table_close(&table);
}

int
evaluation_bins(const struct evaluation *e, struct sink *sink, struct err *err)
{
	struct table table = table_open(&bin_schema, sink, err);
	unsigned part, i;

	for (part = 0; part < PARTS_MAX; part++) {
		const struct calibration *c = &e->tallies[part * tallies_each(e)].names;

		for (i = 0; i < CALIBRATION_BINS; i++) {
			const struct calibration_bin *b = &c->bins[i];
			struct interval interval = wilson(b->right, b->count);
			struct bin row = {0};

			if (b->count == 0)
				continue;
			bin_set(&row, row, str_of("bin"));
			bin_set(&row, part, str_of(part_names[part]));
			bin_set(&row, from, (double)i / CALIBRATION_BINS);
			bin_set(&row, to, (double)(i + 1) / CALIBRATION_BINS);
			bin_set(&row, names, b->count);
			bin_set(&row, right, b->right);
			bin_set(&row, probability,
			    rounded(b->probability / (double)b->count));
			bin_set(&row, share,
			    rounded((double)b->right / (double)b->count));
			bin_set(&row, low, rounded(interval.low));
			bin_set(&row, high, rounded(interval.high));
			table_add(&table, &row);
		}
	}
	return table_close(&table);
}

/* True if the truth's "name version" is one of the finding's candidates, each of which is
 * followed by its probability. */
static bool
is_candidate(const struct evaluation *e, const struct item *truth,
    const struct item *finding)
{
	const char *name = items_text(&e->truth, truth->name), *at;
	const char *version = text_of(&e->truth, truth->version);
	size_t n = strlen(name), v = strlen(version);

	for (at = text_of(&e->findings, finding->candidates); *at != '\0';) {
		if (strncmp(at, name, n) == 0 && at[n] == ' ' &&
		    (v == 0 || (strncmp(at + n + 1, version, v) == 0 &&
		    at[n + 1 + v] == ' ')))
			return true;
		at += strcspn(at, ";");
		at += strspn(at, "; ");
	}
	return false;
}

static const char *
why_missed(const struct evaluation *e, const struct item *truth,
    const struct item *finding)
{
	if (finding == NULL)
		return "no finding of this client, port and time";
	if (truth->name == 0)
		return "a file that the truth does not know was given a name";
	if (finding->name == 0 && !e->findings.has_candidates)
		return "not named";
	if (finding->name == 0)
		return is_candidate(e, truth, finding)
		    ? "not named; the right file is a candidate"
		    : "not named; the right file is no candidate";
	if (strcmp(items_text(&e->truth, truth->name),
	    items_text(&e->findings, finding->name)) == 0)
		return "another version of the right file was named";
	return is_candidate(e, truth, finding)
	    ? "another file was named; the right one is a candidate"
					       : "another file was named";
}

static void
add_miss(const struct evaluation *e, struct table *table, size_t i)
{
	const struct item *truth = &e->truth.list[i], *finding = finding_of(e, i);
	struct miss m = {0};

	miss_set(&m, row, str_of("miss"));
	miss_set(&m, part, str_of(part_names[e->has_split ? part_of(e, i) : 0]));
	miss_set(&m, group, str_of(items_text(&e->truth, e->groups[e->group_of[i]])));
	miss_set(&m, start, truth->start_us);
	miss_set(&m, client, truth->client);
	if (truth->has_port)
		miss_set(&m, client_port, truth->port);
	if (truth->name != 0)
		miss_set(&m, name, str_of(items_text(&e->truth, truth->name)));
	if (truth->version != 0)
		miss_set(&m, version, str_of(items_text(&e->truth, truth->version)));
	if (finding != NULL) {
		if (finding->name != 0)
			miss_set(&m, said, str_of(items_text(&e->findings,
			    finding->name)));
		if (finding->version != 0)
			miss_set(&m, said_version,
			    str_of(items_text(&e->findings, finding->version)));
		miss_set(&m, probability, finding->probability);
		miss_set(&m, grade, finding->grade);
		if (finding->evidence != 0)
			miss_set(&m, evidence,
			    str_of(items_text(&e->findings, finding->evidence)));
	}
	miss_set(&m, why, str_of(why_missed(e, truth, finding)));
	table_add(table, &m);
}

struct missed {
	int64_t start_us;
	size_t i;
};

static int
missed_compare(const void *pa, const void *pb)
{
	const struct missed *a = pa, *b = pb;

	if (a->start_us != b->start_us)
		return a->start_us < b->start_us ? -1 : 1;
	return a->i < b->i ? -1 : a->i > b->i;
}

int
evaluation_misses(const struct evaluation *e, struct sink *sink, struct err *err)
{
	struct table table = table_open(&miss_schema, sink, err);
	struct missed *missed = must(malloc((e->truth.count + 1) * sizeof *missed));
	size_t i, n = 0;

	for (i = 0; i < e->truth.count; i++)
		if (!is_right(e, i))
			missed[n++] = (struct missed){e->truth.list[i].start_us, i};
	qsort(missed, n, sizeof *missed, missed_compare);
	for (i = 0; i < n; i++)
		add_miss(e, &table, missed[i].i);
	free(missed);
	return table_close(&table);
}
