/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows to a row-group image. Each column goes through the same steps: its values are made
 * dense (nulls left out, integers widened to the 32 or 64 bits of the format), their least
 * and greatest found, an encoding chosen by expected size (a dictionary, differences, or
 * plain), pages of PARQUET_PAGE_ROWS rows coded into a scratch buffer, and these copied
 * behind their headers into the image, compressed where that saves a tenth. Columns that
 * are constant or wholly null skip most of it and cost a few bytes per page.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/text.h"
#include "parquet/bitpack.h"
#include "parquet/deltapack.h"
#include "parquet/dictionary.h"
#include "parquet/format.h"
#include "parquet/gather.h"
#include "parquet/pagecodec.h"
#include "parquet/thrift.h"

enum {
	PAGES_MAX = PARQUET_ROWS_MAX / PARQUET_PAGE_ROWS + 1,
	PAGE_BYTES_MAX = 1 << 30,
};

struct page {
	size_t end;       /* in the payload; it begins where the one before ends */
	uint32_t entries; /* values and nulls */
	uint8_t encoding;
};

struct parquet_encoder {
	const struct parquet_column_spec *columns;
	size_t n_columns;
	struct dictionary dictionary;
	struct pagecodec codec;
	struct parquet_memory dense, dense_offsets, codes, entries, remap, levels;
	struct text payload;
	struct text scratch;
	struct page pages[PAGES_MAX + 1];
	size_t n_pages;
};

/* One column of the group under way. */
struct column {
	const struct parquet_column_spec *spec;
	const struct parquet_values *in;
	uint32_t rows;
	const uint64_t *present; /* NULL: all; never all bits set */
	size_t n;                /* dense values */
	bool is_constant;        /* all dense values equal values[0] */
	const void *values;      /* dense; a byte array's offsets and bytes are below */
	const uint32_t *offsets;
	const uint8_t *bytes;
	uint8_t encoding;
	uint32_t distinct; /* dictionary entries; 0: no dictionary */
	uint32_t *codes;   /* per dense value; NULL where constant */
	void *entries;     /* integers themselves, else indexes of values */
	bool has_codes;    /* the caller gave a dictionary of byte strings */
	struct parquet_stats *stats;
};

int
parquet_encoder_new(struct parquet_encoder **out, const struct parquet_column_spec *columns,
    size_t n_columns, enum parquet_codec codec, struct err *err)
{
	struct parquet_encoder *e;

	if (format_check_specs(columns, n_columns, err) < 0)
		return -1;
	if (!pagecodec_is_known(codec))
		return err_set(err, EINVAL, "parquet: codec %s is not written",
		    pagecodec_name(codec));
	if ((e = calloc(1, sizeof *e)) == NULL)
		return err_set(err, ENOMEM, "parquet: out of memory");
	e->columns = columns;
	e->n_columns = n_columns;
	e->codec.codec = codec;
	dictionary_init(&e->dictionary);
	text_init(&e->payload);
	text_init(&e->scratch);
	*out = e;
	return 0;
}

void
parquet_encoder_free(struct parquet_encoder *e)
{
	if (e == NULL)
		return;
	dictionary_done(&e->dictionary);
	pagecodec_done(&e->codec);
	free(e->dense.at);
	free(e->dense_offsets.at);
	free(e->codes.at);
	free(e->entries.at);
	free(e->remap.at);
	free(e->levels.at);
	text_done(&e->payload);
	text_done(&e->scratch);
	free(e);
}

static int
short_of_memory(const struct column *c, struct err *err)
{
	return err_set(err, ENOMEM, "parquet: column %s: out of memory", c->spec->name);
}

/* ---- dense values ---- */

