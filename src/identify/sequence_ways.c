/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ways to fill a stretch. An entry is a file that ends at an offset as the q-th response; a
 * cell holds the entries of one offset (and of one number of octets used of the group of
 * requests, where only their sum is known), sorted by their places in the archive's index.
 * A file that follows takes the weight of the cell it begins at: of all of its entries, or,
 * where the run keeps to the order of the index, of those before it there, which is a
 * prefix sum. So the order costs nothing but a binary search, and each file is taken once.
 * The way back adds suffix sums likewise.
 *
 * What ends at the stretch's end is a way. What ends 4 to 128 octets before or behind it
 * tells how many ways chance would give: sizes are multiples of four.
 */
#include "identify/sequence_ways.h"

#include "base/err.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	SHIFT = 4,
	SHIFTS = WAYS_SPANS / 2, /* to each side */
	ENTRIES_MAX = 2000000,
	RADIX_BITS = 11,
	PLACES_MAX = 512,
	HOPES = 1024,
	ENDS_MAX = 1 << 28, /* octets of a window whose offsets are marked */
	DIGITS = 30,        /* octets of a header that vary with the size, at most */
	WORK_MAX = 600000, /* steps tried per response */
};

static const double SHOWN = 0.5;   /* ends within a stretch that show as segment ends */
static const double PROMPT = 0.5;  /* requests sent when their answer ended, and no later */
static const double SPREAD = 16;   /* natural logs of the range of lags */

struct entry {
	uint64_t key; /* offset in the window, octets used, place in the index */
	uint32_t item;
	uint32_t cell, place; /* where it begins; entries of that cell that may precede it */
	uint8_t header, rest; /* modes */
	float weight;         /* of the step alone */
	double alpha, beta;
	double promise; /* alpha, times what may come of it */
	double before; /* alpha of the entries of its cell before it */
};

struct cell {
	uint32_t first, count;
	uint64_t offset;
	uint32_t used;
	double promise; /* of all its entries */
};

struct level {
	struct entry *entry;
	struct cell *cell;
	uint32_t entries, cells;
};

/* An offset, and the weight of a response that ends there. */
struct place {
	uint64_t offset;
	double weight;
};

struct candidate {
	uint32_t item, rest; /* a request mode */
	double weight;
};

struct table {
	const struct stretch *stretch;
	const struct sequence_config *config;
	struct level level[WAYS_SLOTS + 1];
	struct candidate *candidate;
	size_t candidates;
	struct entry *spare; /* for sorting */
	/* Offsets of the last response but one, in its window, from which the last one can
	 * come out; NULL: any. */
	uint8_t *can_end;
	uint32_t cap;
	struct place place[PLACES_MAX];
	uint32_t places;
	double floor, lost;      /* of the level that is filled: of promise */
	double hope[HOPES];      /* by place in the index */
	uint64_t work;           /* steps tried for it */
	double log_scale, kept;
	double shown; /* weight of an end that shows as that of a segment */
};

/*
 * Weight of a response's end by the request that it set off: most go out when it has been
 * read, a little or much later.
 */
static double
lag_weight(const struct slot *slot, uint64_t offset)
{
	if (slot->anchor == 0 || offset > slot->anchor)
		return 1;
	if (offset == slot->anchor)
		return PROMPT;
	return (1 - PROMPT) / (SPREAD * (double)(slot->anchor - offset));
}

/* Notes the places where a response ends more likely than elsewhere: the ends of unusual
 * segments, and where the client had come when it sent the request. */
static void
collect_places(struct table *t, const struct slot *slot)
{
	const struct run *run = t->stretch->run;
	uint32_t low = 0, high = run->border_count, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (run->borders[mid].offset < slot->low)
			low = mid + 1;
		else
			high = mid;
	}
	t->places = 0;
	for (; low < run->border_count && run->borders[low].offset <= slot->high; low++) {
		uint64_t offset = run->borders[low].offset;
		bool is_end = run->borders[low].is_end;

		if ((is_end || offset == slot->anchor) && t->places < PLACES_MAX)
			t->place[t->places++] = (struct place){
			    offset, (is_end ? t->shown : 1 - SHOWN) *
					lag_weight(slot, offset)};
	}
}

