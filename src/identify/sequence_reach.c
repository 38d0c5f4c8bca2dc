/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a border, the ones that a file's size and a header mode reach, found once and
 * kept; and how far to look.
 */
#include "identify/sequence_lattice.h"

#include "base/search.h"

#include <stdlib.h>

enum {
	LOOK_AHEAD = 300, /* borders, where no anchor ends the search */
	LOOK_BEYOND = 6,  /* borders beyond the anchor */
	SIZES_SPARSE = 16, /* bits per size, so that few are set */
	SIZES_BITS_MIN = 10,
	SIZES_BITS_MAX = 26,
};

static uint64_t
size_hash(uint64_t size)
{
	return size * 0x9e3779b97f4a7c15u;
}

bool
sizes_init(struct sizes *sizes, const struct sequence_config *config)
{
	unsigned bits = SIZES_BITS_MIN;
	size_t i;

	while (bits < SIZES_BITS_MAX && (size_t)1 << bits < SIZES_SPARSE * config->count)
		bits++;
	sizes->shift = 64 - bits;
	if ((sizes->bit = calloc((size_t)1 << (bits - 6), sizeof *sizes->bit)) == NULL)
		return false;
	for (i = 0; i < config->count; i++) {
		uint64_t h = size_hash(config->items[i].size) >> sizes->shift;

		sizes->bit[h >> 6] |= UINT64_C(1) << (h & 63);
	}
	return true;
}

void
sizes_done(struct sizes *sizes)
{
	free(sizes->bit);
}

/* False of most sizes that no file has. */
static inline bool
may_have_size(const struct sizes *sizes, uint64_t size)
{
	uint64_t h = size_hash(size) >> sizes->shift;

	return (sizes->bit[h >> 6] >> (h & 63) & 1) != 0;
}

static void
reach_sizes(struct lattice *l, struct reach_list *list, uint32_t from, uint32_t to)
{
	const struct run *run = l->run;
	uint64_t span = run->borders[to].offset - run->borders[from].offset, size;
	uint32_t m, digits, most, n;
	size_t item;

	for (m = 0; m < run->modes.headers; m++) {
		if (span <= run->modes.header[m].bytes)
			continue;
		most = size_digits(span - run->modes.header[m].bytes,
				   run->modes.header[m].is_hex);
		for (digits = most > 3 ? most - 2 : 1; digits <= most; digits++) {
			if (span < run->modes.header[m].bytes + digits)
				break;
			size = span - run->modes.header[m].bytes - digits;
			if (!may_have_size(&l->sizes, size) ||
			    size_digits(size, run->modes.header[m].is_hex) != digits)
				continue;
			item = item_find(run->config, size);
			for (n = 0; item + n < run->config->count &&
				    run->config->items[item + n].size == size;
			     n++)
				;
			if (n > 0)
				list->reach[list->count++] = (struct reach){
				    .to = to,
				    .item = (uint32_t)item,
				    .items = n,
				    .header = run->modes.header[m].bytes + digits,
				    .weight = log(run->modes.header[m].weight)};
		}
	}
}

const struct reach_list *
reach_from(struct lattice *l, uint32_t from, uint32_t end)
{
	struct reach_list *list = &l->reaches[from];
	struct reach *grown;
	size_t room;

	if (list->to_end >= end)
		return list;
	if (list->to_end <= from)
		list->to_end = from + 1;
	/* Three numbers of digits fit at powers of ten and 16 at most. */
	room = list->count + (size_t)(end - list->to_end) * 3 * SEQUENCE_MODES;
	if ((grown = realloc(list->reach, (room + 1) * sizeof *grown)) == NULL) {
		l->is_out_of_memory = true;
		return list;
	}
	list->reach = grown;
	for (; list->to_end < end; list->to_end++)
		reach_sizes(l, list, from, list->to_end);
	if ((grown = realloc(list->reach, (list->count + 1) * sizeof *grown)) != NULL)
		list->reach = grown;
	return list;
}

static bool
is_numbered_below(const void *borders, size_t i, uint64_t number)
{
	return ((const struct border *)borders)[i].number < number;
}

/* First border from which on there are so many that are no pages. */
static uint32_t
border_numbered(const struct run *run, uint32_t number)
{
	return (uint32_t)search_first(run->borders, 0, run->border_count, number,
				      is_numbered_below);
}

uint32_t
reach_end(const struct run *run, uint32_t from, const struct group *anchor)
{
	uint32_t end = run->border_count, low, last;

	if (anchor != NULL) {
		low = run_find_border(run, from + 1, anchor->anchor + 1);
		if (low < end)
			end = border_numbered(run,
			    run->borders[low].number + LOOK_BEYOND);
	}
	last = border_numbered(run, run->borders[from].number + LOOK_AHEAD);
	return last < end ? last : end;
}
