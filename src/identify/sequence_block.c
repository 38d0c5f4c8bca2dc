/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long a block of some responses is whose inner borders do not show. Mostly all are
 * files of the catalogue: then its span is a sum of so many sizes, of which some are
 * drawn. Else it may be anything: as likely so long as twice as long.
 */
#include "identify/sequence_lattice.h"

#include <stdlib.h>

enum { DRAWN = 2048 };

static uint32_t
bin_of(uint64_t span)
{
	uint32_t doubling = 63 - (uint32_t)__builtin_clzll(span | 1);
	bool is_upper = doubling > 0 && (span >> (doubling - 1) & 1) != 0;
	uint32_t bin = 2 * doubling + is_upper;

	return bin < SPAN_BINS ? bin : SPAN_BINS - 1;
}

/* Octets that have the bin. */
static double
bin_width(uint32_t bin)
{
	return bin < 2 ? 1 : ldexp(0.5, (int)bin / 2);
}

static uint64_t
draw_size(const struct sequence_config *config, uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return config->items[(*state >> 33) % config->count].size;
}

struct block_spans *
block_spans_new(const struct run *run)
{
	struct block_spans *b = calloc(1, sizeof *b);
	uint64_t state = 1, sum[DRAWN] = {0};
	uint32_t n, i, count[SPAN_BINS];
	double density;

	for (n = 1; n <= BLOCK_MAX && b != NULL; n++) {
		b->most[n] = -INFINITY;
		for (i = 0; i < SPAN_BINS; i++)
			count[i] = 0;
		for (i = 0; i < DRAWN && run->config->count > 0; i++) {
			sum[i] += draw_size(run->config, &state) + run->header_min;
			count[bin_of(sum[i])]++;
		}
		for (i = 0; i < SPAN_BINS; i++) {
			density = count[i] / (DRAWN * bin_width(i));
			b->files[n][i] = log(density);
			b->most[n] = fmax(b->most[n], b->files[n][i]);
		}
	}
	return b;
}

/* Where some are no files: of all octets but those of the files, twice as many are as
 * likely. */
static double
other_span(const struct lattice *l, uint32_t responses, uint64_t span)
{
	const struct run *run = l->run;
	uint64_t least = run->config->count > 0
			     ? run->config->items[0].size + run->header_min
			     : RUN_FRAGMENT;
	uint32_t unknown = span < (responses - 1) * least ? responses : 1;

	return unknown * log(UNKNOWN) + log(responses / SPREAD) - log((double)span);
}

double
block_span(const struct lattice *l, uint32_t responses, uint64_t span)
{
	/* Where no constant is known, no file can fit, and lengths tell nothing. */
	if (responses == 1 || l->run->modes.headers == 0)
		return log(responses / SPREAD) - log((double)span);
	return log_add(other_span(l, responses, span),
		       l->blocks->files[responses][bin_of(span)]);
}

double
block_span_most(const struct lattice *l, uint32_t responses)
{
	double shortest = log(responses / SPREAD) - log((double)RUN_FRAGMENT * responses);

	return fmax(shortest, l->blocks->most[responses]) + log(2);
}
