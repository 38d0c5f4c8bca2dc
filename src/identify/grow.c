/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Growing a tree. The rows are sorted once per feature; each node owns a range of every
 * feature's order, which a stable partition keeps sorted when the node is split. A node
 * is scanned once per feature: moving a row of class c from the right side to the left
 * changes the sums of squared class counts by 2 l + 1 and 2 r - 1, so a candidate costs
 * constant time whatever the number of classes. Impurities are then computed by the very
 * operations scikit-learn uses, in their order, so that rounding breaks ties the same
 * way.
 */
#include "identify/tree.h"

#include "base/draw.h"
#include "base/memory.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* A row at its place in a feature's order. */
struct entry {
	uint32_t rank, class, row;
};

/* Samples of a class on the two sides of a split; which is which changes by scan. */
struct sides {
	uint32_t n[2];
};

struct range {
	size_t first, count;
	int64_t squares; /* sum of squared class counts */
	uint32_t depth;
	uint32_t parent; /* whose right child this is; TREE_LEAF: none */
};

struct split {
	double merit; /* scikit-learn's proxy: higher is better */
	double impurity_left, impurity_right;
	int64_t squares_left, squares_right;
	size_t left;  /* samples that go left */
	uint32_t feature;
};

struct grower {
	const struct presort *sorted;
	struct tree_config config;
	struct tree *tree;
	struct entry **entries; /* one array a feature */
	struct entry *spare;
	struct sides *sides; /* one a class; all 0 between nodes */
	uint8_t *is_right;   /* by row */
	size_t count, nodes_cap, shares_cap;
	struct range *stack;
	size_t stack_len, stack_cap;
	uint32_t features[SAMPLES_FEATURES_MAX]; /* in the order of trial */
	uint64_t random;
};

static void
push(struct grower *g, struct range range)
{
	if (g->stack_len == g->stack_cap) {
		g->stack_cap = g->stack_cap ? g->stack_cap * 2 : 64;
		g->stack = must(realloc(g->stack, g->stack_cap * sizeof *g->stack));
	}
	g->stack[g->stack_len++] = range;
}

static struct tree_node *
add_node(struct grower *g, const struct range *range)
{
	struct tree *t = g->tree;

	if (t->node_count == g->nodes_cap) {
		g->nodes_cap = g->nodes_cap ? g->nodes_cap * 2 : 128;
		t->nodes = must(realloc(t->nodes, g->nodes_cap * sizeof *t->nodes));
	}
	if (range->parent != TREE_LEAF)
		t->nodes[range->parent].right = (uint32_t)t->node_count;
	t->nodes[t->node_count] =
	    (struct tree_node){.feature = TREE_LEAF, .samples = (uint32_t)range->count};
	return &t->nodes[t->node_count++];
}

static void
add_share(struct grower *g, uint32_t class, uint32_t count)
{
	struct tree *t = g->tree;

	if (t->share_count == g->shares_cap) {
		g->shares_cap = g->shares_cap ? g->shares_cap * 2 : 128;
		t->shares = must(realloc(t->shares, g->shares_cap * sizeof *t->shares));
	}
	t->shares[t->share_count++] = (struct tree_share){class, count};
}

static int
share_compare(const void *pa, const void *pb)
{
	const struct tree_share *a = pa, *b = pb;

	return a->class < b->class ? -1 : a->class > b->class;
}

/* Makes node a leaf; counts of an impure one lie in sides and become 0. */
static void
make_leaf(struct grower *g, struct tree_node *node, const struct range *range,
    bool is_pure)
{
	const struct entry *e = g->entries[0] + range->first;
	size_t first = g->tree->share_count, i;

	if (is_pure) {
		add_share(g, e[0].class, (uint32_t)range->count);
	} else {
		for (i = 0; i < range->count; i++) {
			struct sides *s = &g->sides[e[i].class];

			if (s->n[0] + s->n[1] > 0)
				add_share(g, e[i].class, s->n[0] + s->n[1]);
			*s = (struct sides){{0, 0}};
		}
		qsort(g->tree->shares + first, g->tree->share_count - first,
		    sizeof *g->tree->shares, share_compare);
	}
	node->right = (uint32_t)first;
	node->shares = (uint32_t)(g->tree->share_count - first);
}

/*
 * Tries every threshold of a feature. All of the node's samples are counted in n[from]
 * and end up in n[1 - from].
 */
