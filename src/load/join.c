/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting rows lie in a batch; a chained hash table over the five-tuple and the
 * observation point finds those of the other direction. Chains are searched for CHAIN_MAX
 * links at most, newest first, so that a file of one tuple stays linear.
 */
#include "load/join.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "model/batch.h"

enum { CHAIN_MAX = 64 };

struct waiting {
	struct addr src, dst, exporter;
	int64_t start, end;
	uint32_t domain;
	uint32_t next; /* row + 1 in the same bucket */
	uint16_t src_port, dst_port;
	uint8_t proto;
	bool has_exporter, has_domain, is_taken;
};

struct join {
	struct batch *rows;
	struct waiting *waiting; /* beside the batch's rows */
	uint32_t *buckets;       /* row + 1, 0: none */
	size_t bucket_count;
	uint64_t seed;
};

struct join *
join_new(size_t rows)
{
	struct join *j = must(calloc(1, sizeof *j));

	j->rows = batch_new(&flow_schema, rows);
	j->waiting = must(calloc(rows, sizeof *j->waiting));
	j->bucket_count = rows;
	j->buckets = must(calloc(j->bucket_count, sizeof *j->buckets));
	j->seed = random_seed();
	return j;
}

void
join_free(struct join *j)
{
	if (j == NULL)
		return;
	batch_free(j->rows);
	free(j->waiting);
	free(j->buckets);
	free(j);
}

static struct waiting
waiting_of(const struct flow *f)
{
	struct waiting w;

	memset(&w, 0, sizeof w);
	w.src = f->src;
	w.dst = f->dst;
	w.src_port = f->src_port;
	w.dst_port = f->dst_port;
	w.proto = f->proto;
	w.start = f->start;
	w.end = f->end;
	w.has_exporter = flow_has(f, exporter);
	if (w.has_exporter)
		w.exporter = f->exporter;
	w.has_domain = flow_has(f, domain);
	if (w.has_domain)
		w.domain = f->domain;
	return w;
}

static uint32_t *
bucket_of(struct join *j, const struct addr *src, const struct addr *dst, uint32_t ports,
	  uint8_t proto)
{
	uint64_t hash = hash64(src, sizeof *src, j->seed);

	hash = hash64(dst, sizeof *dst, hash);
	return &j->buckets[mix64(hash, (uint64_t)proto << 32 | ports) % j->bucket_count];
}

static bool
is_other_half(const struct waiting *w, const struct waiting *of)
{
	return !w->is_taken && w->proto == of->proto && w->src_port == of->dst_port &&
	       w->dst_port == of->src_port && addr_compare(&w->src, &of->dst) == 0 &&
	       addr_compare(&w->dst, &of->src) == 0 &&
	       w->has_exporter == of->has_exporter && w->has_domain == of->has_domain &&
	       w->domain == of->domain &&
	       addr_compare(&w->exporter, &of->exporter) == 0 && w->start <= of->end &&
	       of->start <= w->end;
}

bool
join_take(struct join *j, const struct flow *flow, struct flow *out)
{
	struct waiting key = waiting_of(flow);
	uint32_t at = *bucket_of(j, &key.dst, &key.src,
				 (uint32_t)key.dst_port << 16 | key.src_port, key.proto),
		 best = 0;
	unsigned links;

	for (links = 0; at != 0 && links < CHAIN_MAX; links++) {
		const struct waiting *w = &j->waiting[at - 1];

		if (is_other_half(w, &key)) {
			best = at;
			if (w->start == key.start && w->end == key.end)
				break;
		}
		at = w->next;
	}
	if (best == 0)
		return false;
	j->waiting[best - 1].is_taken = true;
	batch_row(j->rows, best - 1, out);
	return true;
}

bool
join_is_full(const struct join *j)
{
	return batch_is_full(j->rows);
}

void
join_add(struct join *j, const struct flow *flow)
{
	struct waiting *w = &j->waiting[j->rows->rows];
	uint32_t *bucket;

	assert(!batch_is_full(j->rows));
	*w = waiting_of(flow);
	bucket = bucket_of(j, &w->src, &w->dst, (uint32_t)w->src_port << 16 | w->dst_port,
			   w->proto);
	batch_append(j->rows, flow);
	w->next = *bucket;
	*bucket = (uint32_t)j->rows->rows;
}

bool
join_rest(const struct join *j, size_t *at, struct flow *out)
{
	while (*at < j->rows->rows && j->waiting[*at].is_taken)
		(*at)++;
	if (*at == j->rows->rows)
		return false;
	batch_row(j->rows, (*at)++, out);
	return true;
}

void
join_clear(struct join *j)
{
	batch_clear(j->rows);
	memset(j->buckets, 0, j->bucket_count * sizeof *j->buckets);
}
