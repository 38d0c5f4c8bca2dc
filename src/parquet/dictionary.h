/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PARQUET_DICTIONARY_H
#define PARQUET_DICTIONARY_H

#include <stddef.h>
#include <stdint.h>

#include "parquet/parquet.h"

/*
 * Finds the distinct values of a column, in order of first use, and writes one code per
 * value. Each returns their number, or 0 if there would be more than limit (limit is at
 * most DICTIONARY_MAX), or if memory is short. entries holds room for limit values.
 */
enum {
	DICTIONARY_MAX = 32768,
};

struct dictionary {
	uint64_t
	    seed; /* odd; strangers choose the values, so they must not know the hash */
	struct parquet_memory slots;
};

void dictionary_init(struct dictionary *d);
void dictionary_done(struct dictionary *d);

/* min and max are those of v as unsigned numbers. */
uint32_t dictionary_code32(struct dictionary *d, const uint32_t *v, size_t n,
			   uint32_t min, uint32_t max, uint32_t limit, uint32_t *entries,
			   uint32_t *codes);
uint32_t dictionary_code64(struct dictionary *d, const uint64_t *v, size_t n,
			   uint64_t min, uint64_t max, uint32_t limit, uint64_t *entries,
			   uint32_t *codes);
/* Byte strings: v[offsets[i]..offsets[i + 1]), or fixed bytes each where offsets is NULL.
 * entries holds the index of the first value that is equal. */
uint32_t dictionary_code_bytes(struct dictionary *d, const uint8_t *v,
			       const uint32_t *offsets, uint32_t fixed, size_t n,
			       uint32_t limit, uint32_t *entries, uint32_t *codes);

#endif
