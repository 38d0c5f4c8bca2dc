/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a server and its client add to every file, by vote. While depth requests are
 * outstanding, request q + depth is sent when response q has arrived; so the places of
 * requests q + depth - 1 and q + depth are d octets apart, the length of response q, and
 * its own length l is known. Each catalogue item votes for (d - size - digits, l - path):
 * chance spreads over 60,000 bins, the truth meets in one. The depth with the most
 * meeting votes is the client's. Modes are taken one by one, each from the pairs that no
 * earlier one explains, while chance would not give so many votes. Where too few requests
 * tell, the configuration's modes stand alone.
 *
 * With the modes known, fragments of requests are joined and the number of requests in
 * each group is weighed by the catalogue's path lengths.
 */
#include "identify/sequence_run.h"

#include "base/err.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEADER_LOW = 60,
	HEADER_BINS = 1024,
	REQUEST_LOW = 40,
	REQUEST_BINS = 512,
	BINS = HEADER_BINS * REQUEST_BINS,
	DEPTH_MAX = 16,
	DEPTH_DEFAULT = 10,
	PAIRS_MAX = 400,
};

/* By how much the first batch's requests may be no whole number, by the mean length. */
static const double BATCH_OFF = 0.3;
/* How much likelier a first batch has as many requests as may be outstanding. */
static const double FILLED = 1000;
/* Share of servers whose header was told without its hexadecimal digits. Among many files
 * the runs tell, and a second constant finds files by chance. */
static const double HEX = 0.05;
enum { FEW_FILES = 2000 };
/* Share of files that have another content type, where none was seen. */
static const double TYPE = 0.03;
/* Share of files from a security archive, where none was seen. */
static const double SECURITY = 0.02;

struct pair {
	uint64_t span;
	uint32_t request;
};

struct poll {
	struct run *run;
	struct pair pairs[PAIRS_MAX];
	uint32_t pair_count;
	uint16_t votes[BINS], stamp[BINS];
	uint64_t total; /* votes */
	uint32_t top;   /* bin */
};

static void
collect_pairs(struct poll *poll, uint32_t depth)
{
	const struct group *g = poll->run->groups;
	uint32_t i, n = poll->run->group_count, single = 0;

	poll->pair_count = 0;
	for (i = 0; i < n && poll->pair_count < PAIRS_MAX; i++) {
		single = g[i].is_anchored && g[i].bytes < RUN_SINGLE ? single + 1 : 0;
		if (single <= depth || g[i].anchor <= g[i - 1].anchor)
			continue;
		poll->pairs[poll->pair_count++] = (struct pair){
		    .span = g[i].anchor - g[i - 1].anchor,
		    .request = g[i - depth].bytes,
		};
	}
}

static void
vote_pair(struct poll *poll, const struct pair *pair, uint16_t stamp)
{
	const struct sequence_config *config = poll->run->config;
	uint64_t most = pair->span, least;
	int64_t header, request;
	uint32_t bin;
	size_t i;

	if (most < HEADER_LOW)
		return;
	least = most > HEADER_LOW + HEADER_BINS + 20
		    ? most - HEADER_LOW - HEADER_BINS - 20
		    : 0;
	for (i = item_find(config, least); i < config->count; i++) {
		header = (int64_t)(pair->span - config->items[i].size) -
			 decimal_digits(config->items[i].size) - HEADER_LOW;
		request =
		    (int64_t)pair->request - config->items[i].path_bytes - REQUEST_LOW;
		if (header < 0)
			break;
		if (header >= HEADER_BINS || request < 0 || request >= REQUEST_BINS)
			continue;
		bin = (uint32_t)(header * REQUEST_BINS + request);
		if (poll->stamp[bin] == stamp)
			continue;
		poll->stamp[bin] = stamp;
		poll->total++;
		if (++poll->votes[bin] > poll->votes[poll->top])
			poll->top = bin;
	}
}

static uint32_t
count_votes(struct poll *poll)
{
	uint32_t i;

	memset(poll->votes, 0, sizeof poll->votes);
	memset(poll->stamp, 0, sizeof poll->stamp);
	poll->total = 0;
	poll->top = 0;
	for (i = 0; i < poll->pair_count; i++)
		vote_pair(poll, &poll->pairs[i], (uint16_t)(i + 1));
	return poll->votes[poll->top];
}

