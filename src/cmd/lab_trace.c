/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir lab trace: runs a command in a namespace of its own, with a meter at its
 * interface, and shows the flows that it made and what they were.
 */
#include "base/text.h"
#include "cmd/common.h"
#include "cmd/lab.h"
#include "lab/network.h"
#include "lab/process.h"
#include "lab/program.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FOLDER_BYTES = 256,
	PATH_BYTES = 512,
	ARGUMENTS = 16 + 2 * OPTION_LIST_MAX,
	READY_MS = 10000,
	STEP_MS = 10,
	/* the last segments of a connection come after the command has ended */
	REST_MS = 300,
	GRACE_MS = 10000,
};

struct trace_values {
	struct option_list catalogs;
	const char *to, *user, *store, *format, *fields, *output;
	bool is_local;
};

#define AT(member) offsetof(struct trace_values, member)

static const struct option_row options[] = {
	{"local", 0, OPTION_FLAG, AT(is_local), NULL, NULL, 0, 0,
	    "no way out: the command has its own loopback only, whose flows are shown"},
	{"to", 0, OPTION_TEXT, AT(to), "NAMESPACE", NULL, 0, 0,
	    "the way out is into this network namespace in place of the machine's own"},
	{"user", 0, OPTION_TEXT, AT(user), "NAME", NULL, 0, 0,
	    "run the command as this user"},
	{"catalog", 'c', OPTION_LIST, AT(catalogs), "CATALOG", NULL, 0, 0,
	    "also show which of its files were downloaded; may be given often"},
	{"store", 0, OPTION_TEXT, AT(store), "DIR", NULL, 0, 0,
	    "keep the flows in this store, which is made; else they are gone afterwards"},
	OPTION_FORMAT_ROW(struct trace_values, "table, tsv, csv or ndjson"),
	{"fields", 'f', OPTION_TEXT, AT(fields), "LIST", NULL, 0, 0,
	    "columns of flows: ids of fields or names of layouts with commas between"},
	{"write", 'w', OPTION_TEXT, AT(output), "FILE", NULL, 0, 0,
	    "show flows and findings in FILE in place of standard error"},
};

struct trace {
	const struct trace_values *v;
	const char *const *command; /* NULL at the end */
	struct network *net;
	struct process *meter;
	int report_fd;
	char folder[FOLDER_BYTES];  /* for what is not kept; "" until made */
	char store[PATH_BYTES], log[PATH_BYTES], resolvers[2 * PATH_BYTES];
};

/* ---- the folder ---- */

static int
folder_make(struct trace *t, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	char name[FOLDER_BYTES];

	snprintf(name, sizeof name, "%s/weir-trace.XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(name) == NULL)
		return err_set(err, errno, "%s: %s", name, strerror(errno));
	memcpy(t->folder, name, sizeof name);
	/* the command may be another user's, and reads resolv.conf */
	(void)chmod(t->folder, 0755);
	snprintf(t->store, sizeof t->store, "%s%s",
	    t->v->store != NULL ? t->v->store : t->folder,
	    t->v->store != NULL ? "" : "/store");
	snprintf(t->log, sizeof t->log, "%s/meter.log", t->folder);
	return 0;
}

static int
remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
	(void)remove(path);
	return 0;
}

/* ---- the network ---- */

static int
make_resolvers(struct trace *t, struct err *err)
{
	char path[PATH_BYTES];
	struct text text;
	int status;
	FILE *file;

	snprintf(path, sizeof path, "%s/resolv.conf", t->folder);
	text_init(&text);
	if ((status = network_resolvers("/etc/resolv.conf",
	    "/run/systemd/resolve/resolv.conf", network_outside_6(t->net), &text, err)) !=
	    0) {
		/* addresses still work: a warning */
		complain("lab trace: %s", err->text);
		err_clear(err);
		status = 0;
	} else if (text.len > 0) {
		file = fopen(path, "we");
		if (file == NULL || fputs(text.data, file) < 0 || fclose(file) != 0)
			status = err_set(err, errno, "%s: %s", path, strerror(errno));
		else
			snprintf(t->resolvers, sizeof t->resolvers, "%s:/etc/resolv.conf",
			    path);
	}
	text_done(&text);
	return status;
}

static int
network_make(struct trace *t, struct err *err)
{
	if (network_open(&t->net, err) != 0 || network_space(t->net, "trace", err) != 0)
		return -1;
	if (t->v->is_local)
		return 0;
	if (network_outside(t->net, "trace", "eth0", t->v->to, err) != 0)
		return -1;
	return t->v->to == NULL ? make_resolvers(t, err) : 0;
}

/* ---- the meter ---- */

/* Whether a file has a text. */
static bool
has_text(const char *path, const char *wanted)
{
	char room[8192];
	FILE *file = fopen(path, "re");
	size_t n = file == NULL ? 0 : fread(room, 1, sizeof room - 1, file);

	if (file != NULL)
		fclose(file);
	room[n] = '\0';
	return strstr(room, wanted) != NULL;
}

