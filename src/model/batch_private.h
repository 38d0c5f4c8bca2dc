/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_BATCH_PRIVATE_H
#define MODEL_BATCH_PRIVATE_H

#include "model/batch.h"

/* Inside the folder: what batch.c and row.c share. */

/* Writes a row member as the value of `row`; rows before it are set. */
void column_value_put(struct column *c, size_t row, const void *member);

static inline void
bit_put(uint64_t *bits, size_t i, bool is_set)
{
	uint64_t bit = (uint64_t)1 << i % 64;

	bits[i / 64] = is_set ? bits[i / 64] | bit : bits[i / 64] & ~bit;
}

#endif
