/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the thresholds of a tree's features make a small grid, each cell of it lies in
 * one leaf: a row's cell is, per feature, how many thresholds lie below its value. A
 * table of buckets of equal width over the thresholds says where to look, a binary search
 * of fixed depth, enough for the fullest bucket, does the rest. A tree of one feature is
 * a grid of one line, however long. Other trees are laid out breadth first, siblings side
 * by side, so that a step is child + (x > threshold); leaves lead to themselves. Rows go
 * in blocks, so that the loads of many rows are under way at once.
 */
#include "identify/flat.h"

#include "base/memory.h"
#include "identify/tree.h"

#include <math.h>
#include <string.h>

enum {
	BLOCK = 64,
	BUCKETS_PER_CUT = 8,
	BUCKETS_MAX = 1 << 16,
	AXES_MAX = 4,
	CELLS_MAX = 1 << 16, /* of a grid of several features */
};

struct step {
	double threshold; /* of a leaf: infinity */
	uint32_t feature, child; /* of a leaf: 0, itself */
};

/* The thresholds of a feature. */
struct axis {
	double *cuts; /* rising; then infinities, as many as a search may look ahead */
	size_t count, cap;
	uint32_t *buckets; /* cuts below the bucket's lower end */
	size_t bucket_count;
	double low, per_width; /* value to bucket */
	uint32_t halves;       /* the first step of the search; 0: none needed */
	uint32_t feature, stride; /* stride: cells from one interval to the next */
};

struct flat {
	uint32_t features;
	bool is_float32;
	/* a grid; cells NULL: steps */
	struct axis axes[AXES_MAX];
	uint32_t axis_count;
	uint32_t *cells; /* number of the leaf */
	struct step *steps;
	uint32_t *leaves; /* number of the leaf, by step */
	uint32_t depth;
};

static size_t
bucket_of(const struct axis *a, double x)
{
	double at = (x - a->low) * a->per_width, last = (double)(a->bucket_count - 1);

	/* Written so that what is no number lands in the first bucket. */
	at = at > 0 ? at : 0;
	at = at < last ? at : last;
	return (size_t)(int64_t)at;
}

/* Buckets, and from the fullest of them the depth of the search. */
static void
fill_buckets(struct axis *a)
{
	size_t b, i, fullest = 0, last;

	a->bucket_count = a->count * BUCKETS_PER_CUT;
	if (a->bucket_count > BUCKETS_MAX)
		a->bucket_count = BUCKETS_MAX;
	a->buckets = must(calloc(a->bucket_count + 1, sizeof *a->buckets));
	a->low = a->cuts[0];
	a->per_width = a->cuts[a->count - 1] > a->low
	    ? (double)a->bucket_count / (a->cuts[a->count - 1] - a->low) : 0;
	if (!isfinite(a->per_width))
		a->per_width = 0;
	/* A cut may be above any value of an earlier bucket, below any of a later one. */
	for (i = 0; i < a->count; i++)
		a->buckets[bucket_of(a, a->cuts[i]) + 1]++;
	for (b = 0; b < a->bucket_count; b++) {
		fullest = a->buckets[b + 1] > fullest ? a->buckets[b + 1] : fullest;
		a->buckets[b + 1] += a->buckets[b];
	}
	for (last = 1; last <= fullest; last *= 2)
		;
	a->halves = (uint32_t)(last / 2);
}

static int
cut_compare(const void *pa, const void *pb)
{
	double a = *(const double *)pa, b = *(const double *)pb;

	return a < b ? -1 : a > b;
}

/* The cuts found, sorted, each once, with what a search may look at behind them. */
static void
finish_axis(struct axis *a)
{
	size_t i, n = 1;
	bool is_rising = true;

	for (i = 1; i < a->count; i++)
		is_rising &= a->cuts[i - 1] <= a->cuts[i];
	if (!is_rising)
		qsort(a->cuts, a->count, sizeof *a->cuts, cut_compare);
	for (i = 1; i < a->count; i++)
		if (a->cuts[i] != a->cuts[n - 1])
			a->cuts[n++] = a->cuts[i];
	a->count = n;
	a->cuts = must(realloc(a->cuts, (2 * n + 2) * sizeof *a->cuts));
	for (i = n; i < 2 * n + 2; i++)
		a->cuts[i] = INFINITY;
	fill_buckets(a);
}

