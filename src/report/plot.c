/* SPDX-License-Identifier: BSD-2-Clause */
/* Plots of shares. Colours are the page's, so that light and dark both read. */
#include "report/plot.h"

#include "base/text.h"
#include "report/html.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
	SQUARE = 360, LEFT = 56, TOP = 18, BOTTOM = 44,
	ROW_HEIGHT = 26, ROW_LEFT = 220, ROW_WIDTH = 560, ROW_RIGHT = 110, LABEL_MAX = 32,
	LINE_HEIGHT = 12, GROUP_GAP = 8, GROUP_TOP = 24, GROUP_WIDTH = 860,
	GROUP_RIGHT = 40,
};

static double
unit(double v)
{
	return v > 0 ? fmin(v, 1) : 0;
}

static void
words(struct text *out, const char *element, const char *attributes, const char *text)
{
	text_printf(out, "<%s %s>", element, attributes);
	text_html(out, text, strlen(text));
	text_printf(out, "</%s>\n", element);
}

/* The drawing, in a box of its own: it does not become smaller than it can be read. */
static void
begin(struct text *out, const char *title, int width, int height)
{
	html_wide_begin(out, title);
	text_printf(out, "<svg class=\"plot\" role=\"img\" viewBox=\"0 0 %d %d\" "
	    "style=\"max-width: %dpx; min-width: %dpx\">\n<title>", width, height, width,
	    width * 3 / 4);
	text_html(out, title, strlen(title));
	text_str(out, "</title>\n");
}

static void
end(struct text *out)
{
	text_str(out, "</svg>\n");
	html_wide_end(out);
	text_str(out, "</div>\n");
}

/* What belongs to a plot is a box too: its legend stays in sight as long as that does. */
static void
heading(struct text *out, const char *kind, const char *title)
{
	text_printf(out, "<div class=\"%s\">\n<h3>", kind);
	text_html(out, title, strlen(title));
	text_str(out, "</h3>\n");
}

static void
tooltip(struct text *out, const struct plot_point *p)
{
	text_str(out, "<title>");
	text_html(out, p->label, strlen(p->label));
	text_printf(out, ": %.1f %% (%.1f to %.1f)</title>", 100 * p->y, 100 * p->low,
	    100 * p->high);
}

static void
square_axes(struct text *out, const struct plot *plot)
{
	char where[128];
	int i;

	for (i = 0; i <= 5; i++) {
		double x = LEFT + SQUARE * i / 5.0, y = TOP + SQUARE - SQUARE * i / 5.0;

		text_printf(out, "<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" "
		    "y2=\"%d\"/>\n<line class=\"grid\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" "
		    "y2=\"%.1f\"/>\n", x, TOP, x, TOP + SQUARE, LEFT, y, LEFT + SQUARE,
		    y);
		text_printf(out,
		    "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.1f</text>\n"
		    "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.1f</text>\n", x,
		    TOP + SQUARE + 16, i / 5.0, LEFT - 6, y + 4, i / 5.0);
	}
	text_printf(out,
	    "<line class=\"diagonal\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n",
	    LEFT, TOP + SQUARE, LEFT + SQUARE, TOP);
	snprintf(where, sizeof where, "x=\"%d\" y=\"%d\" text-anchor=\"middle\"",
	    LEFT + SQUARE / 2, TOP + SQUARE + 36);
	words(out, "text", where, plot->x_label);
	snprintf(where, sizeof where,
	    "transform=\"translate(14 %d) rotate(-90)\" text-anchor=\"middle\"",
	    TOP + SQUARE / 2);
	words(out, "text", where, plot->y_label);
}

void
plot_square(struct text *out, const struct plot *plot)
{
	double weights = 0;
	size_t i;

	for (i = 0; i < plot->count; i++)
		weights += plot->points[i].weight;
	heading(out, "figure square", plot->title);
	begin(out, plot->title, LEFT + SQUARE + 20, TOP + SQUARE + BOTTOM);
	square_axes(out, plot);
	for (i = 0; i < plot->count; i++) {
		const struct plot_point *p = &plot->points[i];
		double x = LEFT + SQUARE * unit(p->x);
		double radius = 4 + (weights > 0 ? 10 * sqrt(p->weight / weights) : 0);

		text_printf(out,
		    "<line class=\"whisker\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
		    "y2=\"%.1f\"/>\n", x, TOP + SQUARE * (1 - unit(p->low)), x,
		    TOP + SQUARE * (1 - unit(p->high)));
		text_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\">", x,
		    TOP + SQUARE * (1 - unit(p->y)), radius);
		tooltip(out, p);
		text_str(out, "</circle>\n");
	}
	end(out);
}

/* The label, cut to what fits. */
static void
row_label(struct text *out, const char *label, double y)
{
	size_t n = strlen(label), cut = n;

	if (n > LABEL_MAX)
		/* not within a UTF-8 sequence */
		for (cut = LABEL_MAX - 1;
		    cut > 0 && ((unsigned char)label[cut] & 0xc0) == 0x80;)
			cut--;
	text_printf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", ROW_LEFT - 12,
	    y + 4);
	text_html(out, label, cut);
	text_str(out, cut < n ? "\xe2\x80\xa6</text>\n" : "</text>\n");
}

/* Percents from left to right, between top and what is left for the figures below. */
static void
row_axis(struct text *out, int top, int height, int width)
{
	int i;

	for (i = 0; i <= 5; i++) {
		double x = ROW_LEFT + width * i / 5.0;

		text_printf(out, "<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" "
		    "y2=\"%d\"/>\n"
		    "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d %%</text>\n",
		    x, top, x, height - 24, x, height - 8, 20 * i);
	}
}