/* Integers and doubles as uint32_t or uint64_t. from holds n values of width bytes. */
static int
densify_integers(struct parquet_encoder *e, struct column *c, const void *from, size_t n,
    const uint64_t *present, struct err *err)
{
	unsigned width = c->in->width;
	size_t each = format_value_bytes(c->spec);
	bool is_signed = !format_is_unsigned(c->spec) && c->spec->type != PARQUET_DOUBLE;
	void *to;

	assert(width == 1 || width == 2 || width == 4 || width == 8);
	c->values = from;
	if (present == NULL && width == each && (uintptr_t)from % each == 0)
		return 0;
	if ((to = format_room(&e->dense, (n + 64) * each, false)) == NULL)
		return short_of_memory(c, err);
	if (each == 4)
		c->n = gather_32(to, from, width, is_signed, present, n);
	else
		c->n = gather_64(to, from, width, is_signed, present, n);
	c->values = to;
	return 0;
}

/* Values of any fixed width that only need their gaps closed. */
static int
densify_fixed(struct parquet_encoder *e, struct column *c, struct err *err)
{
	size_t width = c->in->width;
	void *to;

	c->values = c->in->data;
	if (c->present == NULL)
		return 0;
	if ((to = format_room(&e->dense, (c->n + 1) * width, false)) == NULL)
		return short_of_memory(c, err);
	gather_fixed(to, c->in->data, width, c->present, c->rows);
	c->values = to;
	return 0;
}

static int
densify_strings(struct parquet_encoder *e, struct column *c, struct err *err)
{
	const uint32_t *in = c->in->offsets;
	uint32_t *offsets;
	uint8_t *bytes;
	size_t n = 0, total = 0;

	c->offsets = in;
	c->bytes = c->in->bytes;
	if (c->present == NULL)
		return 0;
	offsets = format_room(&e->dense_offsets, (c->n + 1) * sizeof *offsets, false);
	bytes = format_room(&e->dense, (size_t)in[c->rows] - in[0] + 1, false);
	if (offsets == NULL || bytes == NULL)
		return short_of_memory(c, err);
	for (size_t i = 0; i < c->rows; i++) {
		size_t len = in[i + 1] - in[i];

		if ((c->present[i / 64] >> i % 64 & 1) == 0)
			continue;
		offsets[n++] = (uint32_t)total;
		memcpy(bytes + total, c->in->bytes + in[i], len);
		total += len;
	}
	offsets[n] = (uint32_t)total;
	c->offsets = offsets;
	c->bytes = bytes;
	return 0;
}

/* Codes of fixed-width values become the values: they are coded anew by what pays. */
static int
densify_coded(struct parquet_encoder *e, struct column *c, struct err *err)
{
	const struct parquet_values *in = c->in;
	size_t width = in->width, n = 0;
	uint8_t *to = format_room(&e->remap, (c->n + 1) * width, false);

	if (to == NULL)
		return short_of_memory(c, err);
	for (size_t i = 0; i < c->rows; i++) {
		if (c->present != NULL && (c->present[i / 64] >> i % 64 & 1) == 0)
			continue;
		if (in->codes[i] >= in->dict_size)
			return err_set(err, EINVAL, "parquet: column %s: row %zu has code %u "
			    "of a dictionary of %u", c->spec->name, i, in->codes[i],
			    in->dict_size);
		memcpy(to + n++ * width, (const uint8_t *)in->data + in->codes[i] * width,
		    width);
	}
	c->values = to;
	if (c->spec->type == PARQUET_FLBA || c->spec->type == PARQUET_BOOLEAN)
		return 0;
	return densify_integers(e, c, to, n, NULL, err);
}