static int
meter_failed(struct trace *t, const char *why, struct err *err)
{
	struct text text;

	text_init(&text);
	if (why != NULL)
		text_str(&text, why);
	else
		process_status_text(t->meter, &text);
	process_log_tail(t->log, &text);
	err_set(err, EIO, "the meter %s", text.data);
	text_done(&text);
	return -1;
}

static int
meter_start(struct trace *t, struct err *err)
{
	const char *argv[] = {"/proc/self/exe", "meter", "-i",
	    t->v->is_local ? "lo" : "eth0",
	    "--store", t->store, NULL};
	struct process_config config = {.argv = argv, .log = t->log,
	    .space = network_space_name(t->net, "trace")};
	int ms;

	if (process_start(&config, &t->meter, err) != 0)
		return -1;
	for (ms = 0; ms < READY_MS; ms += STEP_MS) {
		if (has_text(t->log, "capturing on"))
			return 0;
		switch (process_wait(t->meter, STEP_MS)) {
		case PROCESS_ENDED:
			return meter_failed(t, NULL, err);
		case PROCESS_STOP:
			return err_set(err, EINTR, "stopped by a signal");
		case PROCESS_RUNNING:
			break;
		}
	}
	return meter_failed(t, "did not begin", err);
}

static int
meter_stop(struct trace *t, struct err *err)
{
	(void)stop_sleep(REST_MS);
	process_end(t->meter, GRACE_MS);
	return process_status(t->meter) == 0 ? 0 : meter_failed(t, NULL, err);
}

/* ---- the command ---- */

/* Runs it in the foreground; *status is its own, as a shell has it. */
static int
command_run_in(struct trace *t, int *status, struct err *err)
{
	const char *files[] = {t->resolvers[0] != '\0' ? t->resolvers : NULL, NULL};
	struct process_config config = {.argv = t->command,
					.user = t->v->user,
					.files = files,
					.space = network_space_name(t->net, "trace"),
					.is_foreground = true};
	struct process *p;
	mode_t own = umask(caller_umask);
	int started = process_start(&config, &p, err);

	(void)umask(own);
	if (started != 0)
		return -1;
	if (process_wait(p, -1) == PROCESS_STOP)
		process_end(p, GRACE_MS);
	*status = process_status(p);
	process_free(p);
	return 0;
}

/* ---- the report ---- */

/* Runs a command of this program with its standard output in the report. */
static int
report(struct trace *t, const struct command *command, const char *const *words)
{
	char *argv[ARGUMENTS];
	int n = 0, status, before;

	for (; words[n] != NULL && n < ARGUMENTS - 1; n++)
		argv[n] = (char *)(uintptr_t)words[n];
	argv[n] = NULL;
	fflush(stdout);
	if ((before = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)) < 0 ||
	    dup2(t->report_fd, STDOUT_FILENO) < 0)
		return -1;
	status = command_run(command, n, argv);
	fflush(stdout);
	(void)dup2(before, STDOUT_FILENO);
	close(before);
	return status;
}

/* How many flows there are: lines of a table of them, but for the first. */
static uint64_t
count_flows(struct trace *t)
{
	const char *words[] = {"print", "--store", t->store, "-o", "tsv", "--fields",
	    "start", NULL};
	char path[PATH_BYTES], block[4096];
	int own = t->report_fd;
	uint64_t lines = 0;
	ssize_t n, i;

	snprintf(path, sizeof path, "%s/flows.tsv", t->folder);
	t->report_fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (t->report_fd >= 0 && report(t, &command_print, words) == EXIT_GOOD &&
	    lseek(t->report_fd, 0, SEEK_SET) == 0)
		while ((n = read(t->report_fd, block, sizeof block)) > 0)
			for (i = 0; i < n; i++)
				lines += block[i] == '\n';
	if (t->report_fd >= 0)
		close(t->report_fd);
	t->report_fd = own;
	return lines > 0 ? lines - 1 : 0;
}

/* A heading over a table, apart from what the command said. */
static void
heading(struct trace *t, const char *words)
{
	dprintf(t->report_fd, "\n%s\n", words);
}

static int
report_all(struct trace *t)
{
	bool is_table = strcmp(t->v->format, "table") == 0;
	const char *flows[] = {"print", "--store", t->store, "-o", t->v->format,
	    t->v->fields == NULL ? NULL : "--fields", t->v->fields, NULL};
	const char *words[ARGUMENTS] = {"identify", "--store", t->store, "-o",
	    t->v->format};
	size_t i, n = 5;
	int status;

	if (is_table && count_flows(t) == 0) {
		heading(t, "No flows: the command sent nothing through its interface.");
		return EXIT_GOOD;
	}
	if (is_table)
		heading(t, "Flows");
	status = report(t, &command_print, flows);
	for (i = 0; i < t->v->catalogs.count; i++) {
		words[n++] = "-c";
		words[n++] = t->v->catalogs.items[i];
	}
	if (status != EXIT_GOOD || t->v->catalogs.count == 0)
		return status;
	if (is_table)
		heading(t, "Files");
	return report(t, &command_identify, words);
}

