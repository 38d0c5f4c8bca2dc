/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schema fields to Parquet columns, by storage: one row of the storage table says how a
 * column is declared, so no field has code of its own. Most columns of a batch are handed
 * to the encoder as they lie; only mixed addresses are split into their two leaves and
 * dictionaries of text laid out as offsets and bytes. Reading is the way back, in slices
 * of a decoded row group.
 */
#include "store/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "model/batch.h"
#include "model/dict.h"

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

/* ---- batch to values ---- */

/* Scratch of one field: the leaves of mixed addresses, or a dictionary's offsets, bytes.
 */
struct scratch {
	void *at[4];
	size_t cap[4];
};

struct packer {
	const struct layout *layout;
	struct parquet_values *values;
	struct scratch *scratch;
};

static void *
scratch_room(struct scratch *s, size_t i, size_t bytes)
{
	if (s->cap[i] < bytes) {
		free(s->at[i]);
		if ((s->at[i] = malloc(bytes)) == NULL)
			abort(); /* as text and batch do: see base/text.h */
		s->cap[i] = bytes;
	}
	return s->at[i];
}

int
packer_new(struct packer **out, const struct layout *layout, struct err *err)
{
	struct packer *p = calloc(1, sizeof *p);

	if (p != NULL) {
		p->layout = layout;
		p->values = calloc(layout->count + 1, sizeof *p->values);
		p->scratch = calloc(layout->schema->stored + 1, sizeof *p->scratch);
	}
	if (p == NULL || p->values == NULL || p->scratch == NULL) {
		packer_free(p);
		return err_set(err, ENOMEM, "store: out of memory");
	}
	*out = p;
	return 0;
}

void
packer_free(struct packer *p)
{
	if (p == NULL)
		return;
	for (size_t f = 0; p->scratch != NULL && f < p->layout->schema->stored; f++)
		for (size_t i = 0; i < 4; i++)
			free(p->scratch[f].at[i]);
	free(p->scratch);
	free(p->values);
	free(p);
}

static void
pack_mixed(struct scratch *s, const struct column *c, size_t rows,
	   struct parquet_values *v)
{
	const struct addr *addrs = c->values;
	size_t words = (rows + 63) / 64;
	uint32_t *v4 = scratch_room(s, 0, (rows + 1) * sizeof *v4);
	uint8_t(*v6)[16] = scratch_room(s, 1, (rows + 1) * 16);
	uint64_t *has_v4 = scratch_room(s, 2, (words + 1) * 8);
	uint64_t *has_v6 = scratch_room(s, 3, (words + 1) * 8);

	memset(has_v4, 0, words * 8);
	memset(has_v6, 0, words * 8);
	memset(v4, 0, rows * sizeof *v4);
	memset(v6, 0, rows * 16);
	for (size_t i = 0; i < rows; i++) {
		uint64_t bit = (uint64_t)1 << i % 64;

		if (c->valid != NULL && (c->valid[i / 64] & bit) == 0)
			continue;
		if (addrs[i].is_v6) {
			has_v6[i / 64] |= bit;
			memcpy(v6[i], addrs[i].v6, 16);
		} else {
			has_v4[i / 64] |= bit;
			v4[i] = addrs[i].v4;
		}
	}
	v[0] = (struct parquet_values){
	    .form = PARQUET_FLAT, .width = 4, .present = has_v4, .data = v4};
	v[1] = (struct parquet_values){
	    .form = PARQUET_FLAT, .width = 16, .present = has_v6, .data = v6};
}

static void
pack_addr(struct scratch *s, const struct column *c, size_t rows,
	  struct parquet_values *v)
{
	const struct addr *a = c->values;

	v[1].form = PARQUET_ABSENT;
	v[0].form = c->form == COLUMN_CONSTANT ? PARQUET_CONSTANT : PARQUET_FLAT;
	v[0].width = 4;
	v[0].data = c->values;
	v[0].present = c->form == COLUMN_CONSTANT ? NULL : c->valid;
	if (!c->is_mixed)
		return;
	if (c->form == COLUMN_FLAT) {
		pack_mixed(s, c, rows, v);
	} else if (a->is_v6) {
		v[0].form = PARQUET_ABSENT;
		v[1].form = PARQUET_CONSTANT;
		v[1].width = 16;
		v[1].data = a->v6;
	} else {
		v[0].data = &a->v4;
	}
}

