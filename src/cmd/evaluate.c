/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir evaluate: findings held against the truth, as tables, as one JSON object a row, or
 * as an HTML page with plots.
 */
#include "evaluate/evaluate.h"

#include "cmd/common.h"
#include "evaluate/tables.h"
#include "model/batch.h"
#include "model/sink.h"
#include "report/html.h"
#include "report/plot.h"
#include "report/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct values {
	const char *findings, *truth, *group, *split, *format, *output;
	int64_t tolerance_us;
};

static const struct option_row options[] = {
	{"findings", 0, OPTION_TEXT, offsetof(struct values, findings), "FILE", NULL, 0,
	    0, "findings as weir identify -o tsv or csv prints them"},
	{"truth", 0, OPTION_TEXT, offsetof(struct values, truth), "FILE", NULL, 0, 0,
	    "the downloads as they were, TSV or CSV"},
	{"group", 'g', OPTION_TEXT, offsetof(struct values, group), "COLUMN", NULL, 0, 0,
	    "score by this column of truth or findings too; default exporter where "
	    "there is one"},
	{"split", 0, OPTION_TEXT, offsetof(struct values, split), "WHERE", NULL, 0, 0,
	    "a time, or a share of the downloads by time: score before and after it "
	    "apart"},
	{"tolerance", 0, OPTION_TIME, offsetof(struct values, tolerance_us), "TIME", "2s",
	    0, 0, "how far a finding's start may be from the truth's"},
	OPTION_FORMAT_ROW(struct values, "table, ndjson or html"),
	OPTION_OUTPUT_ROW(struct values),
};

static const char score_columns[] =
    "part,group,grade,downloads,right,wrong,unnamed,absent,"
    "accuracy,low,high,precision,recall,sure,sure_wrong,brier,ece";
static const char bin_columns[] = "part,from,to,names,right,probability,share,low,high";
static const char miss_columns[] =
    "part,group,start,client,client_port,name,version,said,"
    "said_version,probability,grade,why";

/* The three tables of an evaluation. */
static const struct part {
	const char *heading, *columns;
	const struct schema *schema;
	int (*push)(const struct evaluation *, struct sink *, struct err *);
} parts[] = {
	{"Scores", score_columns, &score_schema, evaluation_scores},
	{"Calibration", bin_columns, &bin_schema, evaluation_bins},
	{"Misses", miss_columns, &miss_schema, evaluation_misses},
};

enum { PARTS = sizeof parts / sizeof *parts };

/* All three tables behind one another; by way of a file, for that is what reports write
 * to. */
static int
write_rows(const struct evaluation *e, const char *format, struct text *out,
    struct err *err)
{
	bool is_table = strcmp(format, "table") == 0;
	struct sink *sink;
	char bytes[4096];
	FILE *file;
	size_t i, n;

	for (i = 0; i < PARTS; i++) {
		struct report_config config = {.schema = parts[i].schema,
		    .format = is_table ? REPORT_TABLE : REPORT_NDJSON};
		unsigned fields[SCHEMA_FIELDS_MAX];
		int status;

		if ((file = tmpfile()) == NULL)
			return err_set(err, errno, "a temporary file: %s",
			    strerror(errno));
		config.fd = fileno(file);
		config.fields = fields;
		status = report_fields(parts[i].schema,
		    is_table ? parts[i].columns : "all", fields, &config.n, err);
		if (status == 0 && (status = report_open(&config, &sink, err)) == 0) {
			status = parts[i].push(e, sink, err);
			status |= sink_close(sink, err);
		}
		if (is_table)
			text_printf(out, "%s%s\n", i > 0 ? "\n" : "", parts[i].heading);
		rewind(file);
		while (status == 0 && (n = fread(bytes, 1, sizeof bytes, file)) > 0)
			text_bytes(out, bytes, n);
		fclose(file);
		if (status != 0)
			return -1;
	}
	return 0;
}

static int
write_table(const struct evaluation *e, struct text *out, struct err *err)
{
	return write_rows(e, "table", out, err);
}

static int
write_ndjson(const struct evaluation *e, struct text *out, struct err *err)
{
	return write_rows(e, "ndjson", out, err);
}

/* ---- HTML ---- */

enum { POINTS_MAX = 128 };

/* A sink that turns rows into table rows and, where wanted, points of a plot. */
struct page {
	struct sink sink;
	struct text *out;
	unsigned fields[SCHEMA_FIELDS_MAX], n;
	bool is_begun;
	struct plot_point points[POINTS_MAX];
	struct text labels; /* behind each other, each 0-terminated */
	size_t label_at[POINTS_MAX], count;
	bool (*point)(struct page *page, const void *row);
	const char *part; /* whose points are wanted */
	const char *label; /* what the table is */
};

