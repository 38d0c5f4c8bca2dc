/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lattice. A state is (group, requests left in it, its octets used so far, border):
 * all requests before have been answered by the stream up to that border. Its layer is
 * (group, requests left); layers are worked in order, so that edges only go forward. An
 * edge answers one request with a catalogue file that fits from border to border: its
 * size and a header mode give the octets, its path and a request mode the request's
 * length (of a group of several requests only the sum must come out); one request with
 * something unknown; 2 to BLOCK_MAX requests with a block whose inner borders show no
 * mark. After an unknown within a group of several, octets used are not known any more
 * (ANY). Where a group's number of requests is open, arriving at it chooses one.
 *
 * Weights are log probabilities relative to spurious segment ends: an end that is taken
 * as a border gains MARKED - log_spurious, one that is passed by costs nothing. The
 * request sent depth requests later was sent when this response was there: its place
 * (anchor) is the border itself or a little beyond. Forward masses first; the way back
 * enumerates the same edges again and collects probabilities by piece and file.
 *
 * sequence_state.c has the states, sequence_answer.c the edges, sequence_block.c how long
 * blocks are, sequence_reach.c the files that fit, sequence_anchor.c what the places of
 * requests say.
 */
#include "identify/sequence_lattice.h"

#include "base/err.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STRONG = 16 }; /* states of a layer whose blocks may end at pages */

/* Borders that show as unusual segment ends; where pages show that answers wait behind
 * each other, many do not. */
static const double MARKED = 0.9, MARKED_PAGES = 0.5;
/* States less than exp(-KEEP) of the best are left; there are many at pages. */
static const double KEEP = 40, KEEP_NARROW = 16;

static int
compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x < y) - (x > y);
}

/* The alpha below which a layer's states are left: far behind the best, or too many. */
static double
layer_floor(struct lattice *l, struct layer *layer)
{
	double floor = layer->top - l->keep, *alphas, kept = 0;
	double lost = exp(layer->lost - layer->top);
	uint32_t i, n = 0, most = l->states_max;

	layer->strong = layer->top - l->keep;
	if ((layer->states <= STRONG && layer->states <= most) ||
	    (alphas = malloc(layer->states * sizeof *alphas)) == NULL)
		return floor;
	for (i = layer->first; i != NONE; i = l->states[i].next)
		alphas[n++] = l->states[i].alpha;
	qsort(alphas, n, sizeof *alphas, compare_double);
	if (n >= STRONG)
		layer->strong = alphas[STRONG - 1];
	if (n <= most) {
		free(alphas);
		return floor;
	}
	l->run->stats->states_dropped += n - most;
	if (alphas[most] > floor)
		floor = alphas[most];
	for (i = 0; i < n; i++)
		*(alphas[i] >= floor ? &kept : &lost) += exp(alphas[i] - layer->top);
	l->pieces->trust *= kept / (kept + lost);
	free(alphas);
	return floor;
}

static void
sweep_forward(struct lattice *l)
{
	uint32_t n, i;
	double floor;

	for (n = 0; n + 1 < l->layer_count; n++) {
		floor = layer_floor(l, &l->layers[n]);
		for (i = l->layers[n].first; i != NONE; i = l->states[i].next) {
			if (l->states[i].alpha < floor ||
			    l->work > l->run->work_max / 2) {
				l->is_exhausted |= l->states[i].alpha >= floor;
				l->states[i].alpha = -INFINITY;
				continue;
			}
			lattice_answer(l, i);
		}
	}
	l->end_alpha = -INFINITY;
	for (i = l->layers[n].first; i != NONE; i = l->states[i].next) {
		l->end_alpha = log_add(l->end_alpha, l->states[i].alpha);
		l->states[i].beta = 0;
	}
}

static void
sweep_back(struct lattice *l)
{
	uint32_t n, i;

	l->is_back = true;
	for (n = l->layer_count - 1; n-- > 0;)
		for (i = l->layers[n].first; i != NONE; i = l->states[i].next)
			if (l->states[i].alpha > -INFINITY) {
				lattice_answer(l, i);
				l->states[i].beta = l->beta;
			}
}

static void
make_layers(struct lattice *l)
{
	struct run *run = l->run;
	uint32_t g, n, at = 0;

	for (g = run->group_count; g-- > 0;)
		run->groups[g].after =
		    lattice_length(run, run->groups[g].count_min, g, 0) +
		    (g + 1 < run->group_count ? run->groups[g + 1].after : 0);
	for (g = 0; g < run->group_count; g++) {
		run->groups[g].first = at;
		for (n = run->groups[g].count_max; n > 0; n--)
			l->layers[at++] = (struct layer){.group = g,
							 .left = n,
							 .first = NONE,
							 .top = -INFINITY,
							 .lost = -INFINITY};
	}
	l->layers[at] = (struct layer){
	    .group = g, .first = NONE, .top = -INFINITY, .lost = -INFINITY};
}

