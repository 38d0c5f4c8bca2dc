/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lab's tables as one page: plots of accuracy by scenario, by catalogue and by what
 * was sent again, of what probabilities promise, then the tables.
 */
#include "cmd/lab_show.h"

#include "base/err.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/batch.h"
#include "model/sink.h"
#include "report/html.h"
#include "report/plot.h"
#include "report/report.h"

#include <stdio.h>
#include <string.h>

enum { MISSES_MAX = 3000, GROUPS_MAX = 256 };

/* What the plots compare: the article's own figure, its way, and ours. */
static const char *const series[] = {"article",     "sklearn-tree", "sklearn-forest",
				     "sklearn-knn", "wire",         "wire-fitted",
				     "spans"};
enum { SERIES = sizeof series / sizeof *series };

static const char *const calibrated[] = {"sklearn-tree", "wire", "wire-fitted", "spans"};

struct plotting {
	const struct lab_tables *tables;
	struct text *out;
	char *labels[GROUPS_MAX], *tips[GROUPS_MAX * SERIES];
	struct plot_point points[GROUPS_MAX * SERIES];
	size_t groups, tip_count;
};

static void
plotting_clear(struct plotting *p)
{
	size_t i;

	for (i = 0; i < p->groups; i++)
		free(p->labels[i]);
	for (i = 0; i < p->tip_count; i++)
		free(p->tips[i]);
	p->groups = p->tip_count = 0;
	memset(p->points, 0, sizeof p->points);
}

/* A group's number; made if no group has the label. GROUPS_MAX if there is no room. */
static size_t
group_of(struct plotting *p, const char *label)
{
	size_t g = 0;

	while (g < p->groups && strcmp(p->labels[g], label) != 0)
		g++;
	if (g == p->groups && g < GROUPS_MAX)
		p->labels[p->groups++] = must(strdup(label));
	return g;
}

/* Percents as a point of a group; a later one of the same group and series replaces it.
 */
static void
set_point(struct plotting *p, size_t group, const char *method, double percent,
	  double low, double high, uint64_t downloads)
{
	size_t s = 0;
	char *tip;

	while (s < SERIES && strcmp(series[s], method) != 0)
		s++;
	if (s == SERIES || group == GROUPS_MAX || p->tip_count == GROUPS_MAX * SERIES)
		return;
	if (asprintf(&tip, "%s, %s, %llu downloads", series[s], p->labels[group],
		     (unsigned long long)downloads) < 0)
		tip = must(strdup(""));
	p->tips[p->tip_count++] = tip;
	p->points[group * SERIES + s] =
	    (struct plot_point){0, percent / 100, low / 100, high / 100, 1, tip};
}

/* Draws the points and forgets them. */
static void
plot(struct plotting *p, const char *title)
{
	struct plot_groups groups = {
	    title, (const char *const *)p->labels, series, p->groups, SERIES, p->points};

	if (p->groups > 0)
		plot_groups(p->out, &groups);
	plotting_clear(p);
}

static void
method_name(struct str method, char out[64])
{
	snprintf(out, 64, "%.*s", (int)method.len, method.data);
}

static void
set_scores(struct plotting *p, size_t group, const struct lab_spot_name *spot)
{
	size_t i;

	for (i = 0; i < SERIES; i++) {
		const struct lab_score *s =
		    lab_show_find(p->tables, spot->scenario, spot->place, series[i]);

		if (s == NULL)
			continue;
		if (row_has(s->present, LAB_SCORE_article))
			set_point(p, group, "article", s->article, s->article, s->article,
				  0);
		if (row_has(s->present, LAB_SCORE_percent))
			set_point(p, group, series[i], s->percent, s->low, s->high,
				  s->downloads);
	}
}

/* True if some method said something of its downloads: what passes in a tunnel is not
 * seen. */
static bool
is_seen(const struct plotting *p, const struct lab_spot_name *spot)
{
	size_t i;

	for (i = 0; i < SERIES; i++) {
		const struct lab_score *s =
		    lab_show_find(p->tables, spot->scenario, spot->place, series[i]);

		if (s != NULL && row_has(s->present, LAB_SCORE_absent) &&
		    s->absent < s->downloads)
			return true;
	}
	return false;
}

/* The first place of a scenario that sees its downloads, else the first. */
static const struct lab_spot_name *
main_spot(const struct plotting *p, const struct lab_spot_name *spots, size_t n,
	  struct str scenario)
{
	const struct lab_spot_name *first = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!str_equals(spots[i].scenario, scenario))
			continue;
		if (first == NULL)
			first = &spots[i];
		if (is_seen(p, &spots[i]))
			return &spots[i];
	}
	return first;
}

/* One group a scenario, or one a scenario and place. */
static void
plot_scenarios(struct plotting *p, bool has_places, const char *title)
{
	struct lab_spot_name *spots;
	char label[128];
	size_t n, i;

	spots = lab_show_spots(p->tables, &n);
	for (i = 0; i < n; i++) {
		if (!has_places && main_spot(p, spots, n, spots[i].scenario) != &spots[i])
			continue;
		snprintf(label, sizeof label, "%.*s, %.*s", (int)spots[i].scenario.len,
			 spots[i].scenario.data, (int)spots[i].place.len,
			 spots[i].place.data);
		set_scores(p, group_of(p, label), &spots[i]);
	}
	free(spots);
	plot(p, title);
}

