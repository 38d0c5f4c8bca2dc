/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nearest neighbours by a k-d tree that has no nodes: the points are arranged so that the
 * middle one of a range parts the others by the feature in which the range is widest.
 * In a file: u32 neighbours, u32 rows, then a row: u32 class, f64 a feature.
 */
#include "identify/knn.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/memory.h"
#include "identify/pack.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { NEIGHBOURS = 5, SCANNED = 16 }; /* ranges of so many points are not parted */

struct knn {
	double *x;         /* in the samples' order */
	uint32_t *classes;
	uint32_t *points;  /* rows, as the tree wants them */
	uint8_t *widest;   /* of the range whose middle this point is */
	double *near;      /* x in the order of points */
	uint32_t rows, features, class_count, neighbours;
};

struct hit {
	double distance;
	uint32_t row;
};

struct search {
	const struct knn *knn;
	const double *at;
	struct hit hits[KNN_NEIGHBOURS_MAX];
	uint32_t count;
};

static bool
is_before(const struct knn *k, uint32_t a, uint32_t b, uint32_t feature)
{
	double va = k->x[(size_t)a * k->features + feature];
	double vb = k->x[(size_t)b * k->features + feature];

	return va < vb || (va == vb && a < b);
}

static void
swap(uint32_t *a, uint32_t *b)
{
	uint32_t t = *a;

	*a = *b;
	*b = t;
}

/* Hoare's selection: the point that belongs at middle goes there, lesser ones before it.
 * A pivot that looks random: no order of the rows in a file makes it slow by chance. */
static void
select_middle(const struct knn *k, size_t low, size_t high, size_t middle,
    uint32_t feature)
{
	uint32_t *p = k->points, pivot;
	size_t i, j;

	while (high - low > 1) {
		swap(&p[low + mix64(low, high) % (high - low)], &p[high - 1]);
		pivot = p[high - 1];
		for (i = j = low; i < high - 1; i++)
			if (is_before(k, p[i], pivot, feature))
				swap(&p[i], &p[j++]);
		swap(&p[j], &p[high - 1]);
		if (j == middle)
			return;
		if (j < middle)
			low = j + 1;
		else
			high = j;
	}
}

static uint32_t
widest_feature(const struct knn *k, size_t low, size_t high)
{
	double width = -1, least, most;
	uint32_t f, widest = 0;
	size_t i;

	for (f = 0; f < k->features; f++) {
		least = INFINITY;
		most = -INFINITY;
		for (i = low; i < high; i++) {
			double v = k->x[(size_t)k->points[i] * k->features + f];

			least = v < least ? v : least;
			most = v > most ? v : most;
		}
		if (most - least > width) {
			width = most - least;
			widest = f;
		}
	}
	return widest;
}

static void
arrange(struct knn *k, size_t low, size_t high)
{
	size_t middle;

	while (high - low > SCANNED) {
		middle = low + (high - low) / 2;
		k->widest[middle] = (uint8_t)widest_feature(k, low, high);
		select_middle(k, low, high, middle, k->widest[middle]);
		arrange(k, low, middle);
		low = middle + 1;
	}
}

/* From x, classes and the counts: the tree. */
static void
finish(struct knn *k)
{
	uint32_t i;

	k->points = must(malloc(k->rows * sizeof *k->points));
	k->widest = must(calloc(k->rows, 1));
	k->near = must(malloc((size_t)k->rows * k->features * sizeof *k->near));
	for (i = 0; i < k->rows; i++)
		k->points[i] = i;
	arrange(k, 0, k->rows);
	for (i = 0; i < k->rows; i++)
		memcpy(k->near + (size_t)i * k->features,
		    k->x + (size_t)k->points[i] * k->features,
		    k->features * sizeof *k->near);
}

static struct knn *
make(uint32_t neighbours, uint32_t rows, uint32_t features, uint32_t class_count)
{
	struct knn *k = must(calloc(1, sizeof *k));

	*k = (struct knn){.rows = rows, .features = features, .class_count = class_count,
	    .neighbours = neighbours};
	k->x = must(malloc((size_t)rows * features * sizeof *k->x));
	k->classes = must(malloc(rows * sizeof *k->classes));
	return k;
}

int
knn_fit(const struct samples *s, uint32_t neighbours, struct knn **out, struct err *err)
{
	if (neighbours == 0)
		neighbours = NEIGHBOURS;
	if (samples_check(s, false, err) != 0)
		return -1;
	if (neighbours > KNN_NEIGHBOURS_MAX || neighbours > s->rows)
		return err_set(err, EINVAL,
		    "%u neighbours: %d at most, and no more than there "
		    "are labelled rows, %zu", neighbours, KNN_NEIGHBOURS_MAX, s->rows);
	*out = make(neighbours, (uint32_t)s->rows, s->features, s->class_count);
	memcpy((*out)->x, s->x, s->rows * s->features * sizeof *s->x);
	memcpy((*out)->classes, s->classes, s->rows * sizeof *s->classes);
	finish(*out);
	return 0;
}

