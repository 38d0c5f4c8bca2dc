/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decodes one column chunk. Pages are taken in turn (flatpage.c, listpage.c); every
 * length is held against the bytes that are left and every count against the rows of the
 * group before it is used, so memory is bounded whatever the file says.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
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

void
decode_set_bits(uint64_t *words, size_t from, size_t n)
{
	for (; n > 0 && from % 64 != 0; from++, n--)
		words[from / 64] |= (uint64_t)1 << from % 64;
	for (; n >= 64; from += 64, n -= 64)
		words[from / 64] = UINT64_MAX;
	for (; n > 0; from++, n--)
		words[from / 64] |= (uint64_t)1 << from % 64;
}

int
decode_need_present(struct decoder *d, bool is_set)
{
	size_t words = (d->rows + 63) / 64 + 1;

	if (d->present != NULL)
		return 0;
	if ((d->present = decode_room(d, M_PRESENT, words * 8, false)) == NULL)
		return -1;
	memset(d->present, 0, words * 8);
	if (is_set)
		decode_set_bits(d->present, 0, d->done);
	return 0;
}

int
decode_take_levels(const struct decoder *d, const struct page_header *h, int encoding,
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
	return d->spec->is_list ? list_take_page(d, &h, &body)
				: flat_take_page(d, &h, &body);
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
	if (d.spec->is_list && list_begin(&d) < 0)
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