void
plot_rows(struct text *out, const struct plot *plot)
{
	int height = TOP + ROW_HEIGHT * (int)plot->count + 24;
	size_t k;

	heading(out, "figure", plot->title);
	begin(out, plot->title, ROW_LEFT + ROW_WIDTH + ROW_RIGHT, height);
	row_axis(out, TOP, height, ROW_WIDTH);
	for (k = 0; k < plot->count; k++) {
		const struct plot_point *p = &plot->points[k];
		double y = TOP + ROW_HEIGHT * ((double)k + 0.5);

		row_label(out, p->label, y);
		text_printf(out,
		    "<line class=\"whisker\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
		    "y2=\"%.1f\"/>\n", ROW_LEFT + ROW_WIDTH * unit(p->low), y,
		    ROW_LEFT + ROW_WIDTH * unit(p->high), y);
		text_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\">",
		    ROW_LEFT + ROW_WIDTH * unit(p->y), y);
		tooltip(out, p);
		text_printf(out, "</circle>\n<text x=\"%d\" y=\"%.1f\">%.1f %%</text>\n",
		    ROW_LEFT + ROW_WIDTH + 14, y + 4, 100 * p->y);
	}
	end(out);
}

/* ---- groups ---- */

/* Around (0, 0): a series is told by its shape as well as by its colour. */
static const char *const shapes[PLOT_SERIES_MAX] = {
	"M-4 0A4 4 0 1 0 4 0A4 4 0 1 0 -4 0Z", "M-4 -4H4V4H-4Z", "M0 -5L5 0L0 5L-5 0Z",
	"M0 -5L5 4H-5Z", "M0 5L5 -4H-5Z", "M-4.5 -1.5H4.5V1.5H-4.5Z",
	"M-1.5 -4.5H1.5V4.5H-1.5Z",
	"M-5 0L-1.5 -1.5L0 -5L1.5 -1.5L5 0L1.5 1.5L0 5L-1.5 1.5Z",
};

static void
mark(struct text *out, double x, double y, size_t series)
{
	text_printf(out,
	    "<path class=\"series-%zu\" transform=\"translate(%.1f %.1f)\" d=\"%s\">",
	    series % PLOT_SERIES_MAX, x, y, shapes[series % PLOT_SERIES_MAX]);
}

/* True if the series has a point. */
static bool
is_used(const struct plot_groups *plot, size_t series)
{
	size_t g;

	for (g = 0; g < plot->group_count; g++)
		if (plot->points[g * plot->series_count + series].weight > 0)
			return true;
	return false;
}

/* In words of the page, not of the drawing: it stays in sight while a long one
 * scrolls. */
static void
legend(struct text *out, const struct plot_groups *plot)
{
	size_t s;

	text_str(out, "<ul class=\"legend\">\n");
	for (s = 0; s < plot->series_count; s++) {
		if (!is_used(plot, s))
			continue;
		text_str(out, "<li><svg aria-hidden=\"true\" viewBox=\"-6 -6 12 12\">");
		mark(out, 0, 0, s);
		text_str(out, "</path></svg>");
		text_html(out, plot->series[s], strlen(plot->series[s]));
		text_str(out, "</li>\n");
	}
	text_str(out, "</ul>\n");
}

static void
group_point(struct text *out, const struct plot_point *p, double y, size_t series)
{
	text_printf(out, "<line class=\"series-%zu\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
	    "y2=\"%.1f\"/>\n", series, ROW_LEFT + GROUP_WIDTH * unit(p->low), y,
	    ROW_LEFT + GROUP_WIDTH * unit(p->high), y);
	mark(out, ROW_LEFT + GROUP_WIDTH * unit(p->y), y, series);
	tooltip(out, p);
	text_str(out, "</path>\n");
}

void
plot_groups(struct text *out, const struct plot_groups *plot)
{
	int used = 0, top = GROUP_TOP, each, height;
	size_t g, s;
	int i;

	for (s = 0; s < plot->series_count; s++)
		used += is_used(plot, s);
	each = LINE_HEIGHT * used + GROUP_GAP;
	height = top + each * (int)plot->group_count + 24;
	heading(out, "figure", plot->title);
	legend(out, plot);
	begin(out, plot->title, ROW_LEFT + GROUP_WIDTH + GROUP_RIGHT, height);
	row_axis(out, top, height, GROUP_WIDTH);
	for (i = 0; i <= 5; i++)
		text_printf(out,
		    "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d %%</text>\n",
		    ROW_LEFT + GROUP_WIDTH * i / 5.0, top - 8, 20 * i);
	for (g = 0; g < plot->group_count; g++) {
		const struct plot_point *points = &plot->points[g * plot->series_count];
		double y = top + each * (double)g,
		    line = y + (GROUP_GAP + LINE_HEIGHT) / 2.0;

		row_label(out, plot->groups[g], y + each / 2.0);
		text_printf(out, "<line class=\"grid\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" "
		    "y2=\"%.1f\"/>\n", ROW_LEFT, y, ROW_LEFT + GROUP_WIDTH, y);
		for (s = 0; s < plot->series_count; s++) {
			if (points[s].weight > 0)
				group_point(out, &points[s], line, s);
			line += is_used(plot, s) ? LINE_HEIGHT : 0;
		}
	}
	end(out);
}
