/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir lab run: scenarios one after the other, each into a folder of its own. What one of
 * them lacks or breaks does not keep the others from running.
 */
#include "base/text.h"
#include "cmd/lab.h"
#include "cmd/lab_scenario.h"
#include "lab/network.h"
#include "lab/process.h"
#include "lab/run.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_NAME "lab.log"

struct values {
	const char *out, *scale;
	uint64_t seed, downloads;
	int64_t limit_us;
	bool quick;
};

static const struct option_row options[] = {
	{"out", 'o', OPTION_TEXT, offsetof(struct values, out), "DIR", "lab-out", 0, 0,
	    "where the data set goes: a folder that an earlier run made, or a new one; "
	    "what is there already is not done again"},
	{"quick", 'q', OPTION_FLAG, offsetof(struct values, quick), NULL, NULL, 0, 0,
	    "few downloads of small files, in the scenarios that are made for it"},
	{"seed", 's', OPTION_NUMBER, offsetof(struct values, seed), "N", "185", 0, 0,
	    "decides on files, downloads and losses"},
	{"scale", 0, OPTION_TEXT, offsetof(struct values, scale), "FACTOR", NULL, 0, 0,
	    "multiplies all sizes"},
	{"downloads", 'n', OPTION_NUMBER, offsetof(struct values, downloads), "N", NULL,
	    0, 100000,
	    "so many in each scenario, in place of what it says"},
	{"limit", 0, OPTION_TIME, offsetof(struct values, limit_us), "TIME", "10m", 0,
	    0, "how long a scenario may take: what its first downloads foresee to take "
	    "longer begins anew with smaller files or, where it says so, fewer "
	    "downloads; "
	    "0: no limit"},
};

struct job {
	const struct values *values;
	struct run_config config;
	double scale;
	char folder[PATH_MAX], program[PATH_MAX];
	unsigned done, skipped, failed;
	FILE *log; /* in the folder, locked while this runs */
};

static void
tell(struct job *job, const char *name, enum run_result result,
    const struct run_numbers *n, const struct err *err)
{
	static const char *const words[] = {[RUN_DONE] = "done",
	    [RUN_WAS_DONE] = "was done",
	    [RUN_SKIPPED] = "skipped", [RUN_STOPPED] = "stopped",
	    [RUN_FAILED] = "failed"};
	FILE *files[] = {stdout, job->log};
	struct text line;
	size_t i;

	text_init(&line);
	text_printf(&line, "%-18s %-9s", name, words[result]);
	if (result != RUN_SKIPPED)
		text_printf(&line, "%6llu downloads %9.1f MB %7.1f s",
		    (unsigned long long)n->downloads, (double)n->octets / 1e6,
		    n->seconds);
	if (n->failed > 0)
		text_printf(&line, ", %llu runs of the client failed",
		    (unsigned long long)n->failed);
	if (n->less[0] != '\0')
		text_printf(&line, ", %s", n->less);
	if (n->dropped > 0)
		text_printf(&line, ", %llu packets escaped weir's meters",
		    (unsigned long long)n->dropped);
	if (result == RUN_SKIPPED || result == RUN_FAILED)
		text_printf(&line, ": %s", err->text);
	text_char(&line, '\n');
	for (i = 0; i < sizeof files / sizeof *files; i++) {
		fputs(line.data, files[i]);
		fflush(files[i]);
	}
	text_done(&line);
}

static void
one_run(struct job *job, struct scenario *s)
{
	const struct values *v = job->values;
	struct run_numbers numbers = {0};
	struct err err = {0};
	enum run_result result;

	if (v->quick)
		run_make_quick(s);
	if (v->downloads > 0) {
		s->scenario_downloads = v->downloads;
		if (s->scenario_train > v->downloads)
			s->scenario_train = v->downloads;
	}
	s->files_scale *= job->scale;
	result = run_scenario(s, &job->config, &numbers, &err);
	progress_show("", 0, 0);
	tell(job, s->name, result, &numbers, &err);
	job->done += result == RUN_DONE || result == RUN_WAS_DONE;
	job->skipped += result == RUN_SKIPPED;
	job->failed += result == RUN_FAILED || result == RUN_STOPPED;
}

/* A wrong name is told before an hour's work. */
static int
operands_check(const struct values *v, const char **operands, int count, struct err *err)
{
	struct scenario s;
	int k;

	for (k = 0; k < count; k++) {
		if (scenario_open(operands[k], &s, err) != 0)
			return -1;
		if (v->quick && s.scenario_quick == 0)
			return err_set(err, EINVAL,
			    "%s has no quick run: it says no quick = N", operands[k]);
	}
	return 0;
}