static void
scan(const struct grower *g, const struct range *range, uint32_t feature, int from,
    struct split *best)
{
	const struct entry *e = g->entries[feature] + range->first;
	const struct ranking *order = &g->sorted->rankings[feature];
	struct sides *sides = g->sides;
	int64_t left = 0, right = range->squares;
	size_t n = range->count, i, least = g->config.leaf_min, at = SIZE_MAX;
	double merit = best->merit;

	for (i = 1; i <= n; i++, e++) {
		struct sides *s = &sides[e->class];
		double n_left, n_right, impure_left, impure_right, m;

		left += 2 * (int64_t)s->n[1 - from]++ + 1;
		right -= 2 * (int64_t)s->n[from]-- - 1;
		if (i < least || n - i < least || i == n || e[0].rank == e[1].rank)
			continue;
		if (order->has_close && is_close(order->value[e[0].rank],
		    order->value[e[1].rank], g->sorted->is_float32))
			continue;
		n_left = (double)(int64_t)i;
		n_right = (double)(int64_t)(n - i);
		impure_left = 1.0 - (double)left / (n_left * n_left);
		impure_right = 1.0 - (double)right / (n_right * n_right);
		m = -n_right * impure_right - n_left * impure_left;
		if (m > merit) {
			merit = m;
			at = i;
			best->impurity_left = impure_left;
			best->impurity_right = impure_right;
			best->squares_left = left;
			best->squares_right = right;
		}
	}
	if (at == SIZE_MAX)
		return;
	best->merit = merit;
	best->left = at;
	best->feature = feature;
}

static bool
is_constant(const struct grower *g, const struct range *range, uint32_t feature)
{
	const struct entry *e = g->entries[feature] + range->first;
	const struct ranking *order = &g->sorted->rankings[feature];

	return is_close(order->value[e[0].rank], order->value[e[range->count - 1].rank],
	    g->sorted->is_float32);
}

/* The best split of a node whose classes are counted in n[0]; false if there is none. */
static bool
find_split(struct grower *g, const struct range *range, struct split *best)
{
	uint32_t features = g->tree->features, wanted = g->config.features_at_once;
	uint32_t i, j, scanned = 0;
	int from = 0;

	*best = (struct split){.merit = -INFINITY};
	for (i = 0; i < features && (i < wanted || scanned == 0); i++) {
		if (wanted < features) {
			uint32_t other = g->features[i];

			j = i + (uint32_t)(draw_u64(&g->random) % (features - i));
			g->features[i] = g->features[j];
			g->features[j] = other;
		}
		if (is_constant(g, range, g->features[i]))
			continue;
		scan(g, range, g->features[i], from, best);
		from = 1 - from;
		scanned++;
	}
	return best->merit > -INFINITY;
}

/* scikit-learn's min_impurity_decrease of 0: a split that would gain less than nothing,
 * beyond rounding, is none. */
static bool
gains(const struct grower *g, const struct range *range, const struct split *s,
    double impurity)
{
	double n = (double)range->count, n_left = (double)s->left, n_right = n - n_left;
	double gain = (n / (double)g->count) *
	    (impurity - (n_right / n * s->impurity_right) -
	    (n_left / n * s->impurity_left));

	return !(gain + DBL_EPSILON < 0);
}

/* Takes the rows of the right side behind those of the left in every feature's order. */
static void
partition(struct grower *g, const struct range *range, const struct split *s)
{
	const struct entry *by = g->entries[s->feature] + range->first;
	uint32_t f;
	size_t i, left, right;

	if (g->tree->features == 1)
		return;
	for (i = 0; i < range->count; i++)
		g->is_right[by[i].row] = i >= s->left;
	for (f = 0; f < g->tree->features; f++) {
		struct entry *e = g->entries[f] + range->first;

		if (f == s->feature)
			continue;
		for (i = left = right = 0; i < range->count; i++) {
			struct entry one = e[i];
			uint8_t is_right = g->is_right[one.row];

			e[left] = one;
			g->spare[right] = one;
			right += is_right;
			left += !is_right;
		}
		memcpy(e + left, g->spare, right * sizeof *e);
	}
}

static double
threshold_of(const struct grower *g, const struct range *range, const struct split *s)
{
	const struct entry *e = g->entries[s->feature] + range->first + s->left;
	const struct ranking *order = &g->sorted->rankings[s->feature];
	double below = order->value[e[-1].rank], above = order->value[e[0].rank];
	double threshold = below / 2.0 + above / 2.0;

	return threshold == above || !isfinite(threshold) ? below : threshold;
}

