/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef METER_INDEX_H
#define METER_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * Flows by the hash of their key. A bucket is one line: 15 slots of 4 octets and a count.
 * A slot is high bits of the hash, which tell at once that most other flows are not it, over
 * the number of the flow. What finds its bucket full goes into the next one that is not;
 * the count says how many went past the bucket, so that a search knows where to stop and
 * nothing has to move when a flow is removed.
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

/* Whether one more needs an index of twice the size: then flow_index_grow, which leaves it
 * empty, and put all flows again. */
static inline bool
flow_index_is_full(const struct flow_index *index)
{
	return index->live >= ((uint64_t)index->mask + 1) * 12;
}
int flow_index_grow(struct flow_index *index, struct err *err);

void flow_index_put(struct flow_index *index, uint32_t hash, uint32_t flow);
/* The flow must be there. */
void flow_index_remove(struct flow_index *index, uint32_t hash, uint32_t flow);

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
