/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From one level of the table to the next: every file that may follow a cell, to a place
 * where the response likely ends or to anywhere else. A level that is full is halved, the
 * least promising entries first.
 */
#include "identify/sequence_table.h"

#include <math.h>
#include <stdlib.h>

enum {
	ENDS_MAX = 1 << 28, /* octets of a window whose offsets are marked */
	DIGITS = 30,        /* octets of a header that vary with the size, at most */
	WORK_MAX = 600000,  /* steps tried per response */
};

static uint64_t
key_of(uint64_t offset, uint32_t used, uint64_t order)
{
	return (offset << WAYS_USED_BITS | used) << WAYS_ORDER_BITS | order;
}

/*
 * What may come of a file at a place in the index: the later it stands, the fewer are
 * left for the responses after it. Without this a table that is too small for all ways
 * would keep those that lead nowhere.
 */
static void
set_hope(struct table *t, uint32_t q)
{
	uint32_t i, left = t->stretch->responses - q - 1;

	for (i = 0; i < HOPES; i++)
		t->hope[i] = pow((HOPES - i) / (double)HOPES, left);
}

static double
hope_of(const struct table *t, uint64_t order)
{
	const struct stretch *s = t->stretch;
	uint64_t range = s->high > s->low ? s->high - s->low : UINT32_MAX;

	if (!s->is_ordered || order <= s->low)
		return 1;
	return t->hope[order - s->low >= range ? HOPES - 1
					       : (order - s->low) * HOPES / range];
}

/* Halves what a level holds, the least weights first. */
static void
prune(struct table *t, struct level *level)
{
	uint32_t count[2048] = {0}, i, kept = 0, n = 0;
	double all = 0, left = 0;
	int exponent, floor;

	for (i = 0; i < level->entries; i++) {
		exponent = ilogb(level->entry[i].promise) + 1024;
		count[exponent < 0 ? 0 : exponent]++;
		all += level->entry[i].promise;
	}
	for (floor = 2047; floor > 0 && kept + count[floor] <= t->cap / 2; floor--)
		kept += count[floor];
	t->floor = ldexp(1, floor + 1 - 1024);
	for (i = 0; i < level->entries; i++) {
		if (level->entry[i].promise < t->floor)
			continue;
		left += level->entry[i].promise;
		level->entry[n++] = level->entry[i];
	}
	level->entries = n;
	t->lost += all - left;
}

static bool
can_end(const struct table *t, uint64_t at)
{
	return t->can_end == NULL || (t->can_end[at / 8] >> at % 8 & 1) != 0;
}

void
step_mark_ends(struct table *t)
{
	const struct stretch *s = t->stretch;
	const struct slot *slot = &s->slot[s->responses - 2];
	const struct sequence_mode *mode;
	uint64_t end, span;
	uint32_t m;
	size_t i;
	int shift;

	if (slot->high - slot->low > ENDS_MAX ||
	    (t->can_end = calloc((slot->high - slot->low) / 8 + 1, 1)) == NULL)
		return;
	candidate_collect(t, s->responses - 1);
	for (i = 0; i < t->candidates; i++)
		for (m = 0; m < s->run->modes.headers; m++)
			for (shift = -SHIFTS; shift <= SHIFTS; shift++) {
				mode = &s->run->modes.header[m];
				span = t->config->items[t->candidate[i].item].size;
				span += mode->bytes + size_digits(span, mode->is_hex);
				end = s->offset + s->span + (uint64_t)(SHIFT * shift);
				if (end < span + slot->low || end - span > slot->high)
					continue;
				end -= span + slot->low;
				t->can_end[end / 8] |= (uint8_t)(1u << end % 8);
			}
}

/* Adds a file that follows a cell and ends at an offset, with the weight of that
 * place. */
static void
add_step(struct table *t, uint32_t q, uint32_t cell, const struct candidate *c,
	 uint32_t mode, uint64_t end, double weight)
{
	const struct level *from = &t->level[q];
	const struct slot *slot = &t->stretch->slot[q];
	struct level *level = &t->level[q + 1];
	uint32_t used = from->cell[cell].used;
	uint64_t order = table_order(t, c->item);
	uint32_t header;
	struct entry e = {.cell = cell,
			  .item = c->item,
			  .header = (uint8_t)mode,
			  .rest = (uint8_t)c->rest};

	t->work++;
	if ((q + 2 == t->stretch->responses && !can_end(t, end - slot->low)) ||
	    !candidate_request(t, slot, c, &used))
		return;
	header = t->stretch->run->modes.header[mode].bytes;
	header += size_digits(t->config->items[c->item].size,
			      t->stretch->run->modes.header[mode].is_hex);
	weight *= t->stretch->run->modes.header[mode].weight * c->weight *
		  phase_weight(t->stretch->run, from->cell[cell].offset, header, end);
	e.place = cell_place(t, from, &from->cell[cell], order);
	e.weight = (float)weight;
	e.alpha = cell_weight(from, &from->cell[cell], e.place) * (double)e.weight;
	if (!(e.alpha > 0))
		return;
	e.promise = e.alpha * hope_of(t, order);
	if (q + 1 < t->stretch->responses)
		e.promise *= phase_hope(t->stretch->run, end, UINT64_MAX);
	if (e.promise < t->floor) {
		t->lost += e.promise;
		return;
	}
	e.key = key_of(end - slot->low, used, order);
	if (level->entries == t->cap)
		prune(t, level);
	if (level->entries < t->cap && e.promise >= t->floor)
		level->entry[level->entries++] = e;
}

