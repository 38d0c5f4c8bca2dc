/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The schema in the footer: a tree in pre-order, whose leaves are the columns. Flat
 * leaves and one kind of list can be read, other nested leaves are listed as unreadable,
 * so that a file with one odd column is of use yet.
 */
#include "parquet/footer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "parquet/format.h"

enum {
	ELEMENTS_MAX = 4 * PARQUET_COLUMNS_MAX,
	NESTING_MAX = 16,
	FIXED_MAX = 65536,
};

struct element {
	struct thrift_bytes name;
	int32_t type; /* -1: a group */
	int32_t type_length;
	int32_t repetition;
	int32_t children;
	int32_t converted; /* -1: none */
	enum parquet_logical logical;
	bool has_logical;
	bool is_list;
};

struct schema {
	struct element *elements;
	size_t n;
	size_t at;
};

static enum parquet_logical
take_integer_type(struct thrift_in *t)
{
	int64_t bits = 0;
	bool is_signed = true;
	int id;

	thrift_enter(t);
	while (thrift_next(t, &id)) {
		if (id == 1)
			bits = thrift_int(t);
		else if (id == 2)
			is_signed = thrift_bool(t);
		else
			thrift_skip(t);
	}
	switch (bits) {
	case 8:
		return is_signed ? PARQUET_INT_8 : PARQUET_UINT_8;
	case 16:
		return is_signed ? PARQUET_INT_16 : PARQUET_UINT_16;
	case 32:
		return is_signed ? PARQUET_INT_32 : PARQUET_UINT_32;
	case 64:
		return is_signed ? PARQUET_INT_64 : PARQUET_UINT_64;
	default:
		return PARQUET_OTHER;
	}
}

static enum parquet_logical
take_timestamp_type(struct thrift_in *t)
{
	enum parquet_logical unit = PARQUET_OTHER;
	int id, unit_id;

	thrift_enter(t);
	while (thrift_next(t, &id)) {
		if (id != 2 || !thrift_is_struct(t)) {
			thrift_skip(t);
			continue;
		}
		thrift_enter(t);
		while (thrift_next(t, &unit_id)) {
			unit = unit_id == 1   ? PARQUET_TIMESTAMP_MILLIS
			       : unit_id == 2 ? PARQUET_TIMESTAMP_MICROS
			       : unit_id == 3 ? PARQUET_TIMESTAMP_NANOS
					      : PARQUET_OTHER;
			thrift_skip(t);
		}
	}
	return unit;
}

static void
take_logical(struct thrift_in *t, struct element *e)
{
	int id;

	if (!thrift_is_struct(t))
		return;
	e->has_logical = true;
	e->logical = PARQUET_OTHER;
	thrift_enter(t);
	while (thrift_next(t, &id)) {
		if (!thrift_is_struct(t))
			return;
		switch (id) {
		case 1:
			e->logical = PARQUET_STRING;
			break;
		case 3:
			e->is_list = true;
			break;
		case 8:
			e->logical = take_timestamp_type(t);
			continue;
		case 10:
			e->logical = take_integer_type(t);
			continue;
		case 12:
			e->logical = PARQUET_JSON;
			break;
		case 14:
			e->logical = PARQUET_UUID;
			break;
		default:
			break;
		}
		thrift_skip(t);
	}
}

static enum parquet_logical
logical_of_converted(int32_t converted)
{
	switch (converted) {
	case -1:
		return PARQUET_PLAIN;
	case 0:
		return PARQUET_STRING;
	case 9:
		return PARQUET_TIMESTAMP_MILLIS;
	case 10:
		return PARQUET_TIMESTAMP_MICROS;
	case 11:
	case 12:
	case 13:
	case 14:
		return PARQUET_UINT_8 + (unsigned)(converted - 11);
	case 15:
	case 16:
	case 17:
	case 18:
		return PARQUET_INT_8 + (unsigned)(converted - 15);
	case 19:
		return PARQUET_JSON;
	default:
		return PARQUET_OTHER;
	}
}

static void
take_element(struct thrift_in *t, struct element *e)
{
	int id;

	*e = (struct element){.type = -1, .converted = -1};
	thrift_enter(t);
	while (thrift_next(t, &id)) {
		switch (id) {
		case 1:
			e->type = take_i32(t);
			break;
		case 2:
			e->type_length = take_i32(t);
			break;
		case 3:
			e->repetition = take_i32(t);
			break;
		case 4:
			e->name = thrift_binary(t);
			break;
		case 5:
			e->children = take_i32(t);
			break;
		case 6:
			e->converted = take_i32(t);
			break;
		case 10:
			take_logical(t, e);
			break;
		default:
			thrift_skip(t);
		}
	}
	if (!e->has_logical)
		e->logical = logical_of_converted(e->converted);
	if (e->converted == 3)
		e->is_list = true;
}

