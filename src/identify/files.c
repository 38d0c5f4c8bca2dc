/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the identifier derives from a catalogue, and the tally of a record's candidates.
 */
#include "identify/files.h"

#include "base/memory.h"
#include "identify/hpack.h"
#include "identify/modes.h"

#include <stdlib.h>
#include <string.h>

/* Buckets of sizes: 16 bytes wide up to 4096, then 256 to a power of two. */
enum { BUCKET_FINE = 16, BUCKET_LINEAR = 4096, BUCKETS = 256 + 51 * 256 + 1 };

static void
number_sources(struct files *f)
{
	uint32_t known[SOURCES_MAX], n = 0, i;
	size_t at;

	f->source = must(malloc(f->count + 1));
	for (at = 0; at < f->count; at++) {
		for (i = 0; i < n && known[i] != f->file[at].source; i++)
			;
		if (i == n && n < SOURCES_MAX)
			known[n++] = f->file[at].source;
		f->source[at] = (uint8_t)(i < SOURCES_MAX ? i : SOURCES_MAX - 1);
	}
}

static uint64_t
hash_of(uint64_t size)
{
	return size * 0x9e3779b97f4a7c15u;
}

static void
hash_sizes(struct files *f)
{
	uint32_t slots = 64, slot;
	uint64_t hash;
	size_t i;

	while (slots < f->count * 2)
		slots *= 2;
	f->slots = must(calloc(slots, sizeof *f->slots));
	f->slot_mask = slots - 1;
	for (i = 0; i < f->count; i++) {
		if (i > 0 && f->file[i].size == f->file[i - 1].size)
			continue;
		hash = hash_of(f->file[i].size);
		for (slot = (uint32_t)(hash >> 32) & f->slot_mask; f->slots[slot] != 0;)
			slot = (slot + 1) & f->slot_mask;
		f->slots[slot] = hash << 32 | (i + 1);
	}
}

/* The lower half of the hash tells nearly all other sizes from this one, without a look at
 * the file. */
size_t
files_first(const struct files *f, uint64_t size)
{
	uint64_t hash = hash_of(size), entry;
	uint32_t slot, i;

	for (slot = (uint32_t)(hash >> 32) & f->slot_mask; (entry = f->slots[slot]) != 0;
	     slot = (slot + 1) & f->slot_mask) {
		i = (uint32_t)entry - 1;
		if (entry >> 32 == (hash & UINT32_MAX) && f->file[i].size == size)
			return i;
	}
	return f->count;
}

void
files_prefetch(const struct files *f, uint64_t size)
{
	__builtin_prefetch(&f->slots[(uint32_t)(hash_of(size) >> 32) & f->slot_mask]);
}

static uint32_t
bucket_of(uint64_t size)
{
	uint32_t power;

	if (size < BUCKET_LINEAR)
		return (uint32_t)size / BUCKET_FINE;
	power = 63 - (uint32_t)__builtin_clzll(size);
	return 256 + (power - 12) * 256 + ((uint32_t)(size >> (power - 8)) & 255);
}

static uint64_t
bucket_start(uint32_t bucket)
{
	uint32_t power = bucket / 256 + 11;

	if (bucket < 256)
		return (uint64_t)bucket * BUCKET_FINE;
	return (uint64_t)(256 + bucket % 256) << (power - 8);
}

static void
rank_sizes(struct files *f)
{
	uint32_t bucket = 0;
	size_t i;

	f->ranks = must(malloc((BUCKETS + 1) * sizeof *f->ranks));
	for (i = 0; i < f->count; i++)
		for (; bucket <= bucket_of(f->file[i].size); bucket++)
			f->ranks[bucket] = (uint32_t)i;
	for (; bucket <= BUCKETS; bucket++)
		f->ranks[bucket] = (uint32_t)f->count;
}

double
files_rank(const struct files *f, uint64_t size)
{
	uint32_t bucket = bucket_of(size), low, high;
	uint64_t start;

	if (bucket >= BUCKETS)
		return (double)f->count;
	low = f->ranks[bucket];
	high = f->ranks[bucket + 1];
	start = bucket_start(bucket);
	return low + (double)(high - low) * (double)(size - start) /
			 (double)(bucket_start(bucket + 1) - start);
}

double
files_density(const struct files *f, uint64_t size)
{
	uint64_t width = size / 10 > 512 ? size / 10 : 512;
	double n;

	if (f->count == 0)
		return 0;
	n = files_rank(f, size + width) - files_rank(f, size > width ? size - width : 0);
	return (n > 1 ? n : 1) / (2.0 * (double)width);
}

/* Counts of lengths become shares; lengths that no file has get a little. */
static void
smooth(double share[PATH_LENGTHS])
{
	double total = 0;
	size_t i;

	for (i = 0; i < PATH_LENGTHS; i++)
		total += share[i] += i < 300 ? 0.05 : 0.001;
	for (i = 0; i < PATH_LENGTHS; i++)
		share[i] /= total;
}

