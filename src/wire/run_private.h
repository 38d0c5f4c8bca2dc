/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WIRE_RUN_PRIVATE_H
#define WIRE_RUN_PRIVATE_H

#include "model/batch.h"
#include "wire/run.h"

#include <string.h>

/* What run.c and complete.c share: the values of a flat column. */

static inline size_t
value_size(const struct column *c)
{
	enum storage storage = types[c->type].storage;

	return storage == STORAGE_ADDR && !c->is_mixed ? 4 : storage_size(storage);
}

static inline void *
value_at(const struct column *c, size_t row)
{
	return (char *)c->values + row * value_size(c);
}

static inline bool
value_is_zero(const struct column *c, size_t row)
{
	static const struct addr none;
	const uint8_t *p = value_at(c, row);

	if (types[c->type].storage == STORAGE_ADDR && c->is_mixed)
		return memcmp(p + 4, (const uint8_t *)&none + 4, sizeof none - 4) == 0;
	return memcmp(p, &none, value_size(c)) == 0;
}

/* A column with room for the rows of this run, in which they count as valid. */
static inline struct column *
open_column(struct batch *out, unsigned field, size_t n)
{
	struct column *c = batch_flat(out, field);

	column_mark(out, field, out->rows, out->rows + n, true);
	return c;
}

/* complete.c: the columns of n records behind out->rows; filled: the fields they have. */
void run_complete(struct run *run, const struct template *t, struct batch *out, size_t n,
    uint64_t *filled);

#endif