/* The meaning, if it goes with the type; else the bare type with a mark. */
static enum parquet_logical
checked_logical(const struct element *e)
{
	bool is_32 = e->type == PARQUET_INT32, is_64 = e->type == PARQUET_INT64;

	switch (e->logical) {
	case PARQUET_UINT_8:
	case PARQUET_UINT_16:
	case PARQUET_UINT_32:
	case PARQUET_INT_8:
	case PARQUET_INT_16:
	case PARQUET_INT_32:
		return is_32 ? e->logical : PARQUET_OTHER;
	case PARQUET_UINT_64:
	case PARQUET_INT_64:
	case PARQUET_TIMESTAMP_MICROS:
	case PARQUET_TIMESTAMP_MILLIS:
	case PARQUET_TIMESTAMP_NANOS:
		return is_64 ? e->logical : PARQUET_OTHER;
	case PARQUET_STRING:
	case PARQUET_JSON:
		return e->type == PARQUET_BYTE_ARRAY ? e->logical : PARQUET_OTHER;
	default:
		return e->logical;
	}
}

/* Appends a column named path (which it takes over). */
static int
add_column(struct parquet_reader *r, const struct element *e, char *path, bool is_list,
	   bool is_nested)
{
	struct parquet_column_spec *spec;

	if (path == NULL || r->n_columns == PARQUET_COLUMNS_MAX) {
		free(path);
		return -1;
	}
	spec = &r->columns[r->n_columns++];
	*spec = (struct parquet_column_spec){
	    .name = path,
	    .type = (enum parquet_type)e->type,
	    .logical = checked_logical(e),
	    .type_length = e->type == PARQUET_FLBA ? e->type_length : 0,
	    .is_optional = is_list || e->repetition == REPETITION_OPTIONAL,
	    .is_list = is_list,
	    .is_unreadable = (is_nested && !is_list) || e->type == PARQUET_INT96,
	};
	if (!is_list && e->repetition == REPETITION_REPEATED)
		spec->is_unreadable = true;
	if (e->type == PARQUET_FLBA && (e->type_length < 1 || e->type_length > FIXED_MAX))
		spec->is_unreadable = true;
	return 0;
}

static bool
is_list_of_u64(const struct schema *s, size_t at)
{
	const struct element *e = &s->elements[at];

	return s->n - at >= 3 && e[0].type == -1 && e[0].is_list && e[0].children == 1 &&
	       e[0].repetition == REPETITION_OPTIONAL && e[1].type == -1 &&
	       e[1].repetition == REPETITION_REPEATED && e[1].children == 1 &&
	       e[2].type == PARQUET_INT64 && e[2].children == 0 &&
	       e[2].repetition == REPETITION_REQUIRED && e[2].logical == PARQUET_UINT_64;
}

/* The subtree at s->at, whose parents are called prefix. */
static int
walk(struct parquet_reader *r, struct schema *s, const char *prefix, int depth)
{
	const struct element *e;
	struct text path;
	int result = 0;

	if (depth > NESTING_MAX || s->at >= s->n)
		return -1;
	e = &s->elements[s->at];
	if (depth == 1 && is_list_of_u64(s, s->at)) {
		s->at += 3;
		return add_column(r, &e[2], footer_string(e->name), true, true);
	}
	s->at++;
	text_init(&path);
	text_str(&path, prefix);
	if (depth > 1)
		text_char(&path, '.');
	if (e->name.at != NULL)
		text_bytes(&path, e->name.at, e->name.n);
	if (e->type >= 0 && e->children == 0) {
		result = e->type > PARQUET_FLBA
			     ? -1
			     : add_column(r, e, strdup(path.data), false, depth > 1);
	} else if (e->type != -1 || e->children < 0 || path.len > 4096) {
		result = -1;
	} else {
		for (int32_t i = 0; i < e->children && result == 0; i++)
			result = walk(r, s, path.data, depth + 1);
	}
	text_done(&path);
	return result;
}

int
footer_take_schema(struct parquet_reader *r, struct thrift_in *t, struct err *err)
{
	struct schema s = {0};
	int result = 0;

	s.n = thrift_list(t, THRIFT_STRUCT);
	if (r->columns != NULL || s.n < 2 || s.n > ELEMENTS_MAX)
		return footer_damaged(r, t, "the schema has no columns or too many", err);
	s.elements = calloc(s.n, sizeof *s.elements);
	r->columns = calloc(PARQUET_COLUMNS_MAX, sizeof *r->columns);
	if (s.elements == NULL || r->columns == NULL) {
		free(s.elements);
		return err_set(err, ENOMEM, "%s: out of memory", r->name);
	}
	for (size_t i = 0; i < s.n; i++)
		take_element(t, &s.elements[i]);
	if (cursor_ok(&t->c)) {
		s.at = 1;
		for (int32_t i = 0; i < s.elements[0].children && result == 0; i++)
			result = walk(r, &s, "", 1);
		if (s.at != s.n)
			result = -1;
	}
	free(s.elements);
	if (result < 0 || !cursor_ok(&t->c))
		return footer_damaged(r, t, "the schema is not a tree of columns", err);
	return 0;
}
