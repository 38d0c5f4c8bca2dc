/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every download is a run of curl and so a connection of its own. curl's report becomes a
 * line of downloads.tsv once the file is whole; what a line is there for is not fetched
 * again.
 */
#include "cmd/lab_fetch_way.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/memory.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/lab_step.h"
#include "lab/process.h"
#include "lab/program.h"
#include "lab/sheet.h"
#include "lab/wait.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	READY_MS = 20000,
	GRACE_MS = 20000,
	SETTLE_MS = 300,
	REPORT_CELLS = 11,
	PORTS_MAX = 16
};

/* Cells of curl's report, in the order of report_format. */
enum {
	REPORT_EXIT,
	REPORT_STATUS,
	REPORT_CLIENT,
	REPORT_CLIENT_PORT,
	REPORT_SERVER,
	REPORT_SERVER_PORT,
	REPORT_SIZE,
	REPORT_HEADER,
	REPORT_LENGTH,
	REPORT_TYPE,
	REPORT_ETAG
};
static const char report_format[] =
    "%{exitcode}\\t%{http_code}\\t%{local_ip}\\t%{local_port}\\t"
    "%{remote_ip}\\t%{remote_port}\\t%{size_download}\\t%{size_header}\\t"
    "%header{content-length}\\t%{content_type}\\t%header{etag}";

struct fetch {
	const struct lab_fetch_config *config;
	const struct lab_targets *targets;
	struct lab_fetch_counts *counts;
	struct lab_fetch_way way;
	struct process *meter;
	char store[PATH_MAX], list[PATH_MAX], report[PATH_MAX], meter_log[PATH_MAX];
	char log[PATH_MAX];
	uint64_t *fetched; /* of each target */
	FILE *out;
};

static int
path_in(const struct fetch *f, const char *name, char out[PATH_MAX], struct err *err)
{
	if (snprintf(out, PATH_MAX, "%s/%s", f->config->folder, name) < PATH_MAX)
		return 0;
	return err_set(err, ENAMETOOLONG, "%s: too long a name", f->config->folder);
}

static int64_t
now_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

/* ---- what was fetched before ---- */

static size_t
target_of(const struct lab_targets *t, struct str url)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *text = lab_target_text(t, t->list[middle].url);
		int by = strncmp(text, url.data, url.len);

		if (by == 0 && text[url.len] == '\0')
			return middle;
		if (by < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return t->count;
}

/* Counts the lines of the list; the last one is dropped if it was cut off. */
static int
read_before(struct fetch *f, struct err *err)
{
	static const char *const columns[] = {"url", NULL};
	struct sheet s;
	int more;
	size_t i;

	if (access(f->list, F_OK) != 0)
		return 0;
	if (sheet_open(&s, f->list, columns, 1, err) != 0)
		return -1;
	while ((more = sheet_next(&s, err)) > 0) {
		i = target_of(f->targets, sheet_cell(&s, 0));
		if (i < f->targets->count) {
			f->fetched[i]++;
			f->counts->before++;
		}
	}
	sheet_close(&s);
	return more;
}

/* A run that was killed may have left half a line. */
static int
mend_list(const char *path, struct err *err)
{
	FILE *file = fopen(path, "r+e");
	long whole = 0;
	int c;

	if (file == NULL)
		return errno == ENOENT
			   ? 0
			   : err_set(err, errno, "%s: %s", path, strerror(errno));
	while ((c = fgetc(file)) != EOF)
		if (c == '\n')
			whole = ftell(file);
	c = fflush(file) | ftruncate(fileno(file), whole);
	fclose(file);
	return c == 0 ? 0 : err_set(err, errno, "%s: %s", path, strerror(errno));
}

static int
open_list(struct fetch *f, struct err *err)
{
	if (mend_list(f->list, err) != 0 || read_before(f, err) != 0)
		return -1;
	if ((f->out = fopen(f->list, "ae")) == NULL)
		return err_set(err, errno, "%s: %s", f->list, strerror(errno));
	if (ftell(f->out) == 0)
		fputs(LAB_FETCH_COLUMNS "\n", f->out);
	return 0;
}

/* ---- the meter ---- */

/* "tcp and (port 80 or port 443)". */
static void
write_filter(const struct lab_targets *t, struct text *out)
{
	uint16_t ports[PORTS_MAX];
	size_t n = 0, i, k;

	for (i = 0; i < t->count; i++) {
		for (k = 0; k < n && ports[k] != t->list[i].port;)
			k++;
		if (k < n)
			continue;
		if (n == PORTS_MAX) {
			text_str(out,
				 "tcp"); /* so many that the rest of TCP may come along */
			return;
		}
		ports[n++] = t->list[i].port;
	}
	text_str(out, "tcp and (");
	for (i = 0; i < n; i++)
		text_printf(out, "%sport %u", i > 0 ? " or " : "", ports[i]);
	text_char(out, ')');
}