static struct axis *
axis_of(struct flat *f, uint32_t feature)
{
	uint32_t a;

	for (a = 0; a < f->axis_count; a++)
		if (f->axes[a].feature == feature)
			return &f->axes[a];
	if (f->axis_count == AXES_MAX)
		return NULL;
	f->axes[a] = (struct axis){.feature = feature};
	f->axis_count++;
	return &f->axes[a];
}

static void
axes_free(struct flat *f)
{
	uint32_t a;

	for (a = 0; a < f->axis_count; a++) {
		free(f->axes[a].cuts);
		free(f->axes[a].buckets);
	}
	f->axis_count = 0;
}

static bool
add_cut(struct flat *f, const struct tree_node *node)
{
	struct axis *a = axis_of(f, node->feature);

	if (a == NULL)
		return false;
	if (a->count == a->cap) {
		a->cap = a->cap ? a->cap * 2 : 64;
		a->cuts = must(realloc(a->cuts, a->cap * sizeof *a->cuts));
	}
	a->cuts[a->count++] = node->threshold;
	/* With two features the grid has more cells than this already. */
	return f->axis_count < 2 || a->count < CELLS_MAX;
}

/*
 * All cuts, in the order from left to right, in which those of one feature rise: between
 * a leaf and the next stands the last ancestor that was left to the left.
 */
static bool
find_cuts(struct flat *f, const struct tree *t)
{
	uint32_t *stack = must(malloc((t->depth + 2) * sizeof *stack));
	size_t depth = 0, i;
	bool is_good = true;

	for (i = 0; is_good && i < t->node_count; i++) {
		if (t->nodes[i].feature != TREE_LEAF)
			stack[depth++] = (uint32_t)i;
		else if (depth > 0)
			is_good = add_cut(f, &t->nodes[stack[--depth]]);
	}
	free(stack);
	return is_good;
}

/* A node that is due with the intervals, first and behind the last, that lead to it. */
struct box {
	uint32_t node, from[AXES_MAX], to[AXES_MAX];
};

/* Leaf number `leaf` into every cell of the box. */
static void
fill_box(struct flat *f, const struct box *box, uint32_t leaf)
{
	uint32_t at[AXES_MAX], a;
	size_t cell;

	memcpy(at, box->from, sizeof at);
	for (a = 0; a < f->axis_count; a++)
		if (box->from[a] >= box->to[a])
			return; /* a leaf that no value leads to */
	for (;;) {
		for (a = 0, cell = 0; a < f->axis_count; a++)
			cell += (size_t)at[a] * f->axes[a].stride;
		f->cells[cell] = leaf;
		for (a = 0; a < f->axis_count && ++at[a] == box->to[a]; a++)
			at[a] = box->from[a];
		if (a == f->axis_count)
			return;
	}
}

static uint32_t
cut_number(const struct axis *a, double threshold)
{
	const double *cut = bsearch(&threshold, a->cuts, a->count, sizeof *a->cuts,
	    cut_compare);

	return (uint32_t)(cut - a->cuts);
}

static void
fill_cells(struct flat *f, const struct tree *t)
{
	struct box *stack = must(malloc((t->depth + 2) * sizeof *stack)), box, left;
	size_t depth = 0;
	uint32_t a, leaf = 0, cut;

	box = (struct box){.node = 0};
	for (a = 0; a < f->axis_count; a++)
		box.to[a] = (uint32_t)f->axes[a].count + 1;
	stack[depth++] = box;
	while (depth > 0) {
		const struct tree_node *node;

		box = stack[--depth];
		node = &t->nodes[box.node];
		if (node->feature == TREE_LEAF) {
			fill_box(f, &box, leaf++); /* leaves come from left to right */
			continue;
		}
		for (a = 0; f->axes[a].feature != node->feature; a++)
			;
		cut = cut_number(&f->axes[a], node->threshold);
		left = box;
		left.node = box.node + 1;
		if (left.to[a] > cut + 1)
			left.to[a] = cut + 1;
		box.node = node->right;
		if (box.from[a] < cut + 1)
			box.from[a] = cut + 1;
		stack[depth++] = box;
		stack[depth++] = left;
	}
	free(stack);
}

