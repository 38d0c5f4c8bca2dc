/* SPDX-License-Identifier: BSD-2-Clause */
/* Cells: the entries of a level that end at one offset, sorted by their places in the
 * index. */
#include "identify/sequence_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RADIX_BITS = 11 };

static bool
order_is_less(const void *entries, size_t i, uint64_t order)
{
	uint64_t mask = ((uint64_t)1 << WAYS_ORDER_BITS) - 1;

	return (((const struct entry *)entries)[i].key & mask) < order;
}

uint32_t
cell_place(const struct table *t, const struct level *level, const struct cell *cell,
	   uint64_t order)
{
	if (!t->stretch->is_ordered)
		return cell->count;
	return (uint32_t)search_first(level->entry + cell->first, 0, cell->count, order,
				      order_is_less);
}

double
cell_weight(const struct level *level, const struct cell *cell, uint32_t place)
{
	const struct entry *last = &level->entry[cell->first + place - 1];

	return place == 0 ? 0 : last->before + last->alpha;
}

static void
sort_entries(struct table *t, struct level *level)
{
	uint32_t count[1 << RADIX_BITS], i, sum, n;
	uint64_t all = 0;
	unsigned shift;
	struct entry *from = level->entry, *to = t->spare, *swap;

	for (i = 0; i < level->entries; i++)
		all |= from[i].key;
	for (shift = 0; shift < 64 && all >> shift != 0; shift += RADIX_BITS) {
		memset(count, 0, sizeof count);
		for (i = 0; i < level->entries; i++)
			count[from[i].key >> shift & ((1 << RADIX_BITS) - 1)]++;
		for (i = sum = 0; i < 1 << RADIX_BITS; i++) {
			n = count[i];
			count[i] = sum;
			sum += n;
		}
		for (i = 0; i < level->entries; i++)
			to[count[from[i].key >> shift & ((1 << RADIX_BITS) - 1)]++] =
			    from[i];
		swap = from;
		from = to;
		to = swap;
	}
	if (from != level->entry)
		memcpy(level->entry, from, level->entries * sizeof *from);
}

bool
cell_make(struct table *t, uint32_t q)
{
	struct level *level = &t->level[q];
	struct entry *entry = level->entry, *fit;
	struct cell *cell = NULL;
	double most = 0, sum = 0;
	uint32_t i;

	sort_entries(t, level);
	for (i = 0; i < level->entries; i++)
		if (entry[i].alpha > most)
			most = entry[i].alpha;
	t->log_scale += log(most);
	if ((level->cell = malloc((level->entries + 1) * sizeof *cell)) == NULL)
		return false;
	for (i = 0; i < level->entries; i++) {
		uint64_t place = entry[i].key >> WAYS_ORDER_BITS;

		if (i == 0 || place != entry[i - 1].key >> WAYS_ORDER_BITS) {
			cell = &level->cell[level->cells++];
			*cell = (struct cell){
			    .first = i,
			    .offset = t->stretch->slot[q - 1].low +
			        (place >> WAYS_USED_BITS),
			    .used = (uint32_t)(place & ((1u << WAYS_USED_BITS) - 1))};
			sum = 0;
		}
		cell->count++;
		cell->promise += entry[i].promise / most;
		entry[i].alpha /= most;
		entry[i].before = sum;
		sum += entry[i].alpha;
	}
	if ((fit = realloc(entry, (level->entries + 1) * sizeof *entry)) != NULL)
		level->entry = fit;
	return true;
}
