/* SPDX-License-Identifier: BSD-2-Clause */
/* Plots of shares. Colours are the page's, so that light and dark both read. */
#include "report/plot.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
	SQUARE = 360, LEFT = 56, TOP = 12, BOTTOM = 44,
	ROW_HEIGHT = 26, ROW_LEFT = 220, ROW_WIDTH = 560, ROW_RIGHT = 110, LABEL_MAX = 32,
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

static void
begin(struct text *out, const struct plot *plot, int width, int height)
{
	text_str(out, "<h3>");
	text_html(out, plot->title, strlen(plot->title));
	text_printf(out, "</h3>\n<svg class=\"plot\" role=\"img\" viewBox=\"0 0 %d %d\" "
	    "style=\"max-width: %dpx\">\n<title>", width, height, width);
	text_html(out, plot->title, strlen(plot->title));
	text_str(out, "</title>\n");
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
		    "y2=\"%.1f\"/>\n", x, TOP, x, TOP + SQUARE, LEFT, y, LEFT + SQUARE, y);
		text_printf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.1f</text>\n"
		    "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.1f</text>\n", x,
		    TOP + SQUARE + 16, i / 5.0, LEFT - 6, y + 4, i / 5.0);
	}
	text_printf(out, "<line class=\"diagonal\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n",
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
	begin(out, plot, LEFT + SQUARE + 16, TOP + SQUARE + BOTTOM);
	square_axes(out, plot);
	for (i = 0; i < plot->count; i++) {
		const struct plot_point *p = &plot->points[i];
		double x = LEFT + SQUARE * unit(p->x);
		double radius = 4 + (weights > 0 ? 10 * sqrt(p->weight / weights) : 0);

		text_printf(out, "<line class=\"whisker\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
		    "y2=\"%.1f\"/>\n", x, TOP + SQUARE * (1 - unit(p->low)), x,
		    TOP + SQUARE * (1 - unit(p->high)));
		text_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\">", x,
		    TOP + SQUARE * (1 - unit(p->y)), radius);
		tooltip(out, p);
		text_str(out, "</circle>\n");
	}
	text_str(out, "</svg>\n");
}

/* The label, cut to what fits. */
static void
row_label(struct text *out, const char *label, double y)
{
	size_t n = strlen(label), cut = n;

	if (n > LABEL_MAX)
		/* not within a UTF-8 sequence */
		for (cut = LABEL_MAX - 1; cut > 0 && ((unsigned char)label[cut] & 0xc0) == 0x80;)
			cut--;
	text_printf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", ROW_LEFT - 12, y + 4);
	text_html(out, label, cut);
	text_str(out, cut < n ? "\xe2\x80\xa6</text>\n" : "</text>\n");
}

void
plot_rows(struct text *out, const struct plot *plot)
{
	int height = TOP + ROW_HEIGHT * (int)plot->count + 24, i;
	size_t k;

	begin(out, plot, ROW_LEFT + ROW_WIDTH + ROW_RIGHT, height);
	for (i = 0; i <= 5; i++) {
		double x = ROW_LEFT + ROW_WIDTH * i / 5.0;

		text_printf(out, "<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" "
		    "y2=\"%d\"/>\n<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d %%</text>\n",
		    x, TOP, x, height - 24, x, height - 8, 20 * i);
	}
	for (k = 0; k < plot->count; k++) {
		const struct plot_point *p = &plot->points[k];
		double y = TOP + ROW_HEIGHT * ((double)k + 0.5);

		row_label(out, p->label, y);
		text_printf(out, "<line class=\"whisker\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
		    "y2=\"%.1f\"/>\n", ROW_LEFT + ROW_WIDTH * unit(p->low), y,
		    ROW_LEFT + ROW_WIDTH * unit(p->high), y);
		text_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\">",
		    ROW_LEFT + ROW_WIDTH * unit(p->y), y);
		tooltip(out, p);
		text_printf(out, "</circle>\n<text x=\"%d\" y=\"%.1f\">%.1f %%</text>\n",
		    ROW_LEFT + ROW_WIDTH + 14, y + 4, 100 * p->y);
	}
	text_str(out, "</svg>\n");
}