static void
pack_text(struct scratch *s, const struct column *c, struct parquet_values *v)
{
	bool is_constant = c->form == COLUMN_CONSTANT;
	size_t n = is_constant ? 1 : dict_count(c->dict), bytes = 0;
	const uint32_t *codes = c->values;
	uint32_t *offsets;
	char *at;

	if (n == 0) {
		v->form = PARQUET_ABSENT;
		return;
	}
	offsets = scratch_room(s, 0, (n + 1) * sizeof *offsets);
	for (size_t i = 0; i < n; i++)
		bytes += dict_get(c->dict, is_constant ? codes[0] : (uint32_t)i).len;
	at = scratch_room(s, 1, bytes + 1);
	v->bytes = (const uint8_t *)at;
	offsets[0] = 0;
	for (size_t i = 0; i < n; i++) {
		struct str t = dict_get(c->dict, is_constant ? codes[0] : (uint32_t)i);

		if (t.len > 0)
			memcpy(at + offsets[i], t.data, t.len);
		offsets[i + 1] = offsets[i] + t.len;
	}
	v->form = is_constant ? PARQUET_CONSTANT : PARQUET_DICT;
	v->dict_size = is_constant ? 0 : (uint32_t)n;
	v->codes = is_constant ? NULL : codes;
	v->offsets = offsets;
	v->present = is_constant ? NULL : c->valid;
}

const struct parquet_values *
packer_values(struct packer *p, const struct batch *batch)
{
	const struct layout *l = p->layout;

	memset(p->values, 0, l->count * sizeof *p->values);
	for (size_t f = 0; f < l->schema->stored; f++) {
		const struct column *c = &batch->columns[f];
		enum storage storage = types[l->schema->fields[f].type].storage;
		struct parquet_values *v = &p->values[l->first[f]];

		if (c->form == COLUMN_ABSENT)
			continue;
		if (storage == STORAGE_ADDR) {
			pack_addr(&p->scratch[f], c, batch->rows, v);
		} else if (storage == STORAGE_TEXT) {
			pack_text(&p->scratch[f], c, v);
		} else if (storage == STORAGE_LIST) {
			static const uint64_t none;

			v->form = PARQUET_LIST;
			v->width = 8;
			v->offsets = c->values;
			v->data = c->items != NULL ? c->items : &none;
			v->present = c->valid;
		} else {
			bool is_constant = c->form == COLUMN_CONSTANT;

			v->form = is_constant ? PARQUET_CONSTANT : PARQUET_FLAT;
			v->width = (uint32_t)storage_size(storage);
			v->data = c->values;
			v->present = is_constant ? NULL : c->valid;
		}
	}
	return p->values;
}

/* ---- values to batch ---- */

struct unpacker {
	const struct layout *layout;
	struct parquet_buffer *buffers; /* one per column of the layout */
	bool *is_loaded;
	uint32_t *codes; /* of the batch, by code of the file's dictionary */
	size_t codes_cap;
};

int
unpacker_new(struct unpacker **out, const struct layout *layout, struct err *err)
{
	struct unpacker *u = calloc(1, sizeof *u);

	if (u != NULL) {
		u->layout = layout;
		u->buffers = calloc(layout->count + 1, sizeof *u->buffers);
		u->is_loaded = calloc(layout->count + 1, sizeof *u->is_loaded);
	}
	if (u == NULL || u->buffers == NULL || u->is_loaded == NULL) {
		unpacker_free(u);
		return err_set(err, ENOMEM, "store: out of memory");
	}
	*out = u;
	return 0;
}

void
unpacker_free(struct unpacker *u)
{
	if (u == NULL)
		return;
	for (size_t i = 0; u->buffers != NULL && i < u->layout->count; i++)
		parquet_buffer_done(&u->buffers[i]);
	free(u->buffers);
	free(u->is_loaded);
	free(u->codes);
	free(u);
}

static uint32_t
unsigned_width(const struct parquet_column_spec *spec)
{
	switch (spec->logical) {
	case PARQUET_UINT_8:
		return 1;
	case PARQUET_UINT_16:
		return 2;
	case PARQUET_UINT_32:
		return 4;
	case PARQUET_UINT_64:
		return 8;
	default:
		return spec->type == PARQUET_BOOLEAN ? 1 : 0;
	}
}

/* The same, or an unsigned number that was narrower when the file was written. */
static bool
is_readable_as(const struct parquet_column_spec *have,
	       const struct parquet_column_spec *want)
{
	uint32_t old = unsigned_width(have), now = unsigned_width(want);

	if (have->is_unreadable || have->is_list != want->is_list)
		return false;
	if (!have->is_list && old > 0 && now > 0)
		return old <= now;
	return have->type == want->type && have->logical == want->logical &&
	       (have->type != PARQUET_FLBA || have->type_length == want->type_length);
}

