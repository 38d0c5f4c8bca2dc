/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting candidates. Files lie by rising size, and what fits a file is a window of
 * sizes whose both ends rise with it: two pointers walk over all. Where a residue must
 * agree (TLS records, whole segments), they walk over the files of each residue, sorted
 * by counting.
 */
#include "catalog/leak.h"

#include "base/memory.h"
#include "base/search.h"

#include <stdlib.h>
#include <string.h>

enum { TLS_RECORD_MAX = 16384, TLS_RECORD_MIN = 1350 };

const struct leak_set leak_sets[] = {
    {"all", 0, UINT64_MAX},
    {"under 10 kB", 0, 10000},
    {"10 to 100 kB", 10000, 100000},
    {"100 kB to 1 MB", 100000, 1000000},
    {"1 to 10 MB", 1000000, 10000000},
    {"100 kB and more", 100000, UINT64_MAX},
    {"1 MB and more", 1000000, UINT64_MAX},
    {"10 MB and more", 10000000, UINT64_MAX},
};
const size_t leak_set_count = sizeof leak_sets / sizeof *leak_sets;

static uint64_t
add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* part 0: within bytes; else within size / part. */
static void
count_window(const uint64_t *sizes, size_t n, uint64_t bytes, uint64_t part,
	     uint32_t *counts)
{
	size_t low = 0, high = 0, i;
	uint64_t reach;

	for (i = 0; i < n; i++) {
		reach = part > 0 ? sizes[i] / part : bytes;
		while (add(sizes[low], reach) < sizes[i])
			low++;
		while (high < n && sizes[high] <= add(sizes[i], reach))
			high++;
		counts[i] = (uint32_t)(high - low);
	}
}

static int
compare_lengths(const void *pa, const void *pb)
{
	const uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return (a > b) - (a < b);
}

/* Files of one size: those whose path is as long. keys: length << 32 | file. */
static void
count_paths(const struct catalog_file *files, const uint32_t *picks,
    const uint64_t *sizes, size_t n, uint32_t *counts)
{
	uint64_t *keys = must(malloc((n + 1) * sizeof *keys));
	size_t from, to, i, k, end;

	for (from = 0; from < n; from = to) {
		for (to = from; to < n && sizes[to] == sizes[from]; to++)
			keys[to] = (uint64_t)files[picks[to]].path_len << 32 | to;
		qsort(keys + from, to - from, sizeof *keys, compare_lengths);
		for (i = from; i < to; i = end) {
			for (end = i; end < to && keys[end] >> 32 == keys[i] >> 32; end++)
				;
			for (k = i; k < end; k++)
				counts[(uint32_t)keys[k]] = (uint32_t)(end - i);
		}
	}
	free(keys);
}

/* What files of one residue may look like: a file of size s seems to have low(s) at least
 * and high(s) at most; both rise. */
struct residue {
	uint64_t modulus, mss;
	enum leak_how how;
};

/* What is seen of a file of this size when all goes well. */
static uint64_t
seen_size(const struct residue *r, uint64_t size)
{
	if (r->how == LEAK_WIRE)
		return size;
	return add(size, (size / TLS_RECORD_MAX + (size % TLS_RECORD_MAX != 0)) *
	    r->modulus);
}

/* The most that may be seen of a file of this size. */
static uint64_t
most_seen(const struct residue *r, uint64_t size)
{
	if (r->how == LEAK_WIRE)
		return add(size, (1 + size / r->mss / 100) * r->mss);
	return add(size, (size / TLS_RECORD_MIN + (size % TLS_RECORD_MIN != 0)) *
	    r->modulus);
}

/* order: files of one residue by rising size. */
static void
count_residue(const struct residue *r, const uint64_t *sizes, const uint32_t *order,
	      size_t n, uint32_t *counts)
{
	size_t low = 0, high = 0, i;

	for (i = 0; i < n; i++) {
		uint64_t size = sizes[order[i]], seen = seen_size(r, size);

		while (most_seen(r, sizes[order[low]]) < seen)
			low++;
		while (high < n && sizes[order[high]] <= size)
			high++;
		counts[order[i]] = (uint32_t)(high - low);
	}
}

static void
count_residues(const struct residue *r, const uint64_t *sizes, size_t n, uint32_t *counts)
{
	size_t *starts = must(calloc(r->modulus + 2, sizeof *starts)), i;
	uint32_t *order = must(malloc((n + 1) * sizeof *order));

	for (i = 0; i < n; i++)
		starts[sizes[i] % r->modulus + 2]++;
	for (i = 2; i < r->modulus + 2; i++)
		starts[i] += starts[i - 1];
	for (i = 0; i < n; i++)
		order[starts[sizes[i] % r->modulus + 1]++] = (uint32_t)i;
	for (i = 0; i < r->modulus; i++)
		count_residue(r, sizes, order + starts[i], starts[i + 1] - starts[i],
		    counts);
	free(order);
	free(starts);
}

