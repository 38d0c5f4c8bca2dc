/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs by name: where they are, which package has them, and short commands that are
 * run for what they do or print. Standard error is read before anything else is waited
 * for, so a command may print what it likes; beyond PRINT_MAX it is cut.
 */
#include "lab/program.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PRINT_MAX = 1 << 20 };

extern char **environ;

static const struct {
	const char *program, *package;
} packages[] = {
#define PROGRAM(program, package) {program, package},
#include "lab/program.def"
#undef PROGRAM
};

static bool
is_executable(const char *path)
{
	return access(path, X_OK) == 0;
}

bool
program_path(const char *name, char out[PROGRAM_PATH_MAX])
{
	static const char more[] = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin";
	const char *lists[] = {getenv("PATH"), more}, *at;
	size_t i, len;
	int n;

	if (strchr(name, '/') != NULL) {
		n = snprintf(out, PROGRAM_PATH_MAX, "%s", name);
		return n < PROGRAM_PATH_MAX && is_executable(out);
	}
	for (i = 0; i < sizeof lists / sizeof *lists; i++) {
		for (at = lists[i]; at != NULL && *at != '\0';
		     at += len + (at[len] == ':')) {
			len = strcspn(at, ":");
			n = snprintf(out, PROGRAM_PATH_MAX, "%.*s/%s", (int)len, at,
			    name);
			if (len > 0 && n < PROGRAM_PATH_MAX && is_executable(out))
				return true;
		}
	}
	return false;
}

int
program_need(const char *name, struct err *err)
{
	char path[PROGRAM_PATH_MAX];
	const char *package = name;
	size_t i;

	if (program_path(name, path))
		return 0;
	if (strchr(name, '/') != NULL)
		return err_set(err, ENOENT, "%s is not there or cannot be executed",
		    name);
	for (i = 0; i < sizeof packages / sizeof *packages; i++) {
		if (strcmp(packages[i].program, name) == 0)
			package = packages[i].package;
	}
	return err_set(err, ENOENT, "%s is not installed; on Debian: apt-get install %s",
	    name, package);
}

/* ---- running ---- */

enum { INPUT, OUTPUT, ERROR, STREAMS };

struct running {
	pid_t pid;
	int fds[STREAMS]; /* our ends; -1: closed */
	const char *input;
	size_t input_left;
	struct text text[STREAMS];
};

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int
spawn(struct running *r, const char *path, const char *const *argv, int theirs[STREAMS])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, defaults;
	int i, code;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes,
				 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&actions);
	for (i = 0; i < STREAMS; i++)
		posix_spawn_file_actions_adddup2(&actions, theirs[i], i);
	code = posix_spawn(&r->pid, path, &actions, &attributes,
			   (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return code;
}

static int
start(struct running *r, const char *const *argv, struct err *err)
{
	char path[PROGRAM_PATH_MAX];
	int theirs[STREAMS] = {-1, -1, -1}, pair[2], i, code = 0;

	if (program_need(argv[0], err) != 0)
		return -1;
	(void)program_path(argv[0], path);
	for (i = 0; i < STREAMS && code == 0; i++) {
		code = pipe2(pair, O_CLOEXEC) == 0 ? 0 : errno;
		if (code == 0) {
			theirs[i] = pair[i == INPUT ? 0 : 1];
			r->fds[i] = pair[i == INPUT ? 1 : 0];
			(void)fcntl(r->fds[i], F_SETFL, O_NONBLOCK);
		}
	}
	if (code == 0)
		code = spawn(r, path, argv, theirs);
	for (i = 0; i < STREAMS; i++)
		close_fd(&theirs[i]);
	if (code != 0)
		return err_set(err, code, "%s: cannot be run: %s", argv[0],
		    strerror(code));
	return 0;
}

static void
give_input(struct running *r)
{
	ssize_t n = write(r->fds[INPUT], r->input, r->input_left);

	if (n > 0) {
		r->input += n;
		r->input_left -= (size_t)n;
	}
	if (r->input_left == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_fd(&r->fds[INPUT]);
}

static void
take_output(struct running *r, int stream)
{
	char room[8192];
	ssize_t n = read(r->fds[stream], room, sizeof room);

	if (n > 0 && r->text[stream].len < PRINT_MAX)
		text_bytes(&r->text[stream], room, (size_t)n);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_fd(&r->fds[stream]);
}

static void
exchange(struct running *r)
{
	struct pollfd polled[STREAMS];
	int i;

	if (r->input_left == 0)
		close_fd(&r->fds[INPUT]);
	while (r->fds[INPUT] >= 0 || r->fds[OUTPUT] >= 0 || r->fds[ERROR] >= 0) {
		for (i = 0; i < STREAMS; i++)
			polled[i] =
			    (struct pollfd){r->fds[i], i == INPUT ? POLLOUT : POLLIN, 0};
		if (poll(polled, STREAMS, -1) < 0)
			continue;
		if (polled[INPUT].revents != 0)
			give_input(r);
		for (i = OUTPUT; i < STREAMS; i++) {
			if (polled[i].revents != 0)
				take_output(r, i);
		}
	}
}

static int
finish(struct running *r, const char *name, struct err *err)
{
	const char *said = r->text[ERROR].data;
	int status;

	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (said[0] != '\0')
		return err_set(err, EIO, "%s: %.*s", name, (int)strcspn(said, "\n"),
		    said);
	return err_set(err, EIO, "%s: ended with status %d", name,
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int
program_run(const char *const *argv, const char *input, struct text *out, struct err *err)
{
	struct running r = {.fds = {-1, -1, -1}, .input = input,
	    .input_left = input == NULL ? 0 : strlen(input)};
	int i, status;

	for (i = 0; i < STREAMS; i++)
		text_init(&r.text[i]);
	if ((status = start(&r, argv, err)) == 0) {
		exchange(&r);
		status = finish(&r, argv[0], err);
	}
	if (status == 0 && out != NULL)
		text_bytes(out, r.text[OUTPUT].data, r.text[OUTPUT].len);
	for (i = 0; i < STREAMS; i++) {
		close_fd(&r.fds[i]);
		text_done(&r.text[i]);
	}
	return status;
}