static int
load_column(struct unpacker *u, struct parquet_reader *reader, size_t group,
	    size_t column, struct err *err)
{
	const struct parquet_column_spec *want = &u->layout->columns[column];
	int at = parquet_reader_find(reader, want->name);

	if (at < 0)
		return 0;
	if (!is_readable_as(parquet_reader_column(reader, (size_t)at), want))
		return err_set(err, EINVAL,
			       "column %s has a type that weir does not write",
			       want->name);
	if (parquet_read_column(reader, group, (size_t)at, &u->buffers[column], err) != 0)
		return -1;
	u->is_loaded[column] = true;
	return 0;
}

int
unpacker_load(struct unpacker *u, struct parquet_reader *reader, size_t group,
	      const uint64_t *needed, struct err *err)
{
	const struct schema *schema = u->layout->schema;

	memset(u->is_loaded, 0, u->layout->count * sizeof *u->is_loaded);
	for (unsigned f = 0; f < schema->stored; f++) {
		size_t first = u->layout->first[f];
		bool is_addr = types[schema->fields[f].type].storage == STORAGE_ADDR;

		if (needed != NULL && !row_has(needed, f))
			continue;
		if (load_column(u, reader, group, first, err) != 0 ||
		    (is_addr && load_column(u, reader, group, first + 1, err) != 0))
			return -1;
	}
	return 0;
}

static bool
has_row(const struct parquet_values *v, size_t row)
{
	return v->form != PARQUET_ABSENT &&
	       (v->present == NULL || (v->present[row / 64] >> row % 64 & 1) != 0);
}

static bool
has_any(const struct parquet_values *v, size_t from, size_t n)
{
	if (v->form == PARQUET_ABSENT || v->present == NULL)
		return v->form != PARQUET_ABSENT;
	for (size_t i = from; i < from + n; i++)
		if (has_row(v, i))
			return true;
	return false;
}

static bool
is_whole_constant(const struct parquet_values *v)
{
	return v->form == PARQUET_CONSTANT && v->present == NULL;
}

/* Copies rows from..from+n-1 of a validity bitmap; from is a multiple of 64. */
static void
copy_valid(struct column *c, const uint64_t *present, size_t from, size_t n)
{
	if (present == NULL)
		return;
	c->valid = c->valid_space;
	memcpy(c->valid, present + from / 64, n / 64 * 8);
	if (n % 64 != 0)
		c->valid[n / 64] =
		    present[(from + n) / 64] & (((uint64_t)1 << n % 64) - 1);
}

static uint64_t
widen(const void *data, uint32_t width, size_t i)
{
	switch (width) {
	case 1:
		return ((const uint8_t *)data)[i];
	case 2:
		return ((const uint16_t *)data)[i];
	case 4:
		return ((const uint32_t *)data)[i];
	default:
		return ((const uint64_t *)data)[i];
	}
}

static void
unpack_number(struct batch *batch, unsigned field, const struct parquet_values *v,
	      size_t from, size_t n)
{
	size_t size = storage_size(types[batch->columns[field].type].storage);
	bool is_one = v->form == PARQUET_CONSTANT;
	struct column *c;
	uint8_t *to;

	if (is_whole_constant(v)) {
		uint64_t value = widen(v->data, v->width, 0); /* little-endian machine */

		batch_constant(batch, field, &value);
		return;
	}
	c = batch_flat(batch, field);
	to = c->values;
	if (!is_one && v->width == size)
		memcpy(to, (const uint8_t *)v->data + from * size, n * size);
	else
		for (size_t i = 0; i < n; i++) {
			uint64_t value = widen(v->data, v->width, is_one ? 0 : from + i);

			memcpy(to + i * size, &value, size);
		}
	copy_valid(c, v->present, from, n);
}

static void
unpack_mixed(struct batch *batch, unsigned field, const struct parquet_values *v4,
	     const struct parquet_values *v6, size_t from, size_t n)
{
	struct addr *to;
	struct column *c;

	c = batch_flat(batch, field);
	column_mix(c, 0);
	to = c->values;
	c->valid = c->valid_space;
	memset(c->valid, 0, (n + 63) / 64 * 8);
	for (size_t i = 0; i < n; i++) {
		size_t row = from + i;

		if (has_row(v4, row)) {
			const uint32_t *data = v4->data;

			addr_set_v4(&to[i], data[v4->form == PARQUET_CONSTANT ? 0 : row]);
		} else if (has_row(v6, row)) {
			const uint8_t *data = v6->data;

			to[i] =
			    addr_v6(data + (v6->form == PARQUET_CONSTANT ? 0 : row) * 16);
		} else {
			to[i] = (struct addr){0};
			continue;
		}
		c->valid[i / 64] |= (uint64_t)1 << i % 64;
	}
}

