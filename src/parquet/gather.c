/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes the dense values of a column from rows with gaps, and widens them on the way. The
 * bitmap is taken by words: a full word is a plain loop, another one steps from bit to
 * bit.
 */
#include "parquet/gather.h"

#include <assert.h>
#include <string.h>

size_t
gather_count(const uint64_t *present, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i * 64 < n; i++)
		count += (size_t)__builtin_popcountll(gather_word(present, i, n));
	return count;
}

#define GATHER(name, S, T)                                                               \
	static size_t name(T *out, const S *in, const uint64_t *present, size_t n)       \
	{                                                                                \
		T *to = out;                                                             \
                                                                                         \
		if (present == NULL) {                                                   \
			for (size_t i = 0; i < n; i++)                                   \
				out[i] = (T)in[i];                                       \
			return n;                                                        \
		}                                                                        \
		for (size_t i = 0; i * 64 < n; i++, in += 64) {                          \
			uint64_t word = gather_word(present, i, n);                      \
                                                                                         \
			if (word == UINT64_MAX) {                                        \
				for (size_t k = 0; k < 64; k++)                          \
					to[k] = (T)in[k];                                \
				to += 64;                                                \
				continue;                                                \
			}                                                                \
			for (; word != 0; word &= word - 1)                              \
				*to++ = (T)in[__builtin_ctzll(word)];                    \
		}                                                                        \
		return (size_t)(to - out);                                               \
	}

GATHER(from_u8_to_32, uint8_t, uint32_t)
GATHER(from_i8_to_32, int8_t, uint32_t)
GATHER(from_u16_to_32, uint16_t, uint32_t)
GATHER(from_i16_to_32, int16_t, uint32_t)
GATHER(from_u32_to_32, uint32_t, uint32_t)
GATHER(from_u64_to_32, uint64_t, uint32_t)
GATHER(from_u8_to_64, uint8_t, uint64_t)
GATHER(from_i8_to_64, int8_t, uint64_t)
GATHER(from_u16_to_64, uint16_t, uint64_t)
GATHER(from_i16_to_64, int16_t, uint64_t)
GATHER(from_u32_to_64, uint32_t, uint64_t)
GATHER(from_i32_to_64, int32_t, uint64_t)
GATHER(from_u64_to_64, uint64_t, uint64_t)

size_t
gather_32(uint32_t *out, const void *in, unsigned width, bool is_signed,
	  const uint64_t *present, size_t n)
{
	switch (width) {
	case 1:
		return is_signed ? from_i8_to_32(out, in, present, n)
				 : from_u8_to_32(out, in, present, n);
	case 2:
		return is_signed ? from_i16_to_32(out, in, present, n)
				 : from_u16_to_32(out, in, present, n);
	case 4:
		return from_u32_to_32(out, in, present, n);
	default:
		assert(width == 8);
		return from_u64_to_32(out, in, present, n);
	}
}

size_t
gather_64(uint64_t *out, const void *in, unsigned width, bool is_signed,
	  const uint64_t *present, size_t n)
{
	switch (width) {
	case 1:
		return is_signed ? from_i8_to_64(out, in, present, n)
				 : from_u8_to_64(out, in, present, n);
	case 2:
		return is_signed ? from_i16_to_64(out, in, present, n)
				 : from_u16_to_64(out, in, present, n);
	case 4:
		return is_signed ? from_i32_to_64(out, in, present, n)
				 : from_u32_to_64(out, in, present, n);
	default:
		assert(width == 8);
		return from_u64_to_64(out, in, present, n);
	}
}

size_t
gather_fixed(uint8_t *out, const uint8_t *in, size_t width, const uint64_t *present,
	     size_t n)
{
	uint8_t *to = out;

	for (size_t i = 0; i * 64 < n; i++) {
		uint64_t word = gather_word(present, i, n);

		for (; word != 0; word &= word - 1) {
			size_t row = i * 64 + (size_t)__builtin_ctzll(word);

			memcpy(to, in + row * width, width);
			to += width;
		}
	}
	return (size_t)(to - out) / width;
}
