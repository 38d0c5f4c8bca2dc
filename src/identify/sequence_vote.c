/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a server and its client add to every file, by vote of the stream's pieces. From
 * each border some other border may be a file's length away, and one of the requests sent
 * before may have been for it: every catalogue file of about that size votes for the pair
 * of constants (header, request) that would make it fit exactly. A border that begins no
 * file votes at random; one that does gives a vote to the truth. A vote is worth
 *
 *	log(1 + q / (1 - q) w / chance)
 *
 * q being the share of such borders that begin a file which shows, w how likely its file
 * ends at that other border and its request is the one tried, and chance how likely a
 * pair has this vote at random: many candidates are worth little. A segment end that a
 * request came with is mostly an answer's; what other ends are is tried. Unlike the vote
 * of sequence_learn.c this needs no request to be sent the moment an answer has come, so
 * it works for servers and links that merge segments.
 *
 * Accepted pairs are added one by one, each from the borders that no earlier one
 * explains. One is accepted that leads the crowd of all others by far, or by less if
 * chance would not give so much at all (the sum above is a bound of that, and a wide one
 * where many borders begin nothing); a trial takes the best one in any case, and the
 * lattice tells whether it explains the run.
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
	LOOK = 12, /* borders tried as a piece's end */
	/* requests tried as the piece's own, about depth before the last one sent */
	SENT = 6,
	SENT_BEFORE = 2,
	WINDOW_MAX = 3000, /* files of about a size: more tell nothing */
	ROUNDS = 6,
	GAINS = 200, /* halves of a natural log */
	CROWD = 20, /* pairs that chance, or likeness to a true one, brings to the fore */
	/* Sizes are multiples of four and paths much alike in length. */
	EFFECTIVE_BINS = HEADER_BINS / 4 * 60,
};

/* Responses whose request is the one sent depth requests before. */
static const double ON_TIME = 0.7;
/* Natural logs: where the best of the bins is chance's it leads by about log(CROWD) /
 * 0.6. */
static const double LEAD = 14;
/* Responses of which the next ends and the requests tried have the true ones. */
static const double SHOWN = 0.8;
static const double SURE = 0.95, WORTH = 0.02;
/* Shares of borders at which a response ends: of segment ends that a request came
 * with, and of all others. */
struct shares {
	double answered, other;
};

static const struct shares shares_tried[] = {
    {0.9, 0.1}, {0.9, 0.5}, {0.5, 0.1}, {0.5, 0.5}, {0.25, 0.25}, {0.1, 0.1},
    {0.03, 0.03}};
static const uint64_t WORK_MAX = 200000000; /* votes in all rounds */

struct ballot {
	struct run *run;
	float *gain, *ratio; /* by bin; ratio: w / chance of the start at hand */
	uint32_t *stamp, *touched;
	uint32_t touched_count;
	uint32_t requests[SENT], request_count;
	double request_weight[SENT]; /* that it is the response's */
	uint8_t *is_explained; /* by start */
	uint8_t *is_paged;     /* by start: pages bear out a header that was accepted */
	uint32_t single_max;   /* octets of a group that may be one request */
	double mean;           /* octets of those */
	uint64_t work;         /* votes in all */
	bool is_blind;         /* the start at hand may begin too many files to tell */
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

/* How many requests a group holds, by the mean length of those that went alone. */
static uint32_t
requests_in(const struct ballot *b, const struct group *g)
{
	if (g->bytes <= b->single_max || !(b->mean > 0))
		return g->bytes >= RUN_FRAGMENT;
	return (uint32_t)(g->bytes / b->mean + 0.5);
}

/*
 * The requests, those that went alone, that may be of the response which begins at an
 * offset: depth are outstanding when its begin is read, or a few more or less where the
 * client lags.
 */
static void
collect_requests(struct ballot *b, uint64_t offset)
{
	const struct run *run = b->run;
	uint32_t depth = run->depth > 0 ? run->depth : RUN_DEPTH, sent = 0, number = 0, i,
	    n;

	for (i = 0; i < run->group_count; i++)
		if (run->groups[i].is_anchored && run->groups[i].anchor <= offset)
			sent += requests_in(b, &run->groups[i]);
	b->request_count = 0;
	for (i = 0; i < run->group_count && b->request_count < SENT; i++) {
		const struct group *g = &run->groups[i];

		if (!g->is_anchored || g->anchor > offset)
			continue;
		n = requests_in(b, g);
		if (n == 1 && number + SENT_BEFORE + depth >= sent) {
			b->requests[b->request_count] = g->bytes;
			b->request_weight[b->request_count++] =
			    number + depth == sent ? ON_TIME : (1 - ON_TIME) / (SENT - 1);
		}
		number += n;
	}
}

static void
vote_bin(struct ballot *b, uint32_t header, uint32_t request, bool is_hex, uint32_t stamp,
	 float ratio)
{
	uint32_t bin = (is_hex ? PLANE : 0) + header * REQUEST_BINS + request;

	b->work++;
	if (b->stamp[bin] == stamp) {
		if (b->ratio[bin] < ratio)
			b->ratio[bin] = ratio;
		return;
	}
	b->stamp[bin] = stamp;
	b->ratio[bin] = ratio;
	b->touched[b->touched_count++] = bin;
}

static void
vote_piece(struct ballot *b, uint64_t span, double weight, uint32_t stamp)
{
	const struct sequence_config *config = b->run->config;
	uint64_t least = HEADER_LOW + HEADER_BINS + 36;
	size_t i = item_find(config, span > least ? span - least : 0), end;
	int64_t header, request;
	uint32_t k, hex;
	double chance;

	end = item_find(config, span > HEADER_LOW ? span - HEADER_LOW : 0);
	if (end > i + WINDOW_MAX) {
		b->is_blind = true;
		return;
	}
	chance = (double)(end - i) / EFFECTIVE_BINS + 1e-4;
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
						 hex, stamp,
						 (float)(weight * b->request_weight[k] /
							 chance));
			}
		}
}

