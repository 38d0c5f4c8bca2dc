/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data pages of columns that are no lists. The result starts as "all null" and changes
 * its form as values arrive: to one constant or to codes while every page uses the
 * dictionary, to flat values when one does not. Pages put their values densely in place;
 * where there are nulls these are then spread from the back.
 */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "parquet/bitpack.h"
#include "parquet/decode.h"

/* Appends n bytes of a flat byte array. */
static int
add_bytes(struct decoder *d, const uint8_t *from, size_t n)
{
	uint8_t *to;

	if (n > PARQUET_BYTES_MAX - d->bytes)
		return decode_fail(
		    d, EFBIG,
		    "more than %d bytes of text in one row group; write the "
		    "file with smaller row groups",
		    PARQUET_BYTES_MAX);
	if ((to = decode_room(d, M_BYTES, d->bytes + n + 1, true)) == NULL)
		return -1;
	if (n > 0)
		memcpy(to + d->bytes, from, n);
	d->bytes += n;
	return 0;
}

static bool
is_present(const struct decoder *d, size_t row)
{
	return d->present == NULL || (d->present[row / 64] >> row % 64 & 1) != 0;
}

static int
add_entry(struct decoder *d, uint32_t code)
{
	const uint32_t *offsets = d->out->memory[M_DICTIONARY].at;
	const uint8_t *bytes = d->out->memory[M_DICTIONARY_BYTES].at;

	return add_bytes(d, bytes + offsets[code], offsets[code + 1] - offsets[code]);
}

/* Codes so far become flat byte arrays. */
static int
flatten_codes(struct decoder *d)
{
	const uint32_t *codes = d->out->memory[M_CODES].at;
	uint32_t *offsets = d->out->memory[M_OFFSETS].at;

	for (size_t i = 0; i < d->done; i++) {
		if (is_present(d, i) && add_entry(d, codes[i]) < 0)
			return -1;
		offsets[i + 1] = (uint32_t)d->bytes;
	}
	return 0;
}

static int
become_flat(struct decoder *d)
{
	size_t n = d->done;
	uint8_t *data;
	uint32_t *offsets;

	if (d->form == PARQUET_FLAT)
		return 0;
	if (d->width == 0) {
		if ((offsets = decode_room(d, M_OFFSETS, (d->rows + 1ul) * 4, false)) ==
		    NULL)
			return -1;
		memset(offsets, 0, (n + 1) * 4);
		if (d->form == PARQUET_DICT && flatten_codes(d) < 0)
			return -1;
		d->form = PARQUET_FLAT;
		return 0;
	}
	if ((uint64_t)d->rows * d->width > PARQUET_BYTES_MAX)
		return decode_fail(d, EFBIG,
				   "%u values of %u bytes in one row group are too many",
				   d->rows, d->width);
	if ((data = decode_room(d, M_DATA, (size_t)d->rows * d->width + 8, false)) ==
	    NULL)
		return -1;
	if (d->form == PARQUET_ABSENT)
		memset(data, 0, n * d->width);
	else
		for (size_t i = 0; i < n; i++)
			memcpy(data + i * d->width, d->out->memory[M_DICTIONARY].at,
			       d->width);
	d->form = PARQUET_FLAT;
	return 0;
}

static int
become_codes(struct decoder *d)
{
	uint32_t *codes;

	if ((codes = decode_room(d, M_CODES, (d->rows + 1ul) * 4, false)) == NULL)
		return -1;
	memset(codes, 0, d->done * 4);
	d->form = PARQUET_DICT;
	return 0;
}

/* n dense values at data[from..] move to the rows of the page that are present. */
#define SPREAD(name, T)                                                                  \
	static void name(struct decoder *d, T *data, size_t rows, size_t n)              \
	{                                                                                \
		for (size_t i = rows; i-- > 0;) {                                        \
			size_t row = d->done + i;                                        \
                                                                                         \
			if (d->present[row / 64] >> row % 64 & 1)                        \
				data[row] = data[d->done + --n];                         \
			else                                                             \
				data[row] = 0;                                           \
		}                                                                        \
	}

SPREAD(spread_u8, uint8_t)
SPREAD(spread_u16, uint16_t)
SPREAD(spread_u32, uint32_t)
SPREAD(spread_u64, uint64_t)

static void
spread(struct decoder *d, void *data, size_t width, size_t rows, size_t n)
{
	uint8_t *at = data;

	switch (width) {
	case 1:
		spread_u8(d, data, rows, n);
		return;
	case 2:
		spread_u16(d, data, rows, n);
		return;
	case 4:
		spread_u32(d, data, rows, n);
		return;
	case 8:
		spread_u64(d, data, rows, n);
		return;
	default:
		break;
	}
	for (size_t i = rows; i-- > 0;) {
		uint8_t *to = at + (d->done + i) * width;

		if (is_present(d, d->done + i))
			memmove(to, at + (d->done + --n) * width, width);
		else
			memset(to, 0, width);
	}
}