static void
grow_node(struct grower *g, const struct range *range)
{
	struct tree_node *node = add_node(g, range);
	const struct entry *e = g->entries[0] + range->first;
	uint32_t index = (uint32_t)(node - g->tree->nodes);
	double n = (double)range->count,
	    impurity = 1.0 - (double)range->squares / (n * n);
	struct split split;
	size_t i;

	if (range->depth > g->tree->depth)
		g->tree->depth = range->depth;
	if (impurity <= DBL_EPSILON) {
		make_leaf(g, node, range, true);
		return;
	}
	for (i = 0; i < range->count; i++)
		g->sides[e[i].class].n[0]++;
	if ((g->config.depth_max != 0 && range->depth >= g->config.depth_max) ||
	    range->count < g->config.split_min || range->count < 2 * g->config.leaf_min ||
	    !find_split(g, range, &split) || !gains(g, range, &split, impurity)) {
		make_leaf(g, node, range, false);
		return;
	}
	for (i = 0; i < range->count; i++)
		g->sides[e[i].class] = (struct sides){{0, 0}};
	node->feature = split.feature;
	node->threshold = threshold_of(g, range, &split);
	partition(g, range, &split);
	push(g, (struct range){range->first + split.left, range->count - split.left,
	    split.squares_right, range->depth + 1, index});
	push(g, (struct range){range->first, split.left, split.squares_left,
	    range->depth + 1, TREE_LEAF});
}

/* Every feature's order, each row as often as it was drawn. Returns how many they are. */
static size_t
fill_entries(struct grower *g, const uint32_t *draws)
{
	const struct samples *s = g->sorted->samples;
	size_t i, at = 0, total = s->rows;
	uint32_t f, times;

	for (i = 0, total = draws != NULL ? 0 : total; draws != NULL && i < s->rows; i++)
		total += draws[i];
	g->entries = must(calloc(s->features, sizeof *g->entries));
	for (f = 0; f < s->features; f++) {
		const struct ranking *o = &g->sorted->rankings[f];

		g->entries[f] = must(malloc((total + 1) * sizeof *g->entries[f]));
		for (i = at = 0; i < s->rows; i++) {
			uint32_t row = o->row[i];

			for (times = draws != NULL ? draws[row] : 1; times > 0; times--)
				g->entries[f][at++] = (struct entry){o->rank[i],
				    s->classes[row], row};
		}
	}
	return total;
}

static int64_t
squares_of(struct grower *g)
{
	int64_t squares = 0;
	size_t i;

	for (i = 0; i < g->count; i++)
		squares += 2 * (int64_t)g->sides[g->entries[0][i].class].n[0]++ + 1;
	memset(g->sides, 0, g->tree->class_count * sizeof *g->sides);
	return squares;
}

static void
grower_done(struct grower *g)
{
	uint32_t f;

	for (f = 0; f < g->tree->features; f++)
		free(g->entries[f]);
	free(g->entries);
	free(g->spare);
	free(g->sides);
	free(g->is_right);
	free(g->stack);
}

struct tree *
tree_grow(const struct presort *sorted, const uint32_t *draws,
    const struct tree_config *config)
{
	const struct samples *s = sorted->samples;
	struct tree *tree = must(calloc(1, sizeof *tree));
	struct grower g = {.sorted = sorted, .config = *config, .tree = tree,
	    .random = config->seed};
	uint32_t f;

	tree->features = s->features;
	tree->class_count = s->class_count;
	tree->is_float32 = sorted->is_float32;
	if (g.config.split_min < 2)
		g.config.split_min = 2;
	if (g.config.leaf_min < 1)
		g.config.leaf_min = 1;
	if (g.config.features_at_once == 0 || g.config.features_at_once > s->features)
		g.config.features_at_once = s->features;
	for (f = 0; f < s->features; f++)
		g.features[f] = f;
	g.count = fill_entries(&g, draws);
	g.spare = must(malloc((g.count + 1) * sizeof *g.spare));
	g.is_right = must(malloc(s->rows));
	g.sides = must(calloc(s->class_count, sizeof *g.sides));
	push(&g, (struct range){0, g.count, squares_of(&g), 0, TREE_LEAF});
	while (g.stack_len > 0) {
		struct range range = g.stack[--g.stack_len];

		grow_node(&g, &range);
	}
	grower_done(&g);
	tree_finish(tree);
	return tree;
}
