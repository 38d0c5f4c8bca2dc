/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PACKET_FOLDER_H
#define PACKET_FOLDER_H

#include <stddef.h>

struct err;
struct text;

/* Paths of captures, in the order in which they are to be read. */
struct capture_list {
	char **paths;
	size_t count, cap;
};

/*
 * Adds a capture, or all captures of a folder (not of folders in it) in order of their
 * first packets, then of their names. Hidden files are left out; files of the folder that
 * are no captures are left out too and named in notes, a line each. A folder without any
 * capture is an error.
 */
int capture_list_add(struct capture_list *list, const char *path, struct text *notes,
    struct err *err);
void capture_list_done(struct capture_list *list);

#endif
