/* SPDX-License-Identifier: BSD-2-Clause */
/* The lab's tables as text: first one line a place with a column a method, then each
 * figure. */
#include "cmd/lab_show.h"

#include "base/err.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/sink.h"
#include "report/report.h"

#include <stdio.h>
#include <string.h>

/* Scores with decoys have the same kind and place; the own catalogue's row comes first.
 */
const struct lab_score *
lab_show_find(const struct lab_tables *tables, struct str scenario, struct str place,
	      const char *method)
{
	const struct lab_score *scores;
	size_t n, i;

	scores = lab_tables_scores(tables, &n);
	for (i = 0; i < n; i++)
		if (str_equals(scores[i].scenario, scenario) &&
		    str_equals(scores[i].place, place) &&
		    str_is(scores[i].method, method) && str_is(scores[i].kind, "all"))
			return &scores[i];
	return NULL;
}

struct lab_spot_name *
lab_show_spots(const struct lab_tables *tables, size_t *count)
{
	const struct lab_score *scores;
	struct lab_spot_name *spots;
	size_t n, i;

	scores = lab_tables_scores(tables, &n);
	spots = must(calloc(n + 1, sizeof *spots));
	*count = 0;
	for (i = 0; i < n; i++) {
		const struct lab_spot_name *last = *count > 0 ? &spots[*count - 1] : NULL;

		if (last == NULL || !str_equals(last->scenario, scores[i].scenario) ||
		    !str_equals(last->place, scores[i].place))
			spots[(*count)++] =
			    (struct lab_spot_name){scores[i].scenario, scores[i].place};
	}
	return spots;
}

/* A line for each scenario that is not what it was asked to be: broken off, still going
 * on, or less of it. */
static void
write_unfinished(const struct lab_tables *tables, struct text *out)
{
	const struct lab_run *runs;
	size_t n, i;

	runs = lab_tables_runs(tables, &n);
	for (i = 0; i < n; i++)
		if (!str_is(runs[i].state, "done"))
			text_printf(out, "\n%.*s is not finished: %.*s%s\n",
				    (int)runs[i].scenario.len, runs[i].scenario.data,
				    (int)runs[i].state.len, runs[i].state.data,
				    runs[i].downloads > 0 ? "; what is there was judged"
							  : "");
	for (i = 0; i < n; i++)
		if (runs[i].less.len > 0)
			text_printf(out, "\n%.*s was made less: %.*s\n",
			    (int)runs[i].scenario.len, runs[i].scenario.data,
			    (int)runs[i].less.len, runs[i].less.data);
}

static int
write_table(const struct lab_tables *tables, enum lab_table table,
	    enum report_format format, bool (*wants)(const void *row), struct text *out,
	    struct err *err)
{
	const struct schema *schema = lab_table_schemas[table];
	unsigned fields[SCHEMA_FIELDS_MAX];
	struct report_config config = {.fd = -1,
				       .text = out,
				       .schema = schema,
				       .format = format,
				       .fields = fields,
				       .style = STYLE_PEOPLE};
	struct lab_push push = {.table = table, .wants = wants};
	struct sink *sink = NULL;
	int status;

	if (report_fields(schema, "all", fields, &config.n, err) != 0 ||
	    report_open(&config, &sink, err) != 0)
		return -1;
	status = lab_tables_push(tables, &push, sink, NULL, err);
	return sink_close(sink, err) | status;
}

/* A figure: "sklearn-tree   50  all  579/626  92.5 (90.2 to 94.3)  47 wrong, 0 unknown".
 */
static void
write_score(const struct lab_score *s, struct text *out)
{
	char names[32] = "-";

	if (row_has(s->present, LAB_SCORE_names))
		snprintf(names, sizeof names, "%llu", (unsigned long long)s->names);
	text_printf(out, "  %-22.*s  %6s  %-10.*s  ", (int)s->method.len, s->method.data,
		    names, (int)s->kind.len, s->kind.data);
	if (row_has(s->present, LAB_SCORE_note)) {
		text_printf(out, "-: %.*s\n", (int)s->note.len, s->note.data);
		return;
	}
	text_printf(out, "%4llu/%-5llu", (unsigned long long)s->right,
		    (unsigned long long)s->downloads);
	text_printf(out, "  %5.1f (%5.1f to %5.1f)  %5llu  %7llu  %6llu  %5llu\n",
		    s->percent, s->low, s->high, (unsigned long long)s->wrong,
		    (unsigned long long)s->unknown, (unsigned long long)s->absent,
		    (unsigned long long)s->among);
}

static void
write_scores(const struct lab_tables *tables, struct text *out)
{
	struct lab_spot_name *spots;
	const struct lab_score *scores;
	size_t n, count, i, k;

	spots = lab_show_spots(tables, &n);
	scores = lab_tables_scores(tables, &count);
	for (i = 0; i < n; i++) {
		text_printf(out, "\n%.*s, %.*s\n", (int)spots[i].scenario.len,
			    spots[i].scenario.data, (int)spots[i].place.len,
			    spots[i].place.data);
		text_str(
		    out,
		    "  Method                   Names  Kind        Right      Percent  "
		    "95 % interval   Wrong  Unknown  Absent  Among\n");
		for (k = 0; k < count; k++)
			if (str_equals(scores[k].scenario, spots[i].scenario) &&
			    str_equals(scores[k].place, spots[i].place))
				write_score(&scores[k], out);
	}
	free(spots);
}

static void
count_misses(const struct lab_tables *tables, struct text *out)
{
	const struct lab_score *scores;
	uint64_t misses = 0;
	size_t n, i, m;

	scores = lab_tables_scores(tables, &n);
	for (i = 0; i < n; i++)
		for (m = 0; m < LAB_METHODS; m++)
			if (row_has(scores[i].present, LAB_SCORE_wrong) &&
			    lab_show_find(tables, scores[i].scenario, scores[i].place,
					  lab_methods[m].name) == &scores[i])
				misses += scores[i].wrong + scores[i].unknown;
	text_printf(
	    out,
	    "\n%llu misses over all places and methods; -o ndjson and -o html tell "
	    "which and why\n",
	    (unsigned long long)misses);
}

bool
lab_show_is_ours(const void *miss)
{
	const struct lab_miss *m = miss;

	return str_is(m->method, "wire") || str_is(m->method, "wire-fitted") ||
	       str_is(m->method, "spans");
}

int
lab_show_text(const struct lab_tables *tables, enum lab_misses misses, struct text *out,
	      struct err *err)
{
	lab_pivot_text(tables, out);
	write_unfinished(tables, out);
	write_scores(tables, out);
	count_misses(tables, out);
	return 0;
}

int
lab_show_tsv(const struct lab_tables *tables, enum lab_misses misses, struct text *out,
	     struct err *err)
{
	return write_table(tables, LAB_TABLE_SCORE, REPORT_TSV, NULL, out, err);
}

int
lab_show_ndjson(const struct lab_tables *tables, enum lab_misses misses, struct text *out,
		struct err *err)
{
	enum lab_table table;

	for (table = 0; table < LAB_TABLES; table++) {
		bool is_miss = table == LAB_TABLE_MISS;

		if (is_miss && misses == LAB_MISSES_NONE)
			continue;
		if (write_table(tables, table, REPORT_NDJSON,
				is_miss && misses == LAB_MISSES_OURS ? lab_show_is_ours
								     : NULL,
				out, err) != 0)
			return -1;
	}
	return 0;
}
