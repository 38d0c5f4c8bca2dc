/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the identifier derives from a catalogue, and the tally of a record's candidates.
 */
#include "identify/files.h"

#include "identify/modes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
number_sources(struct files *f)
{
	uint32_t known[SOURCES_MAX], n = 0, i;
	size_t at;

	f->source = malloc(f->count + 1);
	if (f->source == NULL) {
		fputs("weir: out of memory\n", stderr);
		abort();
	}
	for (at = 0; at < f->count; at++) {
		for (i = 0; i < n && known[i] != f->file[at].source; i++)
			;
		if (i == n && n < SOURCES_MAX)
			known[n++] = f->file[at].source;
		f->source[at] = (uint8_t)(i < SOURCES_MAX ? i : SOURCES_MAX - 1);
	}
}

void
files_init(struct files *f, const struct catalog *catalog)
{
	double total = 0;
	size_t i;

	*f = (struct files){.catalog = catalog,
			    .file = catalog_files(catalog),
			    .count = catalog_count(catalog)};
	number_sources(f);
	for (i = 0; i < f->count; i++) {
		if (f->file[i].path_len == 0)
			continue;
		f->has_paths = true;
		if (f->file[i].path_len < PATH_LENGTHS)
			f->path_share[f->file[i].path_len]++;
	}
	for (i = 0; i < PATH_LENGTHS; i++)
		total += f->path_share[i] += i < 300 ? 0.05 : 0.001;
	for (i = 0; i < PATH_LENGTHS; i++)
		f->path_share[i] /= total;
}

void
files_done(struct files *f)
{
	free(f->source);
	f->source = NULL;
}

double
files_path_share(const struct files *f, int64_t length)
{
	return length < 0 || length >= PATH_LENGTHS ? 1e-9 : f->path_share[length];
}

void
tally_begin(struct tally *t, struct verdict *out)
{
	out->count = 0;
	out->fits = 0;
	t->out = out;
	t->sum = 0;
}

void
tally_add(struct tally *t, const struct candidate *candidate, double weight)
{
	struct verdict *v = t->out;
	uint32_t i, least = 0;

	if (!(weight > 0))
		return;
	t->sum += weight;
	for (i = 0; i < v->count; i++) {
		if (v->candidate[i].file == candidate->file) {
			/* The likelier account of the file is the one that is told. */
			if (weight > v->candidate[i].probability)
				v->candidate[i] = *candidate;
			v->candidate[i].probability = weight > v->candidate[i].probability
							  ? weight
							  : v->candidate[i].probability;
			t->kept[i] += weight;
			return;
		}
		if (t->kept[i] < t->kept[least])
			least = i;
	}
	if (v->count < CANDIDATES_MAX)
		least = v->count++;
	else if (weight <= t->kept[least])
		return;
	v->candidate[least] = *candidate;
	v->candidate[least].probability = weight;
	t->kept[least] = weight;
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
tally_end(struct tally *t, double unknown)
{
	struct verdict *v = t->out;
	double sum = t->sum + unknown;
	uint32_t i;

	for (i = 0; i < v->count; i++)
		v->candidate[i].probability = sum > 0 ? t->kept[i] / sum : 0;
	qsort(v->candidate, v->count, sizeof v->candidate[0], likelier);
	for (i = 0; i < v->count; i++)
		v->fits +=
		    v->candidate[i].probability >= 0.01 * v->candidate[0].probability;
	v->unknown = sum > 0 ? unknown / sum : 1;
	v->evidence = sum;
}
