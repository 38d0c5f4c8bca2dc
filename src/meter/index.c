/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buckets of a line each, whose slots are compared four at a time where the processor
 * can.
 */
#include "meter/index.h"

#include <assert.h>
#include <string.h>

#include "meter/slab.h"

enum { BUCKETS_START = 1 << 8 };

static size_t
bytes_of(uint32_t mask)
{
	return ((size_t)mask + 1) * sizeof(struct index_bucket);
}

int
flow_index_init(struct flow_index *index, uint32_t flow_max, struct err *err)
{
	*index = (struct flow_index){.mask = BUCKETS_START - 1,
		.flow_bits = 32 - (unsigned)__builtin_clz(flow_max | 1)};
	index->buckets = region_map(bytes_of(index->mask), false, err);
	return index->buckets == NULL ? -1 : 0;
}

void
flow_index_done(struct flow_index *index)
{
	region_unmap(index->buckets, bytes_of(index->mask));
	index->buckets = NULL;
}

void
flow_index_clear(struct flow_index *index)
{
	memset(index->buckets, 0, bytes_of(index->mask));
	index->live = 0;
}

size_t
flow_index_bytes(const struct flow_index *index)
{
	return bytes_of(index->mask);
}

int
flow_index_grow(struct flow_index *index, struct err *err)
{
	uint32_t mask = 2 * index->mask + 1;
	struct index_bucket *grown;

	if ((grown = region_map(bytes_of(mask), bytes_of(mask) >= 2 << 20, err)) == NULL)
		return -1;
	region_unmap(index->buckets, bytes_of(index->mask));
	index->buckets = grown;
	index->mask = mask;
	index->live = 0;
	return 0;
}

uint32_t
flow_index_next(const struct flow_index *index, uint32_t hash,
    struct index_search *search)
{
	const struct index_bucket *b;
	uint32_t flow;

	if (!search->is_begun) {
		search->is_begun = true;
		search->bucket = hash & index->mask;
		search->hits = index_bucket_like(&index->buckets[search->bucket], hash,
		    index->flow_bits);
	}
	for (;;) {
		b = &index->buckets[search->bucket];
		while (search->hits != 0) {
			int i = __builtin_ctz(search->hits);

			search->hits &= search->hits - 1;
			flow = b->slots[i] & ((1u << index->flow_bits) - 1);
			if (flow != 0)
				return flow;
		}
		if (b->passed == 0)
			return 0;
		search->bucket = (search->bucket + 1) & index->mask;
		search->hits = index_bucket_like(&index->buckets[search->bucket], hash,
		    index->flow_bits);
	}
}

void
flow_index_put(struct flow_index *index, uint32_t hash, uint32_t flow)
{
	uint32_t slot = (hash >> index->flow_bits << index->flow_bits) | flow;
	struct index_bucket *b;
	uint32_t at, empty;

	for (at = hash & index->mask;; at = (at + 1) & index->mask) {
		b = &index->buckets[at];
		if ((empty = index_bucket_like(b, 0, 0)) != 0)
			break;
		b->passed++;
	}
	b->slots[__builtin_ctz(empty)] = slot;
	index->live++;
}

void
flow_index_remove(struct flow_index *index, uint32_t hash, uint32_t flow)
{
	uint32_t slot = (hash >> index->flow_bits << index->flow_bits) | flow;
	struct index_bucket *b;
	uint32_t at;

	for (at = hash & index->mask;; at = (at + 1) & index->mask) {
		b = &index->buckets[at];
		for (int i = 0; i < INDEX_SLOTS; i++)
			if (b->slots[i] == slot) {
				b->slots[i] = 0;
				index->live--;
				return;
			}
		assert(b->passed > 0);
		b->passed--;
	}
}