/* Whether an offset is one of the places; asked for in any order. */
static bool
is_place(const struct table *t, uint64_t offset)
{
	uint32_t low = 0, high = t->places, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (t->place[mid].offset < offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low < t->places && t->place[low].offset == offset;
}

static uint64_t
order_of(const struct table *t, uint32_t item)
{
	return t->stretch->is_ordered ? t->config->items[item].order : 0;
}

static uint64_t
key_of(uint64_t offset, uint32_t used, uint64_t order)
{
	return (offset << WAYS_USED_BITS | used) << WAYS_ORDER_BITS | order;
}

/* The entries of a cell that a file of this place in the index may follow. */
static uint32_t
place_of(const struct table *t, const struct level *level, const struct cell *cell,
	 uint64_t order)
{
	uint64_t mask = ((uint64_t)1 << WAYS_ORDER_BITS) - 1;
	uint32_t low = 0, high = cell->count, mid;

	if (!t->stretch->is_ordered)
		return cell->count;
	while (low < high) {
		mid = low + (high - low) / 2;
		if ((level->entry[cell->first + mid].key & mask) < order)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static double
weight_before(const struct level *level, const struct cell *cell, uint32_t place)
{
	const struct entry *last = &level->entry[cell->first + place - 1];

	return place == 0 ? 0 : last->before + last->alpha;
}

static int
compare_candidate(const void *pa, const void *pb)
{
	const struct candidate *a = pa, *b = pb;

	if (a->item != b->item)
		return a->item < b->item ? -1 : 1;
	return (a->rest > b->rest) - (a->rest < b->rest);
}

/* First of the candidates whose size is at least this: they are in order of size. */
static size_t
find_size(const struct table *t, uint64_t size)
{
	size_t low = 0, high = t->candidates, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (t->config->items[t->candidate[mid].item].size < size)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
add_candidate(struct table *t, uint32_t item, uint32_t rest)
{
	const struct sequence_item *i = &t->config->items[item];
	const struct stretch *s = t->stretch;

	if (s->is_ordered && (i->order <= s->low || (s->high > 0 && i->order >= s->high)))
		return;
	t->candidate[t->candidates++] = (struct candidate){
	    item, rest, s->run->modes.request[rest].weight};
}

/* The files that a response may be, by its request and by the sizes that there is room for. */
static void
collect_candidates(struct table *t, uint32_t q)
{
	const struct stretch *s = t->stretch;
	const struct run *run = s->run;
	const struct slot *slot = &s->slot[q];
	uint64_t low = q > 0 ? s->slot[q - 1].low : s->offset;
	uint64_t high = q > 0 ? s->slot[q - 1].high : s->offset;
	uint64_t least = slot->low > high + RUN_FILL_HEADER
			     ? slot->low - high - RUN_FILL_HEADER
			     : 0;
	uint64_t most = slot->high > low ? slot->high - low : 0;
	uint32_t m, path;
	size_t i, end;

	t->candidates = 0;
	if (slot->request == 0) {
		end = item_find(t->config, most);
		for (i = item_find(t->config, least); i < end; i++)
			for (m = 0; m < (slot->left > 0 ? run->modes.requests : 1); m++)
				add_candidate(t, (uint32_t)i, m);
		return;
	}
	for (m = 0; m < run->modes.requests; m++) {
		if (slot->request <= run->modes.request[m].bytes)
			continue;
		path = slot->request - run->modes.request[m].bytes;
		for (i = run_find_path(run, path, least); i < t->config->count; i++) {
			const struct sequence_item *item =
			    &t->config->items[t->config->by_path[i]];

			if (item->path_bytes != path || item->size >= most)
				break;
			add_candidate(t, t->config->by_path[i], m);
		}
	}
	qsort(t->candidate, t->candidates, sizeof *t->candidate, compare_candidate);
}

/* Octets used of the group's requests after this one; false if they do not come out. */
static bool
use_request(const struct table *t, const struct slot *slot, const struct candidate *c,
	    uint32_t *used)
{
	const struct run *run = t->stretch->run;
	uint32_t request;

	if (slot->request > 0 || slot->left == 0) {
		*used = 0;
		return true;
	}
	request = t->config->items[c->item].path_bytes + run->modes.request[c->rest].bytes;
	*used += request;
	if (slot->left == 1) {
		if (*used != slot->sum)
			return false;
		*used = 0;
		return true;
	}
	return *used + (slot->left - 1) * run->request_min <= slot->sum;
}

/*
 * What may come of a file at a place in the index: the later it stands, the fewer are left
 * for the responses after it. Without this a table that is too small for all ways would
 * keep those that lead nowhere.
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

/*
 * Marks the offsets from which the last response comes out, so that the level before it,
 * mostly the largest, holds no others. Without memory for it all are kept.
 */
static void
mark_ends(struct table *t)
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
	collect_candidates(t, s->responses - 1);
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

/* Adds a file that follows a cell and ends at an offset, with the weight of that place. */
static void
add_step(struct table *t, uint32_t q, uint32_t cell, const struct candidate *c,
	 uint32_t mode, uint64_t end, double weight)
{
	const struct level *from = &t->level[q];
	const struct slot *slot = &t->stretch->slot[q];
	struct level *level = &t->level[q + 1];
	uint32_t used = from->cell[cell].used;
	uint64_t order = order_of(t, c->item);
	uint32_t header;
	struct entry e = {.cell = cell,
			  .item = c->item,
			  .header = (uint8_t)mode,
			  .rest = (uint8_t)c->rest};

	t->work++;
	if ((q + 2 == t->stretch->responses && !can_end(t, end - slot->low)) ||
	    !use_request(t, slot, c, &used))
		return;
	header = t->stretch->run->modes.header[mode].bytes;
	header += size_digits(t->config->items[c->item].size,
			      t->stretch->run->modes.header[mode].is_hex);
	weight *= t->stretch->run->modes.header[mode].weight * c->weight *
		  phase_weight(t->stretch->run, from->cell[cell].offset, header, end);
	e.place = place_of(t, from, &from->cell[cell], order);
	e.weight = (float)weight;
	e.alpha = weight_before(from, &from->cell[cell], e.place) * (double)e.weight;
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
			for (i = find_size(t, size);
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
			? find_size(t, slot->low - at - mode->bytes - DIGITS)
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
			} else if (!is_place(t, end))
				add_step(t, q, cell, c, m, end,
					 (1 - SHOWN) * lag_weight(slot, end));
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

/* Fills level q + 1 from level q: the weightiest cells first, until that is too much work;
 * false without memory. */
static bool
follow(struct table *t, uint32_t q)
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
	collect_candidates(t, q);
	collect_places(t, &t->stretch->slot[q]);
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

/* Makes cells of a level's entries and scales their weights; false without memory. */
static bool
make_cells(struct table *t, uint32_t q)
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
			    .offset = t->stretch->slot[q - 1].low + (place >> WAYS_USED_BITS),
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
		double sum = weight_before(last, cell, cell->count);

		if (cell->offset == s->offset + s->span) {
			found = sum;
			for (i = 0; i < cell->count; i++)
				last->entry[cell->first + i].beta = 1;
		} else
			chance += sum / (2 * SHIFTS);
	}
	out->log_weight = log(found) + t->log_scale;
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

static int
compare_fit(const void *pa, const void *pb)
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
	qsort(fit, m, sizeof *fit, compare_fit);
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

	if (!begin(t))
		return -1;
	if (n > 1)
		mark_ends(t);
	for (q = 0; q < n; q++) {
		t->level[q + 1].entry = malloc((t->cap + 1) * sizeof(struct entry));
		if (t->level[q + 1].entry == NULL)
			return -1;
		if (!follow(t, q))
			return -1;
		if (t->level[q + 1].entries == 0)
			return 0;
		if (!make_cells(t, q + 1))
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

/* The last response ends at the stretch's end, or nearly; none where keys have no room. */
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
	t.candidate = malloc((t.config->count + 1) * SEQUENCE_MODES * sizeof *t.candidate);
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
		err_set(err, ENOMEM, "sequence: out of memory for the ways of %u responses",
			s.responses);
	return found;
}
