/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small batches into a big one. Columns of numbers and of IPv4 addresses, which are
 * nearly all, are copied whole; a text is looked up once per distinct text; an absent
 * column stays absent. This is the hot part of storing: a row has eighty columns.
 */
#include "store/gather.h"

#include <stdlib.h>
#include <string.h>

#include "model/batch.h"
#include "model/dict.h"

/* Bits at..at+n-1 of a bitmap, NULL being all ones, to bits to.. of another. */
static void
copy_bits(uint64_t *bits, size_t to, const uint64_t *from, size_t at, size_t n)
{
	while (n > 0) {
		/* As many as lie in one word here and there. */
		size_t here = 64 - to % 64, there = 64 - at % 64;
		size_t part = here < there ? here : there;
		uint64_t mask, some;

		part = part < n ? part : n;
		mask = UINT64_MAX >> (64 - part);
		some = from == NULL ? mask : from[at / 64] >> at % 64 & mask;
		bits[to / 64] = (bits[to / 64] & ~(mask << to % 64)) | some << to % 64;
		to += part;
		at += part;
		n -= part;
	}
}

/* Validity of the new rows; source NULL: all are null. */
static void
copy_valid(struct column *c, size_t rows, const struct column *source, size_t at,
	   size_t n)
{
	static const uint64_t none[BATCH_ROWS / 64];
	const uint64_t *valid = source == NULL                ? none
				: source->form == COLUMN_FLAT ? source->valid
							      : NULL;

	if (valid == NULL && c->valid == NULL)
		return;
	if (c->valid == NULL) {
		c->valid = c->valid_space;
		memset(c->valid, 0xff, (c->cap + 63) / 64 * 8);
	}
	if (source != NULL) {
		copy_bits(c->valid, rows, valid, at, n);
		return;
	}
	for (size_t i = 0; i < n; i += BATCH_ROWS)
		copy_bits(c->valid, rows + i, none, 0,
			  n - i < BATCH_ROWS ? n - i : BATCH_ROWS);
}

static void
copy_fixed(void *to, const void *from, size_t size, size_t rows, size_t at, size_t n,
	   bool is_constant)
{
	uint8_t *out = (uint8_t *)to + rows * size;

	if (!is_constant)
		memcpy(out, (const uint8_t *)from + at * size, n * size);
	else
		values_repeat(out, from, size, n);
}

static void
copy_addrs(struct column *c, size_t rows, const struct column *source, size_t at,
	   size_t n)
{
	bool is_constant = source->form == COLUMN_CONSTANT;
	struct addr *to;

	if (source->is_mixed && !c->is_mixed)
		column_mix(c, rows);
	if (source->is_mixed == c->is_mixed) {
		copy_fixed(c->values, source->values,
			   c->is_mixed ? sizeof(struct addr) : sizeof(uint32_t), rows, at,
			   n, is_constant);
		return;
	}
	to = (struct addr *)c->values + rows;
	for (size_t i = 0; i < n; i++)
		addr_set_v4(&to[i],
		    ((const uint32_t *)source->values)[is_constant ? 0 : at + i]);
}

static void
copy_texts(struct column *c, size_t rows, const struct column *source, size_t at,
	   size_t n)
{
	uint32_t last = UINT32_MAX, code = 0, *to = (uint32_t *)c->values + rows;

	for (size_t i = 0; i < n; i++) {
		size_t row = source->form == COLUMN_CONSTANT ? 0 : at + i;
		uint32_t have = ((const uint32_t *)source->values)[row];

		to[i] = 0;
		if (column_is_null(source, row))
			continue;
		if (have != last) {
			struct str s = dict_get(source->dict, have);

			code = dict_code(c->dict, s.data, s.len);
			last = have;
		}
		to[i] = code;
	}
}

static void
copy_lists(struct column *c, size_t rows, const struct column *source, size_t at,
	   size_t n)
{
	const uint32_t *from = source->values;
	uint32_t *to = c->values;

	c->items_len = to[rows];
	for (size_t i = 0; i < n; i++) {
		if (!column_is_null(source, at + i))
			for (uint32_t k = from[at + i]; k < from[at + i + 1]; k++)
				column_item(c, source->items[k]);
		to[rows + i + 1] = (uint32_t)c->items_len;
	}
}

static void
copy_nulls(struct column *c, size_t rows, size_t n)
{
	enum storage storage = types[c->type].storage;
	size_t size = storage == STORAGE_ADDR && !c->is_mixed ? 4 : storage_size(storage);
	uint32_t *ends = c->values;

	if (storage != STORAGE_LIST)
		memset((uint8_t *)c->values + rows * size, 0, n * size);
	else
		for (size_t i = 0; i < n; i++)
			ends[rows + i + 1] = ends[rows];
	copy_valid(c, rows, NULL, 0, n);
}

void
gather_rows(struct batch *to, const struct batch *from, size_t at, size_t n)
{
	for (unsigned f = 0; f < to->schema->stored; f++) {
		const struct column *source = &from->columns[f];
		enum storage storage = types[source->type].storage;
		struct column *c = &to->columns[f];

		if (source->form == COLUMN_ABSENT && c->form == COLUMN_ABSENT)
			continue;
		c = batch_flat(to, f);
		if (source->form == COLUMN_ABSENT) {
			copy_nulls(c, to->rows, n);
			continue;
		}
		if (storage == STORAGE_ADDR)
			copy_addrs(c, to->rows, source, at, n);
		else if (storage == STORAGE_TEXT)
			copy_texts(c, to->rows, source, at, n);
		else if (storage == STORAGE_LIST)
			copy_lists(c, to->rows, source, at, n);
		else
			copy_fixed(c->values, source->values, storage_size(storage),
				   to->rows, at, n, source->form == COLUMN_CONSTANT);
		copy_valid(c, to->rows, source, at, n);
	}
	to->rows += n;
}
