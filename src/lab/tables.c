/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scores, and scores by retransmissions, are rows as soon as a case is added; those of
 * all scenarios together and the calibration are sums, which become rows when they are
 * asked for.
 */
#include "lab/tables.h"

#include "base/err.h"
#include "base/memory.h"
#include "evaluate/statistics.h"
#include "model/batch.h"
#include "model/sink.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { AGAIN_BINS = 6, KINDS_MAX = 16 };

/* Segments sent again: up to so many. */
static const uint64_t again_to[AGAIN_BINS] = {0, 2, 10, 30, 100, UINT64_MAX};

struct tally {
	uint64_t downloads, right, wrong, unknown, absent, among;
};

struct rows {
	char *list;
	size_t count, cap;
};

/* Sums of a scenario, or of all. */
struct sums {
	const char *scenario;
	struct calibration calibration[LAB_METHODS];
	struct tally again[LAB_METHODS][AGAIN_BINS];
};

struct lab_tables {
	struct rows rows[LAB_TABLES];
	struct sums *sums; /* the first is of all */
	size_t sums_count;
	char **texts;
	size_t text_count, text_cap;
};

const struct schema *const lab_table_schemas[LAB_TABLES] = {
    [LAB_TABLE_RUN] = &lab_run_schema,     [LAB_TABLE_SCORE] = &lab_score_schema,
    [LAB_TABLE_AGAIN] = &lab_again_schema, [LAB_TABLE_BIN] = &lab_bin_schema,
    [LAB_TABLE_MISS] = &lab_miss_schema,
};

static struct str
keep(struct lab_tables *t, const char *s, size_t n)
{
	char *copy = must(strndup(s, n));

	if (t->text_count == t->text_cap) {
		t->text_cap = t->text_cap ? t->text_cap * 2 : 256;
		t->texts = must(realloc(t->texts, t->text_cap * sizeof *t->texts));
	}
	t->texts[t->text_count++] = copy;
	return (struct str){copy, (uint32_t)strlen(copy)};
}

static struct str
text(const char *literal)
{
	return (struct str){literal, (uint32_t)strlen(literal)};
}

static void
add_row(struct rows *rows, const struct schema *schema, const void *row)
{
	if (rows->count == rows->cap) {
		rows->cap = rows->cap ? rows->cap * 2 : 256;
		rows->list = must(realloc(rows->list, rows->cap * schema->row_size));
	}
	memcpy(rows->list + rows->count++ * schema->row_size, row, schema->row_size);
}

static double
rounded(double v, double unit)
{
	return round(v * unit) / unit;
}

static void
count(struct tally *t, const struct lab_verdict *v)
{
	t->downloads++;
	t->right += v->outcome == LAB_RIGHT;
	t->wrong += v->outcome == LAB_WRONG;
	t->unknown += v->outcome == LAB_UNKNOWN || v->outcome == LAB_ABSENT;
	t->absent += v->outcome == LAB_ABSENT;
	t->among += v->is_among;
}

struct lab_tables *
lab_tables_new(void)
{
	struct lab_tables *t = must(calloc(1, sizeof *t));

	t->sums = must(calloc(1, sizeof *t->sums));
	t->sums[0].scenario = "all";
	t->sums_count = 1;
	return t;
}

void
lab_tables_free(struct lab_tables *t)
{
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < LAB_TABLES; i++)
		free(t->rows[i].list);
	for (i = 0; i < t->text_count; i++)
		free(t->texts[i]);
	free(t->texts);
	free(t->sums);
	free(t);
}

/* The sums of a scenario; those of all are sums[0]. The pointer holds until the next one.
 */
static struct sums *
sums_of(struct lab_tables *t, const char *scenario)
{
	struct sums *s;
	size_t i;

	for (i = 1; i < t->sums_count; i++)
		if (strcmp(t->sums[i].scenario, scenario) == 0)
			return &t->sums[i];
	t->sums = must(realloc(t->sums, (t->sums_count + 1) * sizeof *t->sums));
	s = &t->sums[t->sums_count++];
	memset(s, 0, sizeof *s);
	s->scenario = keep(t, scenario, strlen(scenario)).data;
	return s;
}

/* ---- scores ---- */

