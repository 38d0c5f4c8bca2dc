/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Labelled rows, and their order by each feature. A double's bits, the sign turned so
 * that they rise as the value does, are sorted by a radix sort of 11 bits a pass; a pass
 * in which all keys have the same digit is left out, so that counters, whose low mantissa
 * bits are 0, need few.
 */
#include "identify/samples.h"

#include "base/err.h"
#include "base/memory.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, PASSES = 6 };

struct key {
	uint64_t bits;
	uint32_t row;
};

int
samples_check(const struct samples *s, bool is_float32, struct err *err)
{
	size_t i, n = s->rows * s->features;

	if (s->rows == 0)
		return err_set(err, EINVAL, "there are no labelled rows to learn from");
	if (s->rows > SAMPLES_ROWS_MAX || s->features == 0 ||
	    s->features > SAMPLES_FEATURES_MAX || s->class_count == 0 ||
	    s->class_count > SAMPLES_CLASSES_MAX)
		return err_set(err, E2BIG,
		    "%zu rows of %u features and %u classes: at most %d rows, %d "
		    "features "
		    "and %d classes can be learned", s->rows, s->features, s->class_count,
		    SAMPLES_ROWS_MAX, SAMPLES_FEATURES_MAX, SAMPLES_CLASSES_MAX);
	for (i = 0; i < n; i++)
		if (!isfinite(is_float32 ? (double)(float)s->x[i] : s->x[i]))
			return err_set(err, EINVAL,
			    "row %zu: feature %zu is %g: no finite %snumber",
			    i / s->features,
			    i % s->features, s->x[i], is_float32 ? "float32 " : "");
	for (i = 0; i < s->rows; i++)
		if (s->classes[i] >= s->class_count)
			return err_set(err, EINVAL, "row %zu: class %u of %u", i,
			    s->classes[i], s->class_count);
	return 0;
}

static uint64_t
rising_bits(double v)
{
	uint64_t bits;

	v += 0.0; /* -0 and 0 are equal */
	memcpy(&bits, &v, sizeof bits);
	return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static double
from_rising(uint64_t bits)
{
	double v;

	bits = bits >> 63 ? bits & ~((uint64_t)1 << 63) : ~bits;
	memcpy(&v, &bits, sizeof v);
	return v;
}

/* One pass from from to to; false if all keys have the same digit and nothing was
 * done. */
static bool
sort_pass(const struct key *from, struct key *to, size_t n, uint32_t *counts,
    unsigned shift)
{
	uint32_t at = 0, count;
	size_t i;

	if (counts[from[0].bits >> shift & (DIGITS - 1)] == n)
		return false;
	for (i = 0; i < DIGITS; i++) {
		count = counts[i];
		counts[i] = at;
		at += count;
	}
	for (i = 0; i < n; i++)
		to[counts[from[i].bits >> shift & (DIGITS - 1)]++] = from[i];
	return true;
}

/* Sorts keys; the result lies in keys or in spare. */
static struct key *
sort_keys(struct key *keys, struct key *spare, size_t n)
{
	uint32_t(*counts)[DIGITS] = must(calloc(PASSES, sizeof *counts));
	unsigned pass;
	size_t i;

	for (i = 0; i < n; i++)
		for (pass = 0; pass < PASSES; pass++)
			counts[pass][keys[i].bits >> pass * DIGIT_BITS & (DIGITS - 1)]++;
	for (pass = 0; pass < PASSES; pass++) {
		if (sort_pass(keys, spare, n, counts[pass], pass * DIGIT_BITS)) {
			struct key *other = keys;

			keys = spare;
			spare = other;
		}
	}
	free(counts);
	return keys;
}

static void
ranking_init(struct ranking *o, const struct presort *p, uint32_t feature,
    struct key *keys, struct key *spare)
{
	const struct samples *s = p->samples;
	const double *x = s->x + feature;
	double before;
	size_t i;

	for (i = 0; i < s->rows; i++, x += s->features)
		keys[i] = (struct key){rising_bits(p->is_float32 ? (float)*x : *x),
		    (uint32_t)i};
	keys = sort_keys(keys, spare, s->rows);
	o->row = must(malloc(s->rows * sizeof *o->row));
	o->rank = must(malloc(s->rows * sizeof *o->rank));
	o->value = must(malloc(s->rows * sizeof *o->value));
	o->distinct = 1;
	o->has_close = false;
	o->value[0] = before = from_rising(keys[0].bits);
	for (i = 0; i < s->rows; i++) {
		if (i > 0 && keys[i].bits != keys[i - 1].bits) {
			o->value[o->distinct] = from_rising(keys[i].bits);
			o->has_close |= is_close(before, o->value[o->distinct],
			    p->is_float32);
			before = o->value[o->distinct++];
		}
		o->row[i] = keys[i].row;
		o->rank[i] = o->distinct - 1;
	}
}

void
presort_init(struct presort *p, const struct samples *samples, bool is_float32)
{
	struct key *keys = must(malloc(2 * samples->rows * sizeof *keys));
	uint32_t f;

	*p = (struct presort){.samples = samples, .is_float32 = is_float32};
	p->rankings = must(calloc(samples->features, sizeof *p->rankings));
	for (f = 0; f < samples->features; f++)
		ranking_init(&p->rankings[f], p, f, keys, keys + samples->rows);
	free(keys);
}

void
presort_done(struct presort *p)
{
	uint32_t f;

	for (f = 0; p->rankings != NULL && f < p->samples->features; f++) {
		free(p->rankings[f].row);
		free(p->rankings[f].rank);
		free(p->rankings[f].value);
	}
	free(p->rankings);
	p->rankings = NULL;
}
