/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/log.h"

#include "cmd/command.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <syslog.h>

static int level_now = LOG_TELL;
static bool is_syslog;

void
log_to_syslog(void)
{
	openlog("weir", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	__atomic_store_n(&is_syslog, true, __ATOMIC_RELEASE);
}

int
log_level_step(int step)
{
	int level = __atomic_load_n(&level_now, __ATOMIC_RELAXED) + step;

	level = level < LOG_TROUBLE ? LOG_TROUBLE : level > LOG_DETAIL ? LOG_DETAIL
	    : level;
	__atomic_store_n(&level_now, level, __ATOMIC_RELAXED);
	return level;
}

/* A line in one write, so that threads do not mix theirs. */
static void
say(enum log_level level, const char *fmt, va_list args)
{
	static const int priorities[] = {LOG_ERR, LOG_INFO, LOG_DEBUG};
	char line[2048];
	int n;

	if (__atomic_load_n(&is_syslog, __ATOMIC_ACQUIRE)) {
		vsyslog(priorities[level], fmt, args);
		return;
	}
	n = vsnprintf(line, sizeof line, fmt, args);
	fprintf(stderr, "weir: %s%s\n", line, n >= (int)sizeof line ? "..." : "");
}

void
log_say(enum log_level level, const char *fmt, ...)
{
	va_list args;

	if ((int)level > __atomic_load_n(&level_now, __ATOMIC_RELAXED))
		return;
	va_start(args, fmt);
	say(level, fmt, args);
	va_end(args);
}

void
complain(const char *fmt, ...)
{
	va_list args;

	progress_show("", 0, 0);
	va_start(args, fmt);
	say(LOG_TROUBLE, fmt, args);
	va_end(args);
}
