/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decodes one column chunk. Pages are taken in turn; every length is held against the
 * bytes that are left and every count against the rows of the group before it is used, so
 * memory is bounded whatever the file says. The result starts as "all null" and changes
 * its form as values arrive: to one constant or to codes while every page uses the
 * dictionary, to flat values when one does not. Pages put their values densely in place;
 * where there are nulls these are then spread from the back.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "parquet/bitpack.h"
#include "parquet/decode.h"
#include "parquet/gather.h"
#include "parquet/pagecodec.h"

/* A fuzzer would never get past the checksums. */
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
#define CHECKS_CRC false
#else
#define CHECKS_CRC true
#endif

int
decode_fail(const struct decoder *d, int code, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	return err_set(d->err, code, "%s: offset %llu: row group %zu, column %s: %s",
		       d->reader->name, (unsigned long long)d->page_offset, d->group,
		       d->spec->name, what);
}

void *
decode_room(const struct decoder *d, int which, size_t n, bool keep)
{
	void *at = format_room(&d->out->memory[which], n, keep);

	if (at == NULL)
		decode_fail(d, ENOMEM, "out of memory for %zu bytes", n);
	return at;
}

static uint32_t
memory_width(const struct parquet_column_spec *spec)
{
	switch (spec->type) {
	case PARQUET_BOOLEAN:
		return 1;
	case PARQUET_INT32:
		if (spec->logical == PARQUET_UINT_8 || spec->logical == PARQUET_INT_8)
			return 1;
		if (spec->logical == PARQUET_UINT_16 || spec->logical == PARQUET_INT_16)
			return 2;
		return 4;
	case PARQUET_FLBA:
		return (uint32_t)spec->type_length;
	case PARQUET_BYTE_ARRAY:
		return 0;
	default:
		return 8;
	}
}

/* ---- the state of the result ---- */

static void
set_bits(uint64_t *words, size_t from, size_t n)
{
	for (; n > 0 && from % 64 != 0; from++, n--)
		words[from / 64] |= (uint64_t)1 << from % 64;
	for (; n >= 64; from += 64, n -= 64)
		words[from / 64] = UINT64_MAX;
	for (; n > 0; from++, n--)
		words[from / 64] |= (uint64_t)1 << from % 64;
}

/* A bitmap in which the rows before this page are set or not. */
static int
need_present(struct decoder *d, bool is_set)
{
	size_t words = (d->rows + 63) / 64 + 1;

	if (d->present != NULL)
		return 0;
	if ((d->present = decode_room(d, M_PRESENT, words * 8, false)) == NULL)
		return -1;
	memset(d->present, 0, words * 8);
	if (is_set)
		set_bits(d->present, 0, d->done);
	return 0;
}

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

/* ---- data pages of flat columns ---- */

