/* SPDX-License-Identifier: BSD-2-Clause */
/* A forest: the rows are sorted once for all trees; a draw only says how often each row
 * counts. In a file: u32 trees, then each tree. */
#include "identify/forest.h"

#include "base/draw.h"
#include "base/err.h"
#include "base/memory.h"
#include "identify/pack.h"

#include <errno.h>
#include <string.h>

enum { TREES = 100, TREE_BYTES_MIN = 12 };

static uint32_t
root_of(uint32_t n)
{
	uint32_t r = 1;

	while ((r + 1) * (r + 1) <= n)
		r++;
	return r;
}

int
forest_fit(const struct samples *samples, const struct forest_config *config,
    struct forest **out, struct err *err)
{
	struct tree_config tree = config->tree;
	struct presort sorted;
	struct forest *f;
	uint64_t random = tree.seed;
	uint32_t *draws, i;
	size_t k;

	if (samples_check(samples, tree.is_float32, err) != 0)
		return -1;
	if (config->trees > FOREST_TREES_MAX)
		return err_set(err, EINVAL, "%u trees: %d at most", config->trees,
		    FOREST_TREES_MAX);
	if (tree.features_at_once == 0)
		tree.features_at_once = root_of(samples->features);
	f = must(calloc(1, sizeof *f));
	f->count = config->trees != 0 ? config->trees : TREES;
	f->features = samples->features;
	f->class_count = samples->class_count;
	f->trees = must(calloc(f->count, sizeof *f->trees));
	draws = must(malloc(samples->rows * sizeof *draws));
	presort_init(&sorted, samples, tree.is_float32);
	for (i = 0; i < f->count; i++) {
		memset(draws, 0, samples->rows * sizeof *draws);
		for (k = 0; k < samples->rows; k++)
			draws[draw_u64(&random) % samples->rows]++;
		tree.seed = draw_u64(&random);
		f->trees[i] = tree_grow(&sorted, draws, &tree);
	}
	presort_done(&sorted);
	free(draws);
	*out = f;
	return 0;
}

void
forest_free(struct forest *f)
{
	uint32_t i;

	if (f == NULL)
		return;
	for (i = 0; f->trees != NULL && i < f->count; i++)
		tree_free(f->trees[i]);
	free(f->trees);
	free(f);
}

void
forest_probabilities(const struct forest *f, const double *x, size_t rows, double *out)
{
	size_t k;
	uint32_t i;

	/* Divided at the end: so that what all trees say is 1, not a bit more. */
	memset(out, 0, rows * f->class_count * sizeof *out);
	for (i = 0; i < f->count; i++)
		tree_add_shares(f->trees[i], x, rows, out);
	for (k = 0; k < rows * f->class_count; k++)
		out[k] /= f->count;
}

void
forest_write(const struct forest *f, struct text *out)
{
	uint32_t i;

	pack_u32(out, f->count);
	for (i = 0; i < f->count; i++)
		tree_write(f->trees[i], out);
}

struct forest *
forest_read(struct cursor *in, uint32_t features, uint32_t class_count, struct err *err)
{
	struct forest *f = must(calloc(1, sizeof *f));
	uint32_t count = cursor_be32(in), i;

	*f = (struct forest){.features = features, .class_count = class_count};
	if (count == 0 || count > FOREST_TREES_MAX ||
	    count > cursor_left(in) / TREE_BYTES_MIN) {
		err_set(err, EINVAL, "no forest: %u trees in %zu octets", count,
		    cursor_left(in));
		goto fail;
	}
	f->trees = must(calloc(count, sizeof *f->trees));
	for (i = 0; i < count; i++) {
		f->trees[i] = tree_read(in, features, class_count, err);
		f->count = i + 1;
		if (f->trees[i] == NULL) {
			err_prefix(err, "tree %u: ", i);
			goto fail;
		}
	}
	return f;

fail:
	forest_free(f);
	return NULL;
}
