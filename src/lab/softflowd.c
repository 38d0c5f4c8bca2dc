/* SPDX-License-Identifier: BSD-2-Clause */
/* softflowctl's statistics are lines "What: number". */
#include "lab/softflowd.h"

#include "base/err.h"
#include "lab/process.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { TIMEOUT_MS = 30000 };

static int
ask(const char *folder, const char *log, const char *what, struct err *err)
{
	const char *const argv[] = {"softflowctl", "-c", SOFTFLOWD_SOCKET, what, NULL};
	struct process_config config = {.argv = argv, .folder = folder, .output = log,
	    .log = log};

	return process_run(&config, TIMEOUT_MS, err);
}

int
softflowd_count(const char *folder, const char *log, struct softflowd_counts *out,
    struct err *err)
{
	struct softflowd_counts counts = {0};
	unsigned long long n;
	bool has_processed = false;
	char line[512];
	FILE *file;

	if (ask(folder, log, "statistics", err) != 0)
		return -1;
	if ((file = fopen(log, "r")) == NULL)
		return err_set(err, errno, "%s: %s", log, strerror(errno));
	while (fgets(line, sizeof line, file) != NULL) {
		if (sscanf(line, "Packets processed: %llu", &n) == 1) {
			counts.processed = n;
			has_processed = true;
		} else if (sscanf(line, "Packets dropped by libpcap: %llu", &n) == 1 ||
		    sscanf(line, "Packets dropped by interface: %llu", &n) == 1)
			counts.dropped += n;
	}
	fclose(file);
	if (!has_processed)
		return err_set(err, EIO, "%s: no statistics of softflowd", log);
	*out = counts;
	return 0;
}

int
softflowd_stop(const char *folder, const char *log, struct err *err)
{
	return ask(folder, log, "shutdown", err);
}
