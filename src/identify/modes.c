/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vote. A value's gain is the sum over records of
 *
 *	log(((1 - w) already + w ratio) / already)
 *
 * with w the share tried for it: once a fifth, once a fiftieth, whichever gains
 * more. Records that the value does not touch cost log(1 - w) each. The best of 4,000
 * values gains about log 4000 by chance alone; what is accepted must gain e^4 times more.
 * Instead of logarithms their arguments are multiplied, and a logarithm is taken only
 * when a product gets large; and of all values only those that a record made true are
 * looked at.
 */
#include "identify/modes.h"

#include "identify/hpack.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIALS = 2, SOLVE_ROUNDS = 6, SOLVE_TRIED = 256 };

/* Of a slot. Over a record that is not touched it gains gain + log(product); a product of
 * 0: no record has touched it. */
struct value {
	double product[TRIALS], gain[TRIALS];
	double ratio; /* of the open record */
};

struct vote {
	struct value value[VOTE_SLOTS];
	uint32_t touched[VOTE_SLOTS], used[VOTE_SLOTS]; /* by the open record, by any */
	uint32_t count, used_count;
	uint64_t records;
	double already;
};

struct vote *
vote_new(void)
{
	struct vote *v = calloc(1, sizeof *v);

	if (v == NULL) {
		fputs("weir: out of memory\n", stderr);
		abort();
	}
	return v;
}

void
vote_free(struct vote *v)
{
	free(v);
}

void
vote_clear(struct vote *v)
{
	uint32_t i;

	for (i = 0; i < v->used_count; i++)
		v->value[v->used[i]] = (struct value){0};
	v->count = v->used_count = 0;
	v->records = 0;
}

static const double share_tried[TRIALS] = {0.2, 0.02};
/* Products stay below: a factor is at most 1e300. */
static const double PRODUCT_MAX = 1e5;

static void
close_record(struct vote *v)
{
	double per_ratio[TRIALS];
	uint32_t i, t;

	for (t = 0; t < TRIALS; t++)
		per_ratio[t] = share_tried[t] / (1 - share_tried[t]) / v->already;
	for (i = 0; i < v->count; i++) {
		struct value *at = &v->value[v->touched[i]];

		for (t = 0; t < TRIALS; t++) {
			at->product[t] *= 1 + per_ratio[t] * at->ratio;
			if (at->product[t] > PRODUCT_MAX) {
				at->gain[t] += log(at->product[t]);
				at->product[t] = 1;
			}
		}
		at->ratio = 0;
	}
	v->count = 0;
}

void
vote_record(struct vote *v, double already)
{
	close_record(v);
	v->records++;
	v->already = already > 1e-300 ? already : 1e-300;
}

void
vote_add(struct vote *v, uint32_t slot, double ratio)
{
	struct value *at;

	if (slot >= VOTE_SLOTS || !(ratio > 0))
		return;
	at = &v->value[slot];
	if (at->ratio == 0)
		v->touched[v->count++] = slot;
	if (at->product[0] == 0) {
		v->used[v->used_count++] = slot;
		at->product[0] = at->product[1] = 1;
	}
	at->ratio += ratio;
}

/* The best slot of a share tried, over a record that is not touched; false: none was. */
static bool
best_of(const struct vote *v, uint32_t t, uint32_t *slot, double *gain)
{
	double product = 0, g;
	uint32_t i;

	*gain = 0;
	for (i = 0; i < v->used_count; i++) {
		const struct value *at = &v->value[v->used[i]];

		/* Without a gain it has less than one that has one. */
		if (at->gain[t] == 0 && at->product[t] < product)
			continue;
		g = at->gain[t] + log(at->product[t]);
		if (product > 0 &&
		    (g < *gain || (g == *gain && v->used[i] > *slot)))
			continue;
		*gain = g;
		*slot = v->used[i];
		product = at->gain[t] > 0 ? INFINITY : at->product[t];
	}
	return product > 0;
}

