/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The HTML report. Everything that comes from outside is escaped; a content security
 * policy in the head forbids loading anything, so that even a mistake here could not.
 */
#include "report/html.h"

#include "base/text.h"
#include "model/batch.h"
#include "report/assets.h"

#include <string.h>

enum { CHART_WIDTH = 960, CHART_HEIGHT = 180, CHART_LEFT = 60, CHART_BOTTOM = 24 };

void
html_begin(struct text *out, const char *title)
{
	text_str(out,
	    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	    "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
	text_html(out, title, strlen(title));
	text_str(out, "</title>\n<style>\n");
	text_str(out, asset_report_css);
	text_str(out, "</style>\n</head>\n<body>\n<h1>");
	text_html(out, title, strlen(title));
	text_str(out, "</h1>\n");
}

void
html_end(struct text *out)
{
	text_str(out, "<script>\n");
	text_str(out, asset_report_js);
	text_str(out, "</script>\n</body>\n</html>\n");
}

static void
element(struct text *out, const char *name, const char *words)
{
	text_printf(out, "<%s>", name);
	text_html(out, words, strlen(words));
	text_printf(out, "</%s>\n", name);
}

/* Letters and digits of a heading, "-" for all between: a name to link to. */
static void
anchor(struct text *out, const char *heading)
{
	for (; *heading != '\0'; heading++) {
		unsigned char c = (unsigned char)*heading | 0x20;

		if ((c >= 'a' && c <= 'z') || (*heading >= '0' && *heading <= '9'))
			text_char(out, (char)c);
		else
			text_char(out, '-');
	}
}

void
html_heading(struct text *out, const char *heading)
{
	text_str(out, "<h2 id=\"");
	anchor(out, heading);
	text_str(out, "\">");
	text_html(out, heading, strlen(heading));
	text_str(out, "</h2>\n");
}

void
html_contents(struct text *out, const char *const *headings)
{
	text_str(out, "<nav aria-label=\"Contents\"><ul>\n");
	for (; *headings != NULL; headings++) {
		text_str(out, "<li><a href=\"#");
		anchor(out, *headings);
		text_str(out, "\">");
		text_html(out, *headings, strlen(*headings));
		text_str(out, "</a></li>\n");
	}
	text_str(out, "</ul></nav>\n");
}

void
html_folded_begin(struct text *out, const char *summary)
{
	text_str(out, "<details>");
	element(out, "summary", summary);
}

void
html_folded_end(struct text *out)
{
	text_str(out, "</details>\n");
}

void
html_wide_begin(struct text *out, const char *label)
{
	text_str(out, "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"");
	text_html(out, label, strlen(label));
	text_str(out, "\">\n");
}

void
html_wide_end(struct text *out)
{
	text_str(out, "</div>\n");
}

void
html_paragraph(struct text *out, const char *words)
{
	element(out, "p", words);
}

void
html_chart(struct text *out, const struct html_bars *bars)
{
	double step = bars->count == 0 ? 0 : (double)(CHART_WIDTH - CHART_LEFT) /
	    (double)bars->count;
	double scale, height;
	uint64_t most = 1;
	char when[32];
	size_t i;

	for (i = 0; i < bars->count; i++)
		most = bars->values[i] > most ? bars->values[i] : most;
	scale = (double)(CHART_HEIGHT - CHART_BOTTOM - 10) / (double)most;
	html_heading(out, bars->title);
	text_printf(out, "<svg class=\"chart\" role=\"img\" viewBox=\"0 0 %d %d\">\n",
	    CHART_WIDTH, CHART_HEIGHT);
	text_printf(out, "<text x=\"%d\" y=\"14\" text-anchor=\"end\">%llu</text>\n"
	    "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">0</text>\n", CHART_LEFT - 6,
	    (unsigned long long)most, CHART_LEFT - 6, CHART_HEIGHT - CHART_BOTTOM);
	for (i = 0; i < bars->count; i++) {
		height = (double)bars->values[i] * scale;
		time_print(bars->start_us + (int64_t)i * bars->bin_us, STYLE_PEOPLE,
		    when);
		text_printf(out,
		    "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\">"
		    "<title>%s: %llu %s</title></rect>\n", CHART_LEFT + step * (double)i,
		    CHART_HEIGHT - CHART_BOTTOM - height, step > 2 ? step - 1 : step,
		    height, when,
		    (unsigned long long)bars->values[i], bars->unit);
	}
	text_printf(out, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", CHART_LEFT,
	    CHART_HEIGHT - CHART_BOTTOM, CHART_WIDTH, CHART_HEIGHT - CHART_BOTTOM);
	time_print(bars->start_us, STYLE_PEOPLE, when);
	text_printf(out, "<text x=\"%d\" y=\"%d\">%s</text>\n", CHART_LEFT,
	    CHART_HEIGHT - 6, when);
	time_print(bars->start_us + (int64_t)bars->count * bars->bin_us, STYLE_PEOPLE,
	    when);
	text_printf(out,
	    "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n</svg>\n",
	    CHART_WIDTH, CHART_HEIGHT - 6, when);
}

void
html_table_begin(struct text *out, const char *label, const struct batch *batch,
    const unsigned *fields, unsigned n)
{
	const struct field *f;
	struct text heading;
	unsigned k;

	text_init(&heading);
	html_wide_begin(out, label);
	text_str(out, "<table class=\"sortable\">\n<thead><tr>");
	for (k = 0; k < n; k++) {
		f = &batch->schema->fields[fields[k]];
		text_clear(&heading);
		field_heading(&heading, f);
		text_printf(out, "<th scope=\"col\" class=\"%s\" title=\"",
		    types[f->type].is_number ? "number" : "words");
		text_html(out, f->help, strlen(f->help));
		text_str(out, "\"><button type=\"button\">");
		text_html(out, heading.data, heading.len);
		text_str(out, "</button></th>");
	}
	text_str(out, "</tr></thead>\n<tbody>\n");
	text_done(&heading);
}

enum { LINE_OCTETS = 40, LONG_OCTETS = 160 };

/* Short texts stay on a line; long ones get the room to be read. */
static const char *
cell_class(bool is_number, uint32_t octets)
{
	if (is_number)
		return " class=\"number\"";
	return octets > LONG_OCTETS   ? " class=\"longer\""
	       : octets > LINE_OCTETS ? " class=\"long\""
				      : "";
}

/* The cells of one row; texts[k] and ends[k] hold the columns' texts. */
static void
table_row(struct text *out, const struct batch *batch, const unsigned *fields, unsigned n,
    const struct text *texts, const uint32_t *ends, size_t row)
{
	uint32_t from, to;
	unsigned k;

	text_str(out, "<tr>");
	for (k = 0; k < n; k++) {
		from = row == 0 ? 0 : ends[k * batch->rows + row - 1];
		to = ends[k * batch->rows + row];
		text_printf(out, "<td%s>",
		    cell_class(types[batch->schema->fields[fields[k]].type].is_number,
			to - from));
		text_html(out, texts[k].data + from, to - from);
		text_str(out, "</td>");
	}
	text_str(out, "</tr>\n");
}

void
html_table_rows(struct text *out, const struct batch *batch, const unsigned *fields,
    unsigned n)
{
	struct text texts[SCHEMA_FIELDS_MAX], ends;
	uint32_t *end;
	unsigned k;
	size_t i;

	text_init(&ends);
	end = (uint32_t *)text_room(&ends, (size_t)n * batch->rows * sizeof *end + 1);
	for (k = 0; k < n; k++) {
		text_init(&texts[k]);
		types[batch->schema->fields[fields[k]].type].print(&texts[k],
		    &batch->columns[fields[k]], 0, batch->rows, end + k * batch->rows,
		    STYLE_PEOPLE);
	}
	for (i = 0; i < batch->rows; i++)
		table_row(out, batch, fields, n, texts, end, i);
	for (k = 0; k < n; k++)
		text_done(&texts[k]);
	text_done(&ends);
}

void
html_table_end(struct text *out)
{
	text_str(out, "</tbody>\n</table>\n");
	html_wide_end(out);
}