/* Marks the rows of the page that have a value; *n becomes their number. */
static int
take_definition(struct decoder *d, const struct page_header *h, struct cursor *c,
		size_t rows, size_t *n)
{
	bool had_values = d->form != PARQUET_ABSENT;
	uint32_t *levels, all;
	struct cursor at;

	*n = rows;
	if (!d->spec->is_optional)
		return 0;
	if (decode_take_levels(d, h, h->definition_encoding, h->definition_bytes, c,
	    &at) < 0)
		return -1;
	if (rows > 0 && bitpack_hybrid_is_run(&at, rows, 1, &all) && all <= 1) {
		*n = all == 0 ? 0 : rows;
		if (all == 0 ? had_values : d->done > 0 && !had_values)
			if (decode_need_present(d, had_values) < 0)
				return -1;
		if (all == 1 && d->present != NULL)
			decode_set_bits(d->present, d->done, rows);
		return 0;
	}
	if ((levels = decode_room(d, M_LEVELS, (rows + 1) * 4, false)) == NULL)
		return -1;
	if (!bitpack_hybrid_get(&at, levels, rows, 1))
		return decode_fail(d, EILSEQ, "damaged definition levels");
	*n = 0;
	for (size_t i = 0; i < rows; i++)
		*n += levels[i] & 1;
	if (*n < rows || (d->done > 0 && !had_values))
		if (decode_need_present(d, had_values) < 0)
			return -1;
	for (size_t i = 0; i < rows && d->present != NULL; i++)
		d->present[(d->done + i) / 64] |= (uint64_t)(levels[i] & 1)
						  << (d->done + i) % 64;
	return 0;
}

static int
take_flat_strings(struct decoder *d, struct cursor *c, int encoding, size_t rows,
		  size_t n)
{
	uint32_t *offsets = d->out->memory[M_OFFSETS].at;
	uint32_t *codes = NULL;
	bool is_coded = value_is_coded(encoding);

	if (!is_coded && encoding != ENCODING_PLAIN)
		return value_refuse_encoding(d, encoding);
	if (is_coded) {
		if ((codes = decode_room(d, M_WORK, (n + 1) * 4, false)) == NULL ||
		    value_take_codes(d, c, n, codes) == NULL)
			return -1;
	}
	for (size_t i = 0; i < rows; i++) {
		const uint8_t *p;
		size_t len;

		if (!is_present(d, d->done + i)) {
			;
		} else if (is_coded) {
			if (add_entry(d, *codes++) < 0)
				return -1;
		} else {
			p = cursor_take(c, 4);
			len = p == NULL ? 0 : load_le32(p);
			if ((p = cursor_take(c, len)) == NULL)
				return decode_fail(d, EILSEQ,
						   "page ends within its values");
			if (add_bytes(d, p, len) < 0)
				return -1;
		}
		offsets[d->done + i + 1] = (uint32_t)d->bytes;
	}
	return 0;
}

static int
take_flat_values(struct decoder *d, struct cursor *c, int encoding, size_t rows, size_t n)
{
	uint8_t *data;

	if (become_flat(d) < 0)
		return -1;
	if (d->width == 0)
		return take_flat_strings(d, c, encoding, rows, n);
	data = d->out->memory[M_DATA].at;
	if (value_take_fixed(d, c, encoding, n, data + d->done * d->width) < 0)
		return -1;
	if (n < rows)
		spread(d, data, d->width, rows, n);
	return 0;
}

/* Rows without a value where there were values before: their slots become zero. */
static void
add_nulls(struct decoder *d, size_t rows)
{
	uint32_t *codes = d->out->memory[M_CODES].at;
	uint32_t *offsets = d->out->memory[M_OFFSETS].at;
	uint8_t *data = d->out->memory[M_DATA].at;

	if (d->form == PARQUET_DICT)
		memset(codes + d->done, 0, rows * 4);
	else if (d->form == PARQUET_FLAT && d->width > 0)
		memset(data + d->done * d->width, 0, rows * d->width);
	else if (d->form == PARQUET_FLAT)
		for (size_t i = 0; i < rows; i++)
			offsets[d->done + i + 1] = (uint32_t)d->bytes;
}

int
flat_take_page(struct decoder *d, const struct page_header *h, struct cursor *c)
{
	size_t rows = (size_t)h->values, n;
	uint32_t *codes;
	bool is_coded = value_is_coded(h->encoding);
	bool is_first;

	if (h->values < 0 || rows > d->rows - d->done)
		return decode_fail(d, EILSEQ,
				   "%lld values in the page, %zu left in the row group",
				   (long long)h->values, d->rows - d->done);
	if (take_definition(d, h, c, rows, &n) < 0)
		return -1;
	is_first = d->form == PARQUET_ABSENT && d->done == 0;
	if (n == 0) {
		if (d->form == PARQUET_CONSTANT && rows > 0 && become_flat(d) < 0)
			return -1;
		add_nulls(d, rows);
	} else if (is_coded && d->width > 0 && d->has_dictionary && d->dict_size == 1 &&
		   n == rows && (is_first || d->form == PARQUET_CONSTANT)) {
		d->form = PARQUET_CONSTANT; /* every code must be 0 */
	} else if (is_coded && d->width == 0 && d->has_dictionary &&
		   (d->form == PARQUET_ABSENT || d->form == PARQUET_DICT)) {
		if (d->form == PARQUET_ABSENT && become_codes(d) < 0)
			return -1;
		codes = d->out->memory[M_CODES].at;
		if (value_take_codes(d, c, n, codes + d->done) == NULL)
			return -1;
		if (n < rows)
			spread(d, codes, 4, rows, n);
	} else if (take_flat_values(d, c, h->encoding, rows, n) < 0) {
		return -1;
	}
	d->done += rows;
	return 0;
}
