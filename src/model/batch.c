/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows as columns. A column comes to life when the first value goes in; until then it is
 * absent and costs nothing. Validity is a bitmap that exists only once there is a null.
 */
#include "model/batch_private.h"

#include "base/memory.h"
#include "model/dict.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t
bitmap_words(size_t rows)
{
	return (rows + 63) / 64;
}

struct batch *
batch_new(const struct schema *schema, size_t cap)
{
	struct batch *b = must(calloc(1, sizeof *b));
	unsigned f;

	b->schema = schema;
	b->cap = cap;
	b->columns = must(calloc(schema->count, sizeof *b->columns));
	for (f = 0; f < schema->count; f++)
		b->columns[f].type = schema->fields[f].type;
	return b;
}

void
batch_free(struct batch *b)
{
	unsigned f;

	if (b == NULL)
		return;
	for (f = 0; f < b->schema->count; f++) {
		free(b->columns[f].space);
		free(b->columns[f].valid_space);
		free(b->columns[f].items);
		dict_free(b->columns[f].dict);
	}
	free(b->columns);
	free(b);
}

void
batch_swap(struct batch *a, struct batch *b)
{
	struct batch kept = *a;

	assert(a->schema == b->schema && a->cap == b->cap);
	*a = *b;
	*b = kept;
}

void
batch_clear(struct batch *b)
{
	struct column *c;
	unsigned f;

	for (f = 0; f < b->schema->count; f++) {
		c = &b->columns[f];
		if (c->form == COLUMN_ABSENT)
			continue;
		c->form = COLUMN_ABSENT;
		c->valid = NULL;
		c->is_mixed = false;
		c->items_len = 0;
		if (c->dict != NULL)
			dict_clear(c->dict);
	}
	memset(b->active, 0, sizeof b->active);
	b->rows = 0;
}

enum { PAGE = 4096, LINE = 64 };

/*
 * Memory of a column for cap rows, from its first use on. Large columns begin at
 * different lines of a page: a row is written to many columns at once, and what lies at
 * the same place of all pages would push itself out of the processor's cache.
 */
static void
column_provide(struct column *c, size_t cap)
{
	enum storage storage = types[c->type].storage;
	size_t bytes = (cap + 1) * storage_size(storage), apart = 0;

	if (c->values != NULL)
		return;
	if (bytes >= PAGE)
		apart = (uintptr_t)c / sizeof *c % (PAGE / LINE) * LINE;
	c->cap = cap;
	c->space = must(calloc(1, bytes + apart));
	c->values = (char *)c->space + apart;
	c->valid_space = must(calloc(bitmap_words(cap) + 1, sizeof *c->valid_space));
	if (storage == STORAGE_TEXT)
		c->dict = dict_new();
}

/* From all valid to a bitmap that says so. */
static void
column_open_valid(struct column *c, bool is_valid)
{
	c->valid = c->valid_space;
	memset(c->valid, is_valid ? 0xff : 0, bitmap_words(c->cap) * sizeof *c->valid);
}

static void
value_zero(struct column *c, size_t row)
{
	enum storage storage = types[c->type].storage;
	size_t size = storage == STORAGE_ADDR && !c->is_mixed ? 4 : storage_size(storage);

	if (storage == STORAGE_LIST)
		((uint32_t *)c->values)[row + 1] = ((uint32_t *)c->values)[row];
	else
		memset((char *)c->values + row * size, 0, size);
}

void
column_set_null(struct column *c, size_t row)
{
	if (c->valid == NULL)
		column_open_valid(c, true);
	bit_put(c->valid, row, false);
	value_zero(c, row);
}

void
values_repeat(void *to, const void *value, size_t size, size_t n)
{
	size_t done = size, all = n * size, part;

	if (n == 0)
		return;
	if (to != value)
		memcpy(to, value, size);
	for (; done < all; done += part) {
		part = done < all - done ? done : all - done;
		memcpy((char *)to + done, to, part);
	}
}

/* values[0] to every row below rows. */
static void
column_spread(struct column *c, size_t rows)
{
	enum storage storage = types[c->type].storage;
	size_t size = storage == STORAGE_ADDR && !c->is_mixed ? 4 : storage_size(storage);

	values_repeat(c->values, c->values, size, rows);
	c->form = COLUMN_FLAT;
}

