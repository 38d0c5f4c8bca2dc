/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ways to fill a stretch. An entry is a file that ends at an offset as the q-th response;
 * a cell holds the entries of one offset (and of one number of octets used of the group
 * of requests, where only their sum is known), sorted by their places in the archive's
 * index. A file that follows takes the weight of the cell it begins at: of all of its
 * entries, or, where the run keeps to the order of the index, of those before it there,
 * which is a prefix sum. So the order costs nothing but a binary search, and each file is
 * taken once. The way back adds suffix sums likewise.
 *
 * What ends at the stretch's end is a way. What ends 4 to 128 octets before or behind it
 * tells how many ways chance would give: sizes are multiples of four.
 *
 * sequence_offer.c says what each response may be and where it may end, sequence_step.c
 * goes from one level to the next, sequence_cell.c sorts what came of it.
 */
#include "identify/sequence_ways.h"

#include "base/err.h"
#include "identify/sequence_table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 2000000 };

/* The first level: one cell at the stretch's begin, with one entry before all files. */
static bool
begin(struct table *t)
{
	struct level *level = &t->level[0];

	level->entry = calloc(1, sizeof *level->entry);
	level->cell = calloc(1, sizeof *level->cell);
	if (level->entry == NULL || level->cell == NULL)
		return false;
	level->entry[0].alpha = 1;
	level->entries = level->cells = 1;
	level->cell[0] =
	    (struct cell){.count = 1, .offset = t->stretch->offset, .promise = 1};
	return true;
}

/* Adds to a level's entries what follows them. */
static bool
go_back(struct table *t, uint32_t q)
{
	struct level *to = &t->level[q], *from = &t->level[q + 1];
	double *after, sum;
	uint32_t i, c;

	/* after[i + number of the cell]: one place more than entries in each cell. */
	if ((after = calloc((size_t)to->entries + to->cells + 1, sizeof *after)) == NULL)
		return false;
	for (i = 0; i < from->entries; i++) {
		const struct entry *e = &from->entry[i];

		after[to->cell[e->cell].first + e->cell + e->place] +=
		    (double)e->weight * e->beta;
	}
	for (c = 0; c < to->cells; c++)
		for (sum = 0, i = to->cell[c].count; i-- > 0;) {
			sum += after[to->cell[c].first + c + i + 1];
			to->entry[to->cell[c].first + i].beta = sum;
		}
	free(after);
	return true;
}

/* Weight of the ways, in the last level; those of other spans have no way back. */
static bool
end_ways(struct table *t, struct ways *out)
{
	const struct stretch *s = t->stretch;
	struct level *last = &t->level[s->responses];
	double found = 0, chance = 0;
	uint32_t c, i;

	for (c = 0; c < last->cells; c++) {
		const struct cell *cell = &last->cell[c];
		double sum = cell_weight(last, cell, cell->count);

		if (cell->offset == s->offset + s->span) {
			found = sum;
			for (i = 0; i < cell->count; i++)
				last->entry[cell->first + i].beta = 1;
		} else
			chance += sum / (2 * SHIFTS);
	}
	out->log_weight = out->log_flat = log(found) + t->log_scale;
	out->log_chance = log(chance) + t->log_scale;
	return found > 0;
}

static int
compare_fit_item(const void *pa, const void *pb)
{
	const struct way_fit *a = pa, *b = pb;

	if (a->item != b->item)
		return a->item < b->item ? -1 : 1;
	return (a->probability < b->probability) - (a->probability > b->probability);
}

int
way_fit_compare(const void *pa, const void *pb)
{
	const struct way_fit *a = pa, *b = pb;

	if (a->probability != b->probability)
		return a->probability > b->probability ? -1 : 1;
	return (a->item > b->item) - (a->item < b->item);
}

