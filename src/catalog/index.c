/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking up by size. A size's bucket is its power of two and the ten bits below the
 * highest, like a float's exponent and mantissa, so that buckets rise with sizes and
 * hold like shares of any catalogue; a search looks at one bucket only. Exact sizes have
 * a hash table besides, with a random seed, for sizes are a stranger's choice.
 */
#include "catalog/index.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/search.h"

#include <stdlib.h>
#include <string.h>

enum { MANTISSA_BITS = 10, BUCKETS = (64 - MANTISSA_BITS + 1) << MANTISSA_BITS };
enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

/* A file's place while its size is sorted. */
struct sized {
	uint64_t size;
	uint32_t file;
};

/* One stable counting sort by the digit at shift; false if all have the same one. */
static bool
sort_digit(const struct sized *from, struct sized *to, size_t n, unsigned shift)
{
	size_t starts[DIGITS] = {0}, sum = 0, i, count;

	for (i = 0; i < n; i++)
		starts[from[i].size >> shift & (DIGITS - 1)]++;
	if (starts[from[0].size >> shift & (DIGITS - 1)] == n)
		return false;
	for (i = 0; i < DIGITS; i++) {
		count = starts[i];
		starts[i] = sum;
		sum += count;
	}
	for (i = 0; i < n; i++)
		to[starts[from[i].size >> shift & (DIGITS - 1)]++] = from[i];
	return true;
}

void
files_sort_by_size(struct catalog_file *files, size_t n,
		   int (*compare)(const void *, const void *))
{
	struct sized *a, *b, *swap;
	struct catalog_file *sorted;
	unsigned shift;
	size_t i, from;

	if (n < 2)
		return;
	a = must(malloc(n * sizeof *a));
	b = must(malloc(n * sizeof *b));
	for (i = 0; i < n; i++)
		a[i] = (struct sized){files[i].size, (uint32_t)i};
	for (shift = 0; shift < 64; shift += DIGIT_BITS) {
		if (sort_digit(a, b, n, shift)) {
			swap = a;
			a = b;
			b = swap;
		}
	}
	free(b);
	sorted = must(malloc(n * sizeof *sorted));
	for (i = 0; i < n; i++)
		sorted[i] = files[a[i].file];
	memcpy(files, sorted, n * sizeof *files);
	free(sorted);
	free(a);
	for (from = 0; from < n; from = i) {
		for (i = from + 1; i < n && files[i].size == files[from].size; i++)
			;
		if (i - from > 1)
			qsort(files + from, i - from, sizeof *files, compare);
	}
}

static size_t
bucket_of(uint64_t size)
{
	unsigned top;

	if (size < (uint64_t)1 << MANTISSA_BITS)
		return (size_t)size;
	top = 63 - (unsigned)__builtin_clzll(size);
	return (size_t)(top - MANTISSA_BITS + 1) << MANTISSA_BITS |
	       (size >> (top - MANTISSA_BITS) & ((1 << MANTISSA_BITS) - 1));
}

static size_t
slot_of(const struct size_index *index, uint64_t size)
{
	return mix64(size, index->seed) & index->mask;
}

void
size_index_make(struct size_index *index, const struct catalog_file *files, size_t count)
{
	size_t distinct = 0, slots = 16, bucket = 0, at, i;

	index->starts = must(calloc(BUCKETS + 1, sizeof *index->starts));
	for (i = 0; i < count; i++) {
		distinct += i == 0 || files[i].size != files[i - 1].size;
		for (at = bucket_of(files[i].size); bucket <= at; bucket++)
			index->starts[bucket] = (uint32_t)i;
	}
	for (; bucket <= BUCKETS; bucket++)
		index->starts[bucket] = (uint32_t)count;
	while (slots * 3 < distinct * 4)
		slots *= 2;
	index->seed = random_seed();
	index->mask = slots - 1;
	index->slots = must(calloc(slots, sizeof *index->slots));
	for (i = 0; i < count; i++) {
		if (i > 0 && files[i].size == files[i - 1].size)
			continue;
		for (at = slot_of(index, files[i].size); index->slots[at] != 0;)
			at = (at + 1) & index->mask;
		index->slots[at] = (uint32_t)i + 1;
	}
}

void
size_index_done(struct size_index *index)
{
	free(index->slots);
	free(index->starts);
	*index = (struct size_index){0};
}

static inline bool
is_smaller(const void *table, size_t i, uint64_t size)
{
	const struct catalog_file *files = table;

	return files[i].size < size;
}

size_t
size_index_lower(const struct size_index *index, const struct catalog_file *files,
		 uint64_t size)
{
	size_t bucket = bucket_of(size);

	return search_first(files, index->starts[bucket], index->starts[bucket + 1], size,
	    is_smaller);
}

bool
size_index_exact(const struct size_index *index, const struct catalog_file *files,
		 size_t count, uint64_t size, size_t *from, size_t *to)
{
	size_t at = slot_of(index, size), i;
	uint32_t file;

	while ((file = index->slots[at]) != 0 && files[file - 1].size != size)
		at = (at + 1) & index->mask;
	if (file == 0)
		return false;
	for (i = file; i < count && files[i].size == size; i++)
		;
	*from = file - 1;
	*to = i;
	return true;
}
