/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second step of encoding: the least and the greatest value, for the statistics and
 * to see a constant, and the encoding that is expected to be smallest. The size of
 * differences is judged by a few blocks; a dictionary is built as far as it stays smaller
 * than that.
 */
#include <errno.h>
#include <string.h>

#include "base/clones.h"
#include "base/cursor.h"
#include "base/err.h"
#include "parquet/bitpack.h"
#include "parquet/deltapack.h"
#include "parquet/encode.h"

/* ---- least and greatest ---- */

#define MINMAX(name, T)                                                                  \
	static CLONES void name(const T *v, size_t n, uint64_t *min, uint64_t *max)      \
	{                                                                                \
		T least = v[0], most = v[0], least2 = v[0], most2 = v[0];                \
		size_t half = n / 2;                                                     \
		const T *w = v + (n - half);                                             \
                                                                                         \
		/* two of each: a comparison waits for the one before it */             \
		for (size_t i = 0; i < half; i++) {                                      \
			least = v[i] < least ? v[i] : least;                             \
			most = v[i] > most ? v[i] : most;                                \
			least2 = w[i] < least2 ? w[i] : least2;                          \
			most2 = w[i] > most2 ? w[i] : most2;                             \
		}                                                                        \
		if (n % 2 != 0) { /* between the halves */                               \
			least = v[half] < least ? v[half] : least;                       \
			most = v[half] > most ? v[half] : most;                          \
		}                                                                        \
		least = least2 < least ? least2 : least;                                 \
		most = most2 > most ? most2 : most;                                      \
		*min = (uint64_t)least;                                                  \
		*max = (uint64_t)most;                                                   \
	}

MINMAX(minmax_u8, uint8_t)
MINMAX(minmax_u32, uint32_t)
MINMAX(minmax_i32, int32_t)
MINMAX(minmax_u64, uint64_t)
MINMAX(minmax_i64, int64_t)

/* parquet.thrift: no statistics with NaN; a least 0 is written as -0, a greatest as +0.
 */
static bool
minmax_double(const double *v, size_t n, uint64_t *min, uint64_t *max)
{
	double least = v[0], most = v[0];

	for (size_t i = 0; i < n; i++) {
		if (v[i] != v[i])
			return false;
		least = v[i] < least ? v[i] : least;
		most = v[i] > most ? v[i] : most;
	}
	if (least == 0)
		least = -0.0;
	if (most == 0)
		most = 0.0;
	memcpy(min, &least, 8);
	memcpy(max, &most, 8);
	return true;
}

static int
compare(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int r;

	if (n >= 8) {
		uint64_t x = load_be64(a.at), y = load_be64(b.at);

		if (x != y)
			return x < y ? -1 : 1;
	}
	r = n == 0 ? 0 : memcmp(a.at, b.at, n);
	return r != 0 ? r : (a.n > b.n) - (a.n < b.n);
}

/* Over the dictionary where there is one. */
static void
minmax_bytes(const struct column *c)
{
	struct parquet_stats *s = c->stats;
	const uint32_t *entries = c->entries;
	size_t n = c->is_constant ? 1 : c->distinct > 0 ? c->distinct : c->n;
	bool is_indexed = !c->is_constant && c->distinct > 0;
	struct slice least = encode_slice(c, is_indexed ? entries[0] : 0), most = least;

	for (size_t i = 1; i < n; i++) {
		struct slice v = encode_slice(c, is_indexed ? entries[i] : i);

		if (compare(v, least) < 0)
			least = v;
		else if (compare(v, most) > 0)
			most = v;
	}
	if (least.n > PARQUET_STAT_BYTES || most.n > PARQUET_STAT_BYTES)
		return;
	s->min_len = (uint32_t)least.n;
	s->max_len = (uint32_t)most.n;
	if (least.n > 0)
		memcpy(s->min, least.at, least.n);
	if (most.n > 0)
		memcpy(s->max, most.at, most.n);
	s->has_min_max = true;
}

static void
minmax_number(const struct column *c)
{
	struct parquet_stats *s = c->stats;
	uint64_t *min = &s->min_number, *max = &s->max_number;
	size_t n = c->is_constant ? 1 : c->n;

	s->has_min_max = true;
	if (c->spec->type == PARQUET_BOOLEAN)
		minmax_u8(c->values, n, min, max);
	else if (c->spec->type == PARQUET_DOUBLE)
		s->has_min_max = minmax_double(c->values, n, min, max);
	else if (c->spec->type == PARQUET_INT32 && format_is_unsigned(c->spec))
		minmax_u32(c->values, n, min, max);
	else if (c->spec->type == PARQUET_INT32)
		minmax_i32(c->values, n, min, max);
	else if (format_is_unsigned(c->spec))
		minmax_u64(c->values, n, min, max);
	else
		minmax_i64(c->values, n, min, max);
}

/* ---- the choice of an encoding ---- */

