/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the footer, a FileMetaData of parquet.thrift: the schema (schema.c), row groups
 * and the pairs of keys and values. Counts are limited by the bytes that are left
 * (thrift.c) and by the limits below.
 */
#include "parquet/footer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "parquet/format.h"

enum { PAIRS_MAX = 4096 };

char *
footer_string(struct thrift_bytes b)
{
	return b.at == NULL ? strdup("") : strndup((const char *)b.at, b.n);
}

int
footer_damaged(const struct parquet_reader *r, const struct thrift_in *t,
    const char *what,
	struct err *err)
{
	uint64_t offset = r->footer_start + (uint64_t)(t->c.at - r->footer);

	return err_set(err, EILSEQ,
		       "%s: footer at offset %llu: damaged near offset %llu: %s", r->name,
		       (unsigned long long)r->footer_start, (unsigned long long)offset,
		       what);
}

static void
take_statistics(struct thrift_in *t, struct reader_chunk *k)
{
	int id;

	if (!thrift_is_struct(t))
		return;
	thrift_enter(t);
	while (thrift_next(t, &id)) {
		int64_t n;

		switch (id) {
		case 3:
			n = thrift_int(t);
			k->has_null_count = n >= 0;
			k->null_count = n >= 0 ? (uint64_t)n : 0;
			break;
		case 5:
			k->max = thrift_binary(t);
			break;
		case 6:
			k->min = thrift_binary(t);
			break;
		default:
			thrift_skip(t);
		}
	}
}

static void
take_column_metadata(struct thrift_in *t, struct reader_chunk *k)
{
	int id;

	if (!thrift_is_struct(t))
		return;
	thrift_enter(t);
	while (thrift_next(t, &id)) {
		switch (id) {
		case 1:
			k->type = take_i32(t);
			break;
		case 4:
			k->codec = take_i32(t);
			break;
		case 5:
			k->values = thrift_int(t);
			break;
		case 7:
			k->bytes = thrift_int(t);
			break;
		case 9:
			k->data_offset = thrift_int(t);
			break;
		case 11:
			k->dictionary_offset = thrift_int(t);
			break;
		case 12:
			take_statistics(t, k);
			break;
		default:
			thrift_skip(t);
		}
	}
}

static void
take_chunk(struct thrift_in *t, struct reader_chunk *k)
{
	int id;

	*k = (struct reader_chunk){.type = -1};
	thrift_enter(t);
	while (thrift_next(t, &id)) {
		if (id == 3) {
			take_column_metadata(t, k);
			continue;
		}
		if (id == 1 || id == 8 || id == 9)
			k->is_elsewhere = true;
		thrift_skip(t);
	}
}

static int
take_group(struct parquet_reader *r, struct thrift_in *t, struct reader_group *g,
	   struct err *err)
{
	int64_t rows = -1;
	size_t n;
	int id;

	thrift_enter(t);
	while (thrift_next(t, &id)) {
		if (id == 3) {
			rows = thrift_int(t);
			continue;
		}
		if (id != 1) {
			thrift_skip(t);
			continue;
		}
		n = thrift_list(t, THRIFT_STRUCT);
		if (n != r->n_columns || g->chunks != NULL)
			return footer_damaged(r, t,
			    "a row group without one chunk per column",
				       err);
		if ((g->chunks = calloc(n, sizeof *g->chunks)) == NULL)
			return err_set(err, ENOMEM, "%s: out of memory", r->name);
		for (size_t i = 0; i < n; i++) {
			take_chunk(t, &g->chunks[i]);
			if (g->chunks[i].type < 0)
				return footer_damaged(r, t,
				    "a column chunk without metadata",
					       err);
		}
	}
	if (!cursor_ok(&t->c) || rows < 0 || g->chunks == NULL)
		return footer_damaged(r, t, "incomplete row group", err);
	if (rows > PARQUET_ROWS_MAX)
		return err_set(err, EFBIG,
			       "%s: row group of %lld rows; the limit is %d: write the "
			       "file with smaller row groups",
			       r->name, (long long)rows, PARQUET_ROWS_MAX);
	g->rows = (uint32_t)rows;
	return 0;
}

static int
take_groups(struct parquet_reader *r, struct thrift_in *t, struct err *err)
{
	size_t n = thrift_list(t, THRIFT_STRUCT);

	if (r->columns == NULL || r->groups != NULL)
		return footer_damaged(r, t, "row groups before the schema, or twice",
		    err);
	/* An element takes a byte, a row group in memory 16: bounded by the footer. */
	if ((r->groups = calloc(n + 1, sizeof *r->groups)) == NULL)
		return err_set(err, ENOMEM, "%s: out of memory", r->name);
	for (size_t i = 0; i < n; i++) {
		r->n_groups = i + 1;
		if (take_group(r, t, &r->groups[i], err) < 0)
			return -1;
	}
	return 0;
}

static int
take_pairs(struct parquet_reader *r, struct thrift_in *t, struct err *err)
{
	size_t n = thrift_list(t, THRIFT_STRUCT);
	int id;

	if (n > PAIRS_MAX || r->pairs != NULL)
		return footer_damaged(r, t, "too many key-value pairs", err);
	if ((r->pairs = calloc(n + 1, sizeof *r->pairs)) == NULL)
		return err_set(err, ENOMEM, "%s: out of memory", r->name);
	for (size_t i = 0; i < n; i++) {
		struct parquet_key_value *pair = &r->pairs[i];

		r->n_pairs = i + 1;
		thrift_enter(t);
		while (thrift_next(t, &id)) {
			if (id == 1 && pair->key == NULL)
				pair->key = footer_string(thrift_binary(t));
			else if (id == 2 && pair->value == NULL)
				pair->value = footer_string(thrift_binary(t));
			else
				thrift_skip(t);
		}
		if (!cursor_ok(&t->c) || pair->key == NULL)
			return footer_damaged(r, t, "key-value pair without a key", err);
	}
	return 0;
}

int
footer_parse(struct parquet_reader *r, size_t n, struct err *err)
{
	struct thrift_in t = {.c = cursor_over(r->footer, n)};
	int64_t rows = -1;
	uint64_t sum = 0;
	int id, result = 0;

	thrift_enter(&t);
	while (result == 0 && thrift_next(&t, &id)) {
		if (id == 2)
			result = footer_take_schema(r, &t, err);
		else if (id == 3)
			rows = thrift_int(&t);
		else if (id == 4)
			result = take_groups(r, &t, err);
		else if (id == 5)
			result = take_pairs(r, &t, err);
		else if (id == 6 && r->created_by == NULL)
			r->created_by = footer_string(thrift_binary(&t));
		else
			thrift_skip(&t);
	}
	if (result < 0)
		return -1;
	if (!cursor_ok(&t.c))
		return footer_damaged(r, &t, "not a Thrift structure", err);
	if (r->columns == NULL || r->groups == NULL)
		return footer_damaged(r, &t, "no schema or no row groups", err);
	for (size_t i = 0; i < r->n_groups; i++)
		sum += r->groups[i].rows;
	if (rows < 0 || sum != (uint64_t)rows)
		return footer_damaged(r, &t, "the row groups' rows do not add up to the "
		    "file's",
			       err);
	r->rows = sum;
	return 0;
}