/* ---- all ---- */

static int
open_report(struct trace *t, struct err *err)
{
	char path[PROGRAM_PATH_MAX];
	size_t i;

	/* what would fail after the command has run, or after the network is made, fails
	 * before; no package is named, as for programs of the lab's own */
	if (strchr(t->command[0], '/') == NULL && !program_path(t->command[0], path))
		return err_set(err, ENOENT, "%s: no such command", t->command[0]);
	for (i = 0; i < t->v->catalogs.count; i++) {
		if (access(t->v->catalogs.items[i], R_OK) != 0)
			return err_set(err, errno, "%s: %s", t->v->catalogs.items[i],
			    strerror(errno));
	}
	/* else the flows of other runs would be shown as the command's */
	if (t->v->store != NULL && access(t->v->store, F_OK) == 0)
		return err_set(err, EEXIST, "--store %s: is there already", t->v->store);
	t->report_fd = t->v->output == NULL ? STDERR_FILENO
	    : open(t->v->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (t->report_fd < 0)
		return err_set(err, errno, "%s: %s", t->v->output, strerror(errno));
	return 0;
}

static int
trace_all(struct trace *t, struct err *err)
{
	int status = EXIT_TROUBLE;

	if (network_possible(err) != 0 || stop_catch_quietly(err) != 0 ||
	    open_report(t, err) != 0 || folder_make(t, err) != 0 ||
	    network_make(t, err) != 0 || meter_start(t, err) != 0 ||
	    command_run_in(t, &status, err) != 0 || meter_stop(t, err) != 0)
		return status;
	if (report_all(t) != EXIT_GOOD && status == EXIT_GOOD)
		status = EXIT_TROUBLE;
	return status;
}

static void
trace_done(struct trace *t)
{
	process_free(t->meter);
	network_close(t->net);
	if (t->folder[0] != '\0')
		(void)nftw(t->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (t->v->output != NULL && t->report_fd >= 0)
		close(t->report_fd);
}

static int
check(const struct trace_values *v, int count, struct err *err)
{
	static const char *const formats[] = {"table", "tsv", "csv", "ndjson"};
	size_t i;

	if (count == 0)
		return err_set(err, EINVAL,
		    "needs a command: weir lab trace [OPTIONS] -- COMMAND");
	if (v->is_local && v->to != NULL)
		return err_set(err, EINVAL, "--local has no way out, so no --to");
	for (i = 0; i < sizeof formats / sizeof *formats; i++) {
		if (strcmp(v->format, formats[i]) == 0)
			return 0;
	}
	return err_set(err, EINVAL, "--format: table, tsv, csv or ndjson, not '%s'",
	    v->format);
}

static int
run(void *values, const char **operands, int count, struct err *err)
{
	struct trace t = {.v = values, .command = operands, .report_fd = -1};
	int status;

	if (check(t.v, count, err) != 0)
		return EXIT_USAGE;
	status = trace_all(&t, err);
	trace_done(&t);
	return status;
}

const struct command command_lab_trace = {
	.name = "lab trace",
	.summary = "Runs a command and shows which flows it made and what they were",
	.operands = "-- COMMAND [ARGUMENT...]",
	.about = "Runs a command in a network namespace of its own, with a meter at the "
	    "interface through which it reaches everything else. Standard input, output "
	    "and exit status are the command's. When it has ended its flows are shown, "
	    "on standard error or in a file, and with --catalog the files that it "
	    "downloaded.\n\n"
	    "The way out is a link to the machine's own namespace, or by --to to "
	    "another, which forwards its packets and translates their addresses (nft) "
	    "as long as the command runs; IPv6 goes where that namespace has routes of "
	    "it. Nothing else uses the link, and nothing of the command passes it "
	    "unseen. Name servers that listen on the machine's own loopback are not "
	    "reached; then the command sees a resolv.conf with those that they ask, "
	    "where systemd-resolved names them. A firewall of the machine that forwards "
	    "nothing has to let pass the interface weirPID, with the process's id.\n\n"
	    "SIGTERM ends the command; SIGINT is left to it. Whatever the command "
	    "leaves behind is ended with it. Needs root; --user runs the command as "
	    "another.",
	.examples = "weir lab trace -- curl -sO https://deb.debian.org/debian/README\n"
	    "weir lab trace --user alice -c debian.tsv -- apt-get download hello\n"
	    "weir lab trace --local -o ndjson -w flows.json -- ./self-test",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.values_size = sizeof(struct trace_values),
	.run = run,
};
