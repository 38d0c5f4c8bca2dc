/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows out of columns: as structs, into another batch, and columns that are calculated
 * from others.
 */
#include "model/batch_private.h"

#include "model/dict.h"

#include <assert.h>
#include <string.h>

/* The value of a row as its member; column_value_put is the way back. */
static void
value_get(const struct column *c, size_t row, void *member)
{
	switch (types[c->type].storage) {
	case STORAGE_U8:
		*(uint8_t *)member = (uint8_t)column_u64(c, row);
		break;
	case STORAGE_U16:
		*(uint16_t *)member = (uint16_t)column_u64(c, row);
		break;
	case STORAGE_U32:
		*(uint32_t *)member = (uint32_t)column_u64(c, row);
		break;
	case STORAGE_U64:
	case STORAGE_I64:
		*(uint64_t *)member = column_u64(c, row);
		break;
	case STORAGE_F64:
		*(double *)member = column_f64(c, row);
		break;
	case STORAGE_ADDR:
		*(struct addr *)member = column_addr(c, row);
		break;
	case STORAGE_TEXT:
		*(struct str *)member = column_text(c, row);
		break;
	case STORAGE_LIST:
		*(struct list *)member = column_list(c, row);
		break;
	}
}

void
batch_row(const struct batch *b, size_t i, void *row)
{
	uint64_t *present = row;
	const struct column *c;
	unsigned f;

	memset(present, 0, b->schema->words * sizeof *present);
	for (f = 0; f < b->schema->stored; f++) {
		c = &b->columns[f];
		if (c->form == COLUMN_ABSENT || column_is_null(c, i))
			continue;
		value_get(c, i, (char *)row + b->schema->fields[f].offset);
		row_mark(present, f);
	}
}

static void
append_value(struct column *to, size_t at, const struct column *from, size_t i)
{
	union {
		uint64_t number;
		struct addr addr;
		struct str text;
		struct list list;
	} v;

	value_get(from, i, &v);
	column_value_put(to, at, &v);
}

void
batch_append_rows(struct batch *b, const struct batch *from, const uint32_t *picks,
    size_t n)
{
	const struct column *source;
	struct column *c;
	unsigned f;
	size_t i;

	assert(b->schema == from->schema && b->rows + n <= b->cap);
	for (f = 0; f < b->schema->stored; f++) {
		source = &from->columns[f];
		if (source->form == COLUMN_ABSENT && b->columns[f].form == COLUMN_ABSENT)
			continue;
		c = batch_flat(b, f);
		for (i = 0; i < n; i++) {
			if (source->form == COLUMN_ABSENT || column_is_null(source,
			    picks[i])) {
				column_set_null(c, b->rows + i);
				continue;
			}
			append_value(c, b->rows + i, source, picks[i]);
			if (c->valid != NULL)
				bit_put(c->valid, b->rows + i, true);
		}
	}
	b->rows += n;
}

void
batch_derive(struct batch *b, unsigned field)
{
	const struct field *f = &b->schema->fields[field];
	const struct column *x, *y;
	struct column *out;
	size_t i;

	if (f->derivation == DERIVE_NONE)
		return;
	x = &b->columns[f->operand_a];
	y = &b->columns[f->operand_b];
	out = batch_flat(b, field);
	for (i = 0; i < b->rows; i++) {
		bool has_x = !column_is_null(x, i), has_y = !column_is_null(y, i);
		uint64_t a = has_x ? column_u64(x, i) : 0,
		    c = has_y ? column_u64(y, i) : 0, v;

		switch (f->derivation) {
		case DERIVE_DIFF:
			v = a - c;
			has_x = has_x && has_y;
			break;
		case DERIVE_PRODUCT: /* past 2^64 it stays there rather than wrap */
			if (__builtin_mul_overflow(a, has_y ? c : 1, &v))
				v = UINT64_MAX;
			break;
		default:
			v = has_y && c > 0 ? (uint64_t)((double)a * 8e6 / (double)c) : 0;
			has_x = has_x && has_y && c > 0;
		}
		if (has_x) {
			((uint64_t *)out->values)[i] = v;
			if (out->valid != NULL)
				bit_put(out->valid, i, true);
		} else {
			column_set_null(out, i);
		}
	}
}
