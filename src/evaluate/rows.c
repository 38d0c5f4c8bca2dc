/* SPDX-License-Identifier: BSD-2-Clause */
/* An evaluation as rows: scores, bins of probabilities, and what was missed and why. */
#include "evaluate/evaluation.h"

#include "base/memory.h"
#include "evaluate/tables.h"
#include "model/batch.h"
#include "model/sink.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
	size_t each = evaluation_tallies(e);
	unsigned part, i;

	for (part = 0; part < PARTS_MAX; part++) {
		const struct tally *t = e->tallies + part * each;
		const char *name = evaluation_parts[part];

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
		const struct tally *all = &e->tallies[part * evaluation_tallies(e)];
		const struct calibration *c = &all->names;

		for (i = 0; i < CALIBRATION_BINS; i++) {
			const struct calibration_bin *b = &c->bins[i];
			struct interval interval = wilson(b->right, b->count);
			struct bin row = {0};

			if (b->count == 0)
				continue;
			bin_set(&row, row, str_of("bin"));
			bin_set(&row, part, str_of(evaluation_parts[part]));
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
	const char *version = evaluation_text(&e->truth, truth->version);
	size_t n = strlen(name), v = strlen(version);

	for (at = evaluation_text(&e->findings, finding->candidates); *at != '\0';) {
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
	const struct item *truth = &e->truth.list[i], *finding = evaluation_finding(e, i);
	unsigned part = e->has_split ? evaluation_part(e, i) : 0;
	struct miss m = {0};

	miss_set(&m, row, str_of("miss"));
	miss_set(&m, part, str_of(evaluation_parts[part]));
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
		if (!evaluation_is_right(e, i))
			missed[n++] = (struct missed){e->truth.list[i].start_us, i};
	qsort(missed, n, sizeof *missed, missed_compare);
	for (i = 0; i < n; i++)
		add_miss(e, &table, missed[i].i);
	free(missed);
	return table_close(&table);
}
