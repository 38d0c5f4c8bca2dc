/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long looking up a size takes in a catalogue: sizes that are there and sizes that
 * are
 * not, in random order.   lookup CATALOG
 */
#include "base/err.h"
#include "base/hash.h"
#include "catalog/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LOOKUPS = 5000000 };

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	struct catalog *catalog = catalog_new();
	struct err err = {0};
	size_t n, i, from, to, found = 0, sum = 0;
	uint64_t r = 1, *sizes = malloc(LOOKUPS * sizeof *sizes);
	double start, exact, lower;

	if (argc < 2 || sizes == NULL || catalog_read(catalog, argv[1], &err) != 0) {
		fprintf(stderr, "%s\n", argc < 2 ? "lookup CATALOG" : err.text);
		return 1;
	}
	catalog_seal(catalog);
	n = catalog_count(catalog);
	if (n == 0)
		return 1;
	for (i = 0; i < LOOKUPS; i++) {
		r = mix64(r, 0x5851f42d4c957f2du);
		sizes[i] = catalog_files(catalog)[r % n].size + (r >> 40 & 1) *
		    (r >> 41 & 1023);
	}
	start = seconds();
	for (i = 0; i < LOOKUPS; i++)
		found += catalog_exact(catalog, sizes[i], &from, &to);
	exact = seconds() - start;
	start = seconds();
	for (i = 0; i < LOOKUPS; i++)
		sum += catalog_lower(catalog, sizes[i]);
	lower = seconds() - start;
	printf("%zu files: exact %.0f ns (%.0f %% found), lower %.0f ns (%zu)\n", n,
	       exact / LOOKUPS * 1e9, 100.0 * (double)found / LOOKUPS,
	       lower / LOOKUPS * 1e9,
	       sum % 10);
	free(sizes);
	catalog_free(catalog);
	return 0;
}
