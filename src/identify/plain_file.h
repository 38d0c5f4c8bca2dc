/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_PLAIN_FILE_H
#define IDENTIFY_PLAIN_FILE_H

#include <stddef.h>

struct err;
struct plain;

/*
 * What is known of servers and paths as a text file, a parameter a line:
 *
 * 	weir-wire-model 1
 * 	server <tab> port <tab> client <tab> parameter <tab> value
 *
 * with - for "of all". Values are numbers, or several of them with commas. Everything
 * that is read is checked against the parameter's bounds; an error names file and line,
 * and nothing is then taken over from that line on.
 */
int plain_read(struct plain *plain, const char *path, struct err *err);
/* The same from memory; label stands for the file in messages. */
int plain_read_bytes(struct plain *plain, const char *bytes, size_t n, const char *label,
		     struct err *err);
/* Writes a new file that replaces path at once; "-": standard output. */
int plain_write(const struct plain *plain, const char *path, struct err *err);

/* Texts of one line; server, port, client: "-" for all. Borrowed for the call. */
struct plain_line {
	const char *server, *port, *client, *name, *value, *help;
};

/* Calls each for every line that plain_write would write. */
void plain_list(const struct plain *plain,
		void (*each)(void *arg, const struct plain_line *line), void *arg);

#endif
