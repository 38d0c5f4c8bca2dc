/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs steps of the lab once: see lab_step.h. */
#include "cmd/lab_step.h"

#include "base/memory.h"
#include "base/text.h"
#include "lab/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 8 };

static const char self[] = "/proc/self/exe";

static int
read_file(const char *path, struct text *out)
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
	is_same = read_file(path, &before) == 0 && before.len == bytes->len &&
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
	is_same = read_file(path, &before) == 0 && read_file(made, &now) == 0 &&
		  before.len == now.len && memcmp(before.data, now.data, now.len) == 0;
	text_done(&before);
	text_done(&now);
	if ((is_same ? unlink(made) : rename(made, path)) != 0)
		return err_set(err, errno, "%s: %s", made, strerror(errno));
	return 0;
}

/* A line per file: name, size, time. */
static void
describe(const char *path, int depth, struct text *out)
{
	struct dirent **names;
	char below[PATH_MAX];
	struct stat st;
	int n, i;

	if (stat(path, &st) != 0) {
		text_printf(out, "%s: %s\n", path, strerror(errno));
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		text_printf(out, "%s %lld %lld.%09ld\n", path, (long long)st.st_size,
			    (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
		return;
	}
	n = scandir(path, &names, NULL, alphasort);
	for (i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.' && depth < DEPTH_MAX &&
		    snprintf(below, sizeof below, "%s/%s", path, names[i]->d_name) <
			(int)sizeof below)
			describe(below, depth + 1, out);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

static void
describe_step(const struct lab_step *step, struct text *out)
{
	int i;

	describe(self, 0, out);
	for (i = 0; step->argv[i] != NULL; i++)
		text_printf(out, "%s\n", step->argv[i]);
	for (i = 0; step->inputs[i] != NULL; i++)
		describe(step->inputs[i], 0, out);
}

/* A step whose program runs. */
struct job {
	const struct lab_step *step;
	struct process *process;
	struct err *err;
	struct text made; /* of what it is made */
	char made_path[PATH_MAX];
};

static bool
is_made(struct job *job)
{
	struct text before;
	bool is;

	text_init(&before);
	is = access(job->step->output, R_OK) == 0 &&
	     read_file(job->made_path, &before) == 0 && before.len == job->made.len &&
	     memcmp(before.data, job->made.data, before.len) == 0;
	text_done(&before);
	return is;
}

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
	if (snprintf(job->made_path, sizeof job->made_path, "%s.made", step->output) >=
	    (int)sizeof job->made_path) {
		err_set(err, ENAMETOOLONG, "%s: too long a name", step->output);
		return false;
	}
	text_init(&job->made);
	describe_step(step, &job->made);
	if (!is_made(job)) {
		unlink(job->made_path);
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
		write_file(job->made_path, &job->made, job->err);
	}
	text_done(&why);
	text_done(&job->made);
	process_free(job->process);
	job->process = NULL;
}

static void
job_stop(struct job *job)
{
	err_set(job->err, EINTR,
		"stopped by a signal; the same command goes on from here");
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

void
lab_steps_run(const struct lab_step *steps, size_t count, unsigned most, struct err *errs)
{
	struct job *jobs;
	struct process *processes[LAB_STEP_JOBS] = {NULL};
	unsigned running = 0, slot;
	size_t i;

	most = most == 0 ? 1 : most > LAB_STEP_JOBS ? LAB_STEP_JOBS : most;
	jobs = must(calloc(most, sizeof *jobs));
	for (i = 0; i < count; i++) {
		if (stop_asked()) {
			err_set(
			    &errs[i], EINTR,
			    "stopped by a signal; the same command goes on from here");
			continue;
		}
		if (running == most)
			running -= await_one(jobs, processes, most);
		for (slot = 0; processes[slot] != NULL;)
			slot++;
		if (job_start(&jobs[slot], &steps[i], &errs[i])) {
			processes[slot] = jobs[slot].process;
			running++;
		}
	}
	while (running > 0)
		running -= await_one(jobs, processes, most);
	free(jobs);
}

int
lab_step_run(const struct lab_step *step, struct err *err)
{
	struct err own = {0};

	lab_steps_run(step, 1, 1, &own);
	return own.code == 0 ? 0 : err_set(err, own.code, "%s", own.text);
}