static int
start_meter(struct fetch *f, struct err *err)
{
	struct text filter;
	int status;

	text_init(&filter);
	write_filter(f->targets, &filter);
	{
		const char *argv[] = {"/proc/self/exe", "meter",  "-i",
		           f->way.device,
				      "--store",        f->store, filter.data, NULL};
		struct process_config config = {.argv = argv,
						.space = f->way.space,
						.log = f->meter_log,
						.output = NULL};

		unlink(f->meter_log);
		status = process_start(&config, &f->meter, err);
	}
	text_done(&filter);
	if (status != 0)
		return -1;
	return wait_for_words(f->meter, "weir meter", f->meter_log, "capturing on",
			      READY_MS, err);
}

/* What it still holds is written at its end. */
static int
stop_meter(struct fetch *f, struct err *err)
{
	struct text how;
	int status = 0;

	stop_sleep(SETTLE_MS); /* last segments */
	process_signal(f->meter, SIGTERM);
	if (process_wait(f->meter, GRACE_MS) != PROCESS_RUNNING &&
	    !process_is_running(f->meter) && process_status(f->meter) == 0)
		return 0;
	process_end(f->meter, GRACE_MS);
	text_init(&how);
	process_status_text(f->meter, &how);
	if (process_status(f->meter) != 0)
		status =
		    err_set(err, EIO, "weir meter %s; see %s", how.data, f->meter_log);
	text_done(&how);
	return status;
}

/* ---- downloads ---- */

/* The cells of curl's report; false if there are not so many. Cells are 0-terminated. */
static bool
read_report(const char *path, char line[8192], char *cells[REPORT_CELLS])
{
	FILE *file = fopen(path, "re");
	size_t n, i;
	char *at = line;

	if (file == NULL)
		return false;
	n = fread(line, 1, 8191, file);
	line[n] = '\0';
	fclose(file);
	for (i = 0; i < REPORT_CELLS; i++) {
		cells[i] = at;
		at += strcspn(at, "\t\n");
		if (i + 1 < REPORT_CELLS && *at != '\t')
			return false;
		if (*at != '\0')
			*at++ = '\0';
	}
	return true;
}

/* NULL: whole; else what is wrong. */
static const char *
fault_of(char *const cells[REPORT_CELLS], char room[128])
{
	uint64_t size, length;

	if (strcmp(cells[REPORT_EXIT], "0") != 0) {
		snprintf(room, 128, "curl ends with status %.20s", cells[REPORT_EXIT]);
		return room;
	}
	if (strcmp(cells[REPORT_STATUS], "200") != 0) {
		snprintf(room, 128, "the server answers %.20s", cells[REPORT_STATUS]);
		return room;
	}
	if (!parse_u64(cells[REPORT_SIZE], strlen(cells[REPORT_SIZE]), &size))
		return "curl reports no size";
	if (parse_u64(cells[REPORT_LENGTH], strlen(cells[REPORT_LENGTH]), &length) &&
	    length != size)
		return "fewer octets came than the server announced";
	return NULL;
}

/* What a server says may be anything: nothing in it may part cells or lines. */
static void
tame(char *cell)
{
	for (; *cell != '\0'; cell++)
		if ((unsigned char)*cell < ' ' || *cell == '\\' || *cell == 0x7f)
			*cell = '?';
}

static void
write_line(struct fetch *f, const struct lab_target *target,
	   char *const cells[REPORT_CELLS], int64_t start_us, int64_t end_us)
{
	char start[32], end[32];
	size_t i;

	time_print(start_us, STYLE_MACHINE, start);
	time_print(end_us, STYLE_MACHINE, end);
	for (i = 0; i < REPORT_CELLS; i++)
		tame(cells[i]);
	fprintf(f->out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
		cells[REPORT_CLIENT], cells[REPORT_CLIENT_PORT], start, end,
		lab_target_text(f->targets, target->name), cells[REPORT_SIZE],
		cells[REPORT_SERVER], cells[REPORT_SERVER_PORT],
		lab_target_text(f->targets, target->url), cells[REPORT_HEADER],
		cells[REPORT_TYPE], cells[REPORT_ETAG]);
	fflush(f->out);
}

/* The first line that curl's log has got since it had so many octets; "" if none. */
static void
curl_said(const char *log, long from, char said[256])
{
	FILE *file = fopen(log, "re");

	said[0] = '\0';
	if (file == NULL)
		return;
	if (fseek(file, from, SEEK_SET) == 0 && fgets(said, 256, file) != NULL) {
		said[strcspn(said, "\n")] = '\0';
		tame(said);
	}
	fclose(file);
}

