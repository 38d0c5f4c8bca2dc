/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoding a pipelined run, in five stages: sequence_read.c makes groups of requests and
 * borders of the rows; sequence_learn.c and sequence_vote.c find by vote what server and
 * client add to every file and how many requests the client keeps outstanding;
 * sequence_phase.c adds borders that only pages of the files tell of; sequence_lattice.c
 * weighs every way to cut the response stream at borders such that each piece is a file
 * whose size and path fit (or a file that is not in the catalogue, or a block of
 * several), by the sum-product rule; sequence_piece.c collects what that says of each
 * piece; sequence_firm.c settles order and numbers by the pieces that are beyond doubt;
 * sequence_tell.c says what is certain enough, and lets sequence_fill.c and
 * sequence_ways.c fill the blocks between with all the ways that come out to the octet.
 */
#include "identify/sequence.h"

#include "base/err.h"
#include "identify/sequence_run.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Natural logs: a trial is the best of about a million pairs of constants. Where
 * borders hide, what was seen has so many explanations that a wrong pair may gain
 * that; it does not make as many files firm. */
static const double TRIAL_GAIN = 20;
enum { TRIAL_FIRM = 10 };
/* Share of responses whose file is beyond doubt by the borders that show: pages would
 * not tell more. */
static const double PLAIN = 0.6;
/* Probability of a group's number of requests that is worth a try; the share of
 * responses whose file must be beyond doubt before, and with it. Among few of them a
 * wrong number is as good as the right one. */
static const double LIKELY = 0.9, HOPEFUL = 0.25, SETTLED = 0.5;

void
sequence_config_init(struct sequence_config *config)
{
	*config = (struct sequence_config){
	    /* Measured on a Debian archive's network, without the path's first folder in
	     * the catalogue's paths: two content types, two archives. */
	    .known =
		{
		    .header = {{118, 0.5}, {127, 0.5}},
		    .request = {{88, 0.5}, {97, 0.2}},
		    .headers = 2,
		    .requests = 2,
		},
	    .name_at = 0.7,
	    .order_odds = -4,
	    .marks_max = 20000,
	    .states_max = 4096,
	    .work_max = 24000000,
	    .pages_work_max = 6000000,
	};
}

static int
check_items(const struct sequence_config *config, struct err *err)
{
	size_t i;

	if (config->count > UINT32_MAX - 1)
		return err_set(err, E2BIG, "sequence: %zu catalogue items, at most %u",
			       config->count, UINT32_MAX - 1);
	for (i = 1; i < config->count; i++)
		if (config->items[i].size < config->items[i - 1].size)
			return err_set(err, EINVAL,
				       "sequence: item %zu is not in order of size", i);
	return 0;
}

static int
compare_path(const void *pa, const void *pb, void *arg)
{
	const struct sequence_item *items = arg;
	const struct sequence_item *a = &items[*(const uint32_t *)pa],
				   *b = &items[*(const uint32_t *)pb];

	if (a->path_bytes != b->path_bytes)
		return a->path_bytes < b->path_bytes ? -1 : 1;
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return (a > b) - (a < b);
}

uint32_t *
sequence_by_path(const struct sequence_item *items, size_t count)
{
	uint32_t *by_path = malloc((count + 1) * sizeof *by_path);
	size_t i;

	for (i = 0; by_path != NULL && i < count; i++)
		by_path[i] = (uint32_t)i;
	if (by_path != NULL)
		qsort_r(by_path, count, sizeof *by_path, compare_path, (void *)items);
	return by_path;
}

static uint32_t
count_firm(const struct pieces *p)
{
	uint32_t i, n = 0;

	for (i = 1; i < p->pieces; i++)
		n += firm_is(p, &p->piece[i]);
	return n;
}

/* Requests that the run has at least. */
static uint32_t
least_requests(const struct run *run)
{
	uint32_t i, n = 0;

	for (i = 0; i < run->group_count; i++)
		n += run->groups[i].count_min;
	return n;
}

