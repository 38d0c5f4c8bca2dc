/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PARQUET_BITPACK_H
#define PARQUET_BITPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

struct text;

/* Bits needed for values 0..v. */
static inline unsigned
bitpack_width(uint64_t v)
{
	return v == 0 ? 0 : 64 - (unsigned)__builtin_clzll(v);
}

/* Packs n values (a multiple of 8) of width bits, lowest bit first, into n * width / 8
 * bytes; up to 3 bytes more may be overwritten. Values must fit. width 0 writes nothing.
 */
void bitpack_put32(uint8_t *out, const uint32_t *v, size_t n, unsigned width);
void bitpack_put64(uint8_t *out, const uint64_t *v, size_t n, unsigned width);

/* Unpacks n values; in holds at least (n * width + 7) / 8 = in_bytes or more. */
void bitpack_get32(uint32_t *out, const uint8_t *in, size_t in_bytes, size_t n,
		   unsigned width);
void bitpack_get64(uint64_t *out, const uint8_t *in, size_t in_bytes, size_t n,
		   unsigned width);

/*
 * Parquet's hybrid of runs and packed groups of eight, which codes levels and dictionary
 * codes. width is 1..32. put writes no length in front.
 */
void bitpack_hybrid_put(struct text *out, const uint32_t *v, size_t n, unsigned width);
void bitpack_hybrid_run(struct text *out, uint32_t v, size_t n, unsigned width);
/* n bits of a bitmap that starts at a word. */
void bitpack_hybrid_bitmap(struct text *out, const uint64_t *words, size_t n);
/* Exactly n values, or false. width 0 gives zeros and takes nothing. */
bool bitpack_hybrid_get(struct cursor *c, uint32_t *out, size_t n, unsigned width);
/* True if the next run alone covers n values; then *value is set and c stays. */
bool bitpack_hybrid_is_run(const struct cursor *c, size_t n, unsigned width,
			   uint32_t *value);

#endif
