/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks of two or three responses whose inner borders show no mark. Where each of their
 * requests went alone, its length leaves only the files of one length of path; if the run
 * keeps to the order of the archive's index, only those between the sure files around. The
 * ways to fill the block exactly are then few. How many there would be by chance is counted
 * on blocks that are a little longer or shorter: with n ways and E by chance, the truth is
 * among them with
 *
 *	(1 - m) n / ((1 - m) n + m E)		m: a file is not in the catalogue, a mode not known
 */
#include "identify/sequence_run.h"

enum { SHIFTS = 12, WAYS_MAX = RUN_FILL_WAYS };

static const uint64_t WORK_MAX = 4000000; /* files tried for a block */
static const double MISSING = 0.1;

struct filling {
	const struct run *run;
	uint32_t request[RUN_FILL_MAX], count;
	uint32_t low, high; /* places in the index; high 0: no order */
	struct way way, *ways;
	uint32_t found, kept; /* ways; those stored */
	double sum;           /* of weights of those stored */
	uint64_t work;
};

/* Index into by_path of the first item of a path's length and at least that size. */
static size_t
find_path(const struct run *run, uint32_t path, uint64_t size)
{
	const struct sequence_config *config = run->config;
	const struct sequence_item *item;
	size_t low = 0, high = config->count, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		item = &config->items[config->by_path[mid]];
		if (item->path_bytes < path ||
		    (item->path_bytes == path && item->size < size))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void fill_next(struct filling *f, uint32_t at, uint64_t left, uint32_t order,
		      double weight);

/* Takes an item as response at; its header is one of several. */
static void
fill_item(struct filling *f, uint32_t at, uint64_t left, uint32_t index, double weight)
{
	const struct run *run = f->run;
	const struct sequence_item *item = &run->config->items[index];
	uint32_t m, header;
	uint64_t span;

	for (m = 0; m < run->modes.headers; m++) {
		header = run->modes.header[m].bytes +
			 size_digits(item->size, run->modes.header[m].is_hex);
		span = item->size + header;
		if (at + 1 == f->count ? span != left : span >= left)
			continue;
		f->way.item[at] = index;
		f->way.header[at] = header;
		fill_next(f, at + 1, left - span, item->order,
			  weight * run->modes.header[m].weight);
	}
}

static void
fill_next(struct filling *f, uint32_t at, uint64_t left, uint32_t order, double weight)
{
	const struct run *run = f->run;
	const struct sequence_config *config = run->config;
	uint64_t least = 0;
	uint32_t m, path;
	size_t i;

	if (at == f->count) {
		f->found++;
		if (f->ways != NULL && f->kept < WAYS_MAX) {
			f->way.weight = weight;
			f->ways[f->kept++] = f->way;
			f->sum += weight;
		}
		return;
	}
	if (at + 1 == f->count && left > RUN_FILL_HEADER)
		least = left - RUN_FILL_HEADER;
	for (m = 0; m < run->modes.requests; m++) {
		if (f->request[at] <= run->modes.request[m].bytes)
			continue;
		path = f->request[at] - run->modes.request[m].bytes;
		f->way.rest[at] = run->modes.request[m].bytes;
		for (i = find_path(run, path, least); i < config->count; i++) {
			const struct sequence_item *item =
			    &config->items[config->by_path[i]];

			if (item->path_bytes != path || item->size >= left)
				break;
			if (f->work++ > WORK_MAX)
				return;
			if (f->high > 0 && (item->order <= order || item->order >= f->high))
				continue;
			fill_item(f, at, left, config->by_path[i],
				  weight * run->modes.request[m].weight);
		}
	}
}

/* Length of a request by its number; 0 where it did not go alone, or is not known. */
static uint32_t
request_bytes(const struct run *run, uint32_t ordinal)
{
	const struct group *g = run->groups;
	uint32_t i, n = 0;

	for (i = 0; i < run->group_count && g[i].count_min == g[i].count_max; i++) {
		if (n == ordinal && g[i].count_min == 1 && !g[i].is_loose)
			return g[i].bytes;
		n += g[i].count_min;
		if (n > ordinal)
			return 0;
	}
	return 0;
}

uint32_t
run_fill(const struct run *run, const struct block *block, struct way *ways,
	 double *certainty)
{
	struct filling f = {.run = run,
			    .count = block->responses,
			    .low = block->low,
			    .high = block->high};
	double chance = 0;
	uint32_t i, found;
	int shift;

	if (run->config->by_path == NULL || f.count < 2 || f.count > RUN_FILL_MAX)
		return 0;
	for (i = 0; i < f.count; i++)
		if ((f.request[i] = request_bytes(run, block->ordinal + i)) == 0)
			return 0;
	/* Sizes are multiples of four: so are the shifts. */
	for (shift = -SHIFTS / 2; shift <= SHIFTS / 2; shift++) {
		if (shift == 0)
			continue;
		f.found = 0;
		fill_next(&f, 0, block->span + (uint64_t)(4 * shift), f.low, 1);
		chance += f.found / (double)SHIFTS;
	}
	f.found = 0;
	f.ways = ways;
	fill_next(&f, 0, block->span, f.low, 1);
	found = f.found;
	if (found == 0 || found > WAYS_MAX || f.work > WORK_MAX || !(f.sum > 0))
		return 0;
	*certainty = (1 - MISSING) * found / ((1 - MISSING) * found +
					      MISSING * (chance + 1.0 / SHIFTS));
	for (i = 0; i < f.kept; i++)
		ways[i].weight *= *certainty / f.sum;
	return f.kept;
}
