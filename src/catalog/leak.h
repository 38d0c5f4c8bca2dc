/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_LEAK_H
#define CATALOG_LEAK_H

#include "catalog/catalog.h"
#include "model/leak.h"
#include "model/statistics.h"

/*
 * How much a file's size gives away. For each grade of evidence (model/leak.def): how
 * many of the files fit what an observer sees of this one's download, itself included. A
 * guess among them is right once in so many times.
 */
struct leak {
	uint32_t *counts[LEAK_GRADES]; /* by place in picks */
	size_t n;
};

enum { LEAK_MSS = 1448 };

/*
 * picks: n files of a sealed catalogue, rising; only they count as candidates. mss: the
 * payload of a whole segment. In n log n, mostly linear. leak_done frees.
 */
void leak_count(struct leak *leak, const struct catalog *catalog, const uint32_t *picks,
		size_t n, uint64_t mss);
void leak_done(struct leak *leak);

/* Sets of files by size, [from, to). */
struct leak_set {
	const char *name;
	uint64_t from, to;
};
extern const struct leak_set leak_sets[];
extern const size_t leak_set_count;

/*
 * A set's summary: with is_unique the share of files that are alone, else the expected
 * share of right first guesses, both in percent. False if the set is empty.
 */
bool leak_summarize(const struct leak *leak, const struct catalog *catalog,
		    const uint32_t *picks, const struct leak_set *set, bool is_unique,
		    struct leak_summary *out);

/* picks of a sealed catalogue in numbers. */
void catalog_statistics(const struct catalog *catalog, const uint32_t *picks, size_t n,
			struct statistics *out);

#endif
