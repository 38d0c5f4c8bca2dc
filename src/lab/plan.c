/* SPDX-License-Identifier: BSD-2-Clause */
/* Which files are downloaded when, by whom, and how. */
#include "lab/plan.h"

#include "base/draw.h"
#include "base/err.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A run's files. Chromium and apt keep what they have: they ask for none twice. */
static void
run_files(const struct scenario *s, struct plan *plan, struct plan_run *run,
    struct draw *draw)
{
	bool is_distinct = s->client_program == CLIENT_chromium ||
	    s->client_program == CLIENT_apt;
	uint32_t *files = plan->files + run->first, i, k;

	for (i = 0; i < run->count; i++) {
		do {
			files[i] = (uint32_t)draw_below(draw, s->files_count);
			for (k = 0; k < i && files[k] != files[i]; k++)
				;
		} while (is_distinct && k < i);
	}
}

static void
run_action(const struct scenario *s, const struct corpus_file *file, struct plan_run *run,
    struct draw *draw)
{
	const double shares[ACTIONS] = {[ACTION_range] = s->client_ranges,
	    [ACTION_resume] = s->client_resume, [ACTION_abort] = s->client_abort,
	    [ACTION_unmodified] = s->client_unmodified};
	double at = draw_share(draw);
	unsigned i;

	for (i = 1; i < ACTIONS && run->action == ACTION_whole; at -= shares[i], i++)
		if (at < shares[i])
			run->action = (enum action)i;
	/* somewhere between a tenth and nine */
	run->cut = (uint64_t)((double)file->bytes * (0.1 + 0.4 * draw_share(draw)));
	run->end = run->cut + (uint64_t)((double)file->bytes * 0.4 * draw_share(draw));
	if (run->end >= file->bytes)
		run->end = file->bytes - 1;
}

/* Downloads of one role, in blocks. */
static void
part_draw(struct plan *plan, const struct scenario *s, const struct corpus *files,
    uint64_t downloads, bool is_train, struct draw *draw)
{
	uint64_t done, n;

	for (done = 0; done < downloads; done += n) {
		struct plan_block *block = &plan->blocks[plan->block_count++];

		*block = (struct plan_block){.first = plan->run_count,
		    .is_train = is_train};
		n = downloads - done < s->scenario_block ? downloads - done
							 : s->scenario_block;
		while (block->downloads < n) {
			struct plan_run *run = &plan->runs[plan->run_count++];

			*run = (struct plan_run){.first = plan->file_count};
			run->count = (uint32_t)(n - block->downloads < s->client_reuse
			    ? n - block->downloads : s->client_reuse);
			run->client = block->count++ % (uint32_t)s->network_clients;
			run->server = (uint32_t)draw_below(draw, s->network_servers);
			plan->file_count += run->count;
			block->downloads += run->count;
			run_files(s, plan, run, draw);
			run_action(s, &files->list[plan->files[run->first]], run, draw);
		}
	}
}

int
plan_draw(struct plan *plan, const struct scenario *s, const struct corpus *files,
    uint64_t seed, struct err *err)
{
	struct draw train = draw_of(seed, "train"), test = draw_of(seed, "test");
	size_t all = s->scenario_train + s->scenario_downloads;

	*plan = (struct plan){0};
	plan->files = calloc(all, sizeof *plan->files);
	plan->runs = calloc(all, sizeof *plan->runs);
	plan->blocks = calloc(all, sizeof *plan->blocks);
	if (plan->files == NULL || plan->runs == NULL || plan->blocks == NULL) {
		plan_done(plan);
		return err_set(err, ENOMEM, "%s: out of memory", s->name);
	}
	part_draw(plan, s, files, s->scenario_train, true, &train);
	part_draw(plan, s, files, s->scenario_downloads, false, &test);
	return 0;
}

void
plan_done(struct plan *plan)
{
	free(plan->files);
	free(plan->runs);
	free(plan->blocks);
	*plan = (struct plan){0};
}