/*
 * Votes that chance gives to any bin once in a hundred polls. Sizes are multiples of four
 * and paths much alike in length, so the votes crowd into about 8,000 of the bins.
 */
static uint32_t
chance_votes(const struct poll *poll)
{
	double rate = (double)poll->total / 8000, expected = 60000;
	uint32_t n = 0;

	while (expected > 0.01 || n < 4) {
		n++;
		expected *= rate / n;
	}
	return n;
}

bool
run_add_mode(struct sequence_mode *modes, uint32_t *count, uint32_t bytes, bool is_hex,
	     double weight)
{
	uint32_t i;

	for (i = 0; i < *count; i++)
		if (modes[i].bytes == bytes && modes[i].is_hex == is_hex)
			break;
	if (i == SEQUENCE_MODES)
		return false;
	if (i == *count) {
		modes[i] = (struct sequence_mode){.bytes = bytes, .is_hex = is_hex};
		(*count)++;
	}
	modes[i].weight += weight;
	return true;
}

/* Drops the pairs that an item with these constants explains. */
static void
drop_explained(struct poll *poll, uint32_t header, uint32_t request)
{
	const struct sequence_config *config = poll->run->config;
	uint32_t i, digits, n = 0;
	uint64_t size;
	size_t item;
	bool is_explained;

	for (i = 0; i < poll->pair_count; i++) {
		is_explained = false;
		for (digits = 1; digits < 12 && !is_explained; digits++) {
			if (poll->pairs[i].span <= header + digits)
				break;
			size = poll->pairs[i].span - header - digits;
			if (decimal_digits(size) != digits)
				continue;
			for (item = item_find(config, size);
			     item < config->count && config->items[item].size == size;
			     item++)
				is_explained |=
				    config->items[item].path_bytes + request ==
				    poll->pairs[i].request;
		}
		if (!is_explained)
			poll->pairs[n++] = poll->pairs[i];
	}
	poll->pair_count = n;
}

static void
learn_modes(struct poll *poll, uint32_t depth)
{
	struct sequence_modes *modes = &poll->run->modes;
	uint32_t round, votes, header, request;

	collect_pairs(poll, depth);
	for (round = 0; round < SEQUENCE_MODES; round++) {
		votes = count_votes(poll);
		if (votes < chance_votes(poll))
			return;
		poll->run->is_voted = true;
		header = poll->top / REQUEST_BINS + HEADER_LOW;
		request = poll->top % REQUEST_BINS + REQUEST_LOW;
		run_add_mode(modes->header, &modes->headers, header, false, votes);
		run_add_mode(modes->request, &modes->requests, request, false, votes);
		drop_explained(poll, header, request);
	}
}

/*
 * Requests outstanding by the first batch: a client that then goes on to ask when an
 * answer has ended has filled what it may. Its length tells their number, by the mean of
 * those that went alone; if it tells, else 0.
 */
static uint32_t
first_batch(const struct run *run)
{
	const struct group *g = run->groups;
	uint32_t i, n = run->group_count, singles = 0, later = 0;
	double batch = 0, sum = 0, depth;

	if (n < 3 || !g[1].is_anchored || g[0].bytes >= RUN_SINGLE)
		return 0;
	for (i = 0; i < n; i++) {
		if (i > 0 && g[i].is_anchored && g[i].anchor == g[1].anchor) {
			batch += g[i].bytes;
			continue;
		}
		later += i > 0;
		if (g[i].bytes >= RUN_FRAGMENT / 2 && g[i].bytes < RUN_SINGLE) {
			sum += g[i].bytes;
			singles++;
		}
	}
	if (later == 0 || singles < 3)
		return 0;
	depth = batch / (sum / singles);
	if (fabs(depth - DEPTH_DEFAULT) < 1)
		return DEPTH_DEFAULT;
	return depth < 1.5 || depth > DEPTH_MAX || fabs(depth - round(depth)) > BATCH_OFF
		   ? 0
		   : (uint32_t)round(depth);
}

/* The depth with the most votes above chance; without evidence that of the first batch,
 * or the usual one; 0 if there was evidence and none agreed. */