/* Whether the borders that show tell nearly all. */
static bool
is_plain(const struct run *run, const struct pieces *p)
{
	return count_firm(p) >= PLAIN * least_requests(run);
}

/* Weighs without request times, and lets it stand if that explains the run better. */
static int
weigh_free(struct run *run, struct pieces *pieces, double *evidence, struct err *err)
{
	struct pieces pieces_free = {0};
	uint32_t depth = run->depth;
	double evidence_free;

	run->depth = 0;
	if (pieces_init(&pieces_free, err) != 0 ||
	    lattice_weigh(run, &pieces_free, &evidence_free, err) != 0) {
		pieces_done(&pieces_free);
		return -1;
	}
	if (evidence_free > *evidence) {
		pieces_done(pieces);
		*pieces = pieces_free;
		*evidence = evidence_free;
		return 0;
	}
	run->depth = depth;
	pieces_done(&pieces_free);
	return 0;
}

/*
 * A depth that no vote bears out may be wrong and shift every name; so the run is weighed
 * by the usual one and without request times, and the better explanation stands.
 */
static int
weigh(struct run *run, struct pieces *pieces, double *evidence, struct err *err)
{
	if (!run->is_voted && run->depth == 0)
		run->depth = RUN_DEPTH;
	if (pieces_init(pieces, err) != 0 ||
	    lattice_weigh(run, pieces, evidence, err) != 0)
		return -1;
	if (run->is_voted || is_plain(run, pieces))
		return 0;
	return weigh_free(run, pieces, evidence, err);
}

/* Settles the numbers of requests that the lattice is rather sure of; how many. */
static uint32_t
settle_likely(struct run *run)
{
	uint32_t i, n, settled = 0;

	for (i = 0; i < run->group_count; i++) {
		struct group *g = &run->groups[i];

		for (n = g->count_min; n <= g->count_max && g->count_min < g->count_max;
		    n++)
			if (g->mass[n] >= LIKELY) {
				g->count_min = g->count_max = (uint8_t)n;
				settled++;
			}
	}
	return settled;
}

/* Weighs again with numbers of requests that were open: those settled tell which
 * request went out at which response's end. That stands if it leaves more files beyond
 * doubt. */
static int
weigh_settled(struct run *run, struct pieces *pieces, double *evidence, struct err *err)
{
	size_t size = run->group_count * sizeof *run->groups;
	struct group *open = malloc(size + 1);
	struct pieces settled = {0};
	double settled_evidence;
	int status = -1;

	if (open == NULL)
		return err_set(err, ENOMEM, "sequence: out of memory for requests");
	memcpy(open, run->groups, size);
	if (settle_likely(run) == 0) {
		free(open);
		return 0;
	}
	if (pieces_init(&settled, err) == 0 &&
	    lattice_weigh(run, &settled, &settled_evidence, err) == 0)
		status = 0;
	if (status == 0 && isfinite(settled_evidence) &&
	    count_firm(&settled) > count_firm(pieces) &&
	    count_firm(&settled) >= SETTLED * least_requests(run)) {
		struct pieces swap = *pieces;

		*pieces = settled;
		settled = swap;
		*evidence = settled_evidence;
	} else
		memcpy(run->groups, open, size);
	pieces_done(&settled);
	free(open);
	return status;
}

static void
take_borders(struct run *run, struct border *borders, uint32_t count)
{
	free(run->borders);
	run->borders = borders;
	run->border_count = count;
}

/* Weighs with the borders that pages tell of, too; that stands unless it was too much
 * work, or leaves fewer files beyond doubt. */
