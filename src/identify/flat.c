/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tree of one feature is a sorted list of thresholds, and a row's leaf is how many of
 * them lie below its value: a table of buckets of equal width over the middle of the
 * thresholds says where to look, a binary search of fixed depth within the fullest bucket's
 * size does the rest. Other trees are laid out breadth first, siblings side by side, so that
 * a step is child + (x > threshold); leaves lead to themselves. Rows go in blocks, so that
 * the loads of many rows are under way at once.
 */
#include "identify/flat.h"

#include "base/memory.h"
#include "identify/tree.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 64, BUCKETS_PER_CUT = 8, BUCKETS_MAX = 1 << 16 };

struct step {
	double threshold; /* of a leaf: infinity */
	uint32_t feature, child; /* of a leaf: 0, itself */
};

struct flat {
	uint32_t features;
	bool is_float32;
	/* one feature; NULL: steps */
	double *cuts; /* rising; then infinities, as many as a search may look ahead */
	uint32_t *buckets; /* cuts below the bucket's lower end */
	size_t bucket_count;
	double low, per_width; /* value to bucket */
	uint32_t halves;       /* the first step of the search; 0: none needed */
	/* several */
	struct step *steps;
	uint32_t *leaves; /* number of the leaf, by step */
	uint32_t depth;
};

static size_t
bucket_of(const struct flat *f, double x)
{
	double at = (x - f->low) * f->per_width, last = (double)(f->bucket_count - 1);

	/* Written so that what is no number lands in the first bucket. */
	at = at > 0 ? at : 0;
	at = at < last ? at : last;
	return (size_t)(int64_t)at;
}

/* Buckets, and from the fullest of them the depth of the search. */
static void
fill_buckets(struct flat *f, size_t cuts)
{
	size_t b, i, fullest = 0, last;

	f->bucket_count = cuts * BUCKETS_PER_CUT;
	if (f->bucket_count > BUCKETS_MAX)
		f->bucket_count = BUCKETS_MAX;
	if (f->bucket_count == 0)
		f->bucket_count = 1;
	f->buckets = must(calloc(f->bucket_count + 1, sizeof *f->buckets));
	f->low = cuts > 0 ? f->cuts[0] : 0;
	f->per_width = cuts > 1 && f->cuts[cuts - 1] > f->low
	    ? (double)f->bucket_count / (f->cuts[cuts - 1] - f->low) : 0;
	if (!isfinite(f->per_width))
		f->per_width = 0;
	/* A cut may be above any value of an earlier bucket, below any of a later one. */
	for (i = 0; i < cuts; i++)
		f->buckets[bucket_of(f, f->cuts[i]) + 1]++;
	for (b = 0; b < f->bucket_count; b++) {
		fullest = f->buckets[b + 1] > fullest ? f->buckets[b + 1] : fullest;
		f->buckets[b + 1] += f->buckets[b];
	}
	for (last = 1; last <= fullest; last *= 2)
		;
	f->halves = (uint32_t)(last / 2);
}

/*
 * Thresholds in order: between a leaf and the next stands the last ancestor that was left
 * to the left; preorder and a stack give them. False if they do not rise, which only a
 * tree that was not grown can bring about.
 */
static bool
lay_line(struct flat *f, const struct tree *t)
{
	uint32_t *stack = must(malloc((t->depth + 2) * sizeof *stack));
	size_t cuts = t->leaf_count - 1, depth = 0, i, n = 0;
	bool is_rising = true;

	f->cuts = must(malloc((2 * cuts + 2) * sizeof *f->cuts));
	for (i = 0; i < t->node_count; i++) {
		if (t->nodes[i].feature != TREE_LEAF)
			stack[depth++] = (uint32_t)i;
		else if (depth > 0)
			f->cuts[n++] = t->nodes[stack[--depth]].threshold;
	}
	free(stack);
	for (i = 1; i < cuts; i++)
		is_rising &= f->cuts[i - 1] <= f->cuts[i];
	if (!is_rising) {
		free(f->cuts);
		f->cuts = NULL;
		return false;
	}
	while (n < 2 * cuts + 2)
		f->cuts[n++] = INFINITY;
	fill_buckets(f, cuts);
	return true;
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
	if (tree->features != 1 || !lay_line(f, tree))
		lay_levels(f, tree);
	return f;
}

void
flat_free(struct flat *f)
{
	if (f == NULL)
		return;
	free(f->cuts);
	free(f->buckets);
	free(f->steps);
	free(f->leaves);
	free(f);
}

static void
line_block(const struct flat *f, const double *x, size_t n, const uint32_t *labels,
    uint32_t *out)
{
	uint32_t at[BLOCK], half;
	size_t i;

	for (i = 0; i < n; i++)
		at[i] = f->buckets[bucket_of(f, x[i])];
	for (half = f->halves; half > 0; half /= 2)
		for (i = 0; i < n; i++)
			at[i] += f->cuts[at[i] + half - 1] < x[i] ? half : 0;
	for (i = 0; i < n; i++)
		out[i] = labels[at[i]];
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
		if (f->cuts != NULL)
			line_block(f, block, n, labels, out + i);
		else
			levels_block(f, block, n, labels, out + i);
	}
}
