/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of a catalogue that contradict each other: sorted by all that says which file it
 * is, contradictions are neighbours of different size.
 */
#include "base/memory.h"
#include "catalog/catalog.h"

#include <stdlib.h>
#include <string.h>

/* Which file it is, and the size that is said of it. */
struct claim {
	uint32_t id[7];
	uint32_t file;
	uint64_t size;
};

static int
compare_claims(const void *pa, const void *pb)
{
	const struct claim *a = pa, *b = pb;
	size_t i;

	for (i = 0; i < 7; i++) {
		if (a->id[i] != b->id[i])
			return a->id[i] < b->id[i] ? -1 : 1;
	}
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return a->file < b->file ? -1 : a->file > b->file;
}

/* A rounded size contradicts only what is outside its slack. */
static bool
contradict(const struct catalog_file *a, const struct catalog_file *b)
{
	uint64_t apart = a->size < b->size ? b->size - a->size : a->size - b->size;

	return apart > (uint64_t)a->slack + b->slack;
}

size_t
catalog_conflicts(const struct catalog *catalog,
		  void (*callback)(void *arg, size_t a, size_t b), void *arg)
{
	const struct catalog_file *files = catalog_files(catalog);
	size_t n = catalog_count(catalog), i, count = 0;
	struct claim *claims = must(malloc((n + 1) * sizeof *claims));

	for (i = 0; i < n; i++) {
		const struct catalog_file *f = &files[i];

		claims[i] = (struct claim){{f->name, f->version, f->arch, f->suite,
		    f->path,
					    f->encoding, catalog_more(catalog, f)->host},
					   (uint32_t)i, f->size};
	}
	if (n > 1)
		qsort(claims, n, sizeof *claims, compare_claims);
	for (i = 1; i < n; i++) {
		if (memcmp(claims[i - 1].id, claims[i].id, sizeof claims[i].id) != 0 ||
		    !contradict(&files[claims[i - 1].file], &files[claims[i].file]))
			continue;
		count++;
		if (callback != NULL)
			callback(arg, claims[i - 1].file, claims[i].file);
	}
	free(claims);
	return count;
}
