/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hashes and checksums, all from libraries: xxhash for tables, libdeflate for CRC-32.
 */
#include "base/hash.h"

#include <libdeflate.h>
#include <sys/random.h>
#include <time.h>
#include <xxhash.h>

uint64_t
hash64(const void *bytes, size_t n, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes, n, seed);
}

uint32_t
crc32_of(uint32_t before, const void *bytes, size_t n)
{
	return libdeflate_crc32(before, bytes, n);
}

uint64_t
random_seed(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		seed = mix64((uint64_t)time(NULL), (uintptr_t)&seed);
	return seed;
}
