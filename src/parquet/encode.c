/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows to a row-group image. Each column goes through the same steps: its values are made
 * dense (nulls left out, integers widened to the 32 or 64 bits of the format), their
 * least and greatest found, an encoding chosen by expected size (a dictionary,
 * differences, or plain), pages of PARQUET_PAGE_ROWS rows coded into a scratch buffer,
 * and these copied behind their headers into the image, compressed where that saves a
 * tenth. Columns that are constant or wholly null skip most of it and cost a few bytes
 * per page.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/text.h"
#include "parquet/bitpack.h"
#include "parquet/deltapack.h"
#include "parquet/encode.h"
#include "parquet/gather.h"
#include "parquet/thrift.h"

enum {
	PAGE_BYTES_MAX = 1 << 30,
};

int
parquet_encoder_new(struct parquet_encoder **out,
		    const struct parquet_column_spec *columns, size_t n_columns,
		    enum parquet_codec codec, struct err *err)
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

int
encode_short_of_memory(const struct column *c, struct err *err)
{
	return err_set(err, ENOMEM, "parquet: column %s: out of memory", c->spec->name);
}

/* ---- pages ---- */

static void
put_slice(struct text *out, const struct column *c, size_t i)
{
	struct slice v = encode_slice(c, i);
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
put_list_levels(struct parquet_encoder *e, const struct column *c, size_t row,
		size_t rows, size_t *n)
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
		bool is_null =
		    c->in->form == PARQUET_ABSENT ||
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
		size_t rows =
		    c->rows - row < PARQUET_PAGE_ROWS ? c->rows - row : PARQUET_PAGE_ROWS;
		size_t entries = rows, n = rows;
		uint8_t encoding = c->encoding;

		if (c->spec->is_list) {
			if ((entries = put_list_levels(e, c, row, rows, &n)) == 0)
				return encode_short_of_memory(c, err);
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
		e->pages[e->n_pages++] =
		    (struct page){out->len, (uint32_t)entries, encoding};
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
			if ((n = pagecodec_put(&e->codec, bytes, plain, &e->scratch)) ==
			    0)
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

/* What parquet_values says of nulls: present without a null, or ABSENT, where it can be.
 */
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
		return err_set(err, EINVAL,
			       "parquet: column %s: null in a required column",
			       spec->name);
	if (in->form != PARQUET_ABSENT && (in->form == PARQUET_LIST) != spec->is_list)
		return err_set(err, EINVAL,
			       "parquet: column %s: a list for a flat column, "
			       "or the other way round",
			       spec->name);
	if (in->form != PARQUET_ABSENT && spec->type == PARQUET_FLBA &&
	    in->width != (uint32_t)spec->type_length)
		return err_set(err, EINVAL,
			       "parquet: column %s: values of %u bytes, not %d",
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
	if (choose_encoding(e, &c, err) < 0 || put_pages(e, &c, err) < 0)
		return -1;
	if (spec->is_list)
		chunk->stats.null_count = chunk->stats.values - c.n;
	chunk->values = chunk->stats.values;
	emit(e, &c, image, chunk);
	return 0;
}

int
parquet_encode_group(struct parquet_encoder *e, const struct parquet_values *values,
		     uint32_t rows, struct text *image, struct parquet_group_meta *meta,
		     struct err *err)
{
	size_t start = image->len;

	if (rows == 0 || rows > PARQUET_ROWS_MAX)
		return err_set(err, EINVAL, "parquet: %u rows; a row group takes 1 to %d",
			       rows, PARQUET_ROWS_MAX);
	if (format_meta_reset(meta, e->n_columns, err) < 0)
		return -1;
	for (size_t i = 0; i < e->n_columns; i++) {
		struct format_chunk *chunk = &meta->chunks[i];

		chunk->offset = image->len - start;
		if (encode_column(e, &e->columns[i], &values[i], rows, image, chunk,
				  err) < 0) {
			image->len = start;
			return -1;
		}
	}
	meta->rows = rows;
	meta->image_bytes = image->len - start;
	return 0;
}
