/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The join. Both sides are sorted by client, port and start. Those of one client and port
 * are aligned in order, like two strings: a pair costs its difference of time and, where
 * both know how large it is, up to three tolerances as the sizes differ by more than
 * headers and records do (nothing, if both know the ordinal and agree); an unpaired
 * download costs four tolerances, an unpaired finding nothing. So pairs come before gaps,
 * and where there must be a gap the sizes say where. The cheapest alignment is found by a
 * table of downloads x findings.
 */
#include "evaluate/align.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum {
	CELLS_MAX = 1 << 24,
	GAP = 4,         /* tolerances */
	SIZE = 3,        /* tolerances, for sizes that differ by a quarter and more */
	OVERHEAD = 2000, /* octets by which small responses may differ from their files */
};

/* Of a record's octets those that are no file's, about: less than that tells nothing, and
 * must not outweigh its time. */
static const double HEADERS = 0.06;

enum step { STEP_PAIR, STEP_SKIP_TRUTH, STEP_SKIP_FINDING };

struct run {
	size_t first, count;
};

static int
key_compare(const struct item *a, const struct item *b)
{
	int by = addr_compare(&a->client, &b->client);

	if (by != 0)
		return by;
	return a->port < b->port ? -1 : a->port > b->port;
}

static int
item_compare(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;
	int by = key_compare(a, b);

	if (by != 0)
		return by;
	if (a->start_us != b->start_us)
		return a->start_us < b->start_us ? -1 : 1;
	if (a->exchange != b->exchange)
		return a->exchange < b->exchange ? -1 : 1;
	/* Nothing else tells them apart but the order in the file, which texts keep. */
	return a->name < b->name ? -1 : a->name > b->name;
}

/* What pairing the two costs; -1: they do not belong together. */
static int64_t
cost(const struct item *truth, const struct item *finding, int64_t tolerance_us)
{
	int64_t apart;

	/* Each of a set began somewhere between the record's start and its end. */
	if (finding->is_of_set && truth->start_us > finding->start_us &&
	    truth->start_us <= finding->end_us)
		return 0;
	if (__builtin_sub_overflow(truth->start_us, finding->start_us, &apart) ||
	    apart > tolerance_us || apart < -tolerance_us)
		return -1;
	if (truth->has_exchange && finding->has_exchange)
		return truth->exchange == finding->exchange ? 0 : -1;
	if (apart < 0)
		apart = -apart;
	if (truth->has_octets && finding->has_octets && !finding->is_of_set) {
		double off = 4 * fmax(0, fabs(log(((double)finding->octets + OVERHEAD) /
		    ((double)truth->octets + OVERHEAD))) - HEADERS);

		apart += (int64_t)(SIZE * (double)tolerance_us * fmin(off, 1));
	}
	return apart;
}

/* Findings that nothing tells apart but their names: several downloads that one record
 * holds, as a set. */
static void
mark_sets(struct items *findings)
{
	size_t i;

	for (i = 1; i < findings->count; i++) {
		struct item *a = &findings->list[i - 1], *b = a + 1;

		if (key_compare(a, b) == 0 && a->start_us == b->start_us &&
		    a->end_us == b->end_us && a->exchange == b->exchange)
			a->is_of_set = b->is_of_set = true;
	}
}

static void
fill_row(const struct item *truth, const struct item *findings, size_t m,
    int64_t tolerance_us, const int64_t *above, int64_t *row, uint8_t *steps)
{
	int64_t pair, best;
	size_t j;

	row[0] = above[0] + GAP * tolerance_us;
	steps[0] = STEP_SKIP_TRUTH;
	for (j = 1; j <= m; j++) {
		best = above[j] + GAP * tolerance_us;
		steps[j] = STEP_SKIP_TRUTH;
		if (row[j - 1] < best) {
			best = row[j - 1];
			steps[j] = STEP_SKIP_FINDING;
		}
		pair = cost(truth, &findings[j - 1], tolerance_us);
		if (pair >= 0 && above[j - 1] + pair <= best) {
			best = above[j - 1] + pair;
			steps[j] = STEP_PAIR;
		}
		row[j] = best;
	}
}

static void
align_run(const struct items *truth, struct run t, const struct items *findings,
    struct run f, int64_t tolerance_us, uint32_t *pairs)
{
	size_t width = f.count + 1, i, j;
	uint8_t *steps = must(malloc((t.count + 1) * width));
	int64_t *rows = must(calloc(2 * width, sizeof *rows));
	int64_t *above = rows, *row = rows + width, *other;

	memset(steps, STEP_SKIP_FINDING, width);
	for (i = 1; i <= t.count; i++) {
		fill_row(&truth->list[t.first + i - 1], findings->list + f.first, f.count,
		    tolerance_us, above, row, steps + i * width);
		other = above;
		above = row;
		row = other;
	}
	for (i = t.count, j = f.count; i > 0;) {
		switch (steps[i * width + j]) {
		case STEP_PAIR:
			pairs[t.first + --i] = (uint32_t)(f.first + --j);
			break;
		case STEP_SKIP_TRUTH:
			i--;
			break;
		default:
			j--;
		}
	}
	free(rows);
	free(steps);
}

/* For runs too long for the table: each download gets the next finding near enough. */
static void
pair_run(const struct items *truth, struct run t, const struct items *findings,
    struct run f, int64_t tolerance_us, uint32_t *pairs)
{
	size_t i, j = 0;

	for (i = 0; i < t.count; i++) {
		const struct item *one = &truth->list[t.first + i];

		while (j < f.count && findings->list[f.first + j].start_us <
		    one->start_us && cost(one, &findings->list[f.first + j],
		    tolerance_us) < 0)
			j++;
		if (j < f.count && cost(one, &findings->list[f.first + j],
		    tolerance_us) >= 0)
			pairs[t.first + i] = (uint32_t)(f.first + j++);
	}
}

static struct run
next_run(const struct items *t, size_t first)
{
	struct run run = {first, 0};

	while (first + run.count < t->count &&
	    key_compare(&t->list[first], &t->list[first + run.count]) == 0)
		run.count++;
	return run;
}

uint64_t
align_items(struct items *truth, struct items *findings, int64_t tolerance_us,
    uint32_t *pairs)
{
	struct run t, f = {0, 0};
	uint64_t crowded = 0;
	size_t i;
	int by;

	/* Without ports on one side, they part nothing on the other. */
	if (!truth->has_port || !findings->has_port) {
		for (i = 0; i < truth->count; i++)
			truth->list[i].port = 0, truth->list[i].has_port = false;
		for (i = 0; i < findings->count; i++)
			findings->list[i].port = 0;
	}
	if (truth->count > 0)
		qsort(truth->list, truth->count, sizeof *truth->list, item_compare);
	if (findings->count > 0)
		qsort(findings->list, findings->count, sizeof *findings->list,
		    item_compare);
	mark_sets(findings);
	memset(pairs, 0xff, truth->count * sizeof *pairs);
	for (t = next_run(truth, 0); t.count > 0;
	    t = next_run(truth, t.first + t.count)) {
		by = 1;
		for (; f.first < findings->count; f.first += f.count) {
			f = next_run(findings, f.first);
			by = key_compare(&findings->list[f.first], &truth->list[t.first]);
			if (by >= 0)
				break;
		}
		if (f.first == findings->count || by != 0)
			continue;
		if ((t.count + 1) * (f.count + 1) <= CELLS_MAX) {
			align_run(truth, t, findings, f, tolerance_us, pairs);
		} else {
			pair_run(truth, t, findings, f, tolerance_us, pairs);
			crowded += t.count;
		}
	}
	return crowded;
}