/* -1 only where going on makes no sense. */
static int
fetch_one(struct fetch *f, size_t i, struct err *err)
{
	const struct lab_target *target = &f->targets->list[i];
	char rate[32], timeout[32], line[8192], room[128], *cells[REPORT_CELLS];
	const char *url = lab_target_text(f->targets, target->url), *fault;
	const char *argv[24] = {"curl",        "-q",    "-sS",       "--globoff",
				"--noproxy",   "*",     "--http1.1", "-m",
				timeout,       "-o",    "/dev/null", "-w",
				report_format, "--url", url};
	struct process_config config = {
	    .argv = argv, .space = f->way.space, .output = f->report, .log = f->log};
	struct process *curl;
	int64_t start_us = now_us();
	char said[256];
	struct stat st;
	long log_bytes;
	unsigned n = 15;

	snprintf(timeout, sizeof timeout, "%lld.%03lld",
		 (long long)(f->config->timeout_us / 1000000),
		 (long long)(f->config->timeout_us / 1000 % 1000));
	snprintf(rate, sizeof rate, "%llu", (unsigned long long)f->config->rate);
	if (f->config->rate > 0) {
		argv[n++] = "--limit-rate";
		argv[n++] = rate;
	}
	if (f->config->is_insecure)
		argv[n++] = "--insecure";
	log_bytes = stat(f->log, &st) == 0 ? (long)st.st_size : 0;
	if (process_start(&config, &curl, err) != 0)
		return -1;
	if (process_wait(curl, -1) == PROCESS_STOP) {
		process_free(curl);
		return err_set(err, EINTR, "stopped; the same command goes on from here");
	}
	process_free(curl);
	if (!read_report(f->report, line, cells))
		fault = "curl reports nothing";
	else
		fault = fault_of(cells, room);
	if (fault != NULL) {
		curl_said(f->log, log_bytes, said);
		complain("lab reference: %s: %s", url, said[0] != '\0' ? said : fault);
		f->counts->failed++;
		return 0;
	}
	write_line(f, target, cells, start_us, now_us());
	f->fetched[i]++;
	f->counts->now++;
	return ferror(f->out) ? err_set(err, errno, "%s: %s", f->list, strerror(errno))
			      : 0;
}

static int
fetch_all(struct fetch *f, struct err *err)
{
	uint64_t round, done = f->counts->before,
			total = f->config->times * f->targets->count;
	size_t i;

	for (round = 0; round < f->config->times; round++) {
		for (i = 0; i < f->targets->count; i++) {
			if (f->fetched[i] > round)
				continue;
			progress_show("lab reference", done++, total);
			if (!process_is_running(f->meter))
				return err_set(err, EIO, "weir meter has ended; see %s",
					       f->meter_log);
			if (fetch_one(f, i, err) != 0)
				return -1;
			if (f->config->pause_us > 0 &&
			    !stop_sleep(f->config->pause_us / 1000))
				return err_set(
				    err, EINTR,
				    "stopped; the same command goes on from here");
		}
	}
	return 0;
}

static bool
is_all_there(const struct fetch *f)
{
	size_t i;

	for (i = 0; i < f->targets->count; i++)
		if (f->fetched[i] < f->config->times)
			return false;
	return true;
}

int
lab_fetch(const struct lab_fetch_config *config, const struct lab_targets *targets,
	  struct lab_fetch_counts *counts, struct err *err)
{
	struct fetch f = {.config = config, .targets = targets, .counts = counts};
	struct err later = {0};
	int status = -1;

	*counts = (struct lab_fetch_counts){0};
	f.fetched = must(calloc(targets->count + 1, sizeof *f.fetched));
	if (path_in(&f, "store", f.store, err) != 0 ||
	    path_in(&f, "downloads.tsv", f.list, err) != 0 ||
	    path_in(&f, "curl.report", f.report, err) != 0 ||
	    path_in(&f, "curl.log", f.log, err) != 0 ||
	    path_in(&f, "meter.log", f.meter_log, err) != 0 || open_list(&f, err) != 0)
		goto done;
	if (is_all_there(&f)) {
		status = 0;
		goto done;
	}
	if (program_need("curl", err) != 0 ||
	    lab_fetch_way_open(&f.way, config, targets, err) != 0 ||
	    start_meter(&f, err) != 0)
		goto done;
	status = fetch_all(&f, err);
	if (stop_meter(&f, status == 0 ? err : &later) != 0)
		status = -1;
done:
	progress_show("", 0, 0);
	process_free(f.meter);
	lab_fetch_way_close(&f.way);
	if (f.out != NULL && fclose(f.out) != 0 && status == 0)
		status = err_set(err, errno, "%s: %s", f.list, strerror(errno));
	free(f.fetched);
	return status;
}
