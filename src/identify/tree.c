/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A grown tree: what follows from its nodes, naming rows by it, and its form in a file:
 *
 *	u32 1 where values are rounded to float32, else 0; u32 nodes, u32 shares
 *	a node: u32 feature, then f64 threshold and u32 right; or, of a leaf, u32 shares
 *	        (which lie in the leaves' order); then u32 samples
 *	a share: u32 class, u32 count
 */
#include "identify/tree.h"

#include "base/cursor.h"
#include "base/err.h"
#include "base/memory.h"
#include "identify/flat.h"
#include "identify/pack.h"

#include <errno.h>
#include <math.h>

enum { NODE_BYTES_MIN = 12, SHARE_BYTES = 8 };

int
tree_fit(const struct samples *samples, const struct tree_config *config,
    struct tree **out, struct err *err)
{
	struct presort sorted;

	if (samples_check(samples, config->is_float32, err) != 0)
		return -1;
	presort_init(&sorted, samples, config->is_float32);
	*out = tree_grow(&sorted, NULL, config);
	presort_done(&sorted);
	return 0;
}

void
tree_free(struct tree *t)
{
	if (t == NULL)
		return;
	flat_free(t->flat);
	free(t->nodes);
	free(t->shares);
	free(t->leaves);
	free(t->classes);
	free(t);
}

static uint32_t
most_frequent(const struct tree *t, const struct tree_node *leaf)
{
	const struct tree_share *s = &t->shares[leaf->right], *best = s;
	uint32_t i;

	for (i = 1; i < leaf->shares; i++)
		if (s[i].count > best->count)
			best = &s[i];
	return best->class;
}

void
tree_finish(struct tree *t)
{
	uint32_t *depth = must(calloc(t->node_count, sizeof *depth));
	size_t i;

	t->leaf_count = (t->node_count + 1) / 2;
	t->leaves = must(malloc(t->leaf_count * sizeof *t->leaves));
	t->classes = must(malloc(t->leaf_count * sizeof *t->classes));
	t->leaf_count = t->depth = 0;
	for (i = 0; i < t->node_count; i++) {
		const struct tree_node *node = &t->nodes[i];

		t->depth = depth[i] > t->depth ? depth[i] : t->depth;
		if (node->feature == TREE_LEAF) {
			t->classes[t->leaf_count] = most_frequent(t, node);
			t->leaves[t->leaf_count++] = (uint32_t)i;
			continue;
		}
		depth[i + 1] = depth[node->right] = depth[i] + 1;
	}
	free(depth);
	t->flat = flat_new(t);
}

void
tree_predict(const struct tree *t, const double *x, size_t rows, uint32_t *classes)
{
	flat_labels(t->flat, x, rows, t->classes, classes);
}

void
tree_leaves(const struct tree *t, const double *x, size_t rows, uint32_t *leaves)
{
	flat_labels(t->flat, x, rows, t->leaves, leaves);
}

void
tree_add_shares(const struct tree *t, const double *x, size_t rows, double *out)
{
	uint32_t leaves[256], j;
	size_t i, k, n;

	for (i = 0; i < rows; i += n) {
		n = rows - i < 256 ? rows - i : 256;
		tree_leaves(t, x + i * t->features, n, leaves);
		for (k = 0; k < n; k++) {
			const struct tree_node *leaf = &t->nodes[leaves[k]];
			const struct tree_share *s = &t->shares[leaf->right];

			for (j = 0; j < leaf->shares; j++)
				out[(i + k) * t->class_count + s[j].class] +=
				    (double)s[j].count / leaf->samples;
		}
	}
}

uint32_t
tree_walk(const struct tree *t, const double *row)
{
	uint32_t at = 0;

	while (t->nodes[at].feature != TREE_LEAF) {
		double v = row[t->nodes[at].feature];

		if (t->is_float32)
			v = (float)v;
		at = v > t->nodes[at].threshold ? t->nodes[at].right : at + 1;
	}
	return at;
}

void
tree_write(const struct tree *t, struct text *out)
{
	size_t i;

	pack_u32(out, t->is_float32);
	pack_u32(out, (uint32_t)t->node_count);
	pack_u32(out, (uint32_t)t->share_count);
	for (i = 0; i < t->node_count; i++) {
		const struct tree_node *node = &t->nodes[i];

		pack_u32(out, node->feature);
		if (node->feature != TREE_LEAF) {
			pack_f64(out, node->threshold);
			pack_u32(out, node->right);
		} else {
			pack_u32(out, node->shares);
		}
		pack_u32(out, node->samples);
	}
	for (i = 0; i < t->share_count; i++) {
		pack_u32(out, t->shares[i].class);
		pack_u32(out, t->shares[i].count);
	}
}

/* A node as it stands; *shares counts those of the leaves before. */
static struct tree_node
read_node(struct cursor *in, uint32_t *shares)
{
	struct tree_node node = {.feature = cursor_be32(in)};

	if (node.feature != TREE_LEAF) {
		node.threshold = unpack_f64(in);
		node.right = cursor_be32(in);
	} else {
		node.shares = cursor_be32(in);
		node.right = *shares;
		*shares = node.shares > UINT32_MAX - *shares ? UINT32_MAX
							     : *shares + node.shares;
	}
	node.samples = cursor_be32(in);
	return node;
}

/*
 * That the nodes are one tree in preorder: walked with a stack of the right children that
 * are due, each must come exactly where its parent says. ends is room for a word a node.
 */
static const char *
check_nodes(const struct tree *t, uint32_t *ends)
{
	size_t i, due = 0;

	for (i = 0; i < t->node_count; i++) {
		const struct tree_node *node = &t->nodes[i];

		if (node->samples == 0)
			return "a node without samples";
		if (node->feature != TREE_LEAF) {
			if (node->feature >= t->features || !isfinite(node->threshold))
				return "a node of no feature or threshold";
			ends[due++] = node->right;
			continue;
		}
		if (node->shares == 0 || node->right > t->share_count ||
		    node->shares > t->share_count - node->right)
			return "a leaf without shares";
		if (due == 0)
			return i + 1 == t->node_count ? NULL : "nodes behind the last";
		if (ends[--due] != i + 1)
			return "a node that is nobody's child";
	}
	return "a node without children";
}

/* That a leaf's shares rise by class and add up to its samples. */
static const char *
check_shares(const struct tree *t)
{
	size_t i;
	uint32_t j;

	for (i = 0; i < t->node_count; i++) {
		const struct tree_node *leaf = &t->nodes[i];
		const struct tree_share *s = &t->shares[leaf->right];
		uint64_t sum = 0;

		if (leaf->feature != TREE_LEAF)
			continue;
		for (j = 0; j < leaf->shares; j++) {
			sum += s[j].count;
			if (s[j].class >= t->class_count ||
			    (j > 0 && s[j].class <= s[j - 1].class))
				return "a share of no class";
		}
		if (sum != leaf->samples)
			return "a leaf whose shares are not its samples";
	}
	return NULL;
}

struct tree *
tree_read(struct cursor *in, uint32_t features, uint32_t class_count, struct err *err)
{
	struct tree *t = must(calloc(1, sizeof *t));
	uint32_t rounding = cursor_be32(in), nodes = cursor_be32(in);
	uint32_t shares = cursor_be32(in), seen = 0, i;
	const char *why = "fewer octets than its nodes need";
	uint32_t *ends = NULL;

	t->is_float32 = rounding & 1;
	t->features = features;
	t->class_count = class_count;
	if (nodes == 0 || nodes > cursor_left(in) / NODE_BYTES_MIN ||
	    shares > cursor_left(in) / SHARE_BYTES)
		goto fail;
	t->nodes = must(calloc(nodes, sizeof *t->nodes));
	t->shares = must(calloc(shares + 1u, sizeof *t->shares));
	for (i = 0; i < nodes; i++)
		t->nodes[i] = read_node(in, &seen);
	for (i = 0; i < shares; i++) {
		t->shares[i].class = cursor_be32(in);
		t->shares[i].count = cursor_be32(in);
	}
	if (!cursor_ok(in))
		goto fail;
	t->node_count = nodes;
	t->share_count = shares;
	ends = must(malloc(nodes * sizeof *ends));
	if ((why = check_nodes(t, ends)) != NULL || (why = check_shares(t)) != NULL)
		goto fail;
	free(ends);
	tree_finish(t);
	return t;

fail:
	err_set(err, EINVAL, "no tree: %s", why);
	free(ends);
	tree_free(t);
	return NULL;
}