static uint32_t
learn_depth(struct poll *poll)
{
	uint32_t depth, votes, best = 0, best_votes = 0, pairs = 0;

	for (depth = 1; depth <= DEPTH_MAX; depth++) {
		collect_pairs(poll, depth);
		if (depth == DEPTH_DEFAULT)
			pairs = poll->pair_count;
		votes = count_votes(poll);
		if (votes >= chance_votes(poll) && votes > best_votes) {
			best = depth;
			best_votes = votes;
		}
	}
	if (best == 0)
		best = first_batch(poll->run);
	poll->run->is_depth_told = best > 0;
	if (best > 0)
		return best;
	return pairs < 8 ? DEPTH_DEFAULT : 0;
}

static void
normalise(struct sequence_mode *modes, uint32_t count, uint32_t *least)
{
	double sum = 0;
	uint32_t i;

	*least = UINT32_MAX;
	for (i = 0; i < count; i++) {
		sum += modes[i].weight;
		if (modes[i].bytes < *least)
			*least = modes[i].bytes;
	}
	for (i = 0; i < count; i++)
		modes[i].weight = 0.01 / count + 0.99 * modes[i].weight / sum;
}

/*
 * The security archive mostly lies beside the main one, its folder's name longer by the
 * octets of "-security"; few files of a run are from there, too few for a vote.
 */
static void
add_security(struct sequence_modes *modes)
{
	static const char suffix[] = "-security";
	uint32_t i, n = modes->requests;

	for (i = 0; i < n; i++)
		run_add_mode(modes->request, &modes->requests,
			     modes->request[i].bytes + (uint32_t)strlen(suffix), false,
			     SECURITY * modes->request[i].weight);
}

/*
 * Debian's mirrors call some packages application/vnd.debian.binary-package and others
 * application/x-debian-package, which is nine octets shorter; one of both may be too rare
 * for a vote.
 */
static void
add_types(struct sequence_modes *modes)
{
	enum { SHORTER = 9 };
	uint32_t i, n = modes->headers;

	for (i = 0; i < n; i++) {
		struct sequence_mode mode = modes->header[i];

		run_add_mode(modes->header, &modes->headers, mode.bytes + SHORTER,
			     mode.is_hex, TYPE * mode.weight);
		if (mode.bytes > SHORTER)
			run_add_mode(modes->header, &modes->headers, mode.bytes - SHORTER,
				     mode.is_hex, TYPE * mode.weight);
	}
}

/*
 * A header's digits may be told wrong: where few sizes taught it, one with hexadecimal
 * digits (an ETag's) has the same lengths as one without them that is longer.
 */
static void
add_hex(struct sequence_modes *modes, uint32_t digits)
{
	uint32_t i, n = modes->headers;

	for (i = 0; i < n; i++)
		if (!modes->header[i].is_hex && modes->header[i].bytes > digits)
			run_add_mode(modes->header, &modes->headers,
				     modes->header[i].bytes - digits, true,
				     HEX * modes->header[i].weight);
}

/* Hexadecimal digits of the catalogue's largest sizes but the top tenth. */
static uint32_t
usual_hex(const struct sequence_config *config)
{
	uint64_t size = config->count > 0 ? config->items[config->count / 10 * 9].size
	    : 0;

	return size_digits(size, true) - size_digits(size, false);
}

/* Densities of the length of one request, then of 2 to RUN_COUNTS together. */
static int
learn_lengths(struct run *run, struct err *err)
{
	const struct sequence_config *config = run->config;
	uint32_t i, j, n, at, least_path = UINT32_MAX, low, high;
	double *one, *sum;
	size_t item;

	run->length = calloc(RUN_COUNTS + 1, sizeof *run->length);
	if (run->length == NULL)
		return err_set(err, ENOMEM, "sequence: out of memory for path lengths");
	one = run->length[1];
	for (item = 0; item < config->count; item++) {
		if (config->items[item].path_bytes < least_path)
			least_path = config->items[item].path_bytes;
		for (i = 0; i < run->modes.requests; i++) {
			at = config->items[item].path_bytes + run->modes.request[i].bytes;
			if (at < 1000)
				one[at] += 0.98 * run->modes.request[i].weight /
					   (double)config->count;
		}
	}
	low = config->count > 0 && run->modes.requests > 0 ? run->request_min + least_path
							   : RUN_FRAGMENT;
	run->request_min = low;
	high = 500;
	for (i = low; i < high; i++)
		one[i] += 0.02 / (high - low);
	run->length[0][0] = 1;
	for (n = 2; n <= RUN_COUNTS; n++) {
		sum = run->length[n];
		for (i = low; i < 1000; i++)
			for (j = (n - 1) * low; one[i] > 0 && i + j < RUN_LENGTHS; j++)
				sum[i + j] += one[i] * run->length[n - 1][j];
	}
	return 0;
}

