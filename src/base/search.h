/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_SEARCH_H
#define BASE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether element i stands before a key; false of all behind the first that does not. */
typedef bool search_is_before(const void *table, size_t i, uint64_t key);

/* The first element of low to high - 1 that does not stand before the key; high if all
 * do. */
static inline size_t
search_first(const void *table, size_t low, size_t high, uint64_t key,
	     search_is_before *is_before)
{
	size_t mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (is_before(table, mid, key))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The same for a key that is no number. */
typedef bool search_is_below(const void *table, size_t i, const void *key);

static inline size_t
search_lower(const void *table, size_t low, size_t high, const void *key,
    search_is_below *is_below)
{
	size_t mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (is_below(table, mid, key))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

#endif