static void
unpack_addr(struct batch *batch, unsigned field, const struct parquet_values *v4,
	    const struct parquet_values *v6, size_t from, size_t n)
{
	bool has_v4 = has_any(v4, from, n), has_v6 = has_any(v6, from, n);
	struct addr a;

	if (!has_v4 && !has_v6)
		return;
	if (!has_v4 && is_whole_constant(v6)) {
		a = addr_v6(v6->data);
		batch_constant(batch, field, &a);
	} else if (!has_v6 && is_whole_constant(v4)) {
		a = addr_v4(*(const uint32_t *)v4->data);
		batch_constant(batch, field, &a);
	} else if (!has_v6 && v4->form == PARQUET_FLAT) {
		struct column *c = batch_flat(batch, field);

		memcpy(c->values, (const uint32_t *)v4->data + from,
		       n * sizeof(uint32_t));
		copy_valid(c, v4->present, from, n);
	} else {
		unpack_mixed(batch, field, v4, v6, from, n);
	}
}

static uint32_t
text_code(struct dict *dict, const struct parquet_values *v, size_t i)
{
	return dict_code(dict, (const char *)v->bytes + v->offsets[i],
			 v->offsets[i + 1] - v->offsets[i]);
}

static void
unpack_text(struct unpacker *u, struct batch *batch, unsigned field,
	    const struct parquet_values *v, size_t from, size_t n)
{
	struct column *c = batch_flat(batch, field);
	uint32_t *to = c->values;

	if (v->form == PARQUET_DICT) {
		if (u->codes_cap < v->dict_size) {
			free(u->codes);
			u->codes_cap = v->dict_size;
			if ((u->codes = malloc(u->codes_cap * sizeof *u->codes)) == NULL)
				abort();
		}
		memset(u->codes, 0xff, v->dict_size * sizeof *u->codes);
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t code;

		to[i] = 0;
		if (!has_row(v, from + i))
			continue;
		if (v->form != PARQUET_DICT) {
			to[i] = text_code(c->dict, v,
					  v->form == PARQUET_CONSTANT ? 0 : from + i);
			continue;
		}
		code = v->codes[from + i];
		if (u->codes[code] == UINT32_MAX)
			u->codes[code] = text_code(c->dict, v, code);
		to[i] = u->codes[code];
	}
	copy_valid(c, v->present, from, n);
}

static void
unpack_list(struct batch *batch, unsigned field, const struct parquet_values *v,
	    size_t from, size_t n)
{
	struct column *c = batch_flat(batch, field);
	uint32_t first = v->offsets[from], *to = c->values;
	size_t count = v->offsets[from + n] - first;

	if (c->items_cap < count) {
		uint64_t *items = realloc(c->items, count * sizeof *items);

		if (items == NULL)
			abort();
		c->items = items;
		c->items_cap = count;
	}
	if (count > 0)
		memcpy(c->items, (const uint64_t *)v->data + first, count * 8);
	c->items_len = count;
	for (size_t i = 0; i <= n; i++)
		to[i] = v->offsets[from + i] - first;
	copy_valid(c, v->present, from, n);
}

void
unpacker_rows(struct unpacker *u, size_t from, size_t n, struct batch *batch)
{
	static const struct parquet_values absent;
	const struct schema *schema = u->layout->schema;

	batch_clear(batch);
	for (unsigned f = 0; f < schema->stored; f++) {
		size_t first = u->layout->first[f];
		enum storage storage = types[schema->fields[f].type].storage;
		const struct parquet_values *v =
		    u->is_loaded[first] ? &u->buffers[first].values : &absent;

		if (storage == STORAGE_ADDR)
			unpack_addr(batch, f, v,
				    u->is_loaded[first + 1]
					? &u->buffers[first + 1].values
					: &absent,
				    from, n);
		else if (v->form == PARQUET_ABSENT)
			continue;
		else if (storage == STORAGE_TEXT)
			unpack_text(u, batch, f, v, from, n);
		else if (storage == STORAGE_LIST)
			unpack_list(batch, f, v, from, n);
		else
			unpack_number(batch, f, v, from, n);
	}
	batch->rows = n;
}