/* Probabilities of the files of a level, and of the places where they end. */
static bool
tell_level(struct table *t, uint32_t q, struct ways *out)
{
	const struct stretch *s = t->stretch;
	const struct level *level = &t->level[q + 1];
	struct way_fit *fit = malloc((level->entries + 1) * sizeof *fit);
	double sum = 0, mass, best = -1;
	uint32_t c, i, n = 0, m = 0;

	if (fit == NULL)
		return false;
	for (i = 0; i < level->entries; i++)
		sum += level->entry[i].alpha * level->entry[i].beta;
	for (c = 0; c < level->cells; c++) {
		double cell = 0;

		for (i = level->cell[c].first;
		     i < level->cell[c].first + level->cell[c].count; i++) {
			const struct entry *e = &level->entry[i];
			const struct sequence_mode *mode =
			    &s->run->modes.header[e->header];

			mass = e->alpha * e->beta / sum;
			cell += mass;
			if (mass < 1e-7)
				continue;
			fit[n++] = (struct way_fit){
			    .item = e->item,
			    .header = mode->bytes +
				      size_digits(t->config->items[e->item].size,
						  mode->is_hex),
			    .rest = s->run->modes.request[e->rest].bytes,
			    .probability = mass,
			    .best = mass,
			    .end = level->cell[c].offset};
		}
		if (cell > best) {
			best = cell;
			out->end[q] = level->cell[c].offset;
		}
	}
	qsort(fit, n, sizeof *fit, compare_fit_item);
	for (i = 0; i < n; i++) {
		if (m > 0 && fit[m - 1].item == fit[i].item)
			fit[m - 1].probability += fit[i].probability;
		else
			fit[m++] = fit[i];
	}
	qsort(fit, m, sizeof *fit, way_fit_compare);
	out->fits[q] = m < WAYS_FITS ? m : WAYS_FITS;
	memcpy(out->fit[q], fit, out->fits[q] * sizeof *fit);
	free(fit);
	return sum > 0;
}

static void
scale_beta(struct level *level)
{
	double most = 0;
	uint32_t i;

	for (i = 0; i < level->entries; i++)
		if (level->entry[i].beta > most)
			most = level->entry[i].beta;
	for (i = 0; i < level->entries && most > 0; i++)
		level->entry[i].beta /= most;
}

/* 1, or 0 where there is no way, or -1 without memory. */
static int
find(struct table *t, struct ways *out)
{
	uint32_t q, n = t->stretch->responses;
	int all = halves_find(t, out);

	if (all >= 0)
		return all;
	if (!begin(t))
		return -1;
	if (n > 1)
		step_mark_ends(t);
	for (q = 0; q < n; q++) {
		t->level[q + 1].entry = malloc((t->cap + 1) * sizeof(struct entry));
		if (t->level[q + 1].entry == NULL)
			return -1;
		if (!step_all(t, q))
			return -1;
		if (t->level[q + 1].entries == 0)
			return 0;
		if (!cell_make(t, q + 1))
			return -1;
	}
	if (!end_ways(t, out))
		return 0;
	for (q = n; q-- > 0;) {
		if (!tell_level(t, q, out))
			return -1;
		if (!go_back(t, q))
			return -1;
		scale_beta(&t->level[q]);
	}
	out->trust = t->kept;
	return 1;
}

/* The last response ends at the stretch's end, or nearly; none where keys have no
 * room. */
static bool
set_windows(const struct stretch *given, struct stretch *s)
{
	uint64_t end = given->offset + given->span, least = given->run->header_min + 100;
	uint32_t q, n = given->responses;

	*s = *given;
	if (n == 0 || n > WAYS_SLOTS)
		return false;
	s->slot[n - 1].low = end - SHIFT * SHIFTS;
	s->slot[n - 1].high = end + SHIFT * SHIFTS;
	s->slot[n - 1].anchor = 0;
	for (q = n - 1; q-- > 0;)
		if (s->slot[q].high > s->slot[q + 1].high - least)
			s->slot[q].high = s->slot[q + 1].high - least;
	for (q = 0; q < n; q++) {
		uint64_t low = (q > 0 ? s->slot[q - 1].low : s->offset) + least;

		if (q + 1 < n && s->slot[q].low < low)
			s->slot[q].low = low;
		if (s->slot[q].low > s->slot[q].high ||
		    (s->slot[q].high - s->slot[q].low) >> WAYS_WINDOW_BITS != 0 ||
		    s->slot[q].sum >> WAYS_USED_BITS != 0)
			return false;
	}
	return true;
}

int
ways_find(const struct stretch *stretch, struct ways *out, struct err *err)
{
	struct table t = {.config = stretch->run->config, .kept = 1};
	struct stretch s;
	int found = -1;
	uint32_t q;

	if (!set_windows(stretch, &s) || t.config->by_path == NULL)
		return 0;
	t.stretch = &s;
	t.cap = s.entries_max;
	if (t.cap > ENTRIES_MAX / s.responses)
		t.cap = ENTRIES_MAX / s.responses;
	t.shown = SHOWN * exp(-s.run->log_spurious);
	t.candidate = malloc((t.config->count + 1) * SEQUENCE_MODES *
	    sizeof *t.candidate);
	t.spare = malloc((t.cap + 1) * sizeof *t.spare);
	if (t.candidate != NULL && t.spare != NULL)
		found = find(&t, out);
	free(t.candidate);
	free(t.spare);
	free(t.can_end);
	for (q = 0; q <= s.responses; q++) {
		free(t.level[q].entry);
		free(t.level[q].cell);
	}
	if (found < 0)
		err_set(err, ENOMEM,
		    "sequence: out of memory for the ways of %u responses", s.responses);
	return found;
}
