/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SERVE_LISTEN_H
#define SERVE_LISTEN_H

#include <sys/stat.h>

struct err;

/* A Unix stream socket that listens at a path of the file system. */
struct listener {
	int fd;
	char path[108];
	dev_t dev;
	ino_t ino;
};

/*
 * Binds the path, mode 0660, of the group (a name or number; NULL: the process's own). A
 * socket that nobody listens to any more is replaced; one that somebody does, or a file
 * that is no socket, is not touched and an error. The umask is changed for a moment.
 */
int listener_open(struct listener *l, const char *path, const char *group,
    struct err *err);
/* Closes, and removes the path if it is still this socket. */
void listener_close(struct listener *l);

/* A socket connected to path, which waits for nothing; -1 and what to do about it. */
int listener_connect(const char *path, struct err *err);

#endif
