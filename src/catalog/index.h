/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_INDEX_H
#define CATALOG_INDEX_H

#include "catalog/catalog.h"

/*
 * Finds files, sorted by size, by their size: a hash table of the first file of each
 * size, and a directory of where each thousandth of an octave begins.
 */
struct size_index {
	uint32_t *slots; /* file + 1; 0: free */
	size_t mask;
	uint32_t *starts; /* by bucket, one more than there are */
	uint64_t seed;
};

/* Sorts by size, files of one size by compare. Linear but for files of one size. */
void files_sort_by_size(struct catalog_file *files, size_t count,
			int (*compare)(const void *, const void *));

void size_index_make(struct size_index *index, const struct catalog_file *files,
		     size_t count);
void size_index_done(struct size_index *index);
size_t size_index_lower(const struct size_index *index, const struct catalog_file *files,
			uint64_t size);
bool size_index_exact(const struct size_index *index, const struct catalog_file *files,
		      size_t count, uint64_t size, size_t *from, size_t *to);

#endif