/* The most entries of each bytes with which codes for n values stay within budget. */
static uint32_t
dictionary_limit(size_t n, size_t each, size_t budget)
{
	uint32_t limit = 0;

	for (unsigned bits = 1; bits <= 15; bits++) {
		size_t codes = n * bits / 8, room;

		if (codes >= budget)
			break;
		room = (budget - codes) / each;
		if (room > (size_t)1 << bits)
			room = (size_t)1 << bits;
		if (room > limit)
			limit = (uint32_t)room;
	}
	return limit;
}

static int
choose_integers(struct parquet_encoder *e, struct column *c, struct err *err)
{
	size_t each = format_value_bytes(c->spec);
	size_t best = c->n * each, delta;
	uint64_t min = c->stats->min_number, max = c->stats->max_number;
	uint32_t limit;

	if (c->spec->type != PARQUET_DOUBLE) {
		delta = each == 4 ? deltapack_estimate32(c->values, c->n)
				  : deltapack_estimate64(c->values, c->n);
		if (delta < best) {
			best = delta;
			c->encoding = ENCODING_DELTA_BINARY_PACKED;
		}
	} else {
		min = 0; /* not comparable as integers: always by hash */
		max = UINT64_MAX;
	}
	/* Codes can be compressed further and are scanned faster: a tie goes to them. */
	if ((limit = dictionary_limit(c->n, each, best)) == 0)
		return 0;
	c->codes = format_room(&e->codes, c->n * 4, false);
	c->entries = format_room(&e->entries, (limit + 1ul) * each, false);
	if (c->codes == NULL || c->entries == NULL)
		return encode_short_of_memory(c, err);
	if (each == 4)
		c->distinct =
		    dictionary_code32(&e->dictionary, c->values, c->n, (uint32_t)min,
				      (uint32_t)max, limit, c->entries, c->codes);
	else
		c->distinct = dictionary_code64(&e->dictionary, c->values, c->n, min, max,
						limit, c->entries, c->codes);
	if (c->distinct > 0)
		c->encoding = ENCODING_RLE_DICTIONARY;
	return 0;
}

static size_t
plain_string_bytes(const struct column *c)
{
	const uint32_t *entries = c->entries;
	size_t total = c->n * 4;

	if (!c->has_codes)
		return total + c->offsets[c->n] - c->offsets[0];
	for (size_t i = 0; i < c->n; i++)
		total += encode_slice(c, entries[c->codes[i]]).n;
	return total;
}

static int
choose_bytes(struct parquet_encoder *e, struct column *c, struct err *err)
{
	bool is_fixed = c->spec->type == PARQUET_FLBA;
	size_t plain =
	    is_fixed ? c->n * (size_t)c->spec->type_length : plain_string_bytes(c);
	uint32_t *entries = c->entries, limit = DICTIONARY_MAX;
	size_t coded = 0;

	if (plain > PARQUET_BYTES_MAX)
		return err_set(err, EFBIG,
			       "parquet: column %s: %zu bytes in one row group, "
			       "the limit is %d; write fewer rows at a time",
			       c->spec->name, plain, PARQUET_BYTES_MAX);
	if (!c->has_codes) {
		if (is_fixed)
			limit =
			    dictionary_limit(c->n, (size_t)c->spec->type_length, plain);
		c->codes = format_room(&e->codes, c->n * 4, false);
		entries = c->entries = format_room(&e->entries, (limit + 1ul) * 4, false);
		if (c->codes == NULL || entries == NULL)
			return encode_short_of_memory(c, err);
		c->distinct = limit == 0
				  ? 0
				  : dictionary_code_bytes(
					&e->dictionary, is_fixed ? c->values : c->bytes,
					c->offsets, (uint32_t)c->spec->type_length, c->n,
					limit, entries, c->codes);
	}
	if (c->distinct == 0)
		return 0;
	for (uint32_t i = 0; i < c->distinct; i++)
		coded += encode_slice(c, entries[i]).n + (is_fixed ? 0 : 4);
	coded += c->n * bitpack_width(c->distinct - 1) / 8;
	if (coded < plain || c->distinct == 1)
		c->encoding = ENCODING_RLE_DICTIONARY;
	return 0;
}

int
choose_encoding(struct parquet_encoder *e, struct column *c, struct err *err)
{
	bool is_number = format_is_number(c->spec);
	int r = 0;

	c->encoding = ENCODING_PLAIN;
	if (c->n == 0)
		return 0;
	if (is_number)
		minmax_number(c);
	if (c->spec->type == PARQUET_BOOLEAN)
		return 0;
	if (is_number && c->stats->has_min_max && c->spec->type != PARQUET_DOUBLE &&
	    c->stats->min_number == c->stats->max_number)
		c->is_constant = true;
	if (c->is_constant) {
		c->encoding = ENCODING_RLE_DICTIONARY;
		c->distinct = 1;
	} else {
		r = is_number ? choose_integers(e, c, err) : choose_bytes(e, c, err);
	}
	if (!is_number)
		minmax_bytes(c);
	return r;
}
