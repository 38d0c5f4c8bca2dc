/* SPDX-License-Identifier: BSD-2-Clause */
/* The indexes of the catalogue by which records are named, each made when first asked for
 * and kept for as long as there is room. */
#include "identify/plain_inside.h"

static bool
same_mode(const struct mode *a, const struct mode *b)
{
	return a->bytes == b->bytes && a->digits == b->digits && a->law == b->law &&
	       a->inner == b->inner;
}

/* Where a new index goes: behind the others, or in turn where one is that no model of
 * this turn borrows. */
static struct index *
open_index(struct plain *p, struct index *indexes, size_t *count, size_t *next)
{
	struct index *index;

	if (*count < p->indexes_max)
		return &indexes[(*count)++];
	do {
		index = &indexes[*next];
		*next = (*next + 1) % p->indexes_max;
	} while (index->turn == p->turn);
	sents_free(index->sents);
	residues_free(index->residues);
	return index;
}

struct sents *
plain_sents(struct plain *p, const struct mode *header)
{
	struct index *index;
	size_t i;

	for (i = 0; i < p->sents_count; i++)
		if (same_mode(&p->sents[i].header, header)) {
			p->sents[i].turn = p->turn;
			return p->sents[i].sents;
		}
	index = open_index(p, p->sents, &p->sents_count, &p->sents_next);
	*index = (struct index){
	    .header = *header, .turn = p->turn, .sents = sents_new(p->files, header)};
	return index->sents;
}

struct residues *
plain_residues(struct plain *p, const struct mode *header, uint32_t mss,
	     const struct sents *sents)
{
	struct index *index;
	size_t i;

	for (i = 0; i < p->residues_count; i++)
		if (p->residues[i].mss == mss && same_mode(&p->residues[i].header,
		    header)) {
			p->residues[i].turn = p->turn;
			return p->residues[i].residues;
		}
	index = open_index(p, p->residues, &p->residues_count, &p->residues_next);
	*index = (struct index){.header = *header,
				.turn = p->turn,
				.mss = mss,
				.residues = residues_new(sents, mss)};
	return index->residues;
}

void
plain_make_ready(struct plain *p, const struct wire_server *server,
    const struct wire_path *path, struct wire_tables *tables, uint32_t overhead,
    uint32_t mss, struct plain_ready *out)
{
	uint32_t i;

	p->turn++;
	for (i = 0; i < server->header.count; i++) {
		const struct mode *mode = &server->header.mode[i];

		out->sents[i] = plain_sents(p, mode);
		out->residues[i] = plain_residues(p, mode, mss, out->sents[i]);
	}
	out->model = (struct wire_model){.files = p->files,
					 .popular = p->popular,
					 .server = server,
					 .path = path,
					 .tables = tables,
					 .sents = out->sents,
					 .residues = out->residues,
					 .mss = mss,
					 .overhead = overhead};
}

void
plain_forget_indexes(struct plain *p)
{
	size_t i;

	for (i = 0; i < p->sents_count; i++)
		sents_free(p->sents[i].sents);
	for (i = 0; i < p->residues_count; i++)
		residues_free(p->residues[i].residues);
	for (i = 0; i < p->servers; i++)
		plain_renew_tables(&p->server[i].broad_tables);
	plain_renew_tables(&p->all.broad_tables);
	p->sents_count = p->residues_count = p->sents_next = p->residues_next = 0;
}