struct column *
batch_flat(struct batch *b, unsigned field)
{
	struct column *c = &b->columns[field];

	if (c->form == COLUMN_FLAT)
		return c;
	column_provide(c, b->cap);
	if (c->form == COLUMN_CONSTANT) {
		column_spread(c, b->rows);
		return c;
	}
	c->form = COLUMN_FLAT;
	row_mark(b->active, field);
	if (types[c->type].storage == STORAGE_LIST)
		memset(c->values, 0, (b->rows + 1) * sizeof(uint32_t));
	if (b->rows > 0) {
		column_open_valid(c, false);
		memset(c->values, 0,
		    b->rows * (types[c->type].storage == STORAGE_ADDR ? 4
		    : storage_size(types[c->type].storage)));
	}
	return c;
}

struct column *
batch_open(struct batch *b, unsigned field)
{
	struct column *c = batch_flat(b, field);

	assert(b->rows == 0);
	column_open_valid(c, false);
	return c;
}

/* Null rows among the first rows get 0 for a value. */
static void
nulls_zero(struct column *c, size_t rows)
{
	enum storage storage = types[c->type].storage;
	size_t size = storage == STORAGE_ADDR && !c->is_mixed ? 4 : storage_size(storage);
	char *at = c->values;

	for (size_t k = 0; k * 64 < rows; k++, at += 64 * size) {
		size_t n = rows - k * 64 < 64 ? rows - k * 64 : 64;
		uint64_t nulls = ~c->valid[k];

		if (n < 64)
			nulls &= ((uint64_t)1 << n) - 1;
		if (nulls == UINT64_MAX) {
			memset(at, 0, 64 * size);
			continue;
		}
		for (; nulls != 0; nulls &= nulls - 1)
			memset(at + (size_t)__builtin_ctzll(nulls) * size, 0, size);
	}
}

/* Whether any, and whether all of the first rows have a value. */
static void
valid_look(const struct column *c, size_t rows, bool *any, bool *all)
{
	uint64_t some = 0, each = UINT64_MAX, last;
	size_t i;

	for (i = 0; i < rows / 64; i++) {
		some |= c->valid[i];
		each &= c->valid[i];
	}
	if (rows % 64 != 0) {
		last = c->valid[i] << (64 - rows % 64);
		some |= last;
		each &= last | (UINT64_MAX >> rows % 64);
	}
	*any = some != 0;
	*all = each == UINT64_MAX;
}

void
batch_settle(struct batch *b)
{
	struct column *c;
	unsigned f;
	bool has_any, has_all;

	for (f = 0; f < b->schema->stored; f++) {
		c = &b->columns[f];
		if (c->form != COLUMN_FLAT || c->valid == NULL)
			continue;
		valid_look(c, b->rows, &has_any, &has_all);
		if (has_all) {
			c->valid = NULL;
		} else if (!has_any) {
			c->form = COLUMN_ABSENT;
			c->valid = NULL;
			c->is_mixed = false;
			c->items_len = 0;
			b->active[f / 64] &= ~((uint64_t)1 << f % 64);
		} else if (types[c->type].storage != STORAGE_LIST) {
			nulls_zero(c, b->rows);
		}
	}
}

/* Rows from..to-1 to null, of values of one size. */
static void
nulls_put(struct column *c, size_t from, size_t to)
{
	enum storage storage = types[c->type].storage;
	size_t size = storage == STORAGE_ADDR && !c->is_mixed ? 4 : storage_size(storage);

	if (c->valid == NULL)
		column_open_valid(c, true);
	memset((char *)c->values + from * size, 0, (to - from) * size);
	for (; from < to; from++)
		bit_put(c->valid, from, false);
}

void
column_mark(struct batch *b, unsigned field, size_t from, size_t to, bool is_valid)
{
	struct column *c = &b->columns[field];

	if (is_valid && c->valid == NULL)
		return;
	if (!is_valid && types[c->type].storage != STORAGE_LIST) {
		nulls_put(c, from, to);
		return;
	}
	for (; from < to; from++) {
		if (is_valid)
			bit_put(c->valid, from, true);
		else
			column_set_null(c, from);
	}
}

