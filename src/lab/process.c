/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The side of this program: it starts keepers (keeper.h), waits for their ends by pidfds,
 * and has them send signals, so that no process id is used that may be another's by now.
 */
#include "lab/process.h"

#include "base/err.h"
#include "base/text.h"
#include "lab/keeper.h"
#include "lab/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_LIST = 256, TAIL_BYTES = 600 };

struct process {
	pid_t keeper, program;
	int fd; /* the keeper's pidfd */
	bool has_ended;
	int wait_status;
	char name[64];
};

extern char **environ;
static int signals_fd = -1;

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- stop ---- */

static int
catch(const int *numbers, size_t n, struct err *err)
{
	sigset_t set;
	size_t i;

	if (signals_fd >= 0)
		return 0;
	sigemptyset(&set);
	for (i = 0; i < n; i++)
		sigaddset(&set, numbers[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* It is never read: what makes it readable stays. */
	if ((signals_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		return err_set(err, errno, "no signalfd: %s", strerror(errno));
	return 0;
}

int
stop_catch(struct err *err)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

	return catch(numbers, 3, err);
}

int
stop_catch_quietly(struct err *err)
{
	static const int numbers[] = {SIGTERM, SIGHUP};

	(void)signal(SIGINT, SIG_IGN);
	return catch(numbers, 2, err);
}

int
stop_fd(void)
{
	return signals_fd;
}

bool
stop_asked(void)
{
	return !stop_sleep(0);
}

bool
stop_sleep(int64_t ms)
{
	struct pollfd polled = {signals_fd, POLLIN, 0};
	int64_t until = now_ms() + ms, left = ms;

	do {
		if (poll(&polled, 1, left > 1000000 ? 1000000 : (int)left) > 0)
			return false;
		left = until - now_ms();
	} while (left > 0);
	return true;
}

/* ---- starting ---- */

/* environ, with what is to be added, and without what that replaces. The strings are not
 * copied. NULL without memory. */
static const char **
environment_make(const char *const *more, const char *const *user)
{
	const char *const *lists[] = {more, user, (const char *const *)environ};
	const char **out;
	size_t n = 0, i, k, room = 1;

	for (k = 0; k < 3; k++) {
		for (i = 0; lists[k] != NULL && lists[k][i] != NULL; i++)
			room++;
	}
	if ((out = calloc(room, sizeof *out)) == NULL)
		return NULL;
	for (k = 0; k < 3; k++) {
		for (i = 0; lists[k] != NULL && lists[k][i] != NULL; i++) {
			size_t name = strcspn(lists[k][i], "="), j;

			for (j = 0; j < n && (strncmp(out[j], lists[k][i], name) != 0 ||
			    out[j][name] != '='); j++)
				;
			if (j == n)
				out[n++] = lists[k][i];
		}
	}
	return out;
}

static int
find_user(const char *name, struct keeper_config *k, char home[256], char user[64],
    struct err *err)
{
	const struct passwd *row;

	if (name == NULL)
		return 0;
	if ((row = getpwnam(name)) == NULL)
		return err_set(err, ENOENT, "there is no user '%s'", name);
	k->user = name;
	k->uid = row->pw_uid;
	k->gid = row->pw_gid;
	snprintf(home, 256, "HOME=%s", row->pw_dir);
	snprintf(user, 64, "USER=%s", name);
	return 0;
}

/* The keeper's fork. What it and the program say of their start is read to its end. */
static int
start_keeper(struct process *p, const struct keeper_config *k, struct err *err)
{
	char said[512];
	size_t len = 0;
	ssize_t n;
	int fds[2];
	pid_t parent = getpid();

	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_set(err, errno, "no pipe: %s", strerror(errno));
	fflush(NULL);
	if ((p->keeper = fork()) == 0)
		keeper_main(k, parent, fds[1]);
	close(fds[1]);
	while (p->keeper > 0 && len < sizeof said - 1 &&
	    ((n = read(fds[0], said + len, sizeof said - 1 - len)) > 0 ||
	    (n < 0 && errno == EINTR)))
		len += n > 0 ? (size_t)n : 0;
	close(fds[0]);
	if (p->keeper < 0)
		return err_set(err, errno, "no further process: %s", strerror(errno));
	said[len] = '\0';
	if (len >= sizeof p->program)
		memcpy(&p->program, said, sizeof p->program);
	if (len == sizeof p->program && (p->fd = pidfd_open(p->keeper, 0)) >= 0)
		return 0;
	if (len != sizeof p->program)
		err_set(err, ENOEXEC, "%s: %s", p->name, len > sizeof p->program
		    ? said + sizeof p->program : "its keeper died");
	else
		err_set(err, errno, "%s: no pidfd: %s", p->name, strerror(errno));
	(void)kill(p->keeper, SIGUSR2);
	while (waitpid(p->keeper, NULL, 0) < 0 && errno == EINTR)
		;
	return -1;
}

int
process_start(const struct process_config *config, struct process **out, struct err *err)
{
	char path[PROGRAM_PATH_MAX], home[256], user[64];
	const char *of_user[] = {home, user, NULL};
	struct keeper_config k = {.config = config, .path = path};
	struct process *p = NULL;
	const char *slash = strrchr(config->argv[0], '/');

	if (program_need(config->argv[0], err) != 0)
		return -1;
	(void)program_path(config->argv[0], path);
	if (find_user(config->user, &k, home, user, err) != 0)
		return -1;
	if ((p = calloc(1, sizeof *p)) == NULL || (k.environment = environment_make(
	    config->environment, config->user == NULL ? NULL : of_user)) == NULL) {
		err_set(err, ENOMEM, "out of memory");
		goto fail;
	}
	p->fd = -1;
	snprintf(p->name, sizeof p->name, "%s",
	    slash == NULL ? config->argv[0] : slash + 1);
	if (start_keeper(p, &k, err) != 0)
		goto fail;
	free(k.environment);
	*out = p;
	return 0;

fail:
	free(k.environment);
	free(p);
	return -1;
}

/* ---- waiting ---- */

/* Whether it ended; does not wait. */
static bool
has_ended(struct process *p)
{
	if (!p->has_ended && waitpid(p->keeper, &p->wait_status, WNOHANG) == p->keeper) {
		p->has_ended = true;
		close(p->fd);
		p->fd = -1;
	}
	return p->has_ended;
}

static enum process_state
wait_for(struct process *const *list, unsigned n, int64_t timeout_ms, bool may_stop,
    unsigned *which)
{
	struct pollfd polled[WAIT_LIST + 1];
	int64_t until = now_ms() + timeout_ms, left;
	unsigned i;

	for (;;) {
		for (i = 0; i < n; i++) {
			if (list[i] != NULL && has_ended(list[i])) {
				*which = i;
				return PROCESS_ENDED;
			}
			polled[i] = (struct pollfd){list[i] == NULL ? -1 : list[i]->fd,
						    POLLIN, 0};
		}
		if (may_stop && stop_asked())
			return PROCESS_STOP;
		left = timeout_ms < 0 ? 1000000 : until - now_ms();
		if (left <= 0)
			return PROCESS_RUNNING;
		polled[n] = (struct pollfd){may_stop ? signals_fd : -1, POLLIN, 0};
		(void)poll(polled, n + 1, left > 1000000 ? 1000000 : (int)left);
	}
}

enum process_state
process_wait_any(struct process *const *list, unsigned n, int64_t timeout_ms,
		 unsigned *which)
{
	return wait_for(list, n < WAIT_LIST ? n : WAIT_LIST, timeout_ms, true, which);
}

enum process_state
process_wait(struct process *process, int64_t timeout_ms)
{
	unsigned which;

	return wait_for(&process, 1, timeout_ms, true, &which);
}

bool
process_is_running(struct process *process)
{
	return !has_ended(process);
}

/* ---- ending ---- */

void
process_signal(struct process *process, int number)
{
	union sigval value = {.sival_int = number};

	if (!has_ended(process))
		(void)sigqueue(process->keeper, SIGUSR1, value);
}

void
process_end(struct process *process, int64_t grace_ms)
{
	unsigned which;

	if (has_ended(process))
		return;
	if (grace_ms > 0) {
		process_signal(process, SIGTERM);
		if (wait_for(&process, 1, grace_ms, false, &which) == PROCESS_ENDED)
			return;
	}
	(void)kill(process->keeper, SIGUSR2);
	(void)wait_for(&process, 1, -1, false, &which);
}

void
process_free(struct process *process)
{
	if (process == NULL)
		return;
	process_end(process, 0);
	free(process);
}

pid_t
process_pid(const struct process *process)
{
	return process->program;
}

int
process_status(const struct process *process)
{
	return WIFEXITED(process->wait_status) ? WEXITSTATUS(process->wait_status)
	    : 128 + WTERMSIG(process->wait_status);
}

void
process_status_text(struct process *process, struct text *out)
{
	if (!has_ended(process))
		text_str(out, "is running");
	else if (WIFEXITED(process->wait_status))
		text_printf(out, "ended with status %d",
		    WEXITSTATUS(process->wait_status));
	else
		text_printf(out, "was ended by signal %d (%s)",
		    WTERMSIG(process->wait_status),
		    strsignal(WTERMSIG(process->wait_status)));
}

/* ---- running ---- */

void
process_log_tail(const char *path, struct text *out)
{
	char room[TAIL_BYTES + 1], *from = room;
	FILE *file = path == NULL ? NULL : fopen(path, "re");
	bool is_cut;
	size_t n;

	if (file == NULL)
		return;
	is_cut = fseek(file, -TAIL_BYTES, SEEK_END) == 0; /* else it is shorter */
	n = fread(room, 1, TAIL_BYTES, file);
	fclose(file);
	while (n > 0 && room[n - 1] == '\n')
		n--;
	room[n] = '\0';
	if (is_cut && strchr(room, '\n') != NULL)
		from = strchr(room, '\n') + 1;
	if (n > 0)
		text_printf(out, "; %s ends with:\n%s", path, from);
}

int
process_run(const struct process_config *config, int64_t timeout_ms, struct err *err)
{
	struct process *p;
	struct text why;
	enum process_state state;
	int status = 0;

	if (process_start(config, &p, err) != 0)
		return -1;
	text_init(&why);
	state = process_wait(p, timeout_ms);
	if (state == PROCESS_STOP)
		status = err_set(err, EINTR, "%s: stopped by a signal", p->name);
	else if (state == PROCESS_RUNNING)
		text_printf(&why, "was not done after %.1f s", (double)timeout_ms / 1000);
	else if (process_status(p) != 0)
		process_status_text(p, &why);
	if (why.len > 0) {
		process_log_tail(config->log, &why);
		status = err_set(err, EIO, "%s %s", p->name, why.data);
	}
	text_done(&why);
	process_free(p);
	return status;
}
