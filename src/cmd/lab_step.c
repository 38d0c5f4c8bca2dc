/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs steps of the lab once: see lab_step.h. */
#include "cmd/lab_step.h"

#include "base/err.h"
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
static const int64_t STEP_MS = INT64_C(3600000);

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
describe_step(const struct lab_step *step, const char *program, struct text *out)
{
	int i;

	describe(program, 0, out);
	for (i = 0; step->argv[i] != NULL; i++)
		text_printf(out, "%s\n", step->argv[i]);
	for (i = 0; step->inputs[i] != NULL; i++)
		describe(step->inputs[i], 0, out);
}

int
lab_step_run(const struct lab_step *step, struct err *err)
{
	struct process_config config = {.argv = step->argv, .log = step->log,
	    .output = step->prints ? step->output : NULL};
	const char *argv[LAB_STEP_WORDS];
	char made[PATH_MAX], program[PATH_MAX];
	struct text now, before;
	int status = -1;
	ssize_t n;

	text_init(&now);
	text_init(&before);
	n = readlink(self, program, sizeof program - 1);
	program[n > 0 ? n : 0] = '\0';
	memcpy(argv, step->argv, sizeof argv);
	if (argv[0][0] == '\0') {
		argv[0] = program;
		config.argv = argv;
	}
	if (snprintf(made, sizeof made, "%s.made", step->output) >= (int)sizeof made) {
		err_set(err, ENAMETOOLONG, "%s: too long a name", step->output);
		goto done;
	}
	describe_step(step, program, &now);
	if (access(step->output, R_OK) == 0 && read_file(made, &before) == 0 &&
	    before.len == now.len && memcmp(before.data, now.data, now.len) == 0) {
		status = 0;
		goto done;
	}
	unlink(made);
	unlink(step->output);
	if (process_run(&config, STEP_MS, err) != 0)
		goto done;
	if (access(step->output, R_OK) != 0) {
		err_set(err, errno, "%s: %s did not make it: %s", step->output, argv[0],
		    strerror(errno));
		goto done;
	}
	status = write_file(made, &now, err);
done:
	text_done(&now);
	text_done(&before);
	return status;
}
