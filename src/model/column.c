/* SPDX-License-Identifier: BSD-2-Clause */
/* The values of a column, one at a time, whatever its form. */
#include "model/batch.h"

#include "model/dict.h"

bool
column_is_null(const struct column *c, size_t row)
{
	if (c->form != COLUMN_FLAT)
		return c->form == COLUMN_ABSENT;
	return c->valid != NULL && !(c->valid[row / 64] >> row % 64 & 1);
}

static size_t
where(const struct column *c, size_t row)
{
	return c->form == COLUMN_CONSTANT ? 0 : row;
}

struct addr
column_addr(const struct column *c, size_t row)
{
	row = where(c, row);
	if (c->is_mixed)
		return ((const struct addr *)c->values)[row];
	return addr_v4(((const uint32_t *)c->values)[row]);
}

struct str
column_text(const struct column *c, size_t row)
{
	return dict_get(c->dict, ((const uint32_t *)c->values)[where(c, row)]);
}

struct list
column_list(const struct column *c, size_t row)
{
	const uint32_t *offsets = c->values;

	return (struct list){c->items + offsets[row], offsets[row + 1] - offsets[row]};
}

uint64_t
column_u64(const struct column *c, size_t row)
{
	row = where(c, row);
	switch (types[c->type].storage) {
	case STORAGE_U8: return ((const uint8_t *)c->values)[row];
	case STORAGE_U16: return ((const uint16_t *)c->values)[row];
	case STORAGE_U32: return ((const uint32_t *)c->values)[row];
	default: return ((const uint64_t *)c->values)[row];
	}
}

double
column_f64(const struct column *c, size_t row)
{
	return ((const double *)c->values)[where(c, row)];
}
