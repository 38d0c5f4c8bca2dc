/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of a row-group image besides its bytes: where each column chunk lies, how
 * it is coded, its statistics. The form kept in a journal is a version byte and varints;
 * reading it back checks it against the columns, so that a damaged journal cannot make a
 * file that claims what it has not. Also the checks of column descriptions, and growing
 * memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/text.h"
#include "parquet/format.h"
#include "parquet/pagecodec.h"
#include "parquet/thrift.h"

enum {
	META_VERSION = 1,
	HAS_DICTIONARY = 1,
	HAS_NULL_COUNT = 2,
	HAS_MIN_MAX = 4,
};

void *
format_room(struct parquet_memory *m, size_t n, bool keep)
{
	size_t cap = m->cap + m->cap / 2;
	void *at;

	if (n <= m->cap && m->at != NULL)
		return m->at;
	if (cap < n)
		cap = n;
	cap = (cap + 63) / 64 * 64 + 64;
	if (!keep) {
		free(m->at);
		*m = (struct parquet_memory){0};
	}
	if ((at = realloc(m->at, cap)) == NULL)
		return NULL;
	*m = (struct parquet_memory){at, cap};
	return at;
}

static const char *
spec_fault(const struct parquet_column_spec *c)
{
	if (c->name == NULL || c->name[0] == '\0')
		return "has no name";
	if (c->is_unreadable || c->logical > PARQUET_STRING || c->type == PARQUET_INT96 ||
	    c->type == PARQUET_FLOAT || c->type > PARQUET_FLBA)
		return "is of a type that is not written";
	if (c->is_list && (c->type != PARQUET_INT64 || c->logical != PARQUET_UINT_64))
		return "is a list of something other than UINT_64";
	if (c->type == PARQUET_FLBA &&
	    (c->type_length < 1 || c->type_length > PARQUET_STAT_BYTES))
		return "has a fixed length that is not 1 to 64";
	switch (c->logical) {
	case PARQUET_PLAIN:
		return NULL;
	case PARQUET_UINT_64:
	case PARQUET_INT_64:
	case PARQUET_TIMESTAMP_MICROS:
		return c->type == PARQUET_INT64 ? NULL : "needs the type INT64";
	case PARQUET_STRING:
		return c->type == PARQUET_BYTE_ARRAY ? NULL : "needs the type BYTE_ARRAY";
	default:
		return c->type == PARQUET_INT32 ? NULL : "needs the type INT32";
	}
}

int
format_check_specs(const struct parquet_column_spec *columns, size_t n_columns,
		   struct err *err)
{
	if (n_columns == 0 || n_columns > PARQUET_COLUMNS_MAX)
		return err_set(err, EINVAL,
			       "parquet: %zu columns; 1 to %d can be written", n_columns,
			       PARQUET_COLUMNS_MAX);
	for (size_t i = 0; i < n_columns; i++) {
		const char *fault = spec_fault(&columns[i]);

		if (fault != NULL)
			return err_set(err, EINVAL, "parquet: column %zu (%s) %s", i,
				       columns[i].name == NULL ? "" : columns[i].name,
				       fault);
	}
	return 0;
}

int
format_meta_reset(struct parquet_group_meta *meta, size_t n_columns, struct err *err)
{
	if (n_columns > meta->n_columns) {
		free(meta->chunks);
		meta->n_columns = 0;
		meta->chunks = calloc(n_columns, sizeof *meta->chunks);
		if (meta->chunks == NULL)
			return err_set(err, ENOMEM, "parquet: out of memory");
	} else if (n_columns > 0) {
		memset(meta->chunks, 0, n_columns * sizeof *meta->chunks);
	}
	meta->n_columns = n_columns;
	meta->rows = 0;
	meta->image_bytes = 0;
	return 0;
}

struct parquet_group_meta *
parquet_group_meta_new(void)
{
	return calloc(1, sizeof(struct parquet_group_meta));
}

void
parquet_group_meta_free(struct parquet_group_meta *meta)
{
	if (meta == NULL)
		return;
	free(meta->chunks);
	free(meta);
}

uint32_t
parquet_group_meta_rows(const struct parquet_group_meta *meta)
{
	return meta->rows;
}

uint64_t
parquet_group_meta_image_bytes(const struct parquet_group_meta *meta)
{
	return meta->image_bytes;
}

const struct parquet_stats *
parquet_group_meta_stats(const struct parquet_group_meta *meta, size_t column)
{
	return &meta->chunks[column].stats;
}

static void
put_bytes(struct text *out, const uint8_t *bytes, size_t n)
{
	thrift_varint(out, n);
	text_bytes(out, bytes, n);
}