static bool
has_names(const char *method)
{
	return strcmp(method, "wire") == 0 || strcmp(method, "wire-fitted") == 0 ||
	       strcmp(method, "spans") == 0;
}

/* One group a scenario and number of names. */
static void
plot_catalogues(struct plotting *p)
{
	const struct lab_score *scores;
	struct lab_spot_name *spots;
	char label[128], method[64];
	size_t n, count, i;

	spots = lab_show_spots(p->tables, &count);
	scores = lab_tables_scores(p->tables, &n);
	for (i = 0; i < n; i++) {
		const struct lab_score *s = &scores[i];

		method_name(s->method, method);
		if (!str_is(s->kind, "all") || !has_names(method) ||
		    !row_has(s->present, LAB_SCORE_percent) ||
		    !str_equals(main_spot(p, spots, count, s->scenario)->place, s->place))
			continue;
		snprintf(label, sizeof label, "%.*s, %llu names", (int)s->scenario.len,
			 s->scenario.data, (unsigned long long)s->names);
		set_point(p, group_of(p, label), method, s->percent, s->low, s->high,
			  s->downloads);
	}
	free(spots);
	plot(p, "Named right by number of names in the catalogue, at the same places");
}

/* ---- rows of a table by way of a sink ---- */

struct page {
	struct sink sink;
	struct plotting *plotting; /* points; or */
	struct text *out;          /* a table */
	unsigned fields[SCHEMA_FIELDS_MAX], n;
	bool is_begun;
	const char *label; /* what the table is */
	const char *method;
	struct plot_point bins[16];
	char tips[16][64];
	size_t bin_count;
};

static int
page_nothing(struct sink *sink, struct err *err)
{
	return 0;
}

static int
push_again(struct sink *sink, struct batch *batch, struct err *err)
{
	struct page *page = (struct page *)sink;
	char label[64], method[64];
	struct lab_again a;
	size_t i;

	for (i = 0; i < batch->rows; i++) {
		batch_row(batch, i, &a);
		if (!str_is(a.scenario, "all"))
			continue;
		if (!row_has(a.present, LAB_AGAIN_to))
			snprintf(label, sizeof label, "%llu and more",
				 (unsigned long long)a.from);
		else if (a.from == a.to)
			snprintf(label, sizeof label, "%llu", (unsigned long long)a.from);
		else
			snprintf(label, sizeof label, "%llu to %llu",
				 (unsigned long long)a.from, (unsigned long long)a.to);
		method_name(a.method, method);
		set_point(page->plotting, group_of(page->plotting, label), method,
			  a.percent, a.low, a.high, a.downloads);
	}
	return 0;
}

static int
push_bins(struct sink *sink, struct batch *batch, struct err *err)
{
	struct page *page = (struct page *)sink;
	struct lab_bin b;
	size_t i;

	for (i = 0; i < batch->rows && page->bin_count < 16; i++) {
		batch_row(batch, i, &b);
		if (!str_is(b.scenario, "all") || !str_is(b.method, page->method))
			continue;
		snprintf(page->tips[page->bin_count], sizeof page->tips[0],
			 "said with %.2f to %.2f, %llu names", b.from, b.to,
			 (unsigned long long)b.names);
		page->bins[page->bin_count] = (struct plot_point){
		    b.probability, b.share,         b.low,
		    b.high,        (double)b.names, page->tips[page->bin_count]};
		page->bin_count++;
	}
	return 0;
}

static int
push_rows(struct sink *sink, struct batch *batch, struct err *err)
{
	struct page *page = (struct page *)sink;

	if (!page->is_begun)
		html_table_begin(page->out, page->label, batch, page->fields, page->n);
	page->is_begun = true;
	html_table_rows(page->out, batch, page->fields, page->n);
	return 0;
}

static int
plot_again(struct plotting *p, struct err *err)
{
	struct page page = {{push_again, page_nothing, page_nothing}, .plotting = p};
	struct lab_push push = {.table = LAB_TABLE_AGAIN};

	if (lab_tables_push(p->tables, &push, &page.sink, NULL, err) != 0)
		return -1;
	plot(p, "Named right by segments that the server sent again, all scenarios and "
		"places");
	return 0;
}

static int
plot_calibration(struct plotting *p, struct err *err)
{
	struct lab_push push = {.table = LAB_TABLE_BIN};
	char title[96];
	size_t i;

	for (i = 0; i < sizeof calibrated / sizeof *calibrated; i++) {
		struct page page = {{push_bins, page_nothing, page_nothing},
				    .method = calibrated[i]};
		struct plot square = {title, "probability said", "share right", page.bins,
				      0};

		if (lab_tables_push(p->tables, &push, &page.sink, NULL, err) != 0)
			return -1;
		snprintf(title, sizeof title, "Said against right: %s", calibrated[i]);
		square.count = page.bin_count;
		if (page.bin_count > 0)
			plot_square(p->out, &square);
	}
	return 0;
}