/* In place from the back: the space was made for the wide form. */
void
column_mix(struct column *c, size_t rows)
{
	const uint32_t *narrow = c->values;
	struct addr *wide = c->values;
	size_t i;

	assert(types[c->type].storage == STORAGE_ADDR);
	if (c->is_mixed)
		return;
	for (i = rows; i-- > 0;) {
		uint32_t v4 = narrow[i];

		addr_set_v4(&wide[i], v4);
	}
	c->is_mixed = true;
}

void
column_item(struct column *c, uint64_t item)
{
	if (c->items_len == c->items_cap) {
		c->items_cap = c->items_cap == 0 ? 1024 : c->items_cap * 2;
		c->items = must(realloc(c->items, c->items_cap * sizeof *c->items));
	}
	c->items[c->items_len++] = item;
}

void
column_value_put(struct column *c, size_t row, const void *member)
{
	const struct str *s;
	const struct list *list;
	const struct addr *a;
	uint32_t i;

	switch (types[c->type].storage) {
	case STORAGE_U8:
		((uint8_t *)c->values)[row] = *(const uint8_t *)member;
		break;
	case STORAGE_U16:
		((uint16_t *)c->values)[row] = *(const uint16_t *)member;
		break;
	case STORAGE_U32:
		((uint32_t *)c->values)[row] = *(const uint32_t *)member;
		break;
	case STORAGE_U64:
	case STORAGE_I64:
	case STORAGE_F64:
		memcpy((uint64_t *)c->values + row, member, 8);
		break;
	case STORAGE_ADDR:
		a = member;
		if (a->is_v6 && !c->is_mixed)
			column_mix(c, row);
		if (c->is_mixed)
			((struct addr *)c->values)[row] = *a;
		else
			((uint32_t *)c->values)[row] = a->v4;
		break;
	case STORAGE_TEXT:
		s = member;
		((uint32_t *)c->values)[row] = dict_code(c->dict, s->data, s->len);
		break;
	case STORAGE_LIST:
		list = member;
		c->items_len = ((uint32_t *)c->values)[row];
		for (i = 0; i < list->count; i++)
			column_item(c, list->items[i]);
		((uint32_t *)c->values)[row + 1] = (uint32_t)c->items_len;
		break;
	}
}

void
batch_put(struct batch *b, unsigned field, size_t row, const void *member)
{
	struct column *c = &b->columns[field];

	assert(c->form == COLUMN_FLAT && row < c->cap);
	if (types[c->type].storage == STORAGE_ADDR && !c->is_mixed &&
	    ((const struct addr *)member)->is_v6)
		column_mix(c, b->rows > row ? b->rows : row);
	column_value_put(c, row, member);
	if (c->valid != NULL)
		bit_put(c->valid, row, true);
}

void
batch_constant(struct batch *b, unsigned field, const void *member)
{
	struct column *c = &b->columns[field];

	assert(types[c->type].storage != STORAGE_LIST);
	column_provide(c, b->cap);
	c->form = COLUMN_CONSTANT;
	c->valid = NULL;
	c->is_mixed = false;
	row_mark(b->active, field);
	column_value_put(c, 0, member);
}

void
batch_append(struct batch *b, const void *row)
{
	const uint64_t *present = row;
	const struct field *fields = b->schema->fields;
	size_t at = b->rows;
	unsigned w, f;
	uint64_t bits;

	assert(at < b->cap);
	for (w = 0; w < b->schema->words; w++) {
		for (bits = present[w] | b->active[w]; bits != 0; bits &= bits - 1) {
			struct column *c;

			f = w * 64 + (unsigned)__builtin_ctzll(bits);
			c = &b->columns[f];
			if (c->form != COLUMN_FLAT)
				c = batch_flat(b, f);
			if (present[w] & bits & -bits) {
				column_value_put(c, at,
				    (const char *)row + fields[f].offset);
				if (c->valid != NULL)
					bit_put(c->valid, at, true);
			} else {
				column_set_null(c, at);
			}
		}
	}
	b->rows++;
}

void
batch_cut(struct batch *b, size_t n)
{
	struct column *c;
	unsigned f;

	assert(n <= b->rows);
	b->rows = n;
	for (f = 0; f < b->schema->stored; f++) {
		c = &b->columns[f];
		if (c->form == COLUMN_FLAT && types[c->type].storage == STORAGE_LIST)
			c->items_len = ((uint32_t *)c->values)[n];
	}
}
