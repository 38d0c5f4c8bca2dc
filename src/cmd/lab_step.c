/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs steps of the lab once: see lab_step.h. */
#include "cmd/lab_step.h"

#include "base/memory.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/lab_made.h"
#include "lab/process.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char self[] = "/proc/self/exe";

int
lab_file_read(const char *path, struct text *out)
{
	FILE *file = fopen(path, "re");
	char block[4096];
	size_t n;

	text_clear(out);
	if (file == NULL)
		return -1;
	while ((n = fread(block, 1, sizeof block, file)) > 0)
		text_bytes(out, block, n);
	n = (size_t)ferror(file);
	fclose(file);
	return n == 0 ? 0 : -1;
}

static int
write_file(const char *path, const struct text *bytes, struct err *err)
{
	char part[PATH_MAX];
	FILE *file;

	if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part)
		return err_set(err, ENAMETOOLONG, "%s: too long a name", path);
	file = fopen(part, "we");
	if (file == NULL)
		return err_set(err, errno, "%s: %s", part, strerror(errno));
	fwrite(bytes->data, 1, bytes->len, file);
	if (ferror(file) | fclose(file)) {
		err_set(err, errno, "%s: %s", part, strerror(errno));
		unlink(part);
		return -1;
	}
	if (rename(part, path) != 0)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	return 0;
}

int
lab_file_write(const char *path, const struct text *bytes, struct err *err)
{
	struct text before;
	bool is_same;

	text_init(&before);
	is_same = lab_file_read(path, &before) == 0 && before.len == bytes->len &&
		  memcmp(before.data, bytes->data, bytes->len) == 0;
	text_done(&before);
	return is_same ? 0 : write_file(path, bytes, err);
}

int
lab_file_replace(const char *made, const char *path, struct err *err)
{
	struct text before, now;
	bool is_same;

	text_init(&before);
	text_init(&now);
	is_same = lab_file_read(path, &before) == 0 && lab_file_read(made, &now) == 0 &&
		  before.len == now.len && memcmp(before.data, now.data, now.len) == 0;
	text_done(&before);
	text_done(&now);
	if ((is_same ? unlink(made) : rename(made, path)) != 0)
		return err_set(err, errno, "%s: %s", made, strerror(errno));
	return 0;
}

/* A step whose program runs. */
struct job {
	const struct lab_step *step;
	struct process *process;
	struct err *err;
	struct text made; /* of what it is made */
};

/* True if its program was started; job->process is NULL else, and the step done or
 * failed. */
static bool
job_start(struct job *job, const struct lab_step *step, struct err *err)
{
	const char *argv[LAB_STEP_WORDS];
	struct process_config config = {
	    .argv = argv, .log = step->log, .output = step->prints ? step->output : NULL};

	job->step = step;
	job->err = err;
	job->process = NULL;
	memcpy(argv, step->argv, sizeof argv);
	if (argv[0][0] == '\0')
		argv[0] = self;
	text_init(&job->made);
	lab_made_describe(step, &job->made);
	if (!lab_made_is(step, &job->made)) {
		lab_made_forget(step);
		unlink(step->output);
		if (process_start(&config, &job->process, err) == 0)
			return true;
	}
	text_done(&job->made);
	return false;
}

/* Its program has ended. */
static void
job_end(struct job *job)
{
	const struct lab_step *step = job->step;
	const char *who = step->argv[0][0] == '\0' ? step->argv[1] : step->argv[0];
	struct text why;

	text_init(&why);
	if (process_status(job->process) != 0) {
		process_status_text(job->process, &why);
		process_log_tail(step->log, &why);
		err_set(job->err, EIO, "%s %s", who, why.data);
	} else if (access(step->output, R_OK) != 0) {
		err_set(job->err, errno, "%s: %s did not make it: %s", step->output, who,
			strerror(errno));
	} else {
		lab_made_keep(step, &job->made, job->err);
	}
	text_done(&why);
	text_done(&job->made);
	process_free(job->process);
	job->process = NULL;
}

static void
stopped(struct err *err)
{
	err_set(err, EINTR, "stopped by a signal; the same command goes on from here");
}

static void
job_stop(struct job *job)
{
	stopped(job->err);
	process_free(job->process);
	job->process = NULL;
	text_done(&job->made);
	unlink(job->step->output);
}

/* Waits for one; all end if asked to. Returns how many have ended. */
static unsigned
await_one(struct job *jobs, struct process **processes, unsigned most)
{
	unsigned ended = 0, i;

	if (process_wait_any(processes, most, -1, &i) == PROCESS_ENDED) {
		job_end(&jobs[i]);
		processes[i] = NULL;
		return 1;
	}
	for (i = 0; i < most; i++) {
		if (processes[i] == NULL)
			continue;
		job_stop(&jobs[i]);
		processes[i] = NULL;
		ended++;
	}
	return ended;
}

static int
compare_effort(const void *pa, const void *pb)
{
	const struct lab_step *a = *(const struct lab_step *const *)pa,
			      *b = *(const struct lab_step *const *)pb;

	if (a->effort != b->effort)
		return a->effort > b->effort ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* The steps, those that take longest first: else the last one may run alone. */
static const struct lab_step **
order_of(const struct lab_step *steps, size_t count)
{
	const struct lab_step **order = must(calloc(count + 1, sizeof *order));
	size_t i;

	for (i = 0; i < count; i++)
		order[i] = &steps[i];
	qsort(order, count, sizeof *order, compare_effort);
	return order;
}

void
lab_steps_run(const struct lab_step *steps, size_t count,
    const struct lab_steps_config *config, struct err *errs)
{
	unsigned most = config->jobs == 0                ? 1
			: config->jobs > LAB_STEP_JOBS ? LAB_STEP_JOBS
						       : config->jobs;
	const struct lab_step **order = order_of(steps, count);
	struct process *processes[LAB_STEP_JOBS] = {NULL};
	struct job *jobs = must(calloc(most, sizeof *jobs));
	uint64_t all = 0, begun = 0;
	unsigned running = 0, slot;
	size_t i;

	for (i = 0; i < count; i++)
		all += 1 + steps[i].effort;
	for (i = 0; i < count; i++) {
		struct err *err = &errs[order[i] - steps];

		if (stop_asked()) {
			stopped(err);
			continue;
		}
		if (running == most)
			running -= await_one(jobs, processes, most);
		if (config->label != NULL)
			progress_show(config->label, begun, all);
		begun += 1 + order[i]->effort;
		for (slot = 0; processes[slot] != NULL;)
			slot++;
		if (job_start(&jobs[slot], order[i], err)) {
			processes[slot] = jobs[slot].process;
			running++;
		}
	}
	while (running > 0)
		running -= await_one(jobs, processes, most);
	free(order);
	free(jobs);
}

int
lab_step_run(const struct lab_step *step, struct err *err)
{
	struct err own = {0};

	lab_steps_run(step, 1, &(struct lab_steps_config){.jobs = 1}, &own);
	return own.code == 0 ? 0 : err_set(err, own.code, "%s", own.text);
}
