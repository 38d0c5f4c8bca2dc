/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How fast a download is found by its spans.  spans FILES LOOKUPS
 * Makes a catalogue of FILES made-up files (sizes even in the logarithm, 1 kB to 1 GB)
 * from a fixed seed, learns the constants of 400 downloads, then names LOOKUPS others,
 * one in ten of a file that the catalogue does not have. Prints: files, lookups, million
 * a CPU second, share of the known ones whose file is the likeliest, MiB of memory at
 * most.
 */
#include "base/err.h"
#include "catalog/catalog.h"
#include "identify/files.h"
#include "identify/span.h"
#include "identify/span_weigh.h"
#include "model/catalogue.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { LEARNED = 400, RECORDS = 1 << 16, HEADER = 240, REQUEST = 90 };

static uint64_t seed = 1;

static uint32_t
draw(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((seed >> 33) % below);
}

static struct catalog *
make_catalog(uint32_t count)
{
	struct catalog *catalog = catalog_new();
	struct catalogue row = {0};
	char name[32], path[128];
	struct err err = {0};
	uint32_t i;

	for (i = 0; i < count; i++) {
		int n = snprintf(name, sizeof name, "f%u", i);
		int m = snprintf(path, sizeof path, "pool/%.*s/%s_1.deb", (int)draw(60),
		    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmn",
		    name);

		catalogue_set(&row, name, ((struct str){name, (uint32_t)n}));
		catalogue_set(&row, path, ((struct str){path, (uint32_t)m}));
		catalogue_set(&row, size,
		    (uint64_t)(1000 * exp(draw(1000000000) / 1e9 * 13.8)));
		if (catalog_add(catalog, &row, &err) != 0) {
			fprintf(stderr, "spans: %s\n", err.text);
			exit(1);
		}
	}
	catalog_seal(catalog);
	return catalog;
}

static struct record
download(const struct files *files, uint32_t file, bool is_known)
{
	uint64_t size = files->file[file].size + (is_known ? 0 : 1 + draw(9000));

	return (struct record){.has_span = true,
			       .has_request = true,
			       .span = size + size_digits(size, false) + HEADER,
			       .request_span = files->file[file].path_len + REQUEST,
			       .sampling = 1};
}

int
main(int argc, char **argv)
{
	uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 66493, i;
	uint64_t lookups = argc > 2 ? strtoull(argv[2], NULL, 10) : 2000000, n, known = 0,
		 right = 0;
	double took;
	struct catalog *catalog = make_catalog(count);
	struct record *records = calloc(RECORDS, sizeof *records);
	uint32_t *truth = calloc(RECORDS, sizeof *truth),
		 *likeliest = calloc(RECORDS, sizeof *likeliest);
	struct constants constants;
	struct span_table table;
	struct verdict verdict;
	struct files files;
	struct rusage usage;
	clock_t before;

	files_init(&files, catalog);
	for (i = 0; i < RECORDS; i++)
		records[i] = download(&files, truth[i] = draw(count), i % 10 != 0);
	span_learn(&files, records, LEARNED, NULL, SPAN_PLAIN, &constants);
	if (span_table_make(&constants, &table))
		constants.table = &table;
	before = clock();
	for (n = 0; n < lookups; n++) {
		i = (uint32_t)(n % RECORDS);
		__builtin_prefetch(&records[(n + 2 * SPAN_AHEAD) % RECORDS].span);
		span_prefetch(&files, &constants, &records[(n + SPAN_AHEAD) % RECORDS]);
		span_name(&files, &constants, &records[i], &verdict);
		likeliest[i] = verdict.count > 0 ? verdict.candidate[0].file : UINT32_MAX;
	}
	took = (double)(clock() - before) / CLOCKS_PER_SEC;
	for (i = 0; i < RECORDS && i < lookups; i++) {
		known += i % 10 != 0;
		right += i % 10 != 0 && likeliest[i] != UINT32_MAX &&
			 files.file[likeliest[i]].size == files.file[truth[i]].size &&
			 files.file[likeliest[i]].path_len ==
			     files.file[truth[i]].path_len;
	}
	getrusage(RUSAGE_SELF, &usage);
	printf("%zu %llu %.2f %.4f %ld\n", files.count, (unsigned long long)lookups,
	    (double)lookups / 1e6 / took,
	    known > 0 ? (double)right / (double)known : 0, usage.ru_maxrss / 1024);
	files_done(&files);
	catalog_free(catalog);
	free(records);
	free(truth);
	free(likeliest);
	return 0;
}