/* Spurious ends per octet: those that are more than the requests explain. */
static double
log_spurious(const struct run *run)
{
	double ends = 0, spare, span;
	uint32_t i;

	for (i = 0; i < run->border_count; i++)
		ends += run->borders[i].is_end;
	for (spare = ends, i = 0; i < run->group_count; i++)
		spare -= run->groups[i].count_min;
	span =
	    (double)(run->borders[run->border_count - 1].offset - run->borders[0].offset);
	if (spare < 1 + ends / 8)
		spare = 1 + ends / 8;
	return log(spare / (span + 1));
}

/* Weighs with fewer states by a factor; 1, or 0 where even that is too much work, or
 * -1 with err. */
static int
weigh(struct run *run, uint32_t fewer, struct pieces *pieces, double *evidence,
      struct err *err)
{
	struct lattice l = {.run = run,
			    .pieces = pieces,
			    .states_max = run->config->states_max / fewer,
			    .layer_count = 1,
			    .state_cap = 4096,
			    .slot_mask = (1 << 20) - 1};
	struct edge start = {.id = SEQUENCE_NO_ITEM};
	double marked;
	uint32_t i;
	int status = -1;

	for (i = 0; i < run->group_count; i++)
		l.layer_count += run->groups[i].count_max;
	l.layers = calloc(l.layer_count, sizeof *l.layers);
	l.states = calloc(l.state_cap, sizeof *l.states);
	l.slots = malloc(((size_t)l.slot_mask + 1) * sizeof *l.slots);
	l.reaches = calloc(run->border_count, sizeof *l.reaches);
	if (l.layers == NULL || l.states == NULL || l.slots == NULL ||
	    l.reaches == NULL || !sizes_init(&l.sizes, run->config) ||
	    (l.blocks = block_spans_new(run)) == NULL)
		goto done;
	memset(l.slots, 0xff, ((size_t)l.slot_mask + 1) * sizeof *l.slots);
	make_layers(&l);
	for (i = 0; i < run->group_count; i++)
		memset(run->groups[i].mass, 0, sizeof run->groups[i].mass);
	anchor_place_all(run);
	run->log_spurious = log_spurious(run);
	marked = run->has_pages ? MARKED_PAGES : MARKED;
	/* Without constants nothing will be named, and only the evidence counts. */
	l.keep = run->has_pages || run->modes.headers == 0 || fewer > 1 ? KEEP_NARROW
	    : KEEP;
	pieces->trust = 1;
	l.log_marked = log(marked) - run->log_spurious;
	l.log_unmarked = log(1 - marked);
	/* Where no constant is known no file can fit, and unknown ones are no wonder. */
	l.log_unknown = run->modes.headers > 0 ? log(UNKNOWN) : 0;
	l.log_prior = log((1 - UNKNOWN) / (double)(run->config->count + 1));
	l.most_hope = phase_most_hope(run);
	/* The first arrival comes from a state outside of all layers. */
	l.states[l.state_count++] = (struct state){.chain = NONE, .next = NONE};
	lattice_arrive(&l, &start, 0);
	sweep_forward(&l);
	if (!l.is_exhausted)
		sweep_back(&l);
	*evidence = l.is_exhausted ? -INFINITY : l.end_alpha + anchor_unused(run);
	run->stats->edges += l.work;
	status = l.is_out_of_memory ? -1 : !l.is_exhausted;
done:
	if (status < 0)
		err_set(err, ENOMEM, "sequence: out of memory for a lattice of %u layers",
			l.layer_count);
	for (i = 0; l.reaches != NULL && i < run->border_count; i++)
		free(l.reaches[i].reach);
	free(l.reaches);
	sizes_done(&l.sizes);
	free(l.blocks);
	free(l.slots);
	free(l.states);
	free(l.layers);
	return status;
}

int
lattice_weigh(struct run *run, struct pieces *pieces, double *evidence, struct err *err)
{
	static const uint32_t fewer[] = {1, 4, 16};
	/* That the borders of pages are too many is no failure: those that show stand. */
	size_t i, tries = run->has_pages ? 1 : sizeof fewer / sizeof *fewer;
	int weighed = 0;

	for (i = 0; i < tries && weighed == 0; i++)
		weighed = weigh(run, fewer[i], pieces, evidence, err);
	run->stats->work_exceeded += weighed == 0 && !run->has_pages;
	return weighed < 0 ? -1 : 0;
}