/* The caller's codes, renumbered by first use among these rows. */
static int
densify_string_codes(struct parquet_encoder *e, struct column *c, struct err *err)
{
	const struct parquet_values *in = c->in;
	uint32_t size = in->dict_size;
	uint32_t *renumber = format_room(&e->remap, (size + 1ul) * 4, false);
	uint32_t *entries = format_room(&e->entries, (size + 1ul) * 4, false);
	uint32_t *codes = format_room(&e->codes, (c->n + 1) * 4, false);
	uint32_t distinct = 0;
	size_t n = 0;

	if (renumber == NULL || entries == NULL || codes == NULL)
		return short_of_memory(c, err);
	memset(renumber, 0xff, (size_t)size * 4);
	for (size_t i = 0; i < c->rows; i++) {
		uint32_t code = in->codes[i];

		if (c->present != NULL && (c->present[i / 64] >> i % 64 & 1) == 0)
			continue;
		if (code >= size)
			return err_set(err, EINVAL, "parquet: column %s: row %zu has code %u "
			    "of a dictionary of %u", c->spec->name, i, code, size);
		if (renumber[code] == UINT32_MAX) {
			renumber[code] = distinct;
			entries[distinct++] = code;
		}
		codes[n++] = renumber[code];
	}
	c->offsets = in->offsets;
	c->bytes = in->bytes;
	c->codes = codes;
	c->entries = entries;
	c->distinct = distinct;
	c->has_codes = true;
	return 0;
}

/* Elements of the lists that are there. */
static int
densify_list(struct parquet_encoder *e, struct column *c, struct err *err)
{
	const uint32_t *offsets = c->in->offsets;
	const uint64_t *elements = c->in->data;
	uint64_t *to;
	size_t n = 0;

	for (size_t i = 0; i < c->rows; i++)
		if (offsets[i] > offsets[i + 1] ||
		    offsets[i + 1] - offsets[0] > PARQUET_ELEMENTS_MAX)
			return err_set(err, EINVAL, "parquet: column %s: row %zu: list of "
			    "elements %u to %u; a row group takes %d elements", c->spec->name, i,
			    offsets[i], offsets[i + 1], PARQUET_ELEMENTS_MAX);
	c->values = elements + offsets[0];
	c->n = offsets[c->rows] - offsets[0];
	if (c->present == NULL)
		return 0;
	if ((to = format_room(&e->dense, (c->n + 1) * sizeof *to, false)) == NULL)
		return short_of_memory(c, err);
	for (size_t i = 0; i < c->rows; i++) {
		if ((c->present[i / 64] >> i % 64 & 1) == 0)
			continue;
		for (size_t k = offsets[i]; k < offsets[i + 1]; k++)
			to[n++] = elements[k];
	}
	c->values = to;
	c->n = n;
	return 0;
}

static int
densify(struct parquet_encoder *e, struct column *c, struct err *err)
{
	const struct parquet_values *in = c->in;
	enum parquet_type type = c->spec->type;
	size_t n = c->rows;

	if (c->spec->is_list)
		return densify_list(e, c, err);
	assert(type != PARQUET_BOOLEAN || in->width == 1);
	if (in->form == PARQUET_DICT)
		return type == PARQUET_BYTE_ARRAY ? densify_string_codes(e, c, err) :
		                                    densify_coded(e, c, err);
	if (in->form == PARQUET_CONSTANT) {
		c->is_constant = true;
		c->values = in->data;
		c->offsets = in->offsets;
		c->bytes = in->bytes;
		if (format_is_number(c->spec) && type != PARQUET_BOOLEAN) {
			size_t dense = c->n;
			int r = densify_integers(e, c, in->data, 1, NULL, err);

			c->n = dense;
			return r;
		}
		return 0;
	}
	if (type == PARQUET_BYTE_ARRAY)
		return densify_strings(e, c, err);
	if (type == PARQUET_FLBA || type == PARQUET_BOOLEAN)
		return densify_fixed(e, c, err);
	return densify_integers(e, c, in->data, n, c->present, err);
}

/* ---- least and greatest ---- */

#define MINMAX(name, T) \
	static void \
	name(const T *v, size_t n, uint64_t *min, uint64_t *max) \
	{ \
		T least = v[0], most = v[0]; \
\
		for (size_t i = 1; i < n; i++) { \
			least = v[i] < least ? v[i] : least; \
			most = v[i] > most ? v[i] : most; \
		} \
		*min = (uint64_t)least; \
		*max = (uint64_t)most; \
	}

MINMAX(minmax_u8, uint8_t)
MINMAX(minmax_u32, uint32_t)
MINMAX(minmax_i32, int32_t)
MINMAX(minmax_u64, uint64_t)
MINMAX(minmax_i64, int64_t)