static bool
is_text(struct str s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

static bool
score_point(struct page *page, const void *row)
{
	const struct score *s = row;

	if (!is_text(s->part, page->part))
		return false;
	page->points[page->count] = (struct plot_point){0, s->accuracy, s->low, s->high,
	    (double)s->downloads, NULL};
	if (is_text(s->grade, "all"))
		text_bytes(&page->labels, s->group.data, s->group.len);
	else
		text_printf(&page->labels, "grade %.*s", (int)s->grade.len,
		    s->grade.data);
	return true;
}

static bool
bin_point(struct page *page, const void *row)
{
	const struct bin *b = row;

	if (!is_text(b->part, page->part))
		return false;
	page->points[page->count] = (struct plot_point){b->probability, b->share, b->low,
	    b->high, (double)b->names, NULL};
	text_printf(&page->labels, "said with %.2f to %.2f, %llu names", b->from, b->to,
	    (unsigned long long)b->names);
	return true;
}

static int
page_push(struct sink *sink, struct batch *batch, struct err *err)
{
	struct page *page = (struct page *)sink;
	union {
		struct score score;
		struct bin bin;
	} row;
	size_t i;

	if (!page->is_begun)
		html_table_begin(page->out, page->label, batch, page->fields, page->n);
	page->is_begun = true;
	html_table_rows(page->out, batch, page->fields, page->n);
	for (i = 0; page->point != NULL && i < batch->rows && page->count < POINTS_MAX;
	    i++) {
		size_t at = page->labels.len;

		batch_row(batch, i, &row);
		if (!page->point(page, &row))
			continue;
		text_char(&page->labels, '\0');
		page->label_at[page->count++] = at;
	}
	return 0;
}

static int
page_nothing(struct sink *sink, struct err *err)
{
	return 0;
}

/* Table number i into out, its points kept in page. */
static int
page_table(const struct evaluation *e, size_t i, struct page *page, struct text *out,
    struct err *err)
{
	page->sink = (struct sink){page_push, page_nothing, page_nothing};
	page->out = out;
	page->label = parts[i].heading;
	page->is_begun = false;
	page->count = 0;
	text_clear(&page->labels);
	if (report_fields(parts[i].schema, parts[i].columns, page->fields, &page->n,
	    err) != 0 || parts[i].push(e, &page->sink, err) != 0)
		return -1;
	if (page->is_begun)
		html_table_end(out);
	for (size_t k = 0; k < page->count; k++)
		page->points[k].label = page->labels.data + page->label_at[k];
	return 0;
}

static void
page_counters(const struct evaluation *e, struct text *out)
{
	struct text t;

	text_init(&t);
	counters_print(&t, evaluate_counter_rows, evaluation_counters(e),
	    EVALUATE_COUNTERS);
	html_wide_begin(out, "Counted");
	text_str(out, "<pre>");
	text_html(out, t.data, t.len);
	text_str(out, "</pre>\n");
	html_wide_end(out);
	text_done(&t);
}

static int
page_plots(const struct evaluation *e, struct page *page, const char *part,
    struct text *out, struct err *err)
{
	struct text unused; /* the tables come once, below */
	char title[64];
	int status;

	text_init(&unused);
	page->part = part;
	page->point = score_point;
	status = page_table(e, 0, page, &unused, err);
	if (status == 0 && page->count > 0) {
		struct plot plot = {title, "", "", page->points, page->count};

		snprintf(title, sizeof title, "Accuracy with 95 %% interval, %s", part);
		plot_rows(out, &plot);
	}
	page->point = bin_point;
	if (status == 0)
		status = page_table(e, 1, page, &unused, err);
	if (status == 0 && page->count > 0) {
		struct plot plot = {title, "probability said", "share right",
		    page->points, page->count};

		snprintf(title, sizeof title, "Names: said against right, %s", part);
		plot_square(out, &plot);
	}
	text_done(&unused);
	return status;
}

static int
write_html(const struct evaluation *e, struct text *out, struct err *err)
{
	static const char *const plotted[] = {"all", "train", "test"};
	static const char *const contents[] = {"Plots", "Scores", "Calibration", "Misses",
	    "Counted", NULL};
	struct page page = {0};
	int status = 0;
	size_t i;

	text_init(&page.labels);
	html_begin(out, "weir evaluate");
	html_paragraph(out,
	    "Findings held against the truth. A point is a share with its 95 % "
	    "interval by Wilson; on the diagonal a name's probability keeps what it "
	    "promises. Headings sort.");
	html_contents(out, contents);
	html_heading(out, contents[0]);
	for (i = 0; status == 0 && i < sizeof plotted / sizeof *plotted; i++)
		status = page_plots(e, &page, plotted[i], out, err);
	page.point = NULL;
	for (i = 0; status == 0 && i < PARTS; i++) {
		html_heading(out, parts[i].heading);
		status = page_table(e, i, &page, out, err);
		if (status == 0 && !page.is_begun)
			html_paragraph(out, "None.");
	}
	html_heading(out, "Counted");
	page_counters(e, out);
	html_end(out);
	text_done(&page.labels);
	return status;
}

static const struct {
	const char *name;
	int (*write)(const struct evaluation *, struct text *, struct err *);
} formats[] = {{"table", write_table}, {"ndjson", write_ndjson}, {"html", write_html}};

enum { FORMATS = sizeof formats / sizeof *formats };

static int
run(void *values, const char **operands, int count, struct err *err)
{
	struct values *v = values;
	struct evaluate_config config = {.tolerance_us = v->tolerance_us,
	    .group = v->group,
	    .split = v->split};
	struct evaluation *e = NULL;
	int status = EXIT_USAGE;
	struct text out;
	size_t f = 0;

	text_init(&out);
	while (f < FORMATS && strcmp(formats[f].name, v->format) != 0)
		f++;
	if (f == FORMATS) {
		err_set(err, EINVAL, "-o takes table, ndjson or html, not '%s'",
		    v->format);
		goto done;
	}
	if (count > 0) {
		err_set(err, EINVAL, "'%s': evaluate takes no words but options",
		    operands[0]);
		goto done;
	}
	if (need_option(v->findings, "--findings FILE", err) != 0 ||
	    need_option(v->truth, "--truth FILE", err) != 0)
		goto done;
	status = EXIT_TROUBLE;
	if (evaluate(v->findings, v->truth, &config, &e, err) != 0 ||
	    formats[f].write(e, &out, err) != 0 || output_text(&out, v->output, err) != 0)
		goto done;
	say_counters(evaluate_counter_rows, evaluation_counters(e),
	    EVALUATE_COUNTERS);
	status = EXIT_GOOD;
done:
	if (err->code == EPIPE)
		err_clear(err);
	evaluation_free(e);
	text_done(&out);
	return status;
}

static void
more_help(struct text *out)
{
	size_t i;

	for (i = 0; i < PARTS; i++) {
		text_printf(out, "%s%s:\n", i > 0 ? "\n" : "", parts[i].heading);
		schema_help(out, parts[i].schema);
	}
}

const struct command command_evaluate = {
	.name = "evaluate",
	.summary = "Holds findings against the truth: accuracy, calibration, misses",
	.operands = "",
	.about = "The truth is a TSV or CSV whose first line names its columns: client, "
	    "start and name, and any of client_port, version, size, exchange (the "
	    "ordinal on the connection) and others, which --group may name. An empty "
	    "name says that the download is of no file that could be known; then "
	    "unknown is right.\n\n"
	    "A download and a finding belong together if client and port agree and "
	    "their starts are within the tolerance. Several of one client and port are "
	    "aligned in order so that few are left over and times and sizes differ "
	    "least, or by ordinal where both have it; names are not looked at for it, "
	    "but where one record holds several downloads: these are told as a set, in "
	    "no order. Findings of which the truth says nothing are counted, not judged. A "
	    "download "
	    "in pieces is one finding that lists them (column pieces); what it says is "
	    "said of each, and each is a download of the truth.\n\n"
	    "Scores come for all, by group and by grade of evidence: accuracy is right "
	    "/ downloads with Wilson's 95 % interval; precision is named right / named; "
	    "recall is named right / downloads that the truth names. Brier score, "
	    "expected calibration error and the share wrong of what was said with 0.99 "
	    "are of names only. With --split each comes for all, for the part before "
	    "(train) and the part after (test): what was learned from must not be what "
	    "is judged.",
	.examples = "weir identify --store flows -c debian.tsv -o tsv -w findings.tsv\n"
	    "weir evaluate --findings findings.tsv --truth truth.tsv\n"
	    "weir evaluate --findings findings.tsv --truth truth.tsv --split 0.8 -o html "
	    "-w evaluation.html",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.values_size = sizeof(struct values),
	.run = run,
	.more_help = more_help,
};
