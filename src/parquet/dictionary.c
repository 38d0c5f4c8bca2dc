/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dictionary coding. Integers within a span of 65,536 index a table; others go through an
 * open table of 32-bit slots, at most half full, with a multiplicative hash of a random
 * odd factor (2-universal, so that no choice of values makes long chains). Slots hold the
 * code plus one; 0 is free. A look at 1,024 values first spares columns of distinct
 * values the whole effort.
 */
#include "parquet/dictionary.h"

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/hash.h"
#include "parquet/format.h"

enum {
	DIRECT = 65536,
	SAMPLE = 1024,
	SAMPLE_SLOTS = 4096,
	SAMPLE_REPEATS = 16, /* fewer: some 32,768 distinct values or more */
};

void
dictionary_init(struct dictionary *d)
{
	*d = (struct dictionary){.seed = random_seed() | 1};
}

void
dictionary_done(struct dictionary *d)
{
	free(d->slots.at);
	d->slots = (struct parquet_memory){0};
}

/* 2^bits cleared slots, at least twice the limit or n. */
static uint32_t *
clear_slots(struct dictionary *d, size_t n, uint32_t limit, unsigned *bits)
{
	size_t most = n < limit ? n : limit;
	uint32_t *slots;

	*bits = 4;
	while ((size_t)1 << *bits < most * 2 + 2)
		++*bits;
	if ((slots = format_room(&d->slots, sizeof *slots << *bits, false)) != NULL)
		memset(slots, 0, sizeof *slots << *bits);
	return slots;
}

#define CODE(bits, T)                                                                    \
	static bool is_diverse##bits(const struct dictionary *d, const T *v, size_t n)   \
	{                                                                                \
		uint16_t slots[SAMPLE_SLOTS] = {0};                                      \
		T seen[SAMPLE];                                                          \
		uint16_t distinct = 0;                                                   \
                                                                                         \
		if (n < SAMPLE * 4)                                                      \
			return false;                                                    \
		for (size_t i = 0; i < SAMPLE; i++) {                                    \
			T value = v[i * (n / SAMPLE)];                                   \
			size_t at = value * d->seed >> 52;                               \
                                                                                         \
			while (slots[at] != 0 && seen[slots[at] - 1] != value)           \
				at = (at + 1) % SAMPLE_SLOTS;                            \
			if (slots[at] == 0) {                                            \
				seen[distinct] = value;                                  \
				slots[at] = ++distinct;                                  \
			}                                                                \
		}                                                                        \
		return SAMPLE - distinct < SAMPLE_REPEATS;                               \
	}                                                                                \
                                                                                         \
	static uint32_t code_direct##bits(struct dictionary *d, const T *v, size_t n,    \
					  T min, T max, uint32_t limit, T *entries,      \
					  uint32_t *codes)                               \
	{                                                                                \
		size_t span = (size_t)(max - min) + 1;                                   \
		uint32_t *slots = format_room(&d->slots, DIRECT * sizeof *slots, false); \
		uint32_t count = 0;                                                      \
                                                                                         \
		if (slots == NULL)                                                       \
			return 0;                                                        \
		memset(slots, 0, span * sizeof *slots);                                  \
		for (size_t i = 0; i < n; i++) {                                         \
			uint32_t *slot = &slots[v[i] - min];                             \
                                                                                         \
			if (*slot == 0) {                                                \
				if (count == limit)                                      \
					return 0;                                        \
				entries[count] = v[i];                                   \
				*slot = ++count;                                         \
			}                                                                \
			codes[i] = *slot - 1;                                            \
		}                                                                        \
		return count;                                                            \
	}                                                                                \
                                                                                         \
	uint32_t dictionary_code##bits(struct dictionary *d, const T *v, size_t n,       \
				       T min, T max, uint32_t limit, T *entries,         \
				       uint32_t *codes)                                  \
	{                                                                                \
		uint32_t *slots, count = 0;                                              \
		unsigned log;                                                            \
		size_t mask;                                                             \
                                                                                         \
		if (is_diverse##bits(d, v, n))                                           \
			return 0;                                                        \
		if (max - min < DIRECT && max - min < 16 * n)                            \
			return code_direct##bits(d, v, n, min, max, limit, entries,      \
						 codes);                                 \
		if ((slots = clear_slots(d, n, limit, &log)) == NULL)                    \
			return 0;                                                        \
		mask = ((size_t)1 << log) - 1;                                           \
		for (size_t i = 0; i < n; i++) {                                         \
			T value = v[i];                                                  \
			size_t at = value * d->seed >> (64 - log);                       \
                                                                                         \
			while (slots[at] != 0 && entries[slots[at] - 1] != value)        \
				at = (at + 1) & mask;                                    \
			if (slots[at] == 0) {                                            \
				if (count == limit)                                      \
					return 0;                                        \
				entries[count] = value;                                  \
				slots[at] = ++count;                                     \
			}                                                                \
			codes[i] = slots[at] - 1;                                        \
		}                                                                        \
		return count;                                                            \
	}

CODE(32, uint32_t)
CODE(64, uint64_t)

static inline __attribute__((always_inline)) uint64_t
hash_bytes(const struct dictionary *d, const uint8_t *p, size_t n)
{
	if (n != 16)
		return hash64(p, n, d->seed);
	return mix64(load_le64(p) ^ d->seed, load_le64(p + 8));
}

uint32_t
dictionary_code_bytes(struct dictionary *d, const uint8_t *v, const uint32_t *offsets,
		      uint32_t fixed, size_t n, uint32_t limit, uint32_t *entries,
		      uint32_t *codes)
{
	uint32_t *slots, count = 0;
	unsigned log;
	size_t mask;

	if ((slots = clear_slots(d, n, limit, &log)) == NULL)
		return 0;
	mask = ((size_t)1 << log) - 1;
	for (size_t i = 0; i < n; i++) {
		size_t from = offsets == NULL ? i * fixed : offsets[i];
		size_t len = offsets == NULL ? fixed : offsets[i + 1] - offsets[i];
		size_t at = hash_bytes(d, v + from, len) >> (64 - log);

		for (; slots[at] != 0; at = (at + 1) & mask) {
			size_t other = entries[slots[at] - 1];
			size_t other_from =
			    offsets == NULL ? other * fixed : offsets[other];
			size_t other_len =
			    offsets == NULL ? fixed : offsets[other + 1] - offsets[other];

			if (len == other_len &&
			    memcmp(v + from, v + other_from, len) == 0)
				break;
		}
		if (slots[at] == 0) {
			if (count == limit)
				return 0;
			entries[count] = (uint32_t)i;
			slots[at] = ++count;
		}
		codes[i] = slots[at] - 1;
	}
	return count;
}