/* parquet.thrift: no statistics with NaN; a least 0 is written as -0, a greatest as +0. */
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

struct slice {
	const uint8_t *at;
	size_t n;
};

static struct slice
value_slice(const struct column *c, size_t i)
{
	size_t fixed = (size_t)c->spec->type_length;

	if (c->spec->type == PARQUET_FLBA)
		return (struct slice){(const uint8_t *)c->values + i * fixed, fixed};
	return (struct slice){c->bytes + c->offsets[i], c->offsets[i + 1] - c->offsets[i]};
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
	struct slice least = value_slice(c, is_indexed ? entries[0] : 0), most = least;

	for (size_t i = 1; i < n; i++) {
		struct slice v = value_slice(c, is_indexed ? entries[i] : i);

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
		delta = each == 4 ? deltapack_estimate32(c->values, c->n) :
		                    deltapack_estimate64(c->values, c->n);
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
		return short_of_memory(c, err);
	if (each == 4)
		c->distinct = dictionary_code32(&e->dictionary, c->values, c->n,
		    (uint32_t)min, (uint32_t)max, limit, c->entries, c->codes);
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
		total += value_slice(c, entries[c->codes[i]]).n;
	return total;
}

static int
choose_bytes(struct parquet_encoder *e, struct column *c, struct err *err)
{
	bool is_fixed = c->spec->type == PARQUET_FLBA;
	size_t plain = is_fixed ? c->n * (size_t)c->spec->type_length : plain_string_bytes(c);
	uint32_t *entries = c->entries, limit = DICTIONARY_MAX;
	size_t coded = 0;

	if (plain > PARQUET_BYTES_MAX)
		return err_set(err, EFBIG, "parquet: column %s: %zu bytes in one row group, "
		    "the limit is %d; write fewer rows at a time", c->spec->name, plain,
		    PARQUET_BYTES_MAX);
	if (!c->has_codes) {
		if (is_fixed)
			limit = dictionary_limit(c->n, (size_t)c->spec->type_length, plain);
		c->codes = format_room(&e->codes, c->n * 4, false);
		entries = c->entries = format_room(&e->entries, (limit + 1ul) * 4, false);
		if (c->codes == NULL || entries == NULL)
			return short_of_memory(c, err);
		c->distinct = limit == 0 ? 0 :
		    dictionary_code_bytes(&e->dictionary, is_fixed ? c->values : c->bytes,
		        c->offsets, (uint32_t)c->spec->type_length, c->n, limit, entries,
		        c->codes);
	}
	if (c->distinct == 0)
		return 0;
	for (uint32_t i = 0; i < c->distinct; i++)
		coded += value_slice(c, entries[i]).n + (is_fixed ? 0 : 4);
	coded += c->n * bitpack_width(c->distinct - 1) / 8;
	if (coded < plain || c->distinct == 1)
		c->encoding = ENCODING_RLE_DICTIONARY;
	return 0;
}

static int
choose(struct parquet_encoder *e, struct column *c, struct err *err)
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

/* ---- pages ---- */

static void
put_slice(struct text *out, const struct column *c, size_t i)
{
	struct slice v = value_slice(c, i);
	uint32_t n = (uint32_t)v.n;

	if (c->spec->type == PARQUET_BYTE_ARRAY)
		text_bytes(out, &n, 4);
	if (n > 0)
		text_bytes(out, v.at, n);
}

static void
put_dictionary(struct text *out, const struct column *c)
{
	size_t each = format_value_bytes(c->spec);
	const uint32_t *entries = c->entries;

	if (c->is_constant && format_is_number(c->spec))
		text_bytes(out, c->values, each);
	else if (format_is_number(c->spec))
		text_bytes(out, c->entries, c->distinct * each);
	else
		for (uint32_t i = 0; i < c->distinct; i++)
			put_slice(out, c, c->is_constant ? 0 : entries[i]);
}

static void
put_booleans(struct text *out, const struct column *c, size_t from, size_t n)
{
	const uint8_t *v = c->values;
	size_t bytes = (n + 7) / 8;
	uint8_t *to = (uint8_t *)text_room(out, bytes);

	memset(to, c->is_constant && v[0] ? 0xff : 0, bytes);
	for (size_t i = 0; i < n && !c->is_constant; i++)
		to[i / 8] |= (uint8_t)((v[from + i] != 0) << i % 8);
	out->len += bytes;
}

static void
put_plain(struct text *out, const struct column *c, size_t from, size_t n)
{
	size_t each = format_value_bytes(c->spec);
	const uint32_t *entries = c->entries;

	if (c->spec->type == PARQUET_BOOLEAN)
		put_booleans(out, c, from, n);
	else if (c->spec->type != PARQUET_BYTE_ARRAY)
		text_bytes(out, (const uint8_t *)c->values + from * each, n * each);
	else
		for (size_t i = from; i < from + n; i++)
			put_slice(out, c, c->has_codes ? entries[c->codes[i]] : i);
}

static void
put_values(struct text *out, const struct column *c, int encoding, size_t from, size_t n)
{
	unsigned width;

	switch (encoding) {
	case ENCODING_RLE_DICTIONARY:
		width = c->distinct == 1 ? 1 : bitpack_width(c->distinct - 1);
		text_char(out, (char)width);
		if (c->distinct == 1)
			bitpack_hybrid_run(out, 0, n, width);
		else
			bitpack_hybrid_put(out, c->codes + from, n, width);
		break;
	case ENCODING_DELTA_BINARY_PACKED:
		if (format_value_bytes(c->spec) == 4)
			deltapack_put32(out, (const uint32_t *)c->values + from, n);
		else
			deltapack_put64(out, (const uint64_t *)c->values + from, n);
		break;
	default:
		put_plain(out, c, from, n);
	}
}

/* Levels in a V1 page stand behind their length. */
static size_t
begin_levels(struct text *out)
{
	text_bytes(out, "\0\0\0", 4);
	return out->len;
}

static void
end_levels(struct text *out, size_t start)
{
	uint32_t n = (uint32_t)(out->len - start);

	memcpy(out->data + start - 4, &n, 4);
}

static void
put_definition(struct text *out, const struct column *c, size_t row, size_t rows)
{
	size_t start = begin_levels(out);

	if (c->in->form == PARQUET_ABSENT)
		bitpack_hybrid_run(out, 0, rows, 1);
	else if (c->present == NULL)
		bitpack_hybrid_run(out, 1, rows, 1);
	else
		bitpack_hybrid_bitmap(out, c->present + row / 64, rows);
	end_levels(out, start);
}

/* Both levels of a page of lists: 0 null, 1 empty, 2 an element; 0 opens a row. Returns
 * the number of entries, or 0 for want of memory; *n becomes the number of elements. */
static size_t
put_list_levels(struct parquet_encoder *e, const struct column *c, size_t row, size_t rows,
    size_t *n)
{
	const uint32_t *offsets = c->in->offsets;
	size_t room = rows, entries = 0, start;
	uint32_t *definition, *repetition;

	if (c->in->form == PARQUET_LIST)
		room += offsets[row + rows] - offsets[row];
	if ((definition = format_room(&e->levels, room * 8, false)) == NULL)
		return 0;
	repetition = definition + room;
	*n = 0;
	for (size_t i = row; i < row + rows; i++) {
		bool is_null = c->in->form == PARQUET_ABSENT ||
		    (c->present != NULL && (c->present[i / 64] >> i % 64 & 1) == 0);
		size_t len = is_null ? 0 : offsets[i + 1] - offsets[i];

		definition[entries] = is_null ? 0 : len == 0 ? 1 : 2;
		repetition[entries++] = 0;
		for (size_t k = 1; k < len; k++) {
			definition[entries] = 2;
			repetition[entries++] = 1;
		}
		*n += len;
	}
	start = begin_levels(&e->payload);
	bitpack_hybrid_put(&e->payload, repetition, entries, 1);
	end_levels(&e->payload, start);
	start = begin_levels(&e->payload);
	bitpack_hybrid_put(&e->payload, definition, entries, 2);
	end_levels(&e->payload, start);
	return entries;
}

static int
put_pages(struct parquet_encoder *e, struct column *c, struct err *err)
{
	struct text *out = &e->payload;
	size_t from = 0;

	text_clear(out);
	e->n_pages = 0;
	if (c->encoding == ENCODING_RLE_DICTIONARY) {
		put_dictionary(out, c);
		e->pages[e->n_pages++] =
		    (struct page){out->len, c->distinct, ENCODING_PLAIN};
	}
	for (size_t row = 0; row < c->rows; row += PARQUET_PAGE_ROWS) {
		size_t rows = c->rows - row < PARQUET_PAGE_ROWS ? c->rows - row :
		                                                  PARQUET_PAGE_ROWS;
		size_t entries = rows, n = rows;
		uint8_t encoding = c->encoding;

		if (c->spec->is_list) {
			if ((entries = put_list_levels(e, c, row, rows, &n)) == 0)
				return short_of_memory(c, err);
		} else {
			if (c->spec->is_optional)
				put_definition(out, c, row, rows);
			if (c->in->form == PARQUET_ABSENT)
				n = 0;
			else if (c->present != NULL)
				n = gather_count(c->present + row / 64, rows);
		}
		if (n == 0)
			encoding = ENCODING_PLAIN;
		else
			put_values(out, c, encoding, from, n);
		from += n;
		if (out->len > PAGE_BYTES_MAX)
			return err_set(err, EFBIG, "parquet: column %s: page above 1 GiB",
			    c->spec->name);
		e->pages[e->n_pages++] = (struct page){out->len, (uint32_t)entries, encoding};
		c->stats->values += entries;
	}
	return 0;
}

/* ---- chunks ---- */

static void
put_page_header(struct text *out, const struct page *p, bool is_dictionary, size_t plain,
    const void *bytes, size_t n)
{
	struct thrift_out t = {.out = out};

	thrift_begin(&t);
	thrift_put_i32(&t, 1, is_dictionary ? PAGE_DICTIONARY : PAGE_DATA);
	thrift_put_i32(&t, 2, (int32_t)plain);
	thrift_put_i32(&t, 3, (int32_t)n);
	thrift_put_i32(&t, 4, (int32_t)crc32_of(0, bytes, n));
	thrift_put_struct(&t, is_dictionary ? 7 : 5);
	thrift_put_i32(&t, 1, (int32_t)p->entries);
	thrift_put_i32(&t, 2, p->encoding);
	if (!is_dictionary) {
		thrift_put_i32(&t, 3, ENCODING_RLE);
		thrift_put_i32(&t, 4, ENCODING_RLE);
	}
	thrift_end(&t);
	thrift_end(&t);
}

/* The pages of the payload with their headers, behind image. False if codec fails. */
static bool
put_chunk(struct parquet_encoder *e, const struct column *c, bool is_compressed,
    struct text *image, struct format_chunk *chunk)
{
	size_t start = image->len, from = 0;
	bool has_dictionary = c->encoding == ENCODING_RLE_DICTIONARY;

	chunk->codec = is_compressed ? e->codec.codec : PARQUET_CODEC_NONE;
	chunk->encodings = 1 << ENCODING_RLE;
	chunk->uncompressed_bytes = 0;
	for (size_t i = 0; i < e->n_pages; i++) {
		const struct page *p = &e->pages[i];
		const char *bytes = e->payload.data + from;
		size_t plain = p->end - from, n = plain, mark = image->len;

		if (is_compressed) {
			text_clear(&e->scratch);
			if ((n = pagecodec_put(&e->codec, bytes, plain, &e->scratch)) == 0)
				return false;
			bytes = e->scratch.data;
		}
		put_page_header(image, p, has_dictionary && i == 0, plain, bytes, n);
		chunk->uncompressed_bytes += image->len - mark + plain;
		text_bytes(image, bytes, n);
		chunk->encodings |= (uint16_t)(1 << p->encoding);
		if (has_dictionary && i == 0)
			chunk->dictionary_bytes = image->len - start;
		from = p->end;
	}
	chunk->compressed_bytes = image->len - start;
	return true;
}

static void
emit(struct parquet_encoder *e, const struct column *c, struct text *image,
    struct format_chunk *chunk)
{
	size_t mark = image->len;

	if (pagecodec_pays(&e->codec, e->payload.data, e->payload.len, &e->scratch)) {
		if (put_chunk(e, c, true, image, chunk) &&
		    chunk->compressed_bytes <
		        chunk->uncompressed_bytes - chunk->uncompressed_bytes / 10)
			return;
		image->len = mark;
	}
	put_chunk(e, c, false, image, chunk);
}

/* What parquet_values says of nulls: present without a null, or ABSENT, where it can be. */
static int
settle_nulls(struct column *c, struct parquet_values *in, struct err *err)
{
	const struct parquet_column_spec *spec = c->spec;

	c->n = c->rows;
	if (in->form != PARQUET_ABSENT && in->present != NULL) {
		c->n = gather_count(in->present, c->rows);
		c->present = c->n == c->rows ? NULL : in->present;
		if (c->n == 0)
			in->form = PARQUET_ABSENT;
	}
	if (in->form == PARQUET_ABSENT)
		c->n = 0;
	c->stats->has_null_count = true;
	c->stats->null_count = c->rows - c->n;
	if (c->n < c->rows && !spec->is_optional && !spec->is_list)
		return err_set(err, EINVAL, "parquet: column %s: null in a required column",
		    spec->name);
	if (in->form != PARQUET_ABSENT && (in->form == PARQUET_LIST) != spec->is_list)
		return err_set(err, EINVAL, "parquet: column %s: a list for a flat column, "
		    "or the other way round", spec->name);
	if (in->form != PARQUET_ABSENT && spec->type == PARQUET_FLBA &&
	    in->width != (uint32_t)spec->type_length)
		return err_set(err, EINVAL, "parquet: column %s: values of %u bytes, not %d",
		    spec->name, in->width, spec->type_length);
	return 0;
}

static int
encode_column(struct parquet_encoder *e, const struct parquet_column_spec *spec,
    const struct parquet_values *values, uint32_t rows, struct text *image,
    struct format_chunk *chunk, struct err *err)
{
	struct parquet_values in = *values;
	struct column c = {.spec = spec, .in = &in, .rows = rows, .stats = &chunk->stats};

	if (settle_nulls(&c, &in, err) < 0)
		return -1;
	if (in.form != PARQUET_ABSENT && densify(e, &c, err) < 0)
		return -1;
	if (choose(e, &c, err) < 0 || put_pages(e, &c, err) < 0)
		return -1;
	if (spec->is_list)
		chunk->stats.null_count = chunk->stats.values - c.n;
	chunk->values = chunk->stats.values;
	emit(e, &c, image, chunk);
	return 0;
}

int
parquet_encode_group(struct parquet_encoder *e, const struct parquet_values *values,
    uint32_t rows, struct text *image, struct parquet_group_meta *meta, struct err *err)
{
	size_t start = image->len;

	if (rows == 0 || rows > PARQUET_ROWS_MAX)
		return err_set(err, EINVAL, "parquet: %u rows; a row group takes 1 to %d", rows,
		    PARQUET_ROWS_MAX);
	if (format_meta_reset(meta, e->n_columns, err) < 0)
		return -1;
	for (size_t i = 0; i < e->n_columns; i++) {
		struct format_chunk *chunk = &meta->chunks[i];

		chunk->offset = image->len - start;
		if (encode_column(e, &e->columns[i], &values[i], rows, image, chunk, err) < 0) {
			image->len = start;
			return -1;
		}
	}
	meta->rows = rows;
	meta->image_bytes = image->len - start;
	return 0;
}
