/* SPDX-License-Identifier: BSD-2-Clause */
/* The lab's first table: a line a place, a column a method. */
#include "cmd/lab_show.h"

#include "base/memory.h"
#include "base/text.h"
#include "report/html.h"

#include <stdio.h>
#include <string.h>

static void
pad(struct text *out, size_t from, size_t width)
{
	while (out->len - from < width)
		text_char(out, ' ');
}

static void
score_figure(const struct lab_score *s, const char *none, char out[32])
{
	if (s != NULL && row_has(s->present, LAB_SCORE_percent))
		snprintf(out, 32, "%.1f", s->percent);
	else
		snprintf(out, 32, "%s", none);
}

static void
cell(struct text *out, const struct lab_score *s, const char *heading)
{
	size_t width = strlen(heading) > 6 ? strlen(heading) : 6;
	char figure[32];

	score_figure(s, "-", figure);
	text_printf(out, "  %*s", (int)width, figure);
}

/* The first score of a place that has downloads: how many they are. */
static uint64_t
downloads_of(const struct lab_tables *tables, const struct lab_spot_name *spot)
{
	const struct lab_score *s;
	size_t m;

	for (m = 0; m < LAB_METHODS; m++) {
		s = lab_show_find(tables, spot->scenario, spot->place,
				  lab_methods[m].name);
		if (s != NULL && row_has(s->present, LAB_SCORE_downloads))
			return s->downloads;
	}
	return 0;
}

static const struct lab_run *
run_of(const struct lab_tables *tables, struct str scenario)
{
	const struct lab_run *runs;
	size_t n, i;

	runs = lab_tables_runs(tables, &n);
	for (i = 0; i < n; i++)
		if (str_equals(runs[i].scenario, scenario))
			return &runs[i];
	return NULL;
}

static void
article_figure(const struct lab_run *run, const char *none, char out[32])
{
	if (run != NULL && row_has(run->present, LAB_RUN_article_percent))
		snprintf(out, 32, "%.0f", run->article_percent);
	else if (run != NULL && row_has(run->present, LAB_RUN_article))
		snprintf(out, 32, "fails");
	else
		snprintf(out, 32, "%s", none);
}

static void
article_cell(struct text *out, const struct lab_run *run)
{
	char figure[32];

	article_figure(run, "-", figure);
	text_printf(out, "  %7s", figure);
}

void
lab_pivot_text(const struct lab_tables *tables, struct text *out)
{
	struct lab_spot_name *spots;
	size_t n, i, m, from, names = 8;

	spots = lab_show_spots(tables, &n);
	for (i = 0; i < n; i++)
		names = spots[i].scenario.len > names ? spots[i].scenario.len : names;
	text_str(out, "Downloads named right, percent. tree, forest and knn are "
		      "scikit-learn's, by bytes "
		      "(B) or bytes and packets (BP)\n\n");
	from = out->len;
	text_str(out, "Scenario");
	pad(out, from, names + 2);
	text_str(out, "Place    Downloads  Article");
	for (m = 0; m < LAB_METHODS; m++)
		text_printf(out, "  %6s", lab_methods[m].heading);
	text_char(out, '\n');
	for (i = 0; i < n; i++) {
		from = out->len;
		text_bytes(out, spots[i].scenario.data, spots[i].scenario.len);
		pad(out, from, names + 2);
		from = out->len;
		text_bytes(out, spots[i].place.data, spots[i].place.len);
		pad(out, from, 7);
		text_printf(out, "  %9llu",
			    (unsigned long long)downloads_of(tables, &spots[i]));
		article_cell(out, run_of(tables, spots[i].scenario));
		for (m = 0; m < LAB_METHODS; m++)
			cell(out,
			     lab_show_find(tables, spots[i].scenario, spots[i].place,
					   lab_methods[m].name),
			     lab_methods[m].heading);
		text_char(out, '\n');
	}
	free(spots);
}

/* ---- HTML ---- */

static void
html_head(struct text *out, const char *kind, const char *help, const char *heading)
{
	text_printf(out, "<th scope=\"col\" class=\"%s\" title=\"", kind);
	text_html(out, help, strlen(help));
	text_str(out, "\"><button type=\"button\">");
	text_html(out, heading, strlen(heading));
	text_str(out, "</button></th>");
}

static void
html_name(struct text *out, struct str name)
{
	text_str(out, "<td>");
	text_html(out, name.data, name.len);
	text_str(out, "</td>");
}

/* What is wholly right stands back, so that what is not is seen. */
static void
html_score(struct text *out, const struct lab_score *s)
{
	char figure[32];

	score_figure(s, "", figure);
	text_printf(out, "<td class=\"number%s\">%s</td>",
	    strcmp(figure, "100.0") == 0 ? " all" : "", figure);
}

static void
html_row(const struct lab_tables *tables, const struct lab_spot_name *spot,
    struct text *out)
{
	char article[32];
	size_t m;

	article_figure(run_of(tables, spot->scenario), "", article);
	text_str(out, "<tr>");
	html_name(out, spot->scenario);
	html_name(out, spot->place);
	text_printf(out, "<td class=\"number\">%llu</td><td class=\"number\">%s</td>",
	    (unsigned long long)downloads_of(tables, spot), article);
	for (m = 0; m < LAB_METHODS; m++)
		html_score(out,
		    lab_show_find(tables, spot->scenario, spot->place,
			lab_methods[m].name));
	text_str(out, "</tr>\n");
}

void
lab_pivot_html(const struct lab_tables *tables, const char *label, struct text *out)
{
	struct lab_spot_name *spots;
	size_t n, i, m;

	spots = lab_show_spots(tables, &n);
	html_wide_begin(out, label);
	text_str(out, "<table class=\"sortable\">\n<thead><tr>");
	html_head(out, "words", "The scenario", "Scenario");
	html_head(out, "words", "Where the records were made", "Place");
	html_head(out, "number", "Downloads of the truth that are judged", "Downloads");
	html_head(out, "number", "What the article named right in this scenario, percent",
	    "Article");
	for (m = 0; m < LAB_METHODS; m++)
		html_head(out, "number", lab_methods[m].help, lab_methods[m].heading);
	text_str(out, "</tr></thead>\n<tbody>\n");
	for (i = 0; i < n; i++)
		html_row(tables, &spots[i], out);
	text_str(out, "</tbody>\n</table>\n");
	html_wide_end(out);
	free(spots);
}