static struct lab_score
score_row(struct lab_tables *t, const struct lab_case *of, const char *kind)
{
	struct lab_score s = {0};

	lab_set(&s, SCORE, row, text("score"));
	lab_set(&s, SCORE, scenario, keep(t, of->scenario, strlen(of->scenario)));
	lab_set(&s, SCORE, place, keep(t, of->place, strlen(of->place)));
	lab_set(&s, SCORE, method, text(of->method->name));
	lab_set(&s, SCORE, kind, keep(t, kind, strlen(kind)));
	if (of->names > 0)
		lab_set(&s, SCORE, names, of->names);
	if (of->has_article)
		lab_set(&s, SCORE, article, of->article);
	return s;
}

static void
add_score(struct lab_tables *t, const struct lab_case *of, const char *kind,
	  const struct tally *tally)
{
	struct interval interval = wilson(tally->right, tally->downloads);
	struct lab_score s = score_row(t, of, kind);

	lab_set(&s, SCORE, downloads, tally->downloads);
	lab_set(&s, SCORE, right, tally->right);
	lab_set(&s, SCORE, wrong, tally->wrong);
	lab_set(&s, SCORE, unknown, tally->unknown);
	lab_set(&s, SCORE, absent, tally->absent);
	lab_set(&s, SCORE, among, tally->among);
	if (tally->downloads > 0) {
		lab_set(&s, SCORE, percent,
			rounded(100.0 * (double)tally->right / (double)tally->downloads,
				100));
		lab_set(&s, SCORE, low, rounded(100 * interval.low, 100));
		lab_set(&s, SCORE, high, rounded(100 * interval.high, 100));
	}
	add_row(&t->rows[LAB_TABLE_SCORE], &lab_score_schema, &s);
}

static const char *
kind_of(const struct lab_downloads *d, size_t i)
{
	return d->list[i].kind == 0 ? "whole" : lab_download_text(d, d->list[i].kind);
}

/* One for all; where there are several kinds, one each. */
static void
add_scores(struct lab_tables *t, const struct lab_case *of, const struct lab_downloads *d,
	   const struct lab_verdict *v)
{
	struct tally all = {0}, by_kind[KINDS_MAX] = {0};
	const char *kinds[KINDS_MAX];
	size_t n = 0, i, k;

	for (i = 0; i < d->count; i++) {
		if (v[i].outcome == LAB_UNJUDGED)
			continue;
		count(&all, &v[i]);
		for (k = 0; k < n && strcmp(kinds[k], kind_of(d, i)) != 0;)
			k++;
		if (k == n && n < KINDS_MAX)
			kinds[n++] = kind_of(d, i);
		if (k < n)
			count(&by_kind[k], &v[i]);
	}
	add_score(t, of, "all", &all);
	for (k = 0; k < n && n > 1; k++)
		add_score(t, of, kinds[k], &by_kind[k]);
}

/* ---- by retransmissions ---- */

static unsigned
again_bin(uint64_t again)
{
	unsigned i = 0;

	while (again > again_to[i])
		i++;
	return i;
}

static void
add_again(struct rows *rows, struct str scenario, struct str place,
	  const struct lab_method *method, const struct tally tallies[AGAIN_BINS])
{
	unsigned i;

	for (i = 0; i < AGAIN_BINS; i++) {
		const struct tally *tally = &tallies[i];
		struct interval interval = wilson(tally->right, tally->downloads);
		struct lab_again a = {0};

		if (tally->downloads == 0)
			continue;
		lab_set(&a, AGAIN, row, text("again"));
		lab_set(&a, AGAIN, scenario, scenario);
		lab_set(&a, AGAIN, place, place);
		lab_set(&a, AGAIN, method, text(method->name));
		lab_set(&a, AGAIN, from, i == 0 ? 0 : again_to[i - 1] + 1);
		if (i + 1 < AGAIN_BINS)
			lab_set(&a, AGAIN, to, again_to[i]);
		lab_set(&a, AGAIN, downloads, tally->downloads);
		lab_set(&a, AGAIN, right, tally->right);
		lab_set(&a, AGAIN, wrong, tally->wrong);
		lab_set(&a, AGAIN, unknown, tally->unknown);
		lab_set(&a, AGAIN, percent,
			rounded(100.0 * (double)tally->right / (double)tally->downloads,
				100));
		lab_set(&a, AGAIN, low, rounded(100 * interval.low, 100));
		lab_set(&a, AGAIN, high, rounded(100 * interval.high, 100));
		add_row(rows, &lab_again_schema, &a);
	}
}

