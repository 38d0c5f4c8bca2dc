/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PARQUET_GATHER_H
#define PARQUET_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Copies the n values of in (width bytes each) whose bit in present is set, one behind
 * the other, to integers of 32 or 64 bits; NULL: all of them. Returns how many.
 */
size_t gather_32(uint32_t *out, const void *in, unsigned width, bool is_signed,
		 const uint64_t *present, size_t n);
size_t gather_64(uint64_t *out, const void *in, unsigned width, bool is_signed,
		 const uint64_t *present, size_t n);
/* Values of any width, copied as they are. */
size_t gather_fixed(uint8_t *out, const uint8_t *in, size_t width,
		    const uint64_t *present, size_t n);

/* Number of bits set among the first n. */
size_t gather_count(const uint64_t *present, size_t n);

/* Word i of a bitmap of n bits, without the bits behind the end. */
static inline uint64_t
gather_word(const uint64_t *present, size_t i, size_t n)
{
	return n - i * 64 >= 64 ? present[i]
				: present[i] & (((uint64_t)1 << (n % 64)) - 1);
}

#endif
