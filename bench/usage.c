/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a command and writes what it used: CPU seconds (user + system), peak memory in
 * KiB,
 * seconds by the clock.   usage OUT COMMAND [ARGUMENT...]
 *
 * SIGTERM and SIGINT are passed on, so that a collector can be stopped through it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile pid_t child;

static void
pass_on(int signal)
{
	if (child > 0)
		kill(child, signal);
}

static double
seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int
main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = pass_on};
	struct timespec from, to;
	struct rusage used;
	FILE *out;
	int status;

	if (argc < 3) {
		fprintf(stderr, "usage: usage OUT COMMAND [ARGUMENT...]\n");
		return 2;
	}
	clock_gettime(CLOCK_MONOTONIC, &from);
	if ((child = fork()) == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	while (wait4(child, &status, 0, &used) < 0)
		if (errno != EINTR) {
			perror("wait4");
			return 1;
		}
	clock_gettime(CLOCK_MONOTONIC, &to);
	if ((out = fopen(argv[1], "w")) == NULL) {
		perror(argv[1]);
		return 1;
	}
	fprintf(out, "%.4f %ld %.4f\n", seconds(used.ru_utime) + seconds(used.ru_stime),
	        used.ru_maxrss,
	        (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) /
	        1e9);
	fclose(out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
