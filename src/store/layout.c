/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schema fields to Parquet columns, by storage: one row of the storage table says how a
 * column is declared, so no field has code of its own.
 */
#include "store/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static const struct {
	enum parquet_type type;
	enum parquet_logical logical;
	bool is_list;
} storages[] = {
    [STORAGE_U8] = {PARQUET_INT32, PARQUET_UINT_8, false},
    [STORAGE_U16] = {PARQUET_INT32, PARQUET_UINT_16, false},
    [STORAGE_U32] = {PARQUET_INT32, PARQUET_UINT_32, false},
    [STORAGE_U64] = {PARQUET_INT64, PARQUET_UINT_64, false},
    [STORAGE_I64] = {PARQUET_INT64, PARQUET_PLAIN, false},
    [STORAGE_F64] = {PARQUET_DOUBLE, PARQUET_PLAIN, false},
    [STORAGE_ADDR] = {PARQUET_INT32, PARQUET_UINT_32, false},
    [STORAGE_TEXT] = {PARQUET_BYTE_ARRAY, PARQUET_STRING, false},
    [STORAGE_LIST] = {PARQUET_INT64, PARQUET_UINT_64, true},
};

static struct parquet_column_spec
column_spec(const struct field *field, const char *name)
{
	enum storage storage = types[field->type].storage;
	struct parquet_column_spec spec = {
	    .name = name,
	    .type = storages[storage].type,
	    .logical = storages[storage].logical,
	    .is_optional = true,
	    .is_list = storages[storage].is_list,
	};

	if (field->type == TYPE_time)
		spec.logical = PARQUET_TIMESTAMP_MICROS;
	if (field->type == TYPE_bool) {
		spec.type = PARQUET_BOOLEAN;
		spec.logical = PARQUET_PLAIN;
	}
	return spec;
}

static char *
add_name(char **at, const char *id, const char *suffix)
{
	char *name = *at;
	size_t n = strlen(id), m = strlen(suffix);

	memcpy(name, id, n);
	memcpy(name + n, suffix, m + 1);
	*at += n + m + 1;
	return name;
}

static void
fill_columns(struct layout *l)
{
	char *at = l->names;

	for (size_t f = 0; f < l->schema->stored; f++) {
		const struct field *field = &l->schema->fields[f];
		bool is_addr = types[field->type].storage == STORAGE_ADDR;

		l->first[f] = (uint16_t)l->count;
		l->columns[l->count++] =
		    column_spec(field, add_name(&at, field->id, is_addr ? "_ipv4" : ""));
		if (!is_addr)
			continue;
		l->columns[l->count++] = (struct parquet_column_spec){
		    .name = add_name(&at, field->id, "_ipv6"),
		    .type = PARQUET_FLBA,
		    .type_length = 16,
		    .is_optional = true,
		};
	}
}

int
layout_new(struct layout **out, const struct schema *schema, struct err *err)
{
	struct layout *l;
	size_t bytes = 0;

	for (size_t f = 0; f < schema->stored; f++)
		bytes += 2 * (strlen(schema->fields[f].id) + sizeof "_ipv4");
	if ((l = calloc(1, sizeof *l)) == NULL)
		return err_set(err, ENOMEM, "store: out of memory");
	l->schema = schema;
	l->columns = calloc(2 * schema->stored + 1, sizeof *l->columns);
	l->first = calloc(schema->stored + 1, sizeof *l->first);
	l->names = malloc(bytes + 1);
	if (l->columns == NULL || l->first == NULL || l->names == NULL) {
		layout_free(l);
		return err_set(err, ENOMEM, "store: out of memory");
	}
	fill_columns(l);
	*out = l;
	return 0;
}

void
layout_free(struct layout *l)
{
	if (l == NULL)
		return;
	free(l->columns);
	free(l->first);
	free(l->names);
	free(l);
}

bool
layout_equals(const struct layout *l, const struct parquet_column_spec *columns,
	      size_t count)
{
	if (count != l->count)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct parquet_column_spec *a = &l->columns[i], *b = &columns[i];

		if (strcmp(a->name, b->name) != 0 || a->type != b->type ||
		    a->logical != b->logical || a->type_length != b->type_length ||
		    a->is_optional != b->is_optional || a->is_list != b->is_list)
			return false;
	}
	return true;
}