/* Mean length of the requests that went alone; 0 without any. */
static double
mean_single(const struct run *run, uint32_t most)
{
	double sum = 0;
	uint32_t i, n = 0;

	for (i = 0; i < run->group_count; i++)
		if (run->groups[i].bytes >= RUN_FRAGMENT &&
		    run->groups[i].bytes <= most) {
			sum += run->groups[i].bytes;
			n++;
		}
	return n > 0 ? sum / n : 0;
}

/* How likely a response ends, and another begins, at a border. */
static double
share_at(const struct run *run, uint32_t border, const struct shares *shares)
{
	const struct border *at = &run->borders[border];

	if (border == 0 || border + 1 == run->border_count)
		return SURE;
	return at->is_end && at->is_anchor ? shares->answered : shares->other;
}

/* The votes of the pieces that begin at a border. */
static void
vote_start(struct ballot *b, uint32_t start, const struct shares *shares, uint32_t stamp)
{
	const struct run *run = b->run;
	uint64_t offset = run->borders[start].offset;
	double left = 1, share;
	uint32_t i;

	b->touched_count = 0;
	b->is_blind = false;
	collect_requests(b, offset);
	for (i = 1; i <= LOOK && start + i < run->border_count && left > WORTH; i++) {
		share = share_at(run, start + i, shares);
		vote_piece(b, run->borders[start + i].offset - offset, left * share,
		    stamp);
		left *= 1 - share;
	}
}

static uint32_t
starts_of(const struct run *run)
{
	return run->border_count < STARTS_MAX ? run->border_count : STARTS_MAX;
}

/* Begins the gains with what the pages say of headers: the same for all requests. */
static void
count_pages(struct ballot *b, double share)
{
	double gain[HEADER_BINS];
	struct phase_poll poll = {.low = HEADER_LOW,
				  .count = HEADER_BINS,
				  .starts = starts_of(b->run),
				  .gain = gain};
	uint32_t hex, i, k;

	for (hex = 0; hex < 2; hex++) {
		phase_vote(b->run, hex, share / 2, b->is_paged, &poll);
		for (i = 0; i < HEADER_BINS; i++)
			for (k = 0; k < REQUEST_BINS; k++)
				b->gain[hex * PLANE + i * REQUEST_BINS + k] =
				    (float)(poll.base + poll.gain[i]);
	}
}

/* The gain that CROWD bins exceed, to a half; the best one is given. */
static double
crowd_gain(const struct ballot *b, double best)
{
	uint32_t count[GAINS] = {0}, i, n = 0;
	double behind;

	for (i = 0; i < BINS; i++)
		if ((behind = (best - (double)b->gain[i]) * 2) < GAINS)
			count[(uint32_t)behind]++;
	for (i = 0; i < GAINS && n < CROWD; i++)
		n += count[i];
	return best - i / 2.0;
}

/* What the best pair of constants gains over none, if these shares of the borders begin a
 * file; and by what it leads the crowd. */
