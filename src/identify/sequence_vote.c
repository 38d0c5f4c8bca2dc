/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a server and its client add to every file, by vote of the stream's pieces. From each
 * border some other border may be a file's length away, and one of the requests sent before
 * may have been for it: every catalogue file of about that size votes for the pair of
 * constants (header, request) that would make it fit exactly. A border that begins no file
 * votes at random; one that does gives a vote to the truth. A vote is worth
 *
 *	log(1 + q / (1 - q) / chance)
 *
 * q being the share of borders that begin a file which shows, chance how likely a pair has
 * this border's vote at random: many candidates are worth little. Unlike the vote of
 * sequence_learn.c this needs no request to be sent the moment an answer has come, so it
 * works for servers and links that merge segments. Accepted pairs are added one by one, each
 * from the borders that no earlier one explains, while chance would not give so much.
 */
#include "identify/sequence_run.h"

#include "base/err.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEADER_LOW = 40,
	HEADER_BINS = 1024,
	REQUEST_LOW = 40,
	REQUEST_BINS = 512,
	PLANE = HEADER_BINS * REQUEST_BINS, /* one plane of decimal, one of hex digits */
	BINS = 2 * PLANE,
	STARTS_MAX = 1000,
	LOOK = 24, /* borders tried as a piece's end */
	SENT = 16, /* requests tried as the piece's own: the last ones sent */
	WINDOW_MAX = 3000, /* files of about a size: more tell nothing */
	ROUNDS = 6,
	/* Sizes are multiples of four and paths much alike in length. */
	EFFECTIVE_BINS = HEADER_BINS / 4 * 60,
};

static const uint64_t WORK_MAX = 200000000; /* votes in all rounds */
static const double SHOWN = 0.5;            /* files whose both borders show */

struct ballot {
	struct run *run;
	float *gain;
	uint32_t *stamp, *touched;
	uint32_t touched_count;
	uint32_t requests[SENT], request_count;
	uint8_t *is_explained; /* by start */
	uint32_t single_max;   /* octets of a group that may be one request */
	uint64_t votes, work;  /* of the start at hand; in all */
};

/* Groups of one request: not twice as long as the shortest. */
static uint32_t
single_max(const struct run *run)
{
	uint32_t least = UINT32_MAX, i;

	for (i = 0; i < run->group_count; i++)
		if (run->groups[i].bytes >= RUN_FRAGMENT && run->groups[i].bytes < least)
			least = run->groups[i].bytes;
	return least == UINT32_MAX ? 0 : least + least / 10 * 8;
}

static void
collect_requests(struct ballot *b, uint64_t offset)
{
	const struct run *run = b->run;
	uint32_t i;

	b->request_count = 0;
	for (i = run->group_count; i-- > 0 && b->request_count < SENT;) {
		const struct group *g = &run->groups[i];

		if (g->is_anchored && g->anchor <= offset && g->bytes <= b->single_max)
			b->requests[b->request_count++] = g->bytes;
	}
}

static void
vote_bin(struct ballot *b, uint32_t header, uint32_t request, bool is_hex, uint32_t stamp)
{
	uint32_t bin = (is_hex ? PLANE : 0) + header * REQUEST_BINS + request;

	b->votes += !is_hex;
	b->work++;
	if (b->stamp[bin] == stamp)
		return;
	b->stamp[bin] = stamp;
	b->touched[b->touched_count++] = bin;
}

static void
vote_piece(struct ballot *b, uint64_t span, uint32_t stamp)
{
	const struct sequence_config *config = b->run->config;
	uint64_t least = HEADER_LOW + HEADER_BINS + 36;
	size_t i = item_find(config, span > least ? span - least : 0), end;
	int64_t header, request;
	uint32_t k, hex;

	end = item_find(config, span > HEADER_LOW ? span - HEADER_LOW : 0);
	if (end > i + WINDOW_MAX)
		return;
	for (; i < end; i++)
		for (hex = 0; hex < 2; hex++) {
			header = (int64_t)(span - config->items[i].size) - HEADER_LOW -
				 size_digits(config->items[i].size, hex);
			for (k = 0; k < b->request_count; k++) {
				request = (int64_t)b->requests[k] - REQUEST_LOW -
					  config->items[i].path_bytes;
				if (header >= 0 && header < HEADER_BINS && request >= 0 &&
				    request < REQUEST_BINS)
					vote_bin(b, (uint32_t)header, (uint32_t)request,
						 hex, stamp);
			}
		}
}