int
run_learn(struct run *run, struct err *err)
{
	struct poll *poll = calloc(1, sizeof *poll);

	if (poll == NULL)
		return err_set(err, ENOMEM, "sequence: out of memory for votes");
	poll->run = run;
	run->modes = run->config->known;
	run->depth = run->config->depth;
	if (run->depth == 0)
		run->depth = learn_depth(poll);
	if (run->depth > 0)
		learn_modes(poll, run->depth);
	free(poll);
	if (run_vote(run, err) != 0)
		return -1;
	if (run->config->count <= FEW_FILES)
		add_hex(&run->modes, usual_hex(run->config));
	else
		add_types(&run->modes);
	add_security(&run->modes);
	normalise(run->modes.header, run->modes.headers, &run->header_min);
	normalise(run->modes.request, run->modes.requests, &run->request_min);
	if (phase_learn(run, err) != 0)
		return -1;
	return learn_lengths(run, err);
}

/* A segment as full as the client's path allows: the next one goes on with it. */
static bool
is_full_segment(uint32_t bytes)
{
	static const uint32_t full[] = {1208, 1220, 1288, 1300, 1328, 1340,
					1348, 1360, 1368, 1380, 1388, 1400,
					1408, 1420, 1428, 1440, 1448, 1460};
	size_t i;

	for (i = 0; i < sizeof full / sizeof *full; i++)
		if (bytes % full[i] == 0)
			return true;
	return false;
}

/* The counts a group may have, weighed; a count that has 0.1 % or less is left out. A
 * client that has more to ask for than its depth allows fills it. */
static void
weigh_counts(const struct run *run, struct group *g, uint32_t expected)
{
	double weight[RUN_COUNTS + 1] = {0}, sum = 0;
	uint32_t n;

	/* A loose piece ends anywhere: any number about its length may begin in it. */
	g->count_min = g->count_max = 0;
	for (n = 1; n <= RUN_COUNTS && g->bytes < RUN_LENGTHS; n++)
		sum += weight[n] =
		    run->length[n][g->bytes] * (n == expected ? FILLED : 1);
	for (n = 1; n <= RUN_COUNTS; n++) {
		if (!(sum > 0) || weight[n] <= 0.001 * sum)
			continue;
		if (g->count_min == 0)
			g->count_min = (uint8_t)n;
		g->count_max = (uint8_t)n;
	}
	if (g->count_min == 0) { /* no sum of requests: let the responses tell */
		g->count_min = 1;
		g->count_max = g->bytes < RUN_SINGLE ? 1 : RUN_COUNTS;
	}
	for (n = g->count_min; n <= g->count_max; n++)
		g->weight[n] = (float)log(sum > 0 ? weight[n] / sum + 1e-6 : 1.0 / n);
}

void
run_group(struct run *run)
{
	struct group *out = run->groups, *in, *last;
	uint32_t i, n = 0;
	bool is_part;

	for (i = 0; i < run->group_count; i++) {
		in = &run->groups[i];
		last = n > 0 ? &out[n - 1] : NULL;
		is_part =
		    last != NULL && !in->is_loose &&
		    (in->bytes < run->request_min || last->bytes < run->request_min ||
		     (in->is_anchored && in->anchor == last->anchor &&
		      is_full_segment(last->bytes)));
		if (is_part && (uint64_t)last->bytes + in->bytes < UINT32_MAX) {
			last->bytes += in->bytes;
			if (!last->is_anchored)
				last->anchor = in->anchor;
			last->is_anchored |= in->is_anchored;
			last->is_loose |= in->is_loose;
		} else
			out[n++] = *in;
	}
	run->group_count = n;
	for (i = 0; i < n; i++)
		weigh_counts(run, &out[i], n > 2 && i == 1 ? run->depth : 0);
}