static int
try_pages(struct run *run, struct pieces *pieces, double *evidence, struct err *err)
{
	struct border *plain = malloc((run->border_count + 1) * sizeof *plain);
	uint32_t count = run->border_count;
	struct pieces paged = {0};
	double paged_evidence;

	if (plain == NULL)
		return err_set(err, ENOMEM, "sequence: out of memory for borders");
	memcpy(plain, run->borders, count * sizeof *plain);
	run->has_pages = true;
	run->work_max = run->config->pages_work_max;
	if (phase_add_borders(run, err) != 0 || pieces_init(&paged, err) != 0 ||
	    lattice_weigh(run, &paged, &paged_evidence, err) != 0) {
		pieces_done(&paged);
		free(plain);
		return -1;
	}
	if (!isfinite(paged_evidence) || count_firm(&paged) < count_firm(pieces)) {
		pieces_done(&paged);
		take_borders(run, plain, count);
		run->has_pages = false;
		return 0;
	}
	pieces_done(pieces);
	free(plain);
	*pieces = paged;
	*evidence = paged_evidence;
	return 0;
}

/* From rows to what each piece may be; evidence: log probability of all that was seen.
 * The caller ends run and pieces in any case. */
static int
explain(struct run *run, const struct flow *rows, size_t count, struct pieces *pieces,
	double *evidence, struct err *err)
{
	bool has_pages;

	*evidence = -INFINITY;
	if (run_read(run, rows, count, err) != 0)
		return -1;
	if (run->border_count < 2 || run->group_count == 0)
		return 0;
	if (run_learn(run, err) != 0)
		return -1;
	run_group(run);
	/* By the borders that show first: those that pages tell of are many. */
	has_pages = run->has_pages;
	run->has_pages = false;
	run->work_max = run->config->work_max;
	if (phase_add_borders(run, err) != 0 || weigh(run, pieces, evidence, err) != 0)
		return -1;
	if (count_firm(pieces) < least_requests(run) &&
	    count_firm(pieces) >= HOPEFUL * least_requests(run) &&
	    weigh_settled(run, pieces, evidence, err) != 0)
		return -1;
	if (!has_pages || is_plain(run, pieces))
		return 0;
	return try_pages(run, pieces, evidence, err);
}

/* Where nothing was learned of the server, tries the likeliest of all constants: they
 * stand if they explain the run better by more than so many trials would by chance. */
static int
try_modes(struct run *run, const struct flow *rows, size_t count, struct pieces *pieces,
	  double evidence, struct err *err)
{
	struct sequence_stats stats = {0};
	struct run trial = {.config = run->config, .stats = &stats, .is_trial = true};
	struct pieces trial_pieces = {0};
	double trial_evidence;

	if (explain(&trial, rows, count, &trial_pieces, &trial_evidence, err) != 0) {
		pieces_done(&trial_pieces);
		run_done(&trial);
		return -1;
	}
	run->stats->edges += stats.edges;
	if (trial_evidence > evidence + TRIAL_GAIN &&
	    count_firm(&trial_pieces) >= TRIAL_FIRM) {
		pieces_done(pieces);
		run_done(run);
		*pieces = trial_pieces;
		trial.stats = run->stats;
		*run = trial;
		return 0;
	}
	pieces_done(&trial_pieces);
	run_done(&trial);
	return 0;
}

int
sequence_decode(const struct sequence_config *config, const struct flow *rows,
		size_t count, sequence_emit *emit, void *arg,
		struct sequence_stats *stats, struct err *err)
{
	struct sequence_stats none = {0};
	struct pieces pieces = {0};
	struct run run = {.config = config, .stats = stats != NULL ? stats : &none};
	double evidence;
	int status = -1;

	if (check_items(config, err) != 0)
		return -1;
	if (explain(&run, rows, count, &pieces, &evidence, err) != 0)
		goto done;
	status = 0;
	if (run.border_count < 2 || run.group_count == 0)
		goto done;
	if (run.modes.headers == 0)
		status = try_modes(&run, rows, count, &pieces, evidence, err);
	if (status != 0)
		goto done;
	run.stats->modes = run.modes;
	run.stats->depth = run.depth;
	run.stats->is_depth_told = run.is_depth_told && run.depth > 0;
	status = pieces_emit(&run, &pieces, rows, count, emit, arg, err);
done:
	pieces_done(&pieces);
	run_done(&run);
	return status;
}
