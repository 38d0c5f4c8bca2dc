/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DELTA_BINARY_PACKED: a header (values per block, miniblocks per block, count, first
 * value), then blocks of 128 differences: the least difference, four bit widths, and four
 * miniblocks of 32 differences above the least. All arithmetic wraps in the width of the
 * type, so that a step from 0 to 2^64-1 needs no more than one bit. The bodies are the
 * same for both widths and are made by DELTA.
 */
#include "parquet/deltapack.h"

#include <string.h>

#include "base/clones.h"
#include "base/text.h"
#include "parquet/bitpack.h"
#include "parquet/thrift.h"

enum {
	BLOCK = 128,
	MINIBLOCK = 32,
	MINIBLOCKS = BLOCK / MINIBLOCK,
	SAMPLE_BLOCKS = 8,
	/* What a foreign file may ask for. */
	BLOCK_MAX = 1 << 16,
	MINIBLOCKS_MAX = 512,
};

#define DELTA(bits, T, S)                                                                \
	/* The differences of one block above their least, which is returned. n          \
	 * is 1..BLOCK, v[-1] is the value before. Unused places become 0. */           \
	static CLONES S block##bits(const T *v, size_t n, T *delta, unsigned *widths)    \
	{                                                                                \
		S least;                                                                 \
                                                                                         \
		for (size_t i = 0; i < n; i++)                                           \
			delta[i] = v[i] - v[(ptrdiff_t)i - 1];                           \
		least = (S)delta[0];                                                     \
		for (size_t i = 1; i < n; i++)                                           \
			least = (S)delta[i] < least ? (S)delta[i] : least;               \
		for (size_t i = 0; i < n; i++)                                           \
			delta[i] -= (T)least;                                            \
		for (size_t i = n; i < BLOCK; i++)                                       \
			delta[i] = 0;                                                    \
		for (size_t m = 0; m < MINIBLOCKS; m++) {                                \
			T all = 0;                                                       \
                                                                                         \
			for (size_t i = 0; i < MINIBLOCK; i++)                           \
				all |= delta[m * MINIBLOCK + i];                         \
			widths[m] = bitpack_width(all);                                  \
		}                                                                        \
		return least;                                                            \
	}                                                                                \
                                                                                         \
	void deltapack_put##bits(struct text *out, const T *v, size_t n)                 \
	{                                                                                \
		T delta[BLOCK];                                                          \
		unsigned widths[MINIBLOCKS];                                             \
                                                                                         \
		thrift_varint(out, BLOCK);                                               \
		thrift_varint(out, MINIBLOCKS);                                          \
		thrift_varint(out, n);                                                   \
		thrift_varint(out, thrift_zigzag(n == 0 ? 0 : (S)v[0]));                 \
		for (size_t i = 1; i < n; i += BLOCK) {                                  \
			size_t left = n - i < BLOCK ? n - i : BLOCK;                     \
			S least = block##bits(v + i, left, delta, widths);               \
			uint8_t *to;                                                     \
                                                                                         \
			thrift_varint(out, thrift_zigzag(least));                        \
			to = (uint8_t *)text_room(out,                                   \
						  MINIBLOCKS + BLOCK * sizeof(T) + 8);   \
			for (size_t m = 0; m < MINIBLOCKS; m++)                          \
				*to++ = (uint8_t)widths[m];                              \
			for (size_t m = 0; m * MINIBLOCK < left; m++) {                  \
				pack##bits(to, delta + m * MINIBLOCK, widths[m]);        \
				to += widths[m] * (MINIBLOCK / 8);                       \
			}                                                                \
			out->len = (size_t)((char *)to - out->data);                     \
		}                                                                        \
	}                                                                                \
                                                                                         \
	size_t deltapack_estimate##bits(const T *v, size_t n)                            \
	{                                                                                \
		size_t blocks = (n + BLOCK - 2) / BLOCK, step, looked = 0, bytes = 0;    \
		T delta[BLOCK];                                                          \
		unsigned widths[MINIBLOCKS];                                             \
                                                                                         \
		if (n < 2)                                                               \
			return 20;                                                       \
		step = blocks <= SAMPLE_BLOCKS ? 1 : blocks / SAMPLE_BLOCKS;             \
		for (size_t b = 0; b < blocks; b += step) {                              \
			size_t i = 1 + b * BLOCK;                                        \
			size_t left = n - i < BLOCK ? n - i : BLOCK;                     \
			S least = block##bits(v + i, left, delta, widths);               \
                                                                                         \
			bytes +=                                                         \
			    MINIBLOCKS + 1 + bitpack_width(thrift_zigzag(least)) / 7;    \
			for (size_t m = 0; m < MINIBLOCKS; m++)                          \
				bytes += widths[m] * (MINIBLOCK / 8);                    \
			looked += left;                                                  \
		}                                                                        \
		return 20 + (size_t)((double)bytes / (double)looked * (double)n);        \
	}                                                                                \
                                                                                         \
	bool deltapack_get##bits(struct cursor *c, T *out, size_t n)                     \
	{                                                                                \
		uint64_t block = thrift_take_varint(c);                                  \
		uint64_t miniblocks = thrift_take_varint(c);                             \
		uint64_t count = thrift_take_varint(c);                                  \
		T last = (T)thrift_unzigzag(thrift_take_varint(c));                      \
		T delta[MINIBLOCK];                                                      \
		size_t done = 1, each;                                                   \
                                                                                         \
		if (!cursor_ok(c) || block == 0 || block > BLOCK_MAX ||                  \
		    block % BLOCK != 0 || miniblocks == 0 ||                             \
		    miniblocks > MINIBLOCKS_MAX ||                                       \
		    block % (miniblocks * MINIBLOCK) != 0 || count != n)                 \
			return false;                                                    \
		each = block / miniblocks;                                               \
		if (n > 0)                                                               \
			out[0] = last;                                                   \
		while (done < n) {                                                       \
			T least = (T)thrift_unzigzag(thrift_take_varint(c));             \
			const uint8_t *widths = cursor_take(c, miniblocks);              \
                                                                                         \
			if (widths == NULL)                                              \
				return false;                                            \
			for (size_t m = 0; m < miniblocks && done < n; m++) {            \
				unsigned width = widths[m];                              \
				size_t take = n - done < each ? n - done : each;         \
				size_t bytes = each / 8 * width;                         \
				const uint8_t *from = c->at;                             \
				size_t have = cursor_left(c);                            \
                                                                                         \
				/* Some writers cut the last miniblock short. */         \
				if (width > 64 || (take * width + 7) / 8 > have)         \
					return false;                                    \
				cursor_skip(c, bytes < have ? bytes : have);             \
				for (size_t i = 0; i < take; i += MINIBLOCK) {           \
					size_t some =                                    \
					    take - i < MINIBLOCK ? take - i : MINIBLOCK; \
					size_t at = i / 8 * width;                       \
                                                                                         \
					unpack##bits(delta, from + at, have - at, some,  \
						     width);                             \
					for (size_t k = 0; k < some; k++)                \
						out[done + i + k] = last +=              \
						    least + delta[k];                    \
				}                                                        \
				done += take;                                            \
			}                                                                \
		}                                                                        \
		return cursor_ok(c);                                                     \
	}