/* The votes of the pieces that begin at a border; their value is in *worth. */
static void
vote_start(struct ballot *b, uint32_t start, uint32_t stamp, double share, double *worth)
{
	const struct run *run = b->run;
	uint64_t offset = run->borders[start].offset;
	uint32_t i;

	b->touched_count = 0;
	b->votes = 0;
	collect_requests(b, offset);
	for (i = start + 1; i < run->border_count && i <= start + LOOK; i++)
		vote_piece(b, run->borders[i].offset - offset, stamp);
	*worth = log1p(share / (1 - share) / ((double)b->votes / EFFECTIVE_BINS + 1e-4));
}

static uint32_t
starts_of(const struct run *run)
{
	return run->border_count < STARTS_MAX ? run->border_count : STARTS_MAX;
}

/* One round: the best pair of constants and what it gains over none. */
static double
best_pair(struct ballot *b, uint32_t round, uint32_t *best)
{
	uint32_t starts = starts_of(b->run), i, k, n = 0;
	double worth, share;

	for (i = 0; i < starts; i++)
		n += !b->is_explained[i];
	share = SHOWN * b->run->group_count / (n + 1.0);
	share = share < 0.3 ? share : 0.3;
	memset(b->gain, 0, BINS * sizeof *b->gain);
	*best = 0;
	for (i = 0; i < starts && b->work < WORK_MAX; i++) {
		if (b->is_explained[i])
			continue;
		vote_start(b, i, round * STARTS_MAX + i + 1, share, &worth);
		for (k = 0; k < b->touched_count; k++) {
			b->gain[b->touched[k]] += (float)worth;
			if (b->gain[b->touched[k]] > b->gain[*best])
				*best = b->touched[k];
		}
	}
	return (double)b->gain[*best] + n * log1p(-share);
}

/* Marks the starts that gave a pair their vote; their number. */
static uint32_t
explain(struct ballot *b, uint32_t round, uint32_t bin)
{
	uint32_t starts = starts_of(b->run), i, k, n = 0;
	double worth;

	for (i = 0; i < starts; i++) {
		if (b->is_explained[i])
			continue;
		vote_start(b, i, round * STARTS_MAX + i + 1, 0.1, &worth);
		for (k = 0; k < b->touched_count; k++)
			if (b->touched[k] == bin)
				b->is_explained[i] = 1;
		n += b->is_explained[i];
	}
	return n;
}

static void
accept(struct ballot *b, uint32_t bin, uint32_t votes)
{
	struct sequence_modes *modes = &b->run->modes;
	bool is_hex = bin >= PLANE;

	bin -= is_hex ? PLANE : 0;
	run_add_mode(modes->header, &modes->headers, bin / REQUEST_BINS + HEADER_LOW, is_hex,
		     votes);
	run_add_mode(modes->request, &modes->requests, bin % REQUEST_BINS + REQUEST_LOW,
		     false, votes);
}

int
run_vote(struct run *run, struct err *err)
{
	struct ballot b = {.run = run, .single_max = single_max(run)};
	uint32_t round, bin;
	int status = -1;

	b.gain = calloc(BINS, sizeof *b.gain);
	b.stamp = calloc(BINS, sizeof *b.stamp);
	b.touched = malloc(BINS * sizeof *b.touched);
	b.is_explained = calloc(STARTS_MAX, 1);
	if (b.gain == NULL || b.stamp == NULL || b.touched == NULL ||
	    b.is_explained == NULL) {
		err_set(err, ENOMEM, "sequence: out of memory for votes");
		goto done;
	}
	for (round = 0; round < ROUNDS; round++) {
		if (best_pair(&b, 2 * round, &bin) < log(BINS) + 6 || b.work >= WORK_MAX)
			break;
		accept(&b, bin, explain(&b, 2 * round + 1, bin));
	}
	status = 0;
done:
	free(b.gain);
	free(b.stamp);
	free(b.touched);
	free(b.is_explained);
	return status;
}
