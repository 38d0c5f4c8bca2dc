/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scenario from the first namespace to the last row. What it leaves is written in this
 * order: scenario.lab, catalogue.tsv and places.tsv before anything runs; after each
 * block truth.tsv, then run.tsv, which counts the blocks; "state done" comes last. A
 * block that was broken off is run again: its flows stay in the stores, where no row of
 * the truth speaks of them. What its first downloads foresee to take too long begins anew
 * with less (pace.h).
 */
#include "lab/run_private.h"

#include "base/draw.h"
#include "base/err.h"
#include "lab/needs.h"
#include "lab/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_BYTES = RUN_PATH_BYTES, SLOTS = 32, POLL_MS = 200, ROUNDS_MAX = 3 };

/* Sizes of a quick run. */
static const double quick_scale = 0.04;

static int64_t
now_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int
folder_make(char out[PATH_BYTES], const char *above, const char *name, struct err *err)
{
	int n = snprintf(out, PATH_BYTES, "%s%s%s", above, name[0] != '\0' ? "/" : "",
	    name);

	if (n < 0 || n > 250)
		return err_set(err, ENAMETOOLONG, "%s/%s: the path is too long", above,
		    name);
	if (mkdir(out, 0755) != 0 && errno != EEXIST)
		return err_set(err, errno, "%s: %s", out, strerror(errno));
	return 0;
}

static int
one_remove(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	return remove(path);
}

