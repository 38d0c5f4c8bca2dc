/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bit packing and the run-length hybrid. Packing works on groups of eight values, which
 * always end at a byte; one function body is compiled for each width, so that shifts are
 * constants. Unpacking loads eight bytes at the byte where a value starts and shifts, and
 * finishes the last few values from a padded copy, so it never reads past its input.
 */
#include "parquet/bitpack.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "parquet/thrift.h"

static inline __attribute__((always_inline)) void
put_groups(uint8_t *out, const uint32_t *v, size_t n, unsigned width)
{
	for (size_t i = 0; i < n; i += 8) {
		uint64_t bits = 0;
		unsigned fill = 0;
		uint8_t *to = out;

#pragma GCC unroll 8
		for (unsigned k = 0; k < 8; k++) {
			bits |= (uint64_t)v[i + k] << fill;
			fill += width;
			if (fill >= 32) {
				uint32_t word = (uint32_t)bits;

				memcpy(to, &word, 4);
				to += 4;
				bits >>= 32;
				fill -= 32;
			}
		}
		if (fill > 0) {
			uint32_t word = (uint32_t)bits;

			memcpy(to, &word, 4);
		}
		out += width;
	}
}

void
bitpack_put32(uint8_t *out, const uint32_t *v, size_t n, unsigned width)
{
	assert(n % 8 == 0 && width <= 32);
	switch (width) {
#define WIDTH(w)                                                                         \
	case w:                                                                          \
		put_groups(out, v, n, w);                                                \
		break;
		WIDTH(1)
		WIDTH(2) WIDTH(3) WIDTH(4) WIDTH(5) WIDTH(6) WIDTH(7) WIDTH(8) WIDTH(9)
		    WIDTH(10) WIDTH(11) WIDTH(12) WIDTH(13) WIDTH(14) WIDTH(15) WIDTH(16)
			WIDTH(17) WIDTH(18) WIDTH(19) WIDTH(20) WIDTH(21) WIDTH(22)
			    WIDTH(23) WIDTH(24) WIDTH(25) WIDTH(26) WIDTH(27) WIDTH(28)
				WIDTH(29) WIDTH(30) WIDTH(31) WIDTH(32)
#undef WIDTH
				    default : break;
	}
}

void
bitpack_put64(uint8_t *out, const uint64_t *v, size_t n, unsigned width)
{
	uint64_t bits = 0;
	unsigned fill = 0;

	assert(n % 8 == 0 && width <= 64);
	for (size_t i = 0; width > 0 && i < n; i++) {
		bits |= v[i] << fill;
		fill += width;
		if (fill >= 64) {
			memcpy(out, &bits, 8);
			out += 8;
			fill -= 64;
			bits = fill == 0 ? 0 : v[i] >> (width - fill);
		}
	}
	memcpy(out, &bits, fill / 8);
}

static inline uint64_t
load_bits(const uint8_t *in, size_t bit, unsigned width)
{
	unsigned shift = bit % 8;
	uint64_t v = load_le64(in + bit / 8) >> shift;

	if (shift + width > 64)
		v |= (uint64_t)in[bit / 8 + 8] << (64 - shift);
	return width == 64 ? v : v & (((uint64_t)1 << width) - 1);
}

#define GET(name, T)                                                                     \
	void name(T *out, const uint8_t *in, size_t in_bytes, size_t n, unsigned width)  \
	{                                                                                \
		/* Values before `safe` have nine readable bytes at their start. */      \
		size_t safe =                                                            \
		    in_bytes < 9 || width == 0 ? 0 : (in_bytes - 9) * 8 / width;         \
		uint8_t tail[9 + 9 + 8 * 4] = {0};                                       \
		size_t i = 0, first, from;                                               \
                                                                                         \
		if (width == 0) {                                                        \
			memset(out, 0, n * sizeof *out);                                 \
			return;                                                          \
		}                                                                        \
		if (safe > n)                                                            \
			safe = n;                                                        \
		for (; i < safe; i++)                                                    \
			out[i] = (T)load_bits(in, i * width, width);                     \
		while (i < n) {                                                          \
			first = i;                                                       \
			from = first * width / 8;                                        \
			memset(tail, 0, sizeof tail);                                    \
			memcpy(tail, in + from,                                          \
			       in_bytes - from < 24 ? in_bytes - from : 24);             \
			for (; i < n && (i * width - from * 8 + width) <= 24 * 8; i++)   \
				out[i] =                                                 \
				    (T)load_bits(tail, i * width - from * 8, width);     \
		}                                                                        \
	}

GET(bitpack_get32, uint32_t)
GET(bitpack_get64, uint64_t)

