/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_PROGRAM_H
#define LAB_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct text;

enum { PROGRAM_PATH_MAX = 512 };

/* Where a program is; false if nowhere in PATH, /usr/local/sbin, /usr/sbin and /sbin. A
 * name with a slash is a path. */
bool program_path(const char *name, char out[PROGRAM_PATH_MAX]);

/* -1 if it is nowhere: "NAME is not installed; on Debian: apt-get install PACKAGE". The
 * packages are those of program.def. */
int program_need(const char *name, struct err *err);

/*
 * Runs a short command and waits for it: input (may be NULL) goes to its standard input,
 * what it prints to out (may be NULL). -1 if it cannot run or ends with another status
 * than 0: the message is the first line of its standard error.
 */
int program_run(const char *const *argv, const char *input, struct text *out,
		struct err *err);

#endif
