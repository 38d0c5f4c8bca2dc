/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoded row groups to batches, slice by slice: the way back from packer.c, where a file
 * of an older version may lack columns or have narrower numbers.
 */
#include "store/unpacker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "model/batch.h"
#include "model/dict.h"
#include "store/layout.h"

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
