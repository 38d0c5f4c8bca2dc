/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the identifier derives from a catalogue, and the tally of a record's candidates.
 */
#include "identify/files.h"

#include "base/memory.h"
#include "identify/hpack.h"
#include "identify/modes.h"
#include "identify/path_range.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* A third of the slots is free at least: else a size that no file has is looked for long.
 */
static void
hash_sizes(struct files *f)
{
	uint32_t slots = 64, slot;
	uint64_t size;
	size_t i;

	while (slots < f->count + f->count / 2)
		slots *= 2;
	f->slots = must(aligned_alloc(FILES_LINE * sizeof *f->slots,
				      slots * sizeof *f->slots));
	memset(f->slots, 0, slots * sizeof *f->slots);
	f->slot_mask = slots - 1;
	for (i = 0; i < f->count; i++) {
		size = f->size[i];
		if (i > 0 && f->size[i - 1] == size)
			continue;
		for (slot = files_slot_of(f, size); f->slots[slot].file != 0;)
			slot = (slot + 1) & f->slot_mask;
		f->slots[slot] =
		    (struct files_slot){.size = size,
					.file = (uint32_t)i + 1,
					.path_octets = f->path_octets[i],
					.source = f->source[i],
					.is_shared = i + 1 < f->count &&
						     f->size[i + 1] == size};
	}
}

static void
list_sizes(struct files *f)
{
	size_t i;

	f->size = must(malloc((f->count + 1) * sizeof *f->size));
	for (i = 0; i < f->count; i++)
		f->size[i] = f->file[i].size;
}

