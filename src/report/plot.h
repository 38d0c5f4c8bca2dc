/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPORT_PLOT_H
#define REPORT_PLOT_H

#include <stddef.h>

struct text;

/* Plots of shares, 0 to 1, as inline SVG for a page of report/html.h. */

/* A point with its interval. */
struct plot_point {
	double x, y, low, high;
	double weight;     /* above 0: its part in the sum of weights shows as its size */
	const char *label; /* for the tooltip, or in front of a row */
};

struct plot {
	const char *title, *x_label, *y_label;
	const struct plot_point *points;
	size_t count;
};

/* Points over the square from (0, 0) to (1, 1), with the diagonal: what is said against
 * what is so. */
void plot_square(struct text *out, const struct plot *plot);

/* A row a point: its label, y with its interval, and y as a percentage. */
void plot_rows(struct text *out, const struct plot *plot);

enum { PLOT_SERIES_MAX = 8 }; /* as many colours and shapes as there are */

/* Groups, one under another, in each of them a line a series: points[g * series_count +
 * s], whose weight is 0 where there is none. With a legend. */
struct plot_groups {
	const char *title;
	const char *const *groups, *const *series;
	size_t group_count, series_count;
	const struct plot_point *points;
};
void plot_groups(struct text *out, const struct plot_groups *plot);

#endif