/* A folder with all in it; it may be missing. */
static void
tree_remove(const char *path)
{
	nftw(path, one_remove, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* ---- clients ---- */

struct slot {
	struct process *process;
	const struct plan_run *run;
	int64_t until_us, begun_us;
};

static int
slot_end(struct run *r, struct slot *slots, unsigned which, struct err *err)
{
	struct slot *slot = &slots[which];
	struct pace_load load = pace_load_of(&r->plan, &r->files, slot->run);

	pace_ended(&r->pace, &load,
	    (double)(now_us(CLOCK_MONOTONIC) - slot->begun_us) / 1e6);
	if (process_status(slot->process) != 0)
		r->failed++;
	process_free(slot->process);
	*slot = (struct slot){0};
	return client_ended(&r->clients, which, err);
}

/* Looks ahead once enough is known: -1 if all would take too long. */
static int
pace_look(struct run *r, const struct slot *slots, unsigned n, struct err *err)
{
	struct pace_load under_way = {0};
	double elapsed_s, all_s;
	unsigned i;

	if (r->is_paced)
		return 0;
	for (i = 0; i < n; i++) {
		struct pace_load one;

		if (slots[i].process == NULL)
			continue;
		one = pace_load_of(&r->plan, &r->files, slots[i].run);
		under_way.octets += one.octets;
		under_way.downloads += one.downloads;
	}
	elapsed_s = (double)(now_us(CLOCK_MONOTONIC) - r->clients_us) / 1e6;
	if (!pace_foresee(&r->pace, elapsed_s, &under_way, &all_s))
		return 0;
	r->is_paced = true;
	r->is_slow = all_s > r->config->limit_s;
	if (!r->is_slow)
		return 0;
	run_less(r, all_s);
	return err_set(err, ETIME, "%s would take %.0f s", r->s->name, all_s);
}

/* Waits until a slot is free, or until all are. */
static int
slots_wait(struct run *r, struct slot *slots, unsigned n, bool is_all, struct err *err)
{
	for (;;) {
		struct process *list[SLOTS];
		unsigned i, which, busy = 0;
		int64_t now = now_us(CLOCK_MONOTONIC);

		for (i = 0; i < n; i++) {
			list[i] = slots[i].process;
			if (slots[i].process == NULL)
				continue;
			if (now > slots[i].until_us) {
				process_end(slots[i].process, 2000);
				r->done += slots[i].run->count;
				if (slot_end(r, slots, i, err) != 0)
					return -1;
				list[i] = NULL;
				continue;
			}
			busy++;
		}
		if (pace_look(r, slots, n, err) != 0)
			return -1;
		if (busy == 0 || (!is_all && busy < n))
			return 0;
		switch (process_wait_any(list, n, POLL_MS, &which)) {
		case PROCESS_STOP:
			return err_set(err, EINTR, "stopped");
		case PROCESS_ENDED:
			r->done += slots[which].run->count;
			if (slot_end(r, slots, which, err) != 0)
				return -1;
			if (r->config->progress != NULL)
				r->config->progress(r->s->name, r->done,
				    r->plan.file_count);
			break;
		default:
			break;
		}
	}
}

static int
clients_run(struct run *r, const struct plan_block *block, struct err *err)
{
	struct slot slots[SLOTS] = {0};
	unsigned n = (unsigned)r->s->client_parallel, i, k;
	int status = 0;

	r->clients_us = now_us(CLOCK_MONOTONIC);
	for (i = 0; status == 0 && i < block->count; i++) {
		const struct plan_run *run = &r->plan.runs[block->first + i];

		if ((status = slots_wait(r, slots, n, false, err)) != 0)
			break;
		if (r->s->client_pause > 0 && !stop_sleep(r->s->client_pause / 1000))
			status = err_set(err, EINTR, "stopped");
		for (k = 0; slots[k].process != NULL; k++)
			;
		if (status != 0 || (status = client_start(&r->clients, run, k,
		    &slots[k].process, err)) != 0)
			break;
		slots[k].run = run;
		slots[k].begun_us = now_us(CLOCK_MONOTONIC);
		slots[k].until_us = now_us(CLOCK_MONOTONIC) +
		    1000 * client_limit_ms(&r->clients, run);
	}
	if (status == 0)
		status = slots_wait(r, slots, n, true, err);
	for (k = 0; k < SLOTS; k++)
		process_free(slots[k].process);
	return status;
}

/* ---- blocks ---- */

static long
octets_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (long)st.st_size : 0;
}

static uint32_t
rows_expected(const struct run *r, const struct plan_block *block)
{
	uint32_t rows = block->downloads, i;

	for (i = 0; i < block->count; i++)
		rows += r->plan.runs[block->first + i].action == ACTION_resume;
	return rows;
}

static int
block_run(struct run *r, uint32_t number, struct err *err)
{
	const struct plan_block *block = &r->plan.blocks[number];
	struct truth_config truth = {r->s, &r->topology, &r->origin, &r->files,
	    r->clients_log,
	    octets_of(r->origin.access), octets_of(r->clients_log), number,
	    block->is_train, rows_expected(r, block)};
	uint64_t rows = r->counts.rows, failed = r->failed;
	struct meters meters;

	if (meters_start(&meters, &r->meters_config, err) != 0)
		return -1;
	if (clients_run(r, block, err) != 0 ||
	    meters_stop(&meters, &r->losses, err) != 0) {
		meters_drop(&meters);
		return -1;
	}
	if (truth_read(&truth, &r->truth, &r->counts, err) != 0)
		return -1;
	rows = r->counts.rows - rows;
	failed = (r->failed - failed) * r->s->client_reuse;
	if (rows + failed < truth.expected || failed * 2 > truth.expected)
		return err_set(err, EIO, "the server's log has %llu of %u downloads, and "
		    "%llu runs "
		    "of the client failed; see %s", (unsigned long long)rows,
		    truth.expected,
		    (unsigned long long)(failed / r->s->client_reuse), r->logs);
	r->blocks_done = number + 1;
	if (run_truth_write(r, err) != 0)
		return -1;
	return run_state_write(r, "running", NULL, err);
}

/* ---- all of it ---- */

static int
folders_make(struct run *r, struct err *err)
{
	if (folder_make(r->folder, r->config->folder, "", err) != 0 ||
	    folder_make(r->folder, r->config->folder, r->s->name, err) != 0 ||
	    folder_make(r->logs, r->folder, "logs", err) != 0 ||
	    folder_make(r->places, r->folder, "places", err) != 0)
		return -1;
	return 0;
}

/* Programs of users without rights, nginx's workers say, must reach the files. */
static int
work_make(struct run *r, struct err *err)
{
	char work[PATH_BYTES];

	snprintf(work, sizeof work, "%.380s/work", r->folder);
	tree_remove(work);
	if (folder_make(r->work, r->folder, "work", err) != 0 ||
	    folder_make(r->root, r->work, ORIGIN_ROOT, err) != 0)
		return -1;
	snprintf(r->clients_log, sizeof r->clients_log, "%s/clients.log", r->work);
	return corpus_make(&r->files, r->s, r->config->seed, r->root, err);
}

static int
programs_start(struct run *r, uint64_t seed, struct err *err)
{
	r->clients = (struct client_config){r->s, &r->topology, &r->origin, &r->files,
	    &r->plan, r->work};
	r->meters_config = (struct meters_config){r->s, &r->topology, r->places, r->logs,
	    r->config->program};
	if (topology_build(&r->topology, r->s, draw_of(seed, "link").state, r->work,
	    r->config->program, err) != 0)
		return -1;
	if (origin_start(&r->origin, r->s, &r->topology, r->work, err) != 0 ||
	    client_prepare(&r->clients, err) != 0)
		return -1;
	if (r->s->server_gzip && truth_bodies(r->s, r->origin.access, &r->files,
	    err) != 0)
		return -1;
	if (run_catalogue_write(r, err) != 0)
		return -1;
	return run_places_write(r, err);
}

/* Logs outlive the work folder. */
static void
logs_keep(struct run *r)
{
	DIR *dir = opendir(r->work);
	char from[PATH_BYTES + 300], to[PATH_BYTES + 300];
	struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		size_t len = strlen(entry->d_name);

		if (len < 5 || (strcmp(entry->d_name + len - 4, ".log") != 0 &&
		    strcmp(entry->d_name + len - 4, ".out") != 0 &&
		    strcmp(entry->d_name + len - 5, ".conf") != 0))
			continue;
		snprintf(from, sizeof from, "%s/%s", r->work, entry->d_name);
		snprintf(to, sizeof to, "%s/%s", r->logs, entry->d_name);
		rename(from, to);
	}
	closedir(dir);
}

