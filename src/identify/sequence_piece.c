/* SPDX-License-Identifier: BSD-2-Clause */
/* Probabilities collected by piece of the stream and by file. */
#include "identify/sequence_run.h"

#include "base/err.h"

#include <errno.h>
#include <stdlib.h>

enum { PIECES_MAX = 1 << 18, FITS_MAX = 1 << 19, SLOTS = 1 << 20 };

int
pieces_init(struct pieces *p, struct err *err)
{
	*p = (struct pieces){
	    .piece_cap = 256, .fit_cap = 1024, .fits = 1, .pieces = 1, .trust = 1};
	p->piece = calloc(p->piece_cap, sizeof *p->piece);
	p->fit = calloc(p->fit_cap, sizeof *p->fit);
	p->piece_slot = calloc(SLOTS, sizeof *p->piece_slot);
	p->fit_slot = calloc(SLOTS, sizeof *p->fit_slot);
	if (p->piece == NULL || p->fit == NULL || p->piece_slot == NULL ||
	    p->fit_slot == NULL)
		return err_set(err, ENOMEM, "sequence: out of memory for pieces");
	return 0;
}

void
pieces_done(struct pieces *p)
{
	free(p->piece);
	free(p->fit);
	free(p->piece_slot);
	free(p->fit_slot);
}

/* Doubles an array that is full, up to a limit; false if it stays full. */
static bool
grow(void **data, uint32_t count, uint32_t *cap, uint32_t limit, size_t size)
{
	void *grown;

	if (count < *cap)
		return true;
	if (*cap >= limit || (grown = realloc(*data, (size_t)*cap * 2 * size)) == NULL)
		return false;
	*data = grown;
	*cap *= 2;
	return true;
}

static uint32_t
slot_of(uint32_t a, uint32_t b)
{
	uint64_t h = ((uint64_t)a << 32 | b) * 0x9e3779b97f4a7c15u;

	return (uint32_t)(h >> 44);
}

struct piece *
pieces_get(struct pieces *p, uint32_t from, uint32_t to)
{
	uint32_t slot = slot_of(from, to), i;
	void *data = p->piece;

	for (; (i = p->piece_slot[slot]) != 0; slot = (slot + 1) % SLOTS)
		if (p->piece[i].from == from && p->piece[i].to == to)
			return &p->piece[i];
	if (!grow(&data, p->pieces, &p->piece_cap, PIECES_MAX, sizeof *p->piece))
		return NULL;
	p->piece = data;
	p->piece[p->pieces] = (struct piece){.from = from, .to = to};
	p->piece_slot[slot] = p->pieces;
	return &p->piece[p->pieces++];
}

void
pieces_add(struct piece *piece, uint32_t ordinal, uint32_t request, double mass)
{
	piece->mass += mass;
	if (ordinal == piece->ordinal && piece->ordinal_mass > 0)
		piece->ordinal_mass += mass;
	else if (mass > piece->ordinal_mass) {
		piece->ordinal = ordinal;
		piece->ordinal_mass = mass - piece->ordinal_mass;
	} else
		piece->ordinal_mass -= mass;
	if (mass > piece->request_mass) {
		piece->request_mass = mass;
		piece->request = request;
	}
}

struct fit *
pieces_fit(struct pieces *p, struct piece *piece, uint32_t id)
{
	uint32_t index = (uint32_t)(piece - p->piece), slot = slot_of(index, id), i;
	void *data = p->fit;

	for (; (i = p->fit_slot[slot]) != 0; slot = (slot + 1) % SLOTS)
		if (p->fit[i].piece == index && p->fit[i].id == id)
			return &p->fit[i];
	if (!grow(&data, p->fits, &p->fit_cap, FITS_MAX, sizeof *p->fit))
		return NULL;
	p->fit = data;
	p->fit[p->fits] =
	    (struct fit){.piece = index, .id = id, .next = piece->first_fit};
	piece->first_fit = p->fit_slot[slot] = p->fits;
	return &p->fit[p->fits++];
}

const struct fit *
pieces_best(const struct pieces *p, const struct piece *piece)
{
	const struct fit *best = NULL;
	uint32_t i;

	for (i = piece->first_fit; i != 0; i = p->fit[i].next)
		if (best == NULL || p->fit[i].mass > best->mass)
			best = &p->fit[i];
	return best;
}
