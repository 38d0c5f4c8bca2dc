/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks every 20 ms, by the log or by ip(8) and ss(8), whether a program is ready. */
#include "lab/wait.h"

#include "base/err.h"
#include "base/text.h"
#include "lab/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEP_MS = 20 };

struct question {
	const char *words;
	const char *space, *device;
	bool is_udp;
	unsigned port;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool
log_has(const char *log, const char *words)
{
	FILE *file = fopen(log, "r");
	char line[1024];
	bool has = false;

	if (file == NULL)
		return false;
	while (!has && fgets(line, sizeof line, file) != NULL)
		has = strstr(line, words) != NULL;
	fclose(file);
	return has;
}

/* One line of what /proc shows of a namespace's sockets: ":PORT" of the local address. */
static bool
port_is_open(const struct question *q, const char *log)
{
	char port[16], out[4096];
	const char *argv[] = {"ss", "-Hln", q->is_udp ? "-u" : "-t", "sport", port, NULL};
	struct process_config config = {.argv = argv, .space = q->space, .output = out};
	struct err ignored = {0};
	FILE *file;
	int c;

	snprintf(port, sizeof port, ":%u", q->port);
	snprintf(out, sizeof out, "%.4000s.ss", log);
	if (process_run(&config, 5000, &ignored) != 0 || (file = fopen(out, "r")) == NULL)
		return false;
	c = getc(file);
	fclose(file);
	remove(out);
	return c != EOF;
}

static bool
device_is_there(const struct question *q)
{
	const char *argv[] = {"ip", "link", "show", "dev", q->device, NULL};
	struct process_config config = {.argv = argv, .space = q->space,
	    .output = "/dev/null"};
	struct err ignored = {0};

	return process_run(&config, 5000, &ignored) == 0;
}

static bool
is_ready(const struct question *q, const char *log)
{
	if (q->words != NULL)
		return log_has(log, q->words);
	return q->device != NULL ? device_is_there(q) : port_is_open(q, log);
}

static void
last_line(const char *log, char *out, size_t size)
{
	FILE *file = fopen(log, "r");
	char line[512];

	snprintf(out, size, "nothing");
	if (file == NULL)
		return;
	while (fgets(line, sizeof line, file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0')
			snprintf(out, size, "%.250s", line);
	}
	fclose(file);
}

static int
wait_for(struct process *process, const char *name, const char *log,
    const struct question *q, int64_t timeout_ms, struct err *err)
{
	int64_t until = now_ms() + timeout_ms;
	char line[300];

	while (!is_ready(q, log)) {
		bool is_over = now_ms() > until;

		if (process_is_running(process) && !is_over) {
			if (!stop_sleep(STEP_MS))
				return err_set(err, EINTR, "stopped");
			continue;
		}
		last_line(log, line, sizeof line);
		if (is_over)
			return err_set(err, ETIMEDOUT,
			    "%s is not ready after %lld s; the end of "
			    "%s: %s", name, (long long)timeout_ms / 1000, log, line);
		return err_set(err, ECHILD, "%s ended at once; the end of %s: %s", name,
		    log, line);
	}
	return 0;
}

int
wait_for_words(struct process *process, const char *name, const char *log,
    const char *words, int64_t timeout_ms, struct err *err)
{
	struct question q = {.words = words};

	return wait_for(process, name, log, &q, timeout_ms, err);
}

int
wait_for_port(struct process *process, const char *name, const char *log,
    const char *space, bool is_udp, unsigned port, int64_t timeout_ms, struct err *err)
{
	struct question q = {.space = space, .is_udp = is_udp, .port = port};

	return wait_for(process, name, log, &q, timeout_ms, err);
}

int
wait_for_device(struct process *process, const char *name, const char *log,
    const char *space, const char *device, int64_t timeout_ms, struct err *err)
{
	struct question q = {.space = space, .device = device};

	return wait_for(process, name, log, &q, timeout_ms, err);
}