static int
blocks_run(struct run *r, uint64_t seed, struct err *err)
{
	int status;
	uint32_t i;

	for (i = 0; i < r->blocks_done; i++)
		r->done += r->plan.blocks[i].downloads;
	if ((status = work_make(r, err)) == 0)
		status = programs_start(r, seed, err);
	for (i = r->blocks_done; status == 0 && i < r->plan.block_count; i++)
		status = block_run(r, i, err);
	origin_stop(&r->origin);
	topology_done(&r->topology);
	logs_keep(r);
	tree_remove(r->work);
	return status;
}

static void
drawn_done(struct run *r)
{
	corpus_done(&r->files);
	plan_done(&r->plan);
}

static void
run_done(struct run *r)
{
	drawn_done(r);
	text_done(&r->truth);
}

/*
 * All blocks. If the first downloads foresee that it would take too long, they are
 * dropped with all that was recorded of them, and it begins anew with less.
 */
static int
rounds_run(struct run *r, uint64_t seed, struct err *err)
{
	for (;;) {
		if (run_scenario_keep(r, err) != 0 ||
		    corpus_draw(&r->files, r->s, r->config->seed, err) != 0 ||
		    plan_draw(&r->plan, r->s, &r->files, seed, err) != 0)
			return -1;
		r->is_paced = r->config->limit_s <= 0 || r->blocks_done > 0 ||
		    r->rounds == ROUNDS_MAX;
		pace_begin(&r->pace, r->config->limit_s, (unsigned)r->s->client_parallel,
		    &r->plan, &r->files);
		if (blocks_run(r, seed, err) == 0)
			return 0;
		if (!r->is_slow)
			return -1;
		err_clear(err);
		r->is_slow = false;
		r->rounds++;
		r->done = r->failed = 0;
		tree_remove(r->places);
		if (folder_make(r->places, r->folder, "places", err) != 0 ||
		    run_state_write(r, "running", NULL, err) != 0)
			return -1;
		drawn_done(r);
	}
}

static void
numbers_fill(const struct run *r, struct run_numbers *out)
{
	unsigned i;

	*out = (struct run_numbers){.downloads = r->counts.rows,
	    .octets = r->counts.octets, .failed = r->failed, .seconds = run_seconds(r)};
	for (i = 0; i < PLACES; i++)
		out->dropped += r->losses.dropped[i];
	run_less_text(r, out->less);
}

enum run_result
run_scenario(const struct scenario *scenario, const struct run_config *config,
    struct run_numbers *numbers, struct err *err)
{
	struct run r = {.asked = scenario, .cut = *scenario, .s = &r.cut,
	    .config = config,
	    .begun_us = now_us(CLOCK_MONOTONIC), .date_us = now_us(CLOCK_REALTIME)};
	uint64_t seed = draw_of(config->seed, scenario->name).state;
	enum run_result result = RUN_FAILED;
	bool is_done;

	text_init(&r.truth);
	if (folders_make(&r, err) != 0 || run_state_read(&r, &is_done, err) != 0)
		goto done;
	if (is_done) {
		result = RUN_WAS_DONE;
		goto done;
	}
	if (scenario_needs(scenario, err) != 0) {
		struct err none = {0};

		result = run_state_write(&r, "skipped", err->text,
		    &none) == 0 ? RUN_SKIPPED
		    : RUN_FAILED;
		goto done;
	}
	if (rounds_run(&r, seed, err) != 0) {
		struct err none = {0};

		result = stop_asked() ? RUN_STOPPED : RUN_FAILED;
		run_state_write(&r, stop_asked() ? "running" : "failed", err->text,
		    &none);
		goto done;
	}
	result = run_state_write(&r, "done", NULL, err) == 0 ? RUN_DONE : RUN_FAILED;
done:
	numbers_fill(&r, numbers);
	run_done(&r);
	return result;
}

void
run_make_quick(struct scenario *s)
{
	s->scenario_downloads = s->scenario_quick;
	s->scenario_train = s->scenario_train > 0 ? s->scenario_quick : 0;
	s->scenario_block = s->scenario_quick;
	s->files_scale *= quick_scale;
}
