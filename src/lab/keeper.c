/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A keeper is forked, without exec, from a process that may have threads: it takes no
 * memory and uses no stdio. It is the reaper of all orphans below it
 * (PR_SET_CHILD_SUBREAPER), so killing its children until it has none kills everything
 * that the program started.
 */
#include "lab/keeper.h"

#include "lab/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TELL_FD = 3 };

/* ---- the program, until it is executed ---- */

/* Tells why there is no program, and ends. */
__attribute__((noreturn)) static void
refuse(const char *what, const char *name)
{
	const char *parts[] = {what, " ", name, ": ", strerror(errno)};
	size_t i;

	for (i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (write(TELL_FD, parts[i], strlen(parts[i])) < 0)
			break;
	}
	_exit(127);
}

static void
enter_space(const char *name)
{
	char path[128] = "/run/netns/";
	int fd;

	strncat(path, name, sizeof path - strlen(path) - 1);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0 || setns(fd, CLONE_NEWNET) != 0)
		refuse("cannot enter the network namespace", name);
	close(fd);
}

/* Mounts that only the program sees: files in place of others, and the /sys of its
 * network, which is left out where the system does not allow it. */
static void
mount_files(const struct process_config *config)
{
	const char *const *file;
	char from[PATH_MAX];
	const char *colon;

	if (config->files == NULL && config->space == NULL)
		return;
	if (unshare(CLONE_NEWNS) != 0 || mount("", "/", "none", MS_SLAVE | MS_REC,
	    NULL) != 0)
		refuse("no mount namespace for", config->argv[0]);
	if (config->space != NULL)
		(void)mount("sysfs", "/sys", "sysfs", MS_RDONLY, NULL);
	for (file = config->files; file != NULL && *file != NULL; file++) {
		errno = EINVAL;
		if ((colon = strrchr(*file, ':')) == NULL ||
		    (size_t)(colon - *file) >= sizeof from)
			refuse("no FILE:PLACE:", *file);
		memcpy(from, *file, (size_t)(colon - *file));
		from[colon - *file] = '\0';
		if (mount(from, colon + 1, NULL, MS_BIND, NULL) != 0)
			refuse("cannot show FILE:PLACE", *file);
	}
}

static void
redirect(const char *path, int flags, int to)
{
	int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0640);

	if (fd < 0 || dup2(fd, to) < 0)
		refuse("cannot open", path);
	close(fd);
}

static void
open_streams(const struct process_config *c)
{
	if (c->input != NULL || !c->is_foreground)
		redirect(c->input != NULL ? c->input : "/dev/null", O_RDONLY,
		    STDIN_FILENO);
	if (c->log != NULL || !c->is_foreground)
		redirect(c->log != NULL ? c->log : "/dev/null",
		    O_WRONLY | O_CREAT | O_APPEND, STDERR_FILENO);
	if (c->output != NULL)
		redirect(c->output, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
	else if (!c->is_foreground && dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		refuse("no standard output for", c->argv[0]);
}

static void
become_user(const struct keeper_config *k)
{
	if (k->user == NULL)
		return;
	if (initgroups(k->user, k->gid) != 0 || setgid(k->gid) != 0 ||
	    setuid(k->uid) != 0)
		refuse("cannot become the user", k->user);
}

__attribute__((noreturn)) static void
execute(const struct keeper_config *k, pid_t keeper)
{
	const struct process_config *c = k->config;
	pid_t self = getpid();
	sigset_t none;
	int i;

	if (write(TELL_FD, &self, sizeof self) != sizeof self)
		_exit(127);
	if (!c->is_foreground)
		(void)setpgid(0, 0);
	if (c->space != NULL)
		enter_space(c->space);
	mount_files(c);
	open_streams(c);
	if (c->folder != NULL && chdir(c->folder) != 0)
		refuse("cannot change to", c->folder);
	become_user(k);
	/* Changing the user clears it, so it comes last. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != keeper)
		_exit(127);
	for (i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(k->path, (char *const *)(uintptr_t)c->argv,
	    (char *const *)(uintptr_t)k->environment);
	refuse("cannot execute", k->path);
}

/* ---- the keeper ---- */

static void
kill_children(void)
{
	char list[4096], *at, *end;
	ssize_t n;
	long pid;
	int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);

	n = read(fd, list, sizeof list - 1);
	if (fd >= 0)
		close(fd);
	list[n > 0 ? n : 0] = '\0';
	for (at = list; (pid = strtol(at, &end, 10)) > 0; at = end)
		(void)kill((pid_t)pid, SIGKILL);
}

__attribute__((noreturn)) static void
end_like(int wait_status)
{
	struct rlimit none = {0, 0};
	sigset_t all;

	if (WIFEXITED(wait_status))
		_exit(WEXITSTATUS(wait_status));
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)signal(WTERMSIG(wait_status), SIG_DFL);
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	(void)raise(WTERMSIG(wait_status));
	_exit(128 + WTERMSIG(wait_status));
}

__attribute__((noreturn)) static void
keep(pid_t program, const sigset_t *signals)
{
	struct timespec moment = {0, 10000000};
	bool is_killing = false, has_ended = false;
	int status, program_status = 0;
	siginfo_t info;
	pid_t pid;

	for (;;) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			if (pid == program) {
				program_status = status;
				is_killing = has_ended = true;
			}
		}
		if (pid < 0 && errno == ECHILD)
			end_like(program_status);
		if (is_killing)
			kill_children();
		/* While killing, orphans become children without a signal. */
		switch (sigtimedwait(signals, &info, is_killing ? &moment : NULL)) {
		case SIGUSR1:
			if (!has_ended)
				(void)kill(program, info.si_value.sival_int);
			break;
		case SIGUSR2:
			is_killing = true;
			break;
		}
	}
}

void
keeper_main(const struct keeper_config *k, pid_t parent, int tell_fd)
{
	sigset_t all, waited;
	pid_t program, keeper;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)prctl(PR_SET_PDEATHSIG, SIGUSR2);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (tell_fd != TELL_FD && dup3(tell_fd, TELL_FD, O_CLOEXEC) < 0)
		_exit(127);
	(void)close_range(TELL_FD + 1, ~0U, 0);
	if (!k->config->is_foreground)
		(void)setsid();
	keeper = getpid();
	if (getppid() != parent || (program = fork()) < 0)
		_exit(127);
	if (program == 0)
		execute(k, keeper);
	close(TELL_FD);
	sigemptyset(&waited);
	sigaddset(&waited, SIGCHLD);
	sigaddset(&waited, SIGUSR1);
	sigaddset(&waited, SIGUSR2);
	keep(program, &waited);
}
