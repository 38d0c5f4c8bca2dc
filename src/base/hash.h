/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* XXH3 (libxxhash). Give a secret random seed where strangers choose the keys. */
uint64_t hash64(const void *bytes, size_t n, uint64_t seed);

/* CRC-32 of gzip and of Parquet pages (libdeflate). */
uint32_t crc32_of(uint32_t before, const void *bytes, size_t n);

/* From getrandom(2): a seed nobody can guess. */
uint64_t random_seed(void);

/* One multiply-mix step (wyhash's folding multiply): cheap hash of two words. */
static inline uint64_t
mix64(uint64_t a, uint64_t b)
{
	__uint128_t r = (__uint128_t)(a ^ 0x9e3779b97f4a7c15u) *
	    (b ^ 0xd6e8feb86659fd93u);

	return (uint64_t)r ^ (uint64_t)(r >> 64);
}

#endif