/* The files that lead from a cell to one of the places. */
static void
follow_to_place(struct table *t, uint32_t q, uint32_t cell, const struct place *place)
{
	const struct sequence_modes *modes = &t->stretch->run->modes;
	uint64_t at = t->level[q].cell[cell].offset, span, size;
	uint32_t m, digits, most;
	size_t i;

	if (place->offset <= at)
		return;
	span = place->offset - at;
	for (m = 0; m < modes->headers; m++) {
		const struct sequence_mode *mode = &modes->header[m];

		if (span <= mode->bytes)
			continue;
		most = size_digits(span - mode->bytes, mode->is_hex);
		for (digits = most > 3 ? most - 2 : 1; digits <= most; digits++) {
			if (span < mode->bytes + digits)
				break;
			size = span - mode->bytes - digits;
			t->work++;
			if (size_digits(size, mode->is_hex) != digits)
				continue;
			for (i = candidate_find(t, size);
			     i < t->candidates &&
			     t->config->items[t->candidate[i].item].size == size;
			     i++)
				add_step(t, q, cell, &t->candidate[i], m, place->offset,
					 place->weight);
		}
	}
}

/* The files that lead from a cell to anywhere else where the response may end. */
static void
follow_to_any(struct table *t, uint32_t q, uint32_t cell)
{
	const struct stretch *s = t->stretch;
	const struct slot *slot = &s->slot[q];
	uint64_t at = t->level[q].cell[cell].offset, size, end;
	uint32_t m;
	size_t i;
	bool is_last = q + 1 == s->responses;

	for (m = 0; m < s->run->modes.headers; m++) {
		const struct sequence_mode *mode = &s->run->modes.header[m];

		i = slot->low > at + mode->bytes + DIGITS
			? candidate_find(t, slot->low - at - mode->bytes - DIGITS)
			: 0;
		for (; i < t->candidates; i++) {
			const struct candidate *c = &t->candidate[i];

			size = t->config->items[c->item].size;
			end = at + size + mode->bytes + size_digits(size, mode->is_hex);
			if (end > slot->high)
				break;
			if (end < slot->low)
				continue;
			if (is_last) {
				if ((end - slot->low) % SHIFT == 0)
					add_step(t, q, cell, c, m, end, 1);
			} else if (!place_is(t, end))
				add_step(t, q, cell, c, m, end,
					 (1 - SHOWN) * place_lag(slot, end));
		}
	}
}

struct ranked {
	uint32_t cell;
	double sum;
};

static int
compare_ranked(const void *pa, const void *pb)
{
	const struct ranked *a = pa, *b = pb;

	if (a->sum != b->sum)
		return a->sum > b->sum ? -1 : 1;
	return (a->cell > b->cell) - (a->cell < b->cell);
}

bool
step_all(struct table *t, uint32_t q)
{
	const struct level *from = &t->level[q];
	struct ranked *ranked = malloc((from->cells + 1) * sizeof *ranked);
	double all = 0, done = 0, kept = 0;
	uint32_t c, i;

	if (ranked == NULL)
		return false;
	for (c = 0; c < from->cells; c++) {
		const struct cell *cell = &from->cell[c];

		ranked[c] = (struct ranked){c, cell->promise};
		all += ranked[c].sum;
	}
	qsort(ranked, from->cells, sizeof *ranked, compare_ranked);
	candidate_collect(t, q);
	place_collect(t, &t->stretch->slot[q]);
	set_hope(t, q);
	t->floor = t->lost = 0;
	for (t->work = 0, c = 0; c < from->cells && t->work < WORK_MAX / 2; c++)
		for (i = 0; i < t->places && q + 1 < t->stretch->responses; i++)
			follow_to_place(t, q, ranked[c].cell, &t->place[i]);
	for (t->work = 0, c = 0; c < from->cells && t->work < WORK_MAX; c++) {
		follow_to_any(t, q, ranked[c].cell);
		done += ranked[c].sum;
	}
	free(ranked);
	for (i = 0; i < t->level[q + 1].entries; i++)
		kept += t->level[q + 1].entry[i].promise;
	if (kept > 0)
		t->kept *= done / all * kept / (kept + t->lost);
	return true;
}
