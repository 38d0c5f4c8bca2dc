/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The states of the lattice, found by hash, and what an edge does: forward it adds to the
 * mass of the state it leads to; back it adds to that of the state it comes from, and its
 * own mass to the piece of the stream and the file that it is.
 */
#include "identify/sequence_lattice.h"

#include <stdlib.h>

enum { STATES_IN_ALL = 1000000 };

static uint32_t
slot_of(const struct lattice *l, uint32_t layer, uint32_t border, uint32_t used)
{
	uint64_t h = (uint64_t)layer * 0x9e3779b97f4a7c15u ^
		     (uint64_t)border * 0xc2b2ae3d27d4eb4fu ^
		     (uint64_t)used * 0x165667b19e3779f9u;

	return (uint32_t)(h >> 32 ^ h >> 13) & l->slot_mask;
}

static uint32_t
lattice_find(const struct lattice *l, uint32_t layer, uint32_t border, uint32_t used)
{
	uint32_t i = l->slots[slot_of(l, layer, border, used)];

	for (; i != NONE; i = l->states[i].chain)
		if (l->states[i].layer == layer && l->states[i].border == border &&
		    l->states[i].used == used)
			break;
	return i;
}

static uint32_t
lattice_add(struct lattice *l, uint32_t layer, uint32_t border, uint32_t used)
{
	uint32_t slot, cap;
	struct state *grown;

	if (l->state_count == l->state_cap) {
		cap = l->state_cap * 2;
		if (cap > STATES_IN_ALL ||
		    (grown = realloc(l->states, cap * sizeof *grown)) == NULL) {
			l->run->stats->states_dropped++;
			return NONE;
		}
		l->states = grown;
		l->state_cap = cap;
	}
	slot = slot_of(l, layer, border, used);
	l->states[l->state_count] = (struct state){.alpha = -INFINITY,
						   .beta = -INFINITY,
						   .best = -INFINITY,
						   .layer = layer,
						   .used = used,
						   .border = border,
						   .next = l->layers[layer].first,
						   .chain = l->slots[slot]};
	l->layers[layer].first = l->slots[slot] = l->state_count;
	l->layers[layer].states++;
	return l->state_count++;
}

static void
go_forward(struct lattice *l, const struct edge *e)
{
	const struct state *from = &l->states[l->from];
	struct layer *layer = &l->layers[e->layer];
	double alpha = from->alpha + e->weight;
	uint32_t ordinal = from->ordinal + e->responses, i;
	struct state *to;

	if (alpha < layer->top - l->keep)
		return;
	i = lattice_find(l, e->layer, e->border, e->used);
	if (i == NONE) {
		if (layer->states >= l->states_max * 4) {
			l->run->stats->states_dropped++;
			layer->lost = log_add(layer->lost, alpha);
			return;
		}
		if ((i = lattice_add(l, e->layer, e->border, e->used)) == NONE) {
			layer->lost = log_add(layer->lost, alpha);
			return;
		}
	}
	to = &l->states[i];
	if (alpha > to->best) {
		to->best = alpha;
		to->ordinal = ordinal;
	}
	to->alpha = log_add(to->alpha, alpha);
	if (to->alpha > layer->top)
		layer->top = to->alpha;
}

static void
go_back(struct lattice *l, const struct edge *e)
{
	const struct state *from = &l->states[l->from], *to;
	uint32_t i = lattice_find(l, e->layer, e->border, e->used);
	struct piece *piece;
	struct fit *fit;
	double mass;

	if (i == NONE || from->alpha + e->weight < l->layers[e->layer].top - l->keep)
		return;
	to = &l->states[i];
	l->beta = log_add(l->beta, e->weight + to->beta);
	mass = from->alpha + e->weight + to->beta - l->end_alpha;
	if (e->arrival != NULL)
		e->arrival->mass[l->layers[e->layer].left] += exp(mass);
	if (e->responses != 1 || mass < -16)
		return;
	mass = exp(mass);
	if ((piece = pieces_get(l->pieces, from->border, e->border)) == NULL)
		return;
	pieces_add(piece, from->ordinal, e->request, mass);
	if (e->id == SEQUENCE_NO_ITEM ||
	    (fit = pieces_fit(l->pieces, piece, e->id)) == NULL)
		return;
	fit->mass += mass;
	fit->order = e->order;
	if (mass > fit->best) {
		fit->best = mass;
		fit->header = e->header;
		fit->rest = e->rest;
		fit->path = e->path;
	}
}

void
lattice_go(struct lattice *l, const struct edge *e)
{
	l->work++;
	if (l->is_back)
		go_back(l, e);
	else
		go_forward(l, e);
}

void
lattice_arrive(struct lattice *l, struct edge *e, uint32_t group)
{
	const struct run *run = l->run;
	struct group *g = &run->groups[group];
	double weight = e->weight;
	uint32_t n;

	e->arrival = NULL;
	if (group == run->group_count) {
		e->layer = l->layer_count - 1;
		e->used = 0;
		if (e->border != run->border_count - 1)
			e->weight += TRUNCATED;
		lattice_go(l, e);
		e->weight = weight;
		return;
	}
	e->used = g->is_loose || g->bytes >= RUN_LENGTHS ? (uint32_t)ANY : 0;
	e->arrival = g;
	for (n = g->count_min; n <= g->count_max; n++) {
		e->layer = g->first + g->count_max - n;
		e->weight = weight + (double)g->weight[n];
		lattice_go(l, e);
	}
	e->arrival = NULL;
	e->weight = weight;
}