static void
count_again(struct lab_tables *t, const struct lab_case *of,
	    const struct lab_downloads *d, const struct lab_verdict *v,
	    const int64_t *again)
{
	size_t method = (size_t)(of->method - lab_methods), i;
	struct tally own[AGAIN_BINS] = {0};

	for (i = 0; i < d->count; i++) {
		if (v[i].outcome == LAB_UNJUDGED || again == NULL || again[i] < 0)
			continue;
		count(&own[again_bin((uint64_t)again[i])], &v[i]);
		count(&t->sums[0].again[method][again_bin((uint64_t)again[i])], &v[i]);
	}
	add_again(&t->rows[LAB_TABLE_AGAIN], keep(t, of->scenario, strlen(of->scenario)),
		  keep(t, of->place, strlen(of->place)), of->method, own);
}

/* ---- misses ---- */

static void
add_miss(struct lab_tables *t, const struct lab_case *of, const struct lab_downloads *d,
	 const struct lab_records *told, size_t i, const struct lab_verdict *v,
	 int64_t again)
{
	const struct lab_download *one = &d->list[i];
	const struct lab_record *said = v->said;
	struct lab_miss m = {0};
	char why[128];

#define KEPT(s) keep(t, (s), strlen(s))
	lab_set(&m, MISS, row, text("miss"));
	lab_set(&m, MISS, scenario, KEPT(of->scenario));
	lab_set(&m, MISS, place, KEPT(of->place));
	lab_set(&m, MISS, method, text(of->method->name));
	lab_set(&m, MISS, start, one->start_us);
	lab_set(&m, MISS, client, one->client);
	if (one->has_port)
		lab_set(&m, MISS, client_port, one->port);
	lab_set(&m, MISS, name, KEPT(lab_download_text(d, one->name)));
	if (one->version != 0)
		lab_set(&m, MISS, version, KEPT(lab_download_text(d, one->version)));
	lab_set(&m, MISS, kind, KEPT(kind_of(d, i)));
	if (said != NULL && v->outcome == LAB_WRONG) {
		lab_set(&m, MISS, said, KEPT(lab_record_text(told, said->name)));
		if (said->version != 0)
			lab_set(&m, MISS, said_version,
				KEPT(lab_record_text(told, said->version)));
		lab_set(&m, MISS, probability, said->probability);
	}
	if (again >= 0)
		lab_set(&m, MISS, again, (uint64_t)again);
	lab_set(&m, MISS, why, KEPT(lab_why(d, told, i, v, why)));
	if (said != NULL && said->evidence != 0)
		lab_set(&m, MISS, evidence, KEPT(lab_record_text(told, said->evidence)));
#undef KEPT
	add_row(&t->rows[LAB_TABLE_MISS], &lab_miss_schema, &m);
}

void
lab_tables_add(struct lab_tables *t, const struct lab_case *of,
	       const struct lab_downloads *d, const struct lab_records *told,
	       const struct lab_verdict *v, const int64_t *again)
{
	size_t method = (size_t)(of->method - lab_methods), i;
	struct sums *own;

	add_scores(t, of, d, v);
	if (of->has_decoys)
		return;
	count_again(t, of, d, v, again);
	own = sums_of(t, of->scenario);
	for (i = 0; i < d->count; i++) {
		if (v[i].outcome == LAB_UNJUDGED)
			continue;
		if (v[i].said != NULL &&
		    (v[i].outcome == LAB_RIGHT || v[i].outcome == LAB_WRONG)) {
			double p = v[i].said->probability;

			calibration_add(&own->calibration[method], p,
					v[i].outcome == LAB_RIGHT);
			calibration_add(&t->sums[0].calibration[method], p,
					v[i].outcome == LAB_RIGHT);
		}
		if (v[i].outcome != LAB_RIGHT)
			add_miss(t, of, d, told, i, &v[i], again == NULL ? -1 : again[i]);
	}
}

void
lab_tables_note(struct lab_tables *t, const struct lab_case *of, const char *note)
{
	struct lab_score s = score_row(t, of, "all");

	lab_set(&s, SCORE, note, keep(t, note, strlen(note)));
	add_row(&t->rows[LAB_TABLE_SCORE], &lab_score_schema, &s);
}

