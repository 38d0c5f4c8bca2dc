/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_PATH_RANGE_H
#define IDENTIFY_PATH_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/*
 * Which of many files have a path of so many octets, PATH_RANGE_FILES at once: of a
 * record that no constant explains, what few files have decides about hundreds of them.
 * Arrays of paths' octets have room for so many more behind their end.
 */
enum { PATH_RANGE_FILES = 16 };

struct path_range {
	uint16_t least, width; /* least .. least + width octets */
	bool is_empty;
};

static inline struct path_range
path_range_of(int64_t least, int64_t most)
{
	least = least > 0 ? least : 0;
	most = most < UINT16_MAX ? most : UINT16_MAX;
	return least > most ? (struct path_range){.is_empty = true}
			    : (struct path_range){.least = (uint16_t)least,
						  .width = (uint16_t)(most - least)};
}

/* A bit for each of PATH_RANGE_FILES paths. */
static inline uint32_t
path_range_bits(struct path_range range, const uint16_t *octets)
{
	uint32_t bits = 0;

	if (range.is_empty)
		return 0;
#ifdef __SSE2__
	__m128i least = _mm_set1_epi16((short)range.least),
		width = _mm_set1_epi16((short)range.width), within[2];

	for (int i = 0; i < 2; i++) {
		__m128i v = _mm_loadu_si128((const __m128i *)octets + i);

		within[i] = _mm_cmpeq_epi16(
		    _mm_subs_epu16(_mm_sub_epi16(v, least), width), _mm_setzero_si128());
	}
	bits = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(within[0], within[1]));
#else
	for (int i = 0; i < PATH_RANGE_FILES; i++)
		bits |= (uint32_t)((uint16_t)(octets[i] - range.least) <= range.width)
			<< i;
#endif
	return bits;
}

/* How many of n paths, less than 65536. */
static inline uint32_t
path_range_count(struct path_range range, const uint16_t *octets, size_t n)
{
	uint16_t count = 0;
	size_t i;

	for (i = 0; i < n && !range.is_empty; i++)
		count += (uint16_t)(octets[i] - range.least) <= range.width;
	return count;
}

#endif