/* A V1 page's levels stand behind their length, a V2 page's header tells it. */
static int
take_levels(const struct decoder *d, const struct page_header *h, int encoding,
	    int64_t v2_bytes, struct cursor *c, struct cursor *levels)
{
	uint64_t n = (uint64_t)v2_bytes;

	if (h->type == PAGE_DATA) {
		const uint8_t *p;

		if (encoding != ENCODING_RLE)
			return value_refuse_encoding(d, encoding);
		p = cursor_take(c, 4);
		n = p == NULL ? UINT64_MAX : load_le32(p);
	}
	if (n > cursor_left(c))
		return decode_fail(d, EILSEQ, "page ends within its levels");
	*levels = cursor_sub(c, n);
	return 0;
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
	if (take_levels(d, h, h->definition_encoding, h->definition_bytes, c, &at) < 0)
		return -1;
	if (rows > 0 && bitpack_hybrid_is_run(&at, rows, 1, &all) && all <= 1) {
		*n = all == 0 ? 0 : rows;
		if (all == 0 ? had_values : d->done > 0 && !had_values)
			if (need_present(d, had_values) < 0)
				return -1;
		if (all == 1 && d->present != NULL)
			set_bits(d->present, d->done, rows);
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
		if (need_present(d, had_values) < 0)
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

static int
take_flat_page(struct decoder *d, const struct page_header *h, struct cursor *c)
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

/* ---- data pages of lists ---- */

/* Opens rows and counts elements; *n becomes the number of elements of the page. */
static int
take_list_levels(struct decoder *d, const uint32_t *repetition,
		 const uint32_t *definition, size_t entries, size_t *n)
{
	uint32_t *offsets = d->out->memory[M_OFFSETS].at;
	size_t elements = d->elements;

	for (size_t i = 0; i < entries; i++) {
		if (definition[i] > 2 || (repetition[i] == 1 && definition[i] < 2))
			return decode_fail(d, EILSEQ, "damaged levels");
		if (repetition[i] == 0) {
			if (d->done == d->rows)
				return decode_fail(
				    d, EILSEQ, "more lists than the %u rows", d->rows);
			if (definition[i] > 0)
				set_bits(d->present, d->done, 1);
			d->done++;
		} else if (d->done == 0) {
			return decode_fail(d, EILSEQ, "the first list has no start");
		}
		elements += definition[i] == 2;
		offsets[d->done] = (uint32_t)elements;
	}
	*n = elements - d->elements;
	return 0;
}

static int
take_list_page(struct decoder *d, const struct page_header *h, struct cursor *c)
{
	size_t entries = (size_t)h->values, n;
	struct cursor repetition, definition;
	uint32_t *levels;
	uint64_t *data;

	if (h->values < 0 || entries > (size_t)d->chunk->values - d->entries)
		return decode_fail(
		    d, EILSEQ, "%lld values in the page, %zu left in the column chunk",
		    (long long)h->values, (size_t)d->chunk->values - d->entries);
	if (take_levels(d, h, h->repetition_encoding, h->repetition_bytes, c,
			&repetition) < 0 ||
	    take_levels(d, h, h->definition_encoding, h->definition_bytes, c,
			&definition) < 0)
		return -1;
	if ((levels = decode_room(d, M_LEVELS, (entries + 1) * 8, false)) == NULL)
		return -1;
	if (!bitpack_hybrid_get(&repetition, levels, entries, 1) ||
	    !bitpack_hybrid_get(&definition, levels + entries, entries, 2))
		return decode_fail(d, EILSEQ, "damaged levels");
	if (take_list_levels(d, levels, levels + entries, entries, &n) < 0)
		return -1;
	if ((data = decode_room(d, M_DATA, (d->elements + n + 1) * 8, true)) == NULL)
		return -1;
	if (n > 0 && value_take_fixed(d, c, h->encoding, n, data + d->elements) < 0)
		return -1;
	d->elements += n;
	d->entries += entries;
	return 0;
}

static int
begin_list(struct decoder *d)
{
	uint32_t *offsets = decode_room(d, M_OFFSETS, (d->rows + 1ul) * 4, false);

	if (d->chunk->values > PARQUET_ELEMENTS_MAX + (int64_t)d->rows)
		return decode_fail(d, EFBIG,
				   "%lld list elements in one row group; the limit is %d",
				   (long long)d->chunk->values, PARQUET_ELEMENTS_MAX);
	if (offsets == NULL || need_present(d, false) < 0)
		return -1;
	offsets[0] = 0;
	return 0;
}

/* ---- the chunk ---- */

static int
take_page(struct decoder *d, struct cursor *c)
{
	struct page_header h;
	struct cursor body;

	d->page_offset = d->chunk_offset + (uint64_t)(c->at - d->chunk_start);
	if (!page_take_header(c, &h))
		return decode_fail(d, EILSEQ, "damaged page header");
	if ((size_t)h.bytes > cursor_left(c))
		return decode_fail(d, EILSEQ, "page of %d bytes where %zu are left",
				   h.bytes, cursor_left(c));
	body = cursor_sub(c, (size_t)h.bytes);
	if (h.type != PAGE_DATA && h.type != PAGE_DICTIONARY && h.type != PAGE_DATA_V2)
		return 0; /* the format asks to skip what is not known */
	if (CHECKS_CRC && h.has_crc && crc32_of(0, body.at, (size_t)h.bytes) != h.crc)
		return decode_fail(
		    d, EILSEQ, "page does not match its checksum; the file is damaged");
	if (page_unpack(d, &h, &body) < 0)
		return -1;
	if (h.type == PAGE_DICTIONARY)
		return value_take_dictionary(d, &h, &body);
	return d->spec->is_list ? take_list_page(d, &h, &body)
				: take_flat_page(d, &h, &body);
}

static int
check_chunk(const struct decoder *d)
{
	const struct reader_chunk *k = d->chunk;

	if (d->spec->is_unreadable)
		return decode_fail(d, ENOTSUP, "is nested or of a type that is not read");
	if (k->is_elsewhere)
		return decode_fail(d, ENOTSUP, "is encrypted or in another file");
	if (k->type != (int32_t)d->spec->type)
		return decode_fail(d, EILSEQ,
				   "column chunk of type %d, the schema says %d", k->type,
				   d->spec->type);
	if (!pagecodec_is_known(k->codec))
		return decode_fail(
		    d, ENOTSUP,
		    "compressed with %s (%d), which is not read; write the "
		    "file with ZSTD, LZ4_RAW or no compression",
		    pagecodec_name(k->codec), k->codec);
	if (k->values < 0 || (!d->spec->is_list && k->values != d->rows) ||
	    k->values < d->rows)
		return decode_fail(d, EILSEQ, "%lld values for %u rows",
				   (long long)k->values, d->rows);
	return 0;
}

/* The chunk's bytes, in the buffer or where the file lies in memory. */
static int
load_chunk(struct decoder *d, struct cursor *c)
{
	const struct reader_chunk *k = d->chunk;
	const struct parquet_reader *r = d->reader;
	uint64_t start = (uint64_t)k->data_offset, n = (uint64_t)k->bytes;
	uint8_t *to;

	if (k->dictionary_offset > 0 && k->dictionary_offset < k->data_offset)
		start = (uint64_t)k->dictionary_offset;
	d->chunk_offset = d->page_offset = start;
	if (k->data_offset < 4 || k->bytes < 0 || start > r->footer_start ||
	    n > r->footer_start - start)
		return decode_fail(
		    d, EILSEQ,
		    "column chunk of %llu bytes lies outside the data, which "
		    "ends at offset %llu",
		    (unsigned long long)n, (unsigned long long)r->footer_start);
	if (n > PARQUET_BYTES_MAX)
		return decode_fail(d, EFBIG,
				   "column chunk of %llu bytes; the limit is %d",
				   (unsigned long long)n, PARQUET_BYTES_MAX);
	if (r->fd < 0) {
		d->chunk_start = r->memory + start;
	} else {
		if ((to = decode_room(d, M_CHUNK, n + 1, false)) == NULL ||
		    reader_pread(r, to, n, start, d->err) < 0)
			return -1;
		d->chunk_start = to;
	}
	*c = cursor_over(d->chunk_start, n);
	return 0;
}

static void
publish(struct decoder *d)
{
	struct parquet_memory *m = d->out->memory;
	struct parquet_values *v = &d->out->values;
	size_t n = d->present == NULL ? 0 : gather_count(d->present, d->rows);

	d->out->rows = d->rows;
	*v = (struct parquet_values){.form = d->form, .width = d->width};
	if (d->spec->is_list)
		v->form = n == 0 ? PARQUET_ABSENT : PARQUET_LIST;
	if (d->rows == 0)
		v->form = PARQUET_ABSENT;
	if (v->form == PARQUET_ABSENT)
		return;
	v->present = d->present == NULL || n == d->rows ? NULL : d->present;
	v->data = m[v->form == PARQUET_CONSTANT ? M_DICTIONARY : M_DATA].at;
	v->offsets = m[M_OFFSETS].at;
	v->bytes = m[M_BYTES].at;
	if (v->form == PARQUET_DICT) {
		v->data = NULL;
		v->codes = m[M_CODES].at;
		v->dict_size = d->dict_size;
		v->offsets = m[M_DICTIONARY].at;
		v->bytes = m[M_DICTIONARY_BYTES].at;
	}
	if (d->width > 0 && v->form != PARQUET_LIST)
		v->offsets = NULL;
	if (d->width > 0)
		v->bytes = NULL;
	else
		v->data = NULL;
}

int
parquet_read_column(struct parquet_reader *reader, size_t group, size_t column,
		    struct parquet_buffer *out, struct err *err)
{
	struct decoder d = {.reader = reader,
			    .group = group,
			    .out = out,
			    .err = err,
			    .chunk = &reader->groups[group].chunks[column],
			    .spec = &reader->columns[column],
			    .rows = reader->groups[group].rows};
	struct cursor c;

	d.width = memory_width(d.spec);
	d.page_offset = reader->footer_start;
	if (check_chunk(&d) < 0 || load_chunk(&d, &c) < 0)
		return -1;
	if (d.spec->is_list && begin_list(&d) < 0)
		return -1;
	while (cursor_left(&c) > 0 &&
	       (d.spec->is_list ? d.entries < (size_t)d.chunk->values : d.done < d.rows))
		if (take_page(&d, &c) < 0)
			return -1;
	if (d.done != d.rows || (d.spec->is_list && d.entries != (size_t)d.chunk->values))
		return decode_fail(&d, EILSEQ,
				   "the column chunk ends after %zu of %u rows", d.done,
				   d.rows);
	publish(&d);
	return 0;
}

void
parquet_buffer_done(struct parquet_buffer *buffer)
{
	for (size_t i = 0; i < sizeof buffer->memory / sizeof *buffer->memory; i++)
		free(buffer->memory[i].at);
	*buffer = (struct parquet_buffer){0};
}