/* False if the tree's grid would be too large. */
static bool
lay_grid(struct flat *f, const struct tree *t)
{
	uint64_t cells = 1;
	uint32_t a;

	if (!find_cuts(f, t))
		goto fail;
	for (a = 0; a < f->axis_count; a++) {
		finish_axis(&f->axes[a]);
		f->axes[a].stride = (uint32_t)cells;
		cells *= f->axes[a].count + 1;
		if (f->axis_count > 1 && cells > CELLS_MAX)
			goto fail;
	}
	f->cells = must(malloc(cells * sizeof *f->cells));
	fill_cells(f, t);
	return true;

fail:
	axes_free(f);
	return false;
}

static void
lay_levels(struct flat *f, const struct tree *t)
{
	uint32_t *queue = must(malloc(t->node_count * sizeof *queue));
	uint32_t *leaf_of = must(malloc(t->node_count * sizeof *leaf_of));
	size_t head, tail = 1, i;

	f->depth = t->depth;
	f->steps = must(malloc(t->node_count * sizeof *f->steps));
	f->leaves = must(calloc(t->node_count, sizeof *f->leaves));
	for (i = 0; i < t->leaf_count; i++)
		leaf_of[t->leaves[i]] = (uint32_t)i;
	queue[0] = 0;
	for (head = 0; head < tail; head++) {
		const struct tree_node *node = &t->nodes[queue[head]];

		if (node->feature == TREE_LEAF) {
			f->steps[head] = (struct step){INFINITY, 0, (uint32_t)head};
			f->leaves[head] = leaf_of[queue[head]];
			continue;
		}
		f->steps[head] =
		    (struct step){node->threshold, node->feature, (uint32_t)tail};
		queue[tail++] = queue[head] + 1;
		queue[tail++] = node->right;
	}
	free(queue);
	free(leaf_of);
}

struct flat *
flat_new(const struct tree *tree)
{
	struct flat *f = must(calloc(1, sizeof *f));

	f->features = tree->features;
	f->is_float32 = tree->is_float32;
	if (!lay_grid(f, tree))
		lay_levels(f, tree);
	return f;
}

void
flat_free(struct flat *f)
{
	if (f == NULL)
		return;
	axes_free(f);
	free(f->cells);
	free(f->steps);
	free(f->leaves);
	free(f);
}

/* The cell of each row, one axis after the other. */
static void
grid_block(const struct flat *f, const double *x, size_t n, const uint32_t *labels,
    uint32_t *out)
{
	uint32_t cell[BLOCK] = {0}, at[BLOCK], half, a;
	double v[BLOCK];
	size_t i;

	for (a = 0; a < f->axis_count; a++) {
		const struct axis *axis = &f->axes[a];

		for (i = 0; i < n; i++) {
			v[i] = x[i * f->features + axis->feature];
			at[i] = axis->buckets[bucket_of(axis, v[i])];
		}
		for (half = axis->halves; half > 0; half /= 2)
			for (i = 0; i < n; i++)
				at[i] += axis->cuts[at[i] + half - 1] < v[i] ? half : 0;
		for (i = 0; i < n; i++)
			cell[i] += at[i] * axis->stride;
	}
	for (i = 0; i < n; i++)
		out[i] = labels[f->cells[cell[i]]];
}

static void
levels_block(const struct flat *f, const double *x, size_t n, const uint32_t *labels,
    uint32_t *out)
{
	uint32_t at[BLOCK] = {0}, level;
	size_t i;

	for (level = 0; level < f->depth; level++) {
		uint32_t moved = 0;

		for (i = 0; i < n; i++) {
			const struct step *s = &f->steps[at[i]];
			uint32_t next = s->child +
			    (x[i * f->features + s->feature] > s->threshold);

			moved |= next ^ at[i];
			at[i] = next;
		}
		if (moved == 0)
			break;
	}
	for (i = 0; i < n; i++)
		out[i] = labels[f->leaves[at[i]]];
}

void
flat_labels(const struct flat *f, const double *x, size_t rows, const uint32_t *labels,
    uint32_t *out)
{
	double rounded[BLOCK * SAMPLES_FEATURES_MAX];
	size_t i, k, n;

	for (i = 0; i < rows; i += n, x += n * f->features) {
		const double *block = x;

		n = rows - i < BLOCK ? rows - i : BLOCK;
		if (f->is_float32) {
			for (k = 0; k < n * f->features; k++)
				rounded[k] = (float)x[k];
			block = rounded;
		}
		if (f->cells != NULL)
			grid_block(f, block, n, labels, out + i);
		else
			levels_block(f, block, n, labels, out + i);
	}
}
