/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct text;

/* What a command may do once everything it needs is open; a row of its table. */
enum sandbox_grant {
	SANDBOX_NONE = 0,         /* no sandbox */
	SANDBOX_ALWAYS = 1 << 0,  /* the least: memory, time, what is open already */
	SANDBOX_FILES = 1 << 1,   /* open and change files, in the folders below */
	SANDBOX_NETWORK = 1 << 2, /* Internet and local sockets */
	SANDBOX_THREADS = 1 << 3,
	SANDBOX_CAPTURE = 1 << 4, /* new packet sockets; needs CAP_NET_RAW kept */
};

enum { SANDBOX_PATHS = 64 };

struct sandbox {
	unsigned grants;
	bool keeps_all_capabilities; /* not to lose the right to read others' files */
	uint64_t capabilities;       /* else these are kept: 1 << CAP_NET_RAW ... */
	/* Folders and files; NULL and what is not there is passed over. */
	/* all below is made, written, read, removed */
	const char *writable[SANDBOX_PATHS];
	const char *readable[SANDBOX_PATHS];
	/* folders of files that are removed at the end */
	const char *removable[SANDBOX_PATHS];
};

/*
 * Gives up what is not granted, for good, in this thread and those it will start: before
 * others are started. Capabilities go, no_new_privs comes; then Landlock for paths
 * (beside those above only what the C library reads) and seccomp for system calls, which
 * fail with EPERM if they are not granted. What the kernel or this build does not have is
 * left out and told in notes. -1: a writable folder cannot be written to without
 * capabilities.
 */
int sandbox_enter(const struct sandbox *sandbox, struct text *notes, struct err *err);

/*
 * Takes on the identity of a user, "NAME" or "NAME:GROUP", with its groups. The
 * capabilities named stay permitted, for sandbox_enter.
 */
int sandbox_user(const char *name, uint64_t capabilities, struct err *err);

#endif