static inline void
pack32(uint8_t *out, const uint32_t *v, unsigned width)
{
	bitpack_put32(out, v, MINIBLOCK, width);
}

static inline void
pack64(uint8_t *out, const uint64_t *v, unsigned width)
{
	uint32_t narrow[MINIBLOCK];

	if (width > 32) {
		bitpack_put64(out, v, MINIBLOCK, width);
		return;
	}
	for (size_t i = 0; i < MINIBLOCK; i++)
		narrow[i] = (uint32_t)v[i];
	bitpack_put32(out, narrow, MINIBLOCK, width);
}

/* DuckDB takes the differences of UINT_32 in 64 bits, so that some need 33. */
static inline void
unpack32(uint32_t *delta, const uint8_t *in, size_t in_bytes, size_t n, unsigned width)
{
	uint64_t wide[MINIBLOCK];

	if (width <= 32) {
		bitpack_get32(delta, in, in_bytes, n, width);
		return;
	}
	bitpack_get64(wide, in, in_bytes, n, width);
	for (size_t i = 0; i < n; i++)
		delta[i] = (uint32_t)wide[i];
}

static inline void
unpack64(uint64_t *delta, const uint8_t *in, size_t in_bytes, size_t n, unsigned width)
{
	bitpack_get64(delta, in, in_bytes, n, width);
}

DELTA(32, uint32_t, int32_t)
DELTA(64, uint64_t, int64_t)