/* ---- tables ---- */

static const struct {
	const char *heading, *columns;
	struct lab_push push;
} parts[] = {
    {"Scenarios",
     "scenario,state,downloads,training,files,places,scale,less,article,"
     "article_percent,source,date,seed,kernel,weir",
     {.table = LAB_TABLE_RUN}},
    {"Scores",
     "scenario,place,method,names,kind,downloads,right,wrong,unknown,absent,among,"
     "percent,low,high,article,note",
     {.table = LAB_TABLE_SCORE}},
    {"By segments sent again",
     "scenario,place,method,from,to,downloads,right,wrong,unknown,"
     "percent,low,high",
     {.table = LAB_TABLE_AGAIN}},
    {"Calibration",
     "scenario,method,from,to,names,right,probability,share,low,high",
     {.table = LAB_TABLE_BIN}},
    {"Misses",
     "scenario,place,method,start,client,client_port,name,"
     "version,kind,said,said_version,probability,again,why,evidence",
     {.table = LAB_TABLE_MISS, .most = MISSES_MAX}},
};

static int
write_part(const struct lab_tables *tables, size_t i, enum lab_misses misses,
	   struct text *out, struct err *err)
{
	struct lab_push push = parts[i].push;
	struct page page = {{push_rows, page_nothing, page_nothing}, .out = out};
	char words[128];
	uint64_t left;

	if (push.table == LAB_TABLE_MISS && misses == LAB_MISSES_NONE)
		return 0;
	if (push.table == LAB_TABLE_MISS && misses == LAB_MISSES_OURS)
		push.wants = lab_show_is_ours;
	html_heading(out, parts[i].heading);
	if (push.wants != NULL)
		html_paragraph(out, "Those of the wire model and of spans.");
	page.label = parts[i].heading;
	if (push.table != LAB_TABLE_RUN)
		html_folded_begin(out, "All rows");
	if (report_fields(lab_table_schemas[push.table], parts[i].columns, page.fields,
			  &page.n, err) != 0 ||
	    lab_tables_push(tables, &push, &page.sink, &left, err) != 0)
		return -1;
	if (page.is_begun)
		html_table_end(out);
	else
		html_paragraph(out, "None.");
	if (push.table != LAB_TABLE_RUN)
		html_folded_end(out);
	if (left == 0)
		return 0;
	snprintf(words, sizeof words, "%llu more rows are not shown; -o ndjson has them.",
		 (unsigned long long)left);
	html_paragraph(out, words);
	return 0;
}

static const char *const contents[] = {"Named right", "Plots", "Scenarios", "Scores",
				       "By segments sent again", "Calibration",
				       "Misses", NULL},
			 *const without_misses[] = {
			     "Named right", "Plots", "Scenarios", "Scores",
			     "By segments sent again", "Calibration", NULL};

int
lab_show_html(const struct lab_tables *tables, enum lab_misses misses, struct text *out,
	      struct err *err)
{
	struct plotting *p = must(calloc(1, sizeof *p));
	int status = 0;
	size_t i;

	p->tables = tables;
	p->out = out;
	html_begin(out, "weir lab");
	html_paragraph(
	    out,
	    "What each method named right of the downloads of each scenario, from the "
	    "records of each place. Trees, forests and neighbours are trained as the "
	    "article did; "
	    "all models are learned once, from the training downloads, and frozen, and "
	    "no download "
	    "is judged that was learned from. Intervals are Wilson's, 95 %. Headings "
	    "sort.");
	html_contents(out, misses == LAB_MISSES_NONE ? without_misses : contents);
	html_heading(out, contents[0]);
	html_paragraph(out,
	    "Percent named right by the scenario's own catalogue, a line a place. tree, "
	    "forest and knn are scikit-learn's, by bytes (B) or bytes and packets (BP).");
	lab_pivot_html(tables, contents[0], out);
	html_heading(out, contents[1]);
	html_paragraph(out,
	    "A mark is the share of downloads that a method named right, its line the "
	    "95 % interval. article: what the article has; sklearn-tree, -forest and "
	    "-knn: scikit-learn's, by bytes; wire: octets and packets by the model that "
	    "was frozen, wire-fitted by one fitted, without labels, to the same flows; "
	    "spans: the exchanges that weir's meter recorded. In the squares a circle is "
	    "the names that were said with about the same probability, the larger the "
	    "more: on the broken line so many were right as was said.");
	plot_scenarios(p, false,
		       "Named right by scenario, at the first place that sees it, with "
		       "95 % intervals");
	html_folded_begin(out, "By scenario and place");
	plot_scenarios(p, true, "Named right by scenario and place, with 95 % intervals");
	html_folded_end(out);
	plot_catalogues(p);
	status = plot_again(p, err);
	if (status == 0)
		status = plot_calibration(p, err);
	for (i = 0; status == 0 && i < sizeof parts / sizeof *parts; i++)
		status = write_part(tables, i, misses, out, err);
	html_end(out);
	plotting_clear(p);
	free(p);
	return status;
}