void
knn_free(struct knn *k)
{
	if (k == NULL)
		return;
	free(k->x);
	free(k->classes);
	free(k->points);
	free(k->widest);
	free(k->near);
	free(k);
}

uint32_t
knn_neighbours(const struct knn *k)
{
	return k->neighbours;
}

static void
consider(struct search *s, size_t point)
{
	const struct knn *k = s->knn;
	const double *x = k->near + point * k->features;
	struct hit hit = {0, k->points[point]};
	uint32_t f, i;

	for (f = 0; f < k->features; f++)
		hit.distance += (x[f] - s->at[f]) * (x[f] - s->at[f]);
	for (i = s->count; i > 0; i--) {
		const struct hit *other = &s->hits[i - 1];

		if (other->distance < hit.distance ||
		    (other->distance == hit.distance && other->row < hit.row))
			break;
		if (i < k->neighbours)
			s->hits[i] = *other;
	}
	if (i < k->neighbours)
		s->hits[i] = hit;
	if (s->count < k->neighbours)
		s->count++;
}

static void
visit(struct search *s, size_t low, size_t high)
{
	const struct knn *k = s->knn;
	size_t middle, i;
	double off;

	while (high - low > SCANNED) {
		middle = low + (high - low) / 2;
		off = s->at[k->widest[middle]] -
		    k->near[middle * k->features + k->widest[middle]];
		if (off <= 0)
			visit(s, low, middle);
		else
			visit(s, middle + 1, high);
		consider(s, middle);
		/* Equally far points count too: the one that came first is nearer. */
		if (s->count == k->neighbours &&
		    off * off > s->hits[s->count - 1].distance)
			return;
		if (off <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (i = low; i < high; i++)
		consider(s, i);
}

void
knn_nearest(const struct knn *k, const double *row, uint32_t *out)
{
	struct search s;
	uint32_t i;

	s.knn = k;
	s.at = row;
	s.count = 0;
	visit(&s, 0, k->rows);
	for (i = 0; i < k->neighbours; i++)
		out[i] = s.hits[i].row;
}

void
knn_probabilities(const struct knn *k, const double *x, size_t rows, double *out)
{
	uint32_t nearest[KNN_NEIGHBOURS_MAX], j;
	size_t i;

	memset(out, 0, rows * k->class_count * sizeof *out);
	for (i = 0; i < rows; i++, x += k->features, out += k->class_count) {
		knn_nearest(k, x, nearest);
		for (j = 0; j < k->neighbours; j++)
			out[k->classes[nearest[j]]] += 1;
		/* Each class once: the sign says which are done. */
		for (j = 0; j < k->neighbours; j++)
			if (out[k->classes[nearest[j]]] > 0)
				out[k->classes[nearest[j]]] /= -(double)k->neighbours;
		for (j = 0; j < k->neighbours; j++)
			out[k->classes[nearest[j]]] = fabs(out[k->classes[nearest[j]]]);
	}
}

void
knn_write(const struct knn *k, struct text *out)
{
	size_t i, f;

	pack_u32(out, k->neighbours);
	pack_u32(out, k->rows);
	for (i = 0; i < k->rows; i++) {
		pack_u32(out, k->classes[i]);
		for (f = 0; f < k->features; f++)
			pack_f64(out, k->x[i * k->features + f]);
	}
}

struct knn *
knn_read(struct cursor *in, uint32_t features, uint32_t class_count, struct err *err)
{
	uint32_t neighbours = cursor_be32(in), rows = cursor_be32(in), i, f;
	struct knn *k = NULL;

	if (neighbours == 0 || neighbours > KNN_NEIGHBOURS_MAX || neighbours > rows ||
	    rows > SAMPLES_ROWS_MAX ||
	    rows > cursor_left(in) / (4 + 8 * (size_t)features)) {
		err_set(err, EINVAL, "no neighbours: %u of %u rows in %zu octets",
		    neighbours, rows, cursor_left(in));
		return NULL;
	}
	k = make(neighbours, rows, features, class_count);
	for (i = 0; i < rows; i++) {
		k->classes[i] = cursor_be32(in);
		if (k->classes[i] >= class_count)
			goto fail;
		for (f = 0; f < features; f++) {
			double v = unpack_f64(in);

			if (!isfinite(v))
				goto fail;
			k->x[(size_t)i * features + f] = v;
		}
	}
	finish(k);
	return k;

fail:
	err_set(err, EINVAL, "no neighbours: row %u has no such class or number", i);
	knn_free(k);
	return NULL;
}