bool
vote_best(struct vote *v, double values, uint32_t *slot, double *gain)
{
	uint32_t t, at = 0;
	double g;

	close_record(v);
	*gain = -INFINITY;
	*slot = 0;
	for (t = 0; t < TRIALS; t++) {
		if (!best_of(v, t, &at, &g))
			at = 0, g = 0;
		g += (double)v->records * log1p(-share_tried[t]);
		if (g > *gain) {
			*gain = g;
			*slot = at;
		}
	}
	return *gain > log(values) + 4;
}

struct mode
mode_of_slot(uint32_t slot)
{
	uint32_t coded = slot - CODED_SLOTS;

	if (slot < CODED_SLOTS)
		return (struct mode){.digits = (uint8_t)(slot / (MODE_SHAKE_MAX + 1)),
				     .bytes = slot % (MODE_SHAKE_MAX + 1)};
	return (struct mode){
	    .digits = (uint8_t)(DIGITS_CODED + coded / (CODED_BYTES_MAX + 1)),
	    .bytes = coded % (CODED_BYTES_MAX + 1)};
}

/* Digits to a base, and their bits in Huffman's code. */
static uint32_t
digits_to(uint64_t v, uint32_t base, uint32_t *bits)
{
	static const char digit[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char text[64];
	uint32_t n = 0;

	do {
		text[sizeof text - ++n] = digit[v % base];
		v /= base;
	} while (v > 0);
	*bits = hpack_path_bits(text + sizeof text - n, n);
	return n;
}

void
size_digits_all(uint64_t size, uint32_t *out)
{
	uint32_t bits[3], decimal = digits_to(size, 10, &bits[0]),
	    coded = (bits[0] + 7) / 8, i;

	out[DIGITS_DECIMAL] = decimal;
	out[DIGITS_HEX] = decimal + digits_to(size, 16, &bits[1]);
	out[DIGITS_BASE36] = decimal + digits_to(size, 36, &bits[2]);
	out[DIGITS_NONE] = 0;
	out[DIGITS_CODED] = coded;
	for (i = 0; i < 8; i++) {
		out[DIGITS_TAG_HEX + i] = decimal + (bits[1] + i + 7) / 8;
		out[DIGITS_CODED_HEX + i] = coded + (bits[1] + i + 7) / 8;
		out[DIGITS_CODED_BASE36 + i] = coded + (bits[2] + i + 7) / 8;
	}
}

uint32_t
size_digits_odd(uint64_t size, unsigned digits)
{
	uint32_t all[DIGITS_KINDS];

	if (digits == DIGITS_NONE)
		return 0;
	size_digits_all(size, all);
	return all[digits];
}

/* Octets that a server sends beside the file. */
static uint64_t
beside(const struct mode *mode, uint64_t size, uint32_t records)
{
	uint32_t digits = size_digits(size, mode->digits);

	return mode->bytes + digits +
	       tls_cost_early(mode->law, size, mode->inner + digits, records);
}

/*
 * What is beside a file rises with its size in small steps, so the size lies between sent
 * less what is beside the largest it can be, and sent less what is beside the least;
 * these close in on it, but for a step right there, where the few sizes left are tried.
 * Coded digits may also fall by an octet or two: a few sizes around are tried as well.
 */
size_t
mode_solve(const struct mode *mode, uint64_t sent, uint32_t records,
	   uint64_t size[MODE_SOLUTIONS])
{
	uint64_t high = sent, low = 0, least, most, slack = mode->digits >= DIGITS_CODED
	    ? 4 : 0;
	uint32_t round;
	size_t n = 0;

	for (round = 0; round < SOLVE_ROUNDS && low < high; round++) {
		most = beside(mode, high, records) + slack;
		least = beside(mode, low, records);
		least = least > slack ? least - slack : 0;
		if (least > sent)
			return 0;
		high = sent - least < high ? sent - least : high;
		if (most < sent && sent - most > low)
			low = sent - most;
	}
	for (round = 0; low <= high && round < SOLVE_TRIED && n < MODE_SOLUTIONS;
	     low++, round++)
		if (low + beside(mode, low, records) == sent)
			size[n++] = low;
	return n;
}
