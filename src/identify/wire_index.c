/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files by what is sent for them, and by the remainder of that modulo the MSS: far below
 * T only files with the right remainder matter, and a record looks at tens of candidates.
 */
#include "identify/wire.h"

#include "base/memory.h"
#include "base/search.h"

#include <stdlib.h>

struct sents {
	size_t count;
	uint64_t *sent;
};

struct residues {
	uint32_t mss;
	uint32_t *first; /* of each residue, mss + 1 */
	struct residue *file;
};

struct sents *
sents_new(const struct files *files, const struct mode *header)
{
	struct sents *s = must(calloc(1, sizeof *s));
	size_t i;

	s->count = files->count;
	s->sent = must(malloc((files->count + 1) * sizeof *s->sent));
	for (i = 0; i < files->count; i++)
		s->sent[i] = mode_sent(header, files->file[i].size);
	return s;
}

void
sents_free(struct sents *s)
{
	if (s == NULL)
		return;
	free(s->sent);
	free(s);
}

const uint64_t *
sents_of(const struct sents *s)
{
	return s->sent;
}

static inline bool
is_less(const void *table, size_t i, uint64_t sent)
{
	const uint64_t *all = table;

	return all[i] < sent;
}

size_t
sents_lower(const struct sents *s, uint64_t sent)
{
	return search_first(s->sent, 0, s->count, sent, is_less);
}

struct residues *
residues_new(const struct sents *sents, uint32_t mss)
{
	struct residues *r = must(calloc(1, sizeof *r));
	size_t i;

	r->mss = mss;
	r->first = must(calloc(mss + 2, sizeof *r->first));
	r->file = must(malloc((sents->count + 1) * sizeof *r->file));
	/* Counting sort; the files come by size, so each residue's are by size too. */
	for (i = 0; i < sents->count; i++)
		r->first[sents->sent[i] % mss + 1]++;
	for (i = 0; i < mss; i++)
		r->first[i + 1] += r->first[i];
	for (i = 0; i < sents->count; i++)
		r->file[r->first[sents->sent[i] % mss]++] =
		    (struct residue){sents->sent[i], (uint32_t)i};
	for (i = mss; i > 0; i--)
		r->first[i] = r->first[i - 1];
	r->first[0] = 0;
	return r;
}

void
residues_free(struct residues *r)
{
	if (r == NULL)
		return;
	free(r->first);
	free(r->file);
	free(r);
}

const struct residue *
residues_at(const struct residues *r, uint32_t residue, size_t *count)
{
	*count = r->first[residue + 1] - r->first[residue];
	return &r->file[r->first[residue]];
}