static void
rank_sizes(struct files *f)
{
	uint32_t bucket = 0, shift;
	size_t i;

	for (i = 0; i < 64; i++)
		f->narrow[i] = ldexp(1, -(int)i);
	f->ranks = must(malloc((BUCKETS + 1) * sizeof *f->ranks));
	for (i = 0; i < f->count; i++)
		for (; bucket <= files_bucket(f->file[i].size, &shift); bucket++)
			f->ranks[bucket] = (uint32_t)i;
	for (; bucket <= BUCKETS; bucket++)
		f->ranks[bucket] = (uint32_t)f->count;
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
	f->path_octets =
	    must(calloc(f->count + PATH_RANGE_FILES, sizeof *f->path_octets));
	f->has_all_paths = true;
	f->path_least = f->count > 0 ? UINT16_MAX : 0;
	for (i = 0; i < f->count; i++) {
		path = catalog_text(f->catalog, f->file[i].path);
		f->path_bits[i] = hpack_path_bits(path, strlen(path));
		octets = (f->path_bits[i] + 7) / 8;
		if (octets > 0 && octets < PATH_LENGTHS)
			f->coded_share[octets]++;
		f->path_octets[i] = f->file[i].path_len < UINT16_MAX
					? (uint16_t)f->file[i].path_len
					: UINT16_MAX;
		if (f->path_octets[i] < f->path_least)
			f->path_least = f->path_octets[i];
		if (f->path_octets[i] > f->path_most)
			f->path_most = f->path_octets[i];
		f->has_all_paths &= f->file[i].path_len > 0;
		f->has_depends |= catalog_more(f->catalog, &f->file[i])->depends != 0;
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
	list_sizes(f);
	rank_sizes(f);
	measure_paths(f);
	hash_sizes(f);
}

void
files_done(struct files *f)
{
	free(f->source);
	free(f->size);
	free(f->slots);
	free(f->ranks);
	free(f->path_bits);
	free(f->path_octets);
	f->source = NULL;
	f->size = NULL;
	f->slots = NULL;
	f->ranks = f->path_bits = NULL;
	f->path_octets = NULL;
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
	t->filter = 0;
}

static uint64_t
filter_bit(uint32_t file)
{
	return (uint64_t)1 << (file & 63);
}

/* Moves what is in slot up to its place by weight; at: where a gap is, below it. */
static void
place(struct tally *t, uint32_t at, uint8_t slot, double weight)
{
	for (; at > 0 && t->kept[at - 1] < weight; at--) {
		t->kept[at] = t->kept[at - 1];
		t->slot[at] = t->slot[at - 1];
	}
	t->kept[at] = weight;
	t->slot[at] = slot;
}

/* Adds to a file that is kept; false if it is not. */
static bool
add_again(struct tally *t, const struct candidate *candidate, double weight)
{
	struct candidate *old;
	uint32_t i;

	for (i = 0; i < t->out->count; i++) {
		old = &t->out->candidate[t->slot[i]];
		if (old->file != candidate->file)
			continue;
		/* The likelier account of the file is the one that is told. */
		if (weight > old->probability) {
			*old = *candidate;
			old->probability = weight;
		}
		place(t, i, t->slot[i], t->kept[i] + weight);
		return true;
	}
	return false;
}

/* The slot of a new candidate of that weight: a free one, or that of the lightest. */
static struct candidate *
open_slot(struct tally *t, uint32_t file, double weight)
{
	struct verdict *v = t->out;
	bool is_full = v->count == CANDIDATES_MAX;
	uint32_t last = is_full ? CANDIDATES_MAX - 1 : v->count++;
	uint8_t slot = is_full ? t->slot[last] : (uint8_t)last;

	place(t, last, slot, weight);
	/* Bits of files that went stay: a look too many, no more. */
	t->filter |= filter_bit(file);
	return &v->candidate[slot];
}

void
tally_add(struct tally *t, const struct candidate *candidate, double weight)
{
	struct candidate *to;

	if (!(weight > 0))
		return;
	t->sum += weight;
	*(candidate->is_partial ? &t->partial : &t->whole) += weight;
	if (t->filter & filter_bit(candidate->file) && add_again(t, candidate, weight))
		return;
	if (!tally_is_kept(t, weight))
		return;
	to = open_slot(t, candidate->file, weight);
	*to = *candidate;
	to->probability = weight;
}

void
tally_keep(struct tally *t, uint32_t file, uint32_t header, uint32_t rest, double weight)
{
	*open_slot(t, file, weight) = (struct candidate){
	    .file = file, .probability = weight, .header = header, .rest = rest};
}

void
tally_add_rest(struct tally *t, double weight)
{
	t->sum += weight;
	t->partial += weight;
}

static bool
is_likelier(const struct candidate *a, const struct candidate *b)
{
	return a->probability != b->probability ? a->probability > b->probability
						 : a->file < b->file;
}

/* By insertion: there are few, and they come nearly sorted. */
void
verdict_sort(struct verdict *v)
{
	struct candidate one;
	uint32_t i, k;

	for (i = 1; i < v->count; i++) {
		if (!is_likelier(&v->candidate[i], &v->candidate[i - 1]))
			continue;
		one = v->candidate[i];
		for (k = i; k > 0 && is_likelier(&one, &v->candidate[k - 1]); k--)
			v->candidate[k] = v->candidate[k - 1];
		v->candidate[k] = one;
	}
	for (v->fits = 0, i = 0; i < v->count; i++)
		v->fits +=
		    v->candidate[i].probability >= 0.01 * v->candidate[0].probability;
}

/* Brings the candidates into the order of their weights. */
static void
order_candidates(const struct tally *t)
{
	struct candidate copy[CANDIDATES_MAX];
	struct verdict *v = t->out;
	uint32_t i;

	for (i = 0; i < v->count && t->slot[i] == i; i++)
		;
	if (i == v->count)
		return;
	for (i = 0; i < v->count; i++)
		copy[i] = v->candidate[t->slot[i]];
	for (i = 0; i < v->count; i++)
		v->candidate[i] = copy[i];
}

void
tally_end(struct tally *t, double unknown)
{
	struct verdict *v = t->out;
	double sum = t->sum + unknown, scale = sum > 0 ? 1 / sum : 0;
	uint32_t i;

	if (v->count == 1) {
		v->candidate[0].probability = t->kept[0] * scale;
		v->fits = 1;
	} else {
		order_candidates(t);
		for (i = 0; i < v->count; i++)
			v->candidate[i].probability = t->kept[i] * scale;
		verdict_sort(v);
	}
	v->whole = t->whole * scale;
	v->partial = t->partial * scale;
	v->unknown = sum > 0 ? unknown * scale : 1;
	v->evidence = sum;
}