static void
measure_paths(struct files *f)
{
	const char *path;
	uint32_t octets;
	size_t i;

	f->path_bits = must(malloc((f->count + 1) * sizeof *f->path_bits));
	for (i = 0; i < f->count; i++) {
		path = catalog_text(f->catalog, f->file[i].path);
		f->path_bits[i] = hpack_path_bits(path, strlen(path));
		octets = (f->path_bits[i] + 7) / 8;
		if (octets > 0 && octets < PATH_LENGTHS)
			f->coded_share[octets]++;
		if (f->file[i].path_len == 0)
			continue;
		f->has_paths = true;
		if (f->file[i].path_len < PATH_LENGTHS)
			f->path_share[f->file[i].path_len]++;
	}
	smooth(f->path_share);
	smooth(f->coded_share);
}

void
files_init(struct files *f, const struct catalog *catalog)
{
	*f = (struct files){.catalog = catalog,
			    .file = catalog_files(catalog),
			    .count = catalog_count(catalog)};
	number_sources(f);
	hash_sizes(f);
	rank_sizes(f);
	measure_paths(f);
}

void
files_done(struct files *f)
{
	free(f->source);
	free(f->slots);
	free(f->ranks);
	free(f->path_bits);
	f->source = NULL;
	f->slots = NULL;
	f->ranks = f->path_bits = NULL;
}

double
files_path_share(const struct files *f, int64_t length, uint32_t phase)
{
	if (length < 0 || length >= PATH_LENGTHS)
		return 1e-9;
	return phase == 0 ? f->path_share[length] : f->coded_share[length];
}

uint32_t
files_path_octets(const struct files *f, size_t file, uint32_t phase)
{
	if (phase == 0)
		return f->file[file].path_len;
	return f->path_bits[file] == 0 ? 0 : (f->path_bits[file] + phase - 1 + 7) / 8;
}

void
tally_begin(struct tally *t, struct verdict *out)
{
	out->count = 0;
	out->fits = 0;
	t->out = out;
	t->sum = t->whole = t->partial = 0;
	t->least = 0;
	t->filter = 0;
}

static uint64_t
filter_bit(uint32_t file)
{
	return (uint64_t)1 << (file & 63);
}

/* The first of the lightest. */
static void
find_least(struct tally *t)
{
	uint32_t i;

	for (t->least = 0, i = 1; i < t->out->count; i++)
		if (t->kept[i] < t->kept[t->least])
			t->least = i;
}

/* Adds to a file that is kept; false if it is not. */
static bool
add_again(struct tally *t, const struct candidate *candidate, double weight)
{
	struct candidate *old;
	uint32_t i;

	for (i = 0; i < t->out->count; i++) {
		old = &t->out->candidate[i];
		if (old->file != candidate->file)
			continue;
		/* The likelier account of the file is the one that is told. */
		if (weight > old->probability) {
			*old = *candidate;
			old->probability = weight;
		}
		t->kept[i] += weight;
		find_least(t);
		return true;
	}
	return false;
}

void
tally_add(struct tally *t, const struct candidate *candidate, double weight)
{
	struct verdict *v = t->out;
	bool is_full = v->count == CANDIDATES_MAX;
	uint32_t at;

	if (!(weight > 0))
		return;
	t->sum += weight;
	*(candidate->is_partial ? &t->partial : &t->whole) += weight;
	if (t->filter & filter_bit(candidate->file) && add_again(t, candidate, weight))
		return;
	if (is_full && weight <= t->kept[t->least])
		return;
	at = is_full ? t->least : v->count++;
	v->candidate[at] = *candidate;
	v->candidate[at].probability = weight;
	t->kept[at] = weight;
	/* Bits of files that went stay: a look too many, no more. */
	t->filter |= filter_bit(candidate->file);
	if (v->count == CANDIDATES_MAX)
		find_least(t);
}

void
tally_add_rest(struct tally *t, double weight)
{
	t->sum += weight;
	t->partial += weight;
}

static int
likelier(const void *pa, const void *pb)
{
	const struct candidate *a = pa, *b = pb;

	if (a->probability != b->probability)
		return a->probability > b->probability ? -1 : 1;
	return a->file < b->file ? -1 : a->file > b->file;
}

void
verdict_sort(struct verdict *v)
{
	uint32_t i;

	if (v->count > 1)
		qsort(v->candidate, v->count, sizeof v->candidate[0], likelier);
	for (v->fits = 0, i = 0; i < v->count; i++)
		v->fits +=
		    v->candidate[i].probability >= 0.01 * v->candidate[0].probability;
}

void
tally_end(struct tally *t, double unknown)
{
	struct verdict *v = t->out;
	double sum = t->sum + unknown;
	uint32_t i;

	for (i = 0; i < v->count; i++)
		v->candidate[i].probability = sum > 0 ? t->kept[i] / sum : 0;
	verdict_sort(v);
	v->whole = sum > 0 ? t->whole / sum : 0;
	v->partial = sum > 0 ? t->partial / sum : 0;
	v->unknown = sum > 0 ? unknown / sum : 1;
	v->evidence = sum;
}
