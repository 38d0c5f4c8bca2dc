/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes a Parquet file: the magic, the images of the row groups as they come, and a
 * footer with the schema, every column chunk's place and statistics, key-value pairs and
 * the order that the statistics keep. A chunk's footer entry is made when its image is
 * added, since only then is its place known; the file is never sought in.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "parquet/format.h"
#include "parquet/thrift.h"

struct parquet_file {
	int fd;
	char *name;
	const struct parquet_column_spec *columns;
	size_t n_columns;
	uint64_t at;
	uint64_t rows;
	size_t n_groups;
	struct text groups; /* list elements of FileMetaData.row_groups */
};

static int
write_all(struct parquet_file *f, const void *bytes, size_t n, struct err *err)
{
	const char *at = bytes;

	while (n > 0) {
		ssize_t done = write(f->fd, at, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_set(err, errno, "%s: write at offset %llu: %s",
				       f->name, (unsigned long long)f->at,
				       strerror(errno));
		at += done;
		n -= (size_t)done;
		f->at += (uint64_t)done;
	}
	return 0;
}

int
parquet_file_begin(struct parquet_file **out, int fd, const char *name,
		   const struct parquet_column_spec *columns, size_t n_columns,
		   struct err *err)
{
	struct parquet_file *f;

	if (format_check_specs(columns, n_columns, err) < 0)
		return -1;
	if ((f = calloc(1, sizeof *f)) == NULL || (f->name = strdup(name)) == NULL) {
		free(f);
		return err_set(err, ENOMEM, "%s: out of memory", name);
	}
	f->fd = fd;
	f->columns = columns;
	f->n_columns = n_columns;
	text_init(&f->groups);
	if (write_all(f, "PAR1", 4, err) < 0) {
		parquet_file_free(f);
		return -1;
	}
	*out = f;
	return 0;
}

void
parquet_file_free(struct parquet_file *f)
{
	if (f == NULL)
		return;
	text_done(&f->groups);
	free(f->name);
	free(f);
}

uint64_t
parquet_file_bytes(const struct parquet_file *f)
{
	return f->at;
}

static void
put_statistics(struct thrift_out *t, const struct parquet_column_spec *spec,
	       const struct parquet_stats *s)
{
	uint32_t n = format_number_bytes(spec);

	if (!s->has_null_count && !s->has_min_max)
		return;
	thrift_put_struct(t, 12);
	if (s->has_null_count)
		thrift_put_i64(t, 3, (int64_t)s->null_count);
	if (s->has_min_max && format_is_number(spec)) {
		thrift_put_binary(t, 5, &s->max_number, n);
		thrift_put_binary(t, 6, &s->min_number, n);
	} else if (s->has_min_max) {
		thrift_put_binary(t, 5, s->max, s->max_len);
		thrift_put_binary(t, 6, s->min, s->min_len);
	}
	thrift_end(t);
}

static void
put_path(struct thrift_out *t, const struct parquet_column_spec *spec)
{
	thrift_put_list(t, 3, THRIFT_BINARY, spec->is_list ? 3 : 1);
	thrift_element_str(t, spec->name);
	if (spec->is_list) {
		thrift_element_str(t, "list");
		thrift_element_str(t, "element");
	}
}

static void
put_column(struct thrift_out *t, const struct parquet_column_spec *spec,
	   const struct format_chunk *k, uint64_t base)
{
	thrift_begin(t);
	thrift_put_i64(t, 2, 0); /* deprecated file_offset: no copy of the metadata */
	thrift_put_struct(t, 3);
	thrift_put_i32(t, 1, spec->type);
	thrift_put_list(t, 2, THRIFT_I32, (size_t)__builtin_popcount(k->encodings));
	for (int i = 0; i < ENCODINGS; i++)
		if (k->encodings >> i & 1)
			thrift_element_i32(t, i);
	put_path(t, spec);
	thrift_put_i32(t, 4, k->codec);
	thrift_put_i64(t, 5, (int64_t)k->values);
	thrift_put_i64(t, 6, (int64_t)k->uncompressed_bytes);
	thrift_put_i64(t, 7, (int64_t)k->compressed_bytes);
	thrift_put_i64(t, 9, (int64_t)(base + k->offset + k->dictionary_bytes));
	if (k->dictionary_bytes > 0)
		thrift_put_i64(t, 11, (int64_t)(base + k->offset));
	put_statistics(t, spec, &k->stats);
	thrift_end(t);
	thrift_end(t);
}

int
parquet_file_add_group(struct parquet_file *f, const void *image, size_t image_bytes,
		       const struct parquet_group_meta *meta, struct err *err)
{
	struct thrift_out t = {.out = &f->groups};
	uint64_t base = f->at, plain = 0;

	if (meta->n_columns != f->n_columns || meta->image_bytes != image_bytes)
		return err_set(err, EINVAL,
			       "%s: row group of %zu columns, %zu bytes does not "
			       "suit its metadata of %zu columns, %llu bytes",
			       f->name, f->n_columns, image_bytes, meta->n_columns,
			       (unsigned long long)meta->image_bytes);
	if (write_all(f, image, image_bytes, err) < 0)
		return -1;
	thrift_begin(&t);
	thrift_put_list(&t, 1, THRIFT_STRUCT, f->n_columns);
	for (size_t i = 0; i < f->n_columns; i++) {
		put_column(&t, &f->columns[i], &meta->chunks[i], base);
		plain += meta->chunks[i].uncompressed_bytes;
	}
	thrift_put_i64(&t, 2, (int64_t)plain);
	thrift_put_i64(&t, 3, meta->rows);
	thrift_put_i64(&t, 5, (int64_t)base);
	thrift_put_i64(&t, 6, (int64_t)image_bytes);
	if (f->n_groups <= INT16_MAX)
		thrift_put_i16(&t, 7, (int16_t)f->n_groups);
	thrift_end(&t);
	f->rows += meta->rows;
	f->n_groups++;
	return 0;
}

/* ---- the footer ---- */

static void
put_integer_type(struct thrift_out *t, int8_t bits, bool is_signed)
{
	thrift_put_struct(t, 10);
	/* bitWidth is the format's only byte field */
	text_char(t->out, 1 << 4 | THRIFT_I8);
	text_char(t->out, bits);
	t->last[t->depth - 1] = 1;
	thrift_put_bool(t, 2, is_signed);
	thrift_end(t);
}

static void
put_timestamp_type(struct thrift_out *t)
{
	thrift_put_struct(t, 8);
	thrift_put_bool(t, 1, true); /* adjusted to UTC */
	thrift_put_struct(t, 2);
	thrift_put_struct(t, 2); /* MICROS */
	thrift_end(t);
	thrift_end(t);
	thrift_end(t);
}

/* Fields 6 and 10 of a SchemaElement: converted type for old readers, and logical type.
 */
static void
put_logical(struct thrift_out *t, enum parquet_logical logical)
{
	static const uint8_t converted[] = {[PARQUET_UINT_8] = 11,
					    [PARQUET_UINT_16] = 12,
					    [PARQUET_UINT_32] = 13,
					    [PARQUET_UINT_64] = 14,
					    [PARQUET_INT_8] = 15,
					    [PARQUET_INT_16] = 16,
					    [PARQUET_INT_32] = 17,
					    [PARQUET_INT_64] = 18,
					    [PARQUET_TIMESTAMP_MICROS] = 10,
					    [PARQUET_STRING] = 0};

	if (logical == PARQUET_PLAIN)
		return;
	thrift_put_i32(t, 6, converted[logical]);
	thrift_put_struct(t, 10);
	if (logical == PARQUET_STRING) {
		thrift_put_struct(t, 1);
		thrift_end(t);
	} else if (logical == PARQUET_TIMESTAMP_MICROS) {
		put_timestamp_type(t);
	} else if (logical <= PARQUET_UINT_64) {
		put_integer_type(t, (int8_t)(8 << (logical - PARQUET_UINT_8)), false);
	} else {
		put_integer_type(t, (int8_t)(8 << (logical - PARQUET_INT_8)), true);
	}
	thrift_end(t);
}

static void
put_leaf(struct thrift_out *t, const struct parquet_column_spec *spec, const char *name,
	 enum format_repetition repetition)
{
	thrift_begin(t);
	thrift_put_i32(t, 1, spec->type);
	if (spec->type == PARQUET_FLBA)
		thrift_put_i32(t, 2, spec->type_length);
	thrift_put_i32(t, 3, repetition);
	thrift_put_str(t, 4, name);
	put_logical(t, spec->logical);
	thrift_end(t);
}

/* LogicalTypes.md, Lists: an optional group of a repeated group of the element. */
static void
put_list(struct thrift_out *t, const struct parquet_column_spec *spec)
{
	thrift_begin(t);
	thrift_put_i32(t, 3, REPETITION_OPTIONAL);
	thrift_put_str(t, 4, spec->name);
	thrift_put_i32(t, 5, 1);
	thrift_put_i32(t, 6, 3); /* converted type LIST */
	thrift_put_struct(t, 10);
	thrift_put_struct(t, 3);
	thrift_end(t);
	thrift_end(t);
	thrift_end(t);

	thrift_begin(t);
	thrift_put_i32(t, 3, REPETITION_REPEATED);
	thrift_put_str(t, 4, "list");
	thrift_put_i32(t, 5, 1);
	thrift_end(t);

	put_leaf(t, spec, "element", REPETITION_REQUIRED);
}

static void
put_schema(struct thrift_out *t, const struct parquet_file *f)
{
	size_t n = 1;

	for (size_t i = 0; i < f->n_columns; i++)
		n += f->columns[i].is_list ? 3 : 1;
	thrift_put_list(t, 2, THRIFT_STRUCT, n);
	thrift_begin(t);
	thrift_put_str(t, 4, "schema");
	thrift_put_i32(t, 5, (int32_t)f->n_columns);
	thrift_end(t);
	for (size_t i = 0; i < f->n_columns; i++) {
		const struct parquet_column_spec *spec = &f->columns[i];

		if (spec->is_list)
			put_list(t, spec);
		else
			put_leaf(t, spec, spec->name,
				 spec->is_optional ? REPETITION_OPTIONAL
						   : REPETITION_REQUIRED);
	}
}

static void
put_pairs(struct thrift_out *t, const struct parquet_key_value *pairs, size_t n)
{
	if (n == 0)
		return;
	thrift_put_list(t, 5, THRIFT_STRUCT, n);
	for (size_t i = 0; i < n; i++) {
		thrift_begin(t);
		thrift_put_str(t, 1, pairs[i].key);
		if (pairs[i].value != NULL)
			thrift_put_str(t, 2, pairs[i].value);
		thrift_end(t);
	}
}

int
parquet_file_finish(struct parquet_file *f, const struct parquet_key_value *pairs,
		    size_t n_pairs, struct err *err)
{
	struct text footer;
	struct thrift_out t = {.out = &footer};
	uint32_t n;
	int r;

	text_init(&footer);
	thrift_begin(&t);
	thrift_put_i32(&t, 1, 2); /* format version: logical types, RLE_DICTIONARY */
	put_schema(&t, f);
	thrift_put_i64(&t, 3, (int64_t)f->rows);
	thrift_put_list(&t, 4, THRIFT_STRUCT, f->n_groups);
	text_bytes(&footer, f->groups.data, f->groups.len);
	put_pairs(&t, pairs, n_pairs);
	thrift_put_str(&t, 6, "weir version " WEIR_VERSION);
	thrift_put_list(&t, 7, THRIFT_STRUCT, f->n_columns);
	for (size_t i = 0; i < f->n_columns; i++) {
		thrift_begin(&t);
		thrift_put_struct(&t,
				  1); /* TypeDefinedOrder: unsigned for unsigned types */
		thrift_end(&t);
		thrift_end(&t);
	}
	thrift_end(&t);
	n = (uint32_t)footer.len;
	text_bytes(&footer, &n, 4);
	text_str(&footer, "PAR1");
	r = footer.len > INT32_MAX
		? err_set(err, EFBIG, "%s: footer of %zu bytes", f->name, footer.len)
		: write_all(f, footer.data, footer.len, err);
	text_done(&footer);
	return r;
}