void
bitpack_hybrid_run(struct text *out, uint32_t v, size_t n, unsigned width)
{
	thrift_varint(out, (uint64_t)n << 1);
	text_bytes(out, &v, (width + 7) / 8);
}

/* n values, packed; only the last call for a page may have n that is not a multiple of 8.
 */
static void
put_packed(struct text *out, const uint32_t *v, size_t n, unsigned width)
{
	size_t whole = n / 8 * 8;
	uint32_t rest[8] = {0};
	uint8_t *to;

	if (n == 0)
		return;
	thrift_varint(out, (n + 7) / 8 << 1 | 1);
	to = (uint8_t *)text_room(out, (n + 7) / 8 * width + 8);
	bitpack_put32(to, v, whole, width);
	if (whole < n) {
		memcpy(rest, v + whole, (n - whole) * sizeof *v);
		bitpack_put32(to + whole / 8 * width, rest, 8, width);
	}
	out->len += (n + 7) / 8 * width;
}

static inline bool
is_run_of_8(const uint32_t *v)
{
	uint32_t first = v[0];

	return ((v[1] ^ first) | (v[2] ^ first) | (v[3] ^ first) | (v[4] ^ first) |
		(v[5] ^ first) | (v[6] ^ first) | (v[7] ^ first)) == 0;
}

void
bitpack_hybrid_put(struct text *out, const uint32_t *v, size_t n, unsigned width)
{
	size_t start = 0, i = 0;

	while (i + 8 <= n) {
		size_t end = i + 8;

		if (!is_run_of_8(v + i)) {
			i = end;
			continue;
		}
		while (end < n && v[end] == v[i])
			end++;
		/* A run costs about five bytes with the header of what follows. */
		if ((end - i) * width >= 40 || (i == start && end == n)) {
			put_packed(out, v + start, i - start, width);
			bitpack_hybrid_run(out, v[i], end - i, width);
			start = i = end;
		} else {
			i += 8;
		}
	}
	put_packed(out, v + start, n - start, width);
}

void
bitpack_hybrid_bitmap(struct text *out, const uint64_t *words, size_t n)
{
	size_t n_words = (n + 63) / 64, i = 0;

	while (i < n_words) {
		size_t start = i, bits;
		uint64_t like = words[i];

		if (like == 0 || like == UINT64_MAX) {
			while (i < n_words && words[i] == like)
				i++;
			bits = (i * 64 < n ? i * 64 : n) - start * 64;
			bitpack_hybrid_run(out, like & 1, bits, 1);
			continue;
		}
		while (i < n_words && words[i] != 0 && words[i] != UINT64_MAX)
			i++;
		bits = (i * 64 < n ? i * 64 : n) - start * 64;
		thrift_varint(out, (bits + 7) / 8 << 1 | 1);
		text_bytes(out, words + start, (bits + 7) / 8);
	}
}

static uint32_t
take_run_value(struct cursor *c, unsigned width)
{
	const uint8_t *p = cursor_take(c, (width + 7) / 8);
	uint32_t v = 0;

	if (p != NULL)
		memcpy(&v, p, (width + 7) / 8);
	return v;
}

bool
bitpack_hybrid_is_run(const struct cursor *c, size_t n, unsigned width, uint32_t *value)
{
	struct cursor at = *c;
	uint64_t header = thrift_take_varint(&at);

	if ((header & 1) != 0 || header >> 1 < n)
		return false;
	*value = take_run_value(&at, width);
	return cursor_ok(&at);
}

bool
bitpack_hybrid_get(struct cursor *c, uint32_t *out, size_t n, unsigned width)
{
	size_t done = 0;

	if (width > 32)
		return false;
	if (width == 0) {
		memset(out, 0, n * sizeof *out);
		return true;
	}
	while (done < n) {
		uint64_t header = thrift_take_varint(c);
		uint64_t count = header >> 1;
		size_t left = n - done;

		if (!cursor_ok(c) || count == 0)
			return false;
		if ((header & 1) == 0) {
			uint32_t v = take_run_value(c, width);

			left = count < left ? count : left;
			for (size_t i = 0; i < left; i++)
				out[done + i] = v;
		} else {
			size_t have = cursor_left(c), whole;

			/* Some writers cut the last group short. */
			if (count < left / 8 + 1)
				left = count * 8 < left ? count * 8 : left;
			if ((left * width + 7) / 8 > have)
				return false;
			whole = count > have / width ? have : count * width;
			bitpack_get32(out + done, c->at, whole, left, width);
			cursor_skip(c, whole);
		}
		done += left;
	}
	return cursor_ok(c);
}