static double
best_pair_at(struct ballot *b, uint32_t stamp, const struct shares *shares,
    uint32_t *best, double *lead)
{
	uint32_t starts = starts_of(b->run), i, k;
	double none = 0;

	count_pages(b, shares->other);
	*best = 0;
	for (i = 0; i < starts && b->work < WORK_MAX; i++) {
		double share = SHOWN * share_at(b->run, i, shares);
		float odds = (float)(share / (1 - share));

		if (b->is_explained[i])
			continue;
		vote_start(b, i, shares, stamp + i + 1);
		if (b->is_blind)
			continue;
		none += log1p(-share);
		for (k = 0; k < b->touched_count; k++)
			b->gain[b->touched[k]] += log1pf(odds * b->ratio[b->touched[k]]);
	}
	for (k = 0; k < BINS; k++)
		if (b->gain[k] > b->gain[*best])
			*best = k;
	*lead = b->gain[*best] - crowd_gain(b, b->gain[*best]);
	return (double)b->gain[*best] + none;
}

/* One round: the best pair of constants, and by which shares. Whether it is certain. */
static bool
best_pair(struct ballot *b, uint32_t *stamp, const struct shares **shares, uint32_t *best)
{
	double gain, most = -INFINITY, lead, furthest = -INFINITY;
	uint32_t i, bin;

	for (i = 0; i < sizeof shares_tried / sizeof *shares_tried; i++) {
		gain = best_pair_at(b, *stamp, &shares_tried[i], &bin, &lead);
		*stamp += STARTS_MAX;
		most = fmax(most, gain);
		if (lead > furthest) {
			furthest = lead;
			*best = bin;
			*shares = &shares_tried[i];
		}
	}
	return furthest >= LEAD || (furthest >= LEAD / 2 && most >= log(BINS) + 6);
}

/* Marks the starts that gave a pair their vote; their number. */
static uint32_t
explain(struct ballot *b, uint32_t *stamp, const struct shares *shares, uint32_t bin)
{
	uint32_t starts = starts_of(b->run), i, k, n = 0;

	for (i = 0; i < starts; i++) {
		if (b->is_explained[i])
			continue;
		vote_start(b, i, shares, *stamp + i + 1);
		for (k = 0; k < b->touched_count; k++)
			if (b->touched[k] == bin)
				b->is_explained[i] = 1;
		n += b->is_explained[i];
	}
	*stamp += STARTS_MAX;
	return n;
}

static void
accept(struct ballot *b, uint32_t bin, uint32_t votes)
{
	struct sequence_modes *modes = &b->run->modes;
	bool is_hex = bin >= PLANE;

	bin -= is_hex ? PLANE : 0;
	run_add_mode(modes->header, &modes->headers, bin / REQUEST_BINS + HEADER_LOW,
	    is_hex, votes);
	phase_explain(b->run, bin / REQUEST_BINS + HEADER_LOW, starts_of(b->run),
	    b->is_paged);
	run_add_mode(modes->request, &modes->requests, bin % REQUEST_BINS + REQUEST_LOW,
		     false, votes);
}

int
run_vote(struct run *run, struct err *err)
{
	struct ballot b = {.run = run, .single_max = single_max(run)};
	uint32_t round, bin = 0, stamp = 0;
	int status = -1;

	b.mean = mean_single(run, b.single_max);
	b.gain = calloc(BINS, sizeof *b.gain);
	b.ratio = malloc(BINS * sizeof *b.ratio);
	b.stamp = calloc(BINS, sizeof *b.stamp);
	b.touched = malloc(BINS * sizeof *b.touched);
	b.is_explained = calloc(STARTS_MAX, 1);
	b.is_paged = calloc(STARTS_MAX, 1);
	if (b.gain == NULL || b.ratio == NULL || b.stamp == NULL || b.touched == NULL ||
	    b.is_explained == NULL || b.is_paged == NULL) {
		err_set(err, ENOMEM, "sequence: out of memory for votes");
		goto done;
	}
	for (round = 0; round < ROUNDS; round++) {
		const struct shares *shares = NULL;
		bool is_certain = best_pair(&b, &stamp, &shares, &bin);

		if (b.work >= WORK_MAX ||
		    (!is_certain && !(run->is_trial && run->modes.headers == 0)))
			break;
		accept(&b, bin, explain(&b, &stamp, shares, bin));
	}
	status = 0;
done:
	free(b.gain);
	free(b.ratio);
	free(b.stamp);
	free(b.touched);
	free(b.is_explained);
	free(b.is_paged);
	return status;
}