void
parquet_group_meta_put(const struct parquet_group_meta *meta, struct text *out)
{
	text_char(out, META_VERSION);
	thrift_varint(out, meta->rows);
	thrift_varint(out, meta->n_columns);
	for (size_t i = 0; i < meta->n_columns; i++) {
		const struct format_chunk *k = &meta->chunks[i];
		const struct parquet_stats *s = &k->stats;

		text_char(out, (char)((k->dictionary_bytes > 0 ? HAS_DICTIONARY : 0) |
				      (s->has_null_count ? HAS_NULL_COUNT : 0) |
				      (s->has_min_max ? HAS_MIN_MAX : 0)));
		text_char(out, (char)k->codec);
		thrift_varint(out, k->encodings);
		thrift_varint(out, k->values);
		thrift_varint(out, k->compressed_bytes);
		thrift_varint(out, k->uncompressed_bytes);
		if (k->dictionary_bytes > 0)
			thrift_varint(out, k->dictionary_bytes);
		if (s->has_null_count)
			thrift_varint(out, s->null_count);
		if (s->has_min_max) {
			thrift_varint(out, s->min_number);
			thrift_varint(out, s->max_number);
			put_bytes(out, s->min, s->min_len);
			put_bytes(out, s->max, s->max_len);
		}
	}
}

static uint32_t
take_bytes(struct cursor *c, uint8_t *out)
{
	uint64_t n = thrift_take_varint(c);
	const uint8_t *at = n > PARQUET_STAT_BYTES ? NULL : cursor_take(c, n);

	if (at == NULL) {
		c->failed = true;
		return 0;
	}
	memcpy(out, at, n);
	return (uint32_t)n;
}

static bool
take_chunk(struct cursor *c, const struct parquet_column_spec *spec, uint32_t rows,
	   struct format_chunk *k)
{
	uint8_t flags = cursor_u8(c);
	uint64_t encodings;
	bool has_bytes = !format_is_number(spec);

	k->codec = cursor_u8(c);
	encodings = thrift_take_varint(c);
	k->encodings = (uint16_t)encodings;
	k->values = thrift_take_varint(c);
	k->compressed_bytes = thrift_take_varint(c);
	k->uncompressed_bytes = thrift_take_varint(c);
	if (flags & HAS_DICTIONARY)
		k->dictionary_bytes = thrift_take_varint(c);
	k->stats.values = k->values;
	k->stats.has_null_count = flags & HAS_NULL_COUNT;
	if (flags & HAS_NULL_COUNT)
		k->stats.null_count = thrift_take_varint(c);
	k->stats.has_min_max = flags & HAS_MIN_MAX;
	if (flags & HAS_MIN_MAX) {
		k->stats.min_number = thrift_take_varint(c);
		k->stats.max_number = thrift_take_varint(c);
		k->stats.min_len = take_bytes(c, k->stats.min);
		k->stats.max_len = take_bytes(c, k->stats.max);
	}
	if (!cursor_ok(c) || flags >= 8 || !pagecodec_is_known(k->codec) ||
	    encodings >= 1 << ENCODINGS || k->compressed_bytes > UINT32_MAX ||
	    k->uncompressed_bytes > (uint64_t)INT64_MAX ||
	    k->dictionary_bytes >= k->compressed_bytes || k->stats.null_count > k->values)
		return false;
	if (!has_bytes && (k->stats.min_len | k->stats.max_len) != 0)
		return false;
	return spec->is_list ? k->values >= rows &&
				   k->values <= PARQUET_ELEMENTS_MAX + (uint64_t)rows
			     : k->values == rows;
}

int
parquet_group_meta_get(const void *bytes, size_t n,
		       const struct parquet_column_spec *columns, size_t n_columns,
		       struct parquet_group_meta *meta, struct err *err)
{
	struct cursor c = cursor_over(bytes, n);
	struct parquet_group_meta got = {0};
	uint8_t version = cursor_u8(&c);
	uint64_t rows = thrift_take_varint(&c), count = thrift_take_varint(&c);

	if (!cursor_ok(&c) || version != META_VERSION)
		return err_set(err, EILSEQ,
			       "row group: unknown version %d of its metadata", version);
	if (rows == 0 || rows > PARQUET_ROWS_MAX || count != n_columns)
		return err_set(err, EILSEQ,
			       "row group: metadata of %llu rows and %llu "
			       "columns, expected %zu columns",
			       (unsigned long long)rows, (unsigned long long)count,
			       n_columns);
	if (format_meta_reset(&got, n_columns, err) < 0)
		return -1;
	got.rows = (uint32_t)rows;
	for (size_t i = 0; i < n_columns; i++) {
		if (!take_chunk(&c, &columns[i], got.rows, &got.chunks[i])) {
			free(got.chunks);
			return err_set(err, EILSEQ,
				       "row group: damaged metadata of column %s",
				       columns[i].name);
		}
		got.chunks[i].offset = got.image_bytes;
		got.image_bytes += got.chunks[i].compressed_bytes;
	}
	if (cursor_left(&c) != 0) {
		free(got.chunks);
		return err_set(err, EILSEQ, "row group: metadata is too long");
	}
	free(meta->chunks);
	*meta = got;
	return 0;
}
