/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef METER_INDEX_H
#define METER_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct err;

/*
 * Flows by the hash of their key. A bucket is one line: 15 slots of 4 octets and a count.
 * A slot is high bits of the hash, which tell at once that most other flows are not it,
 * over the number of the flow. What finds its bucket full goes into the next one that is
 * not; the count says how many went past the bucket, so that a search knows where to stop
 * and nothing has to move when a flow is removed.
 */
enum { INDEX_SLOTS = 15 };

struct index_bucket {
	uint32_t slots[INDEX_SLOTS]; /* 0 is empty */
	uint32_t passed;
} __attribute__((aligned(64)));

struct flow_index {
	struct index_bucket *buckets;
	uint32_t mask;      /* number of buckets - 1 */
	unsigned flow_bits; /* of a slot */
	uint64_t live;
};

/* Flow numbers from 1 to flow_max. */
int flow_index_init(struct flow_index *index, uint32_t flow_max, struct err *err);
void flow_index_done(struct flow_index *index);
void flow_index_clear(struct flow_index *index);
size_t flow_index_bytes(const struct flow_index *index);

/* Whether one more needs an index of twice the size: then flow_index_grow, which leaves
 * it empty, and put all flows again. */
static inline bool
flow_index_is_full(const struct flow_index *index)
{
	return index->live >= ((uint64_t)index->mask + 1) * 12;
}
int flow_index_grow(struct flow_index *index, struct err *err);

void flow_index_put(struct flow_index *index, uint32_t hash, uint32_t flow);
/* The flow must be there. */
void flow_index_remove(struct flow_index *index, uint32_t hash, uint32_t flow);

/* Bits of the slots whose high bits are the hash's, empty ones perhaps among them; the
 * empty ones are those like 0 in all bits. */
static inline uint32_t
index_bucket_like(const struct index_bucket *b, uint32_t hash, unsigned flow_bits)
{
	uint32_t hits = 0;

#ifdef __SSE2__
	__m128i want = _mm_set1_epi32((int)hash),
	    shift = _mm_cvtsi32_si128((int)flow_bits);

	for (int i = 0; i < 4; i++) {
		__m128i have = _mm_load_si128((const __m128i *)b + i);
		__m128i rest = _mm_srl_epi32(_mm_xor_si128(have, want), shift);
		__m128i same = _mm_cmpeq_epi32(rest, _mm_setzero_si128());

		hits |= (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(same)) << 4 * i;
	}
	hits &= (1u << INDEX_SLOTS) - 1;
#else
	for (int i = 0; i < INDEX_SLOTS; i++)
		hits |= (uint32_t)((b->slots[i] ^ hash) >> flow_bits == 0) << i;
#endif
	return hits;
}

/* A flow of the hash's own bucket that may have it, or 0: a hint, no more. */
static inline uint32_t
flow_index_first(const struct flow_index *index, uint32_t hash)
{
	const struct index_bucket *b = &index->buckets[hash & index->mask];
	uint32_t hits = index_bucket_like(b, hash, index->flow_bits);

	return hits == 0 ? 0
	    : b->slots[__builtin_ctz(hits)] & ((1u << index->flow_bits) - 1);
}

/* Goes through the flows that may have the hash; 0 at the end. Begin with {0}. */
struct index_search {
	uint32_t bucket;
	uint32_t hits; /* bits of slots not given yet */
	bool is_begun;
};
uint32_t flow_index_next(const struct flow_index *index, uint32_t hash,
    struct index_search *search);

static inline const void *
flow_index_line(const struct flow_index *index, uint32_t hash)
{
	return &index->buckets[hash & index->mask];
}

#endif