/* The scenarios: those named, or all; of a quick run those that have one. */
static int
all_run(struct job *job, const char **operands, int count, struct err *err)
{
	struct scenario s;
	unsigned i;
	int k;

	for (k = 0; k < count && !stop_asked(); k++) {
		if (scenario_open(operands[k], &s, err) != 0)
			return -1;
		one_run(job, &s);
	}
	for (i = 0; count == 0 && !stop_asked() && shipped_scenario(i, &s, err); i++)
		if (!job->values->quick || s.scenario_quick > 0)
			one_run(job, &s);
	return err->code == 0 ? 0 : -1;
}

/*
 * A folder is ours if it has the log of another run, or nothing yet: runs remove what
 * they made in it before, and would take what someone else keeps under the same name for
 * that.
 */
static int
folder_check(const char *path, struct err *err)
{
	char log[PATH_MAX + 16];
	struct dirent *entry;
	DIR *dir = opendir(path);
	int status = 0;

	if (dir == NULL)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	snprintf(log, sizeof log, "%s/" LOG_NAME, path);
	while (status == 0 && access(log, F_OK) != 0 && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			status = err_set(err, EEXIST,
			    "%s is no folder of weir lab run: it has "
			    "'%s', and no " LOG_NAME "; name one that is empty or not "
			    "there, or that an earlier run made", path, entry->d_name);
	closedir(dir);
	return status;
}

/* One run at a time in a folder. */
static int
folder_open(struct job *job, struct err *err)
{
	char path[PATH_MAX + 16];

	if (mkdir(job->values->out, 0755) != 0 && errno != EEXIST)
		return err_set(err, errno, "%s: %s", job->values->out, strerror(errno));
	if (realpath(job->values->out, job->folder) == NULL)
		return err_set(err, errno, "%s: %s", job->values->out, strerror(errno));
	if (folder_check(job->folder, err) != 0)
		return -1;
	if (realpath("/proc/self/exe", job->program) == NULL)
		return err_set(err, errno, "/proc/self/exe: %s", strerror(errno));
	snprintf(path, sizeof path, "%s/" LOG_NAME, job->folder);
	if ((job->log = fopen(path, "ae")) == NULL)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	if (flock(fileno(job->log), LOCK_EX | LOCK_NB) != 0)
		return err_set(err, errno, "%s: another weir lab run works there",
		    job->folder);
	return 0;
}

/* Labs that were killed have left something: it is removed, and told. */
static int
leftovers_remove(struct err *err)
{
	struct text told;
	int status;

	text_init(&told);
	status = network_clean(&told, err);
	fputs(told.data, stderr);
	text_done(&told);
	return status;
}

static int
run(void *values, const char **operands, int count, struct err *err)
{
	const struct values *v = values;
	struct job job = {.values = v, .scale = 1};
	int status = EXIT_TROUBLE;

	if (v->scale != NULL && (!parse_f64(v->scale, strlen(v->scale), &job.scale) ||
	    !(job.scale > 0 && job.scale <= 1000))) {
		err_set(err, EINVAL, "--scale takes a factor such as 0.1, not '%s'",
		    v->scale);
		return EXIT_USAGE;
	}
	if (operands_check(v, operands, count, err) != 0 || network_possible(err) != 0 ||
	    stop_catch(err) != 0 || folder_open(&job, err) != 0 ||
	    leftovers_remove(err) != 0)
		goto done;
	job.config = (struct run_config){job.folder, job.program, v->seed,
	    (double)v->limit_us / 1e6, progress_show};
	if (all_run(&job, operands, count, err) != 0)
		goto done;
	if (stop_asked())
		complain("stopped; the same command goes on where it was");
	else
		printf("%u done, %u skipped, %u failed; weir lab table %s shows what was "
		    "named\n", job.done, job.skipped, job.failed, v->out);
	status = job.failed == 0 ? EXIT_GOOD : EXIT_TROUBLE;
done:
	if (job.log != NULL)
		fclose(job.log);
	return status;
}

const struct command command_lab_run = {
	.name = "lab run",
	.summary = "Runs scenarios: real downloads over networks of namespaces, metered",
	.operands = "[SCENARIO...]",
	.about = "Builds the network of each scenario on this machine, starts real "
	    "servers and clients in it, and records their downloads at up to five "
	    "places: by weir's own meter and, as the article did, by softflowd and "
	    "nfcapd. What was downloaded when is known from the server's log.\n\n"
	    "Without operands all scenarios run that weir lab list shows; a file of "
	    "one's own is named by its path. The data set in DIR has a folder for each, "
	    "as docs/lab.md describes. A run that was broken off goes on where it was "
	    "when the same command is given again. What a scenario needs and is not "
	    "installed is told, and the scenario skipped.\n\n"
	    "Needs root. Traffic stays in the namespaces, which are removed at the end.",
	.examples = "weir lab run --quick -o quick\nweir lab run -o lab\n"
	    "weir lab run -o lab six-hops ./mine.lab",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.values_size = sizeof(struct values),
	.run = run,
};