void
leak_count(struct leak *leak, const struct catalog *catalog, const uint32_t *picks,
	   size_t n, uint64_t mss)
{
	const struct catalog_file *files = catalog_files(catalog);
	uint64_t *sizes = must(malloc((n + 1) * sizeof *sizes));
	size_t i, g;

	for (i = 0; i < n; i++)
		sizes[i] = files[picks[i]].size;
	leak->n = n;
	for (g = 0; g < LEAK_GRADES; g++) {
		const struct leak_row *row = &leak_rows[g];
		struct residue residue = {row->how == LEAK_WIRE ? mss : row->value, mss,
					  row->how};

		leak->counts[g] = must(calloc(n + 1, sizeof *leak->counts[g]));
		switch (row->how) {
		case LEAK_WITHIN:
			count_window(sizes, n, row->value, 0, leak->counts[g]);
			break;
		case LEAK_SHARE:
			count_window(sizes, n, 0, row->value, leak->counts[g]);
			break;
		case LEAK_PATH:
			count_paths(files, picks, sizes, n, leak->counts[g]);
			break;
		case LEAK_TLS:
		case LEAK_WIRE:
			count_residues(&residue, sizes, n, leak->counts[g]);
			break;
		}
	}
	free(sizes);
}

void
leak_done(struct leak *leak)
{
	size_t g;

	for (g = 0; g < LEAK_GRADES; g++)
		free(leak->counts[g]);
	*leak = (struct leak){0};
}

struct picks {
	const struct catalog_file *files;
	const uint32_t *picks;
};

static bool
pick_is_before(const void *table, size_t i, uint64_t size)
{
	const struct picks *p = table;

	return p->files[p->picks[i]].size < size;
}

/* The first pick of at least size. */
static size_t
pick_lower(const struct catalog_file *files, const uint32_t *picks, size_t n,
    uint64_t size)
{
	const struct picks table = {files, picks};

	return search_first(&table, 0, n, size, pick_is_before);
}

bool
leak_summarize(const struct leak *leak, const struct catalog *catalog,
	       const uint32_t *picks, const struct leak_set *set, bool is_unique,
	       struct leak_summary *out)
{
	const struct catalog_file *files = catalog_files(catalog);
	size_t from = pick_lower(files, picks, leak->n, set->from), i, g;
	size_t to = set->to == UINT64_MAX ? leak->n
					  : pick_lower(files, picks, leak->n, set->to);
	const char *measure = is_unique ? "unique" : "top-1";
	double sum;

	if (from >= to)
		return false;
	*out = (struct leak_summary){
	    .set = {set->name, (uint32_t)strlen(set->name)},
	    .files = to - from,
	    .median = files[picks[from + (to - from) / 2]].size,
	    .measure = {measure, (uint32_t)strlen(measure)},
	};
	for (g = 0; g < LEAK_GRADES; g++) {
		for (sum = 0, i = from; i < to; i++)
			sum += is_unique ? leak->counts[g][i] == 1
					 : 1.0 / leak->counts[g][i];
		out->grades[g] = 100 * sum / (double)(to - from);
	}
	for (i = 0; i < LEAK_SUMMARY_FIELDS; i++)
		row_mark(out->present, (unsigned)i);
	return true;
}

static int
compare_u32(const void *pa, const void *pb)
{
	const uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

	return (a > b) - (a < b);
}

static uint64_t
count_names(const struct catalog_file *files, const uint32_t *picks, size_t n)
{
	uint32_t *names = must(malloc((n + 1) * sizeof *names));
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < n; i++)
		names[i] = files[picks[i]].name;
	qsort(names, n, sizeof *names, compare_u32);
	for (i = 0; i < n; i++)
		count += i == 0 || names[i] != names[i - 1];
	free(names);
	return count;
}

void
catalog_statistics(const struct catalog *catalog, const uint32_t *picks, size_t n,
		   struct statistics *out)
{
	const struct catalog_file *files = catalog_files(catalog);
	size_t i;

	*out = (struct statistics){0};
	for (i = 0; i < n; i++) {
		const struct catalog_file *f = &files[picks[i]];
		bool as_before = i > 0 && files[picks[i - 1]].size == f->size;
		bool as_after = i + 1 < n && files[picks[i + 1]].size == f->size;

		out->sizes += !as_before;
		out->unique += !as_before && !as_after;
		out->rounded += f->slack != 0;
		out->pathless += f->path == 0;
		out->total = add(out->total, f->size);
	}
	out->files = n;
	out->names = count_names(files, picks, n);
	for (i = 0; i < STATISTICS_FIELDS; i++) {
		if (n > 0 || i < STATISTICS_smallest)
			row_mark(out->present, (unsigned)i);
	}
	if (n == 0)
		return;
#define QUANTILE(id, part) out->id = files[picks[(size_t)((double)(n - 1) * (part) + \
    0.5)]].size
	QUANTILE(smallest, 0);
	QUANTILE(p5, 0.05);
	QUANTILE(p25, 0.25);
	QUANTILE(median, 0.5);
	QUANTILE(p75, 0.75);
	QUANTILE(p95, 0.95);
	QUANTILE(largest, 1);
#undef QUANTILE
}
