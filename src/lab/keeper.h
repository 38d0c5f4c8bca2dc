/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_KEEPER_H
#define LAB_KEEPER_H

#include <sys/types.h>

struct process_config;

/* What must be found out before the fork. */
struct keeper_config {
	const struct process_config *config;
	const char *path;         /* of the program */
	const char **environment;
	const char *user;         /* NULL: as this process */
	uid_t uid;
	gid_t gid;
};

/*
 * The keeper's life, in a process just forked by parent. It starts the program and writes
 * to tell_fd its pid_t, and why it could not be executed; end of file: it runs.
 *
 * SIGUSR1 with a value sends that signal to the program; SIGUSR2, and parent's death,
 * kill the program and all below it. Once the program has ended and no child is left it
 * ends as the program did.
 */
__attribute__((noreturn)) void keeper_main(const struct keeper_config *keeper,
					   pid_t parent, int tell_fd);

#endif