void
lab_tables_run(struct lab_tables *t, const struct lab_run *run)
{
	struct lab_run copy = *run;
	unsigned i;

	for (i = 0; i < lab_run_schema.count; i++) {
		const struct field *f = &lab_run_schema.fields[i];
		struct str *s = (struct str *)((char *)&copy + f->offset);

		if (f->type == TYPE_text && row_has(copy.present, i))
			*s = keep(t, s->data, s->len);
	}
	add_row(&t->rows[LAB_TABLE_RUN], &lab_run_schema, &copy);
}

const struct lab_score *
lab_tables_scores(const struct lab_tables *t, size_t *n)
{
	*n = t->rows[LAB_TABLE_SCORE].count;
	return (const struct lab_score *)t->rows[LAB_TABLE_SCORE].list;
}

const struct lab_run *
lab_tables_runs(const struct lab_tables *t, size_t *n)
{
	*n = t->rows[LAB_TABLE_RUN].count;
	return (const struct lab_run *)t->rows[LAB_TABLE_RUN].list;
}

/* ---- out ---- */

static void
add_bins(struct rows *rows, const char *scenario, const struct lab_method *method,
	 const struct calibration *c)
{
	unsigned i;

	for (i = 0; i < CALIBRATION_BINS; i++) {
		const struct calibration_bin *b = &c->bins[i];
		struct interval interval = wilson(b->right, b->count);
		struct lab_bin row = {0};

		if (b->count == 0)
			continue;
		lab_set(&row, BIN, row, text("bin"));
		lab_set(&row, BIN, scenario, text(scenario));
		lab_set(&row, BIN, method, text(method->name));
		lab_set(&row, BIN, from, (double)i / CALIBRATION_BINS);
		lab_set(&row, BIN, to, (double)(i + 1) / CALIBRATION_BINS);
		lab_set(&row, BIN, names, b->count);
		lab_set(&row, BIN, right, b->right);
		lab_set(&row, BIN, probability,
			rounded(b->probability / (double)b->count, 1e6));
		lab_set(&row, BIN, share,
			rounded((double)b->right / (double)b->count, 1e6));
		lab_set(&row, BIN, low, rounded(interval.low, 1e6));
		lab_set(&row, BIN, high, rounded(interval.high, 1e6));
		add_row(rows, &lab_bin_schema, &row);
	}
}

/* The rows that are made of sums. */
static struct rows
rows_of_sums(const struct lab_tables *t, enum lab_table table)
{
	struct rows rows = {0};
	size_t i, m;

	for (m = 0; m < LAB_METHODS && table == LAB_TABLE_AGAIN; m++)
		add_again(&rows, text("all"), text("all"), &lab_methods[m],
			  t->sums[0].again[m]);
	for (i = 0; i < t->sums_count && table == LAB_TABLE_BIN; i++)
		for (m = 0; m < LAB_METHODS; m++)
			add_bins(&rows, t->sums[i].scenario, &lab_methods[m],
				 &t->sums[i].calibration[m]);
	return rows;
}

struct pushing {
	const struct lab_push *what;
	struct batch *batch;
	struct sink *sink;
	struct err *err;
	uint64_t told, left;
	int status;
};

static void
push_rows(struct pushing *p, const struct rows *rows, size_t row_size)
{
	size_t i;

	for (i = 0; i < rows->count && p->status == 0; i++) {
		const void *row = rows->list + i * row_size;

		if (p->what->wants != NULL && !p->what->wants(row))
			continue;
		if (p->what->most > 0 && p->told == p->what->most) {
			p->left++;
			continue;
		}
		p->told++;
		batch_append(p->batch, row);
		if (!batch_is_full(p->batch))
			continue;
		p->status = sink_push(p->sink, p->batch, p->err);
		batch_clear(p->batch);
	}
}

int
lab_tables_push(const struct lab_tables *t, const struct lab_push *what,
		struct sink *sink, uint64_t *left, struct err *err)
{
	const struct schema *schema = lab_table_schemas[what->table];
	struct pushing p = {what, batch_new(schema, 1024), sink, err, 0, 0, 0};
	struct rows sums = rows_of_sums(t, what->table);

	push_rows(&p, &sums, schema->row_size);
	push_rows(&p, &t->rows[what->table], schema->row_size);
	if (p.status == 0 && p.batch->rows > 0)
		p.status = sink_push(sink, p.batch, err);
	batch_free(p.batch);
	free(sums.list);
	if (left != NULL)
		*left = p.left;
	return p.status;
}
