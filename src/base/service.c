/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/service.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Waits for the child to be ready or dead, and does not return. */
static void
parent_wait(int fd, pid_t child)
{
	char byte;
	ssize_t n;
	int status;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	if (waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	    WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status));
	_exit(1);
}

int
service_background(int *ready_fd, struct err *err)
{
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_set(err, errno, "no pipe: %s", strerror(errno));
	fflush(NULL);
	if ((child = fork()) < 0) {
		close(fds[0]);
		close(fds[1]);
		return err_set(err, errno, "cannot go into the background: %s",
		    strerror(errno));
	}
	if (child > 0) {
		close(fds[1]);
		parent_wait(fds[0], child);
	}
	close(fds[0]);
	(void)setsid();
	*ready_fd = fds[1];
	return 0;
}

void
service_ready(int ready_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), i;
	ssize_t n;

	for (i = 0; i <= 2 && null >= 0; i++)
		(void)dup2(null, i);
	if (null > 2)
		close(null);
	n = write(ready_fd, "", 1);
	(void)n; /* a parent that is gone does not need it */
	close(ready_fd);
}

int
pid_file_make(const char *path, int *out, struct err *err)
{
	char line[32];
	int len = snprintf(line, sizeof line, "%ld\n", (long)getpid());
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0)
		return err_set(err, errno, "pid file %s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		err_set(err, errno, errno == EWOULDBLOCK
		    ? "pid file %s: another one is running"
		    : "pid file %s: cannot be locked", path);
		goto fail;
	}
	if (ftruncate(fd, 0) != 0 || write(fd, line, (size_t)len) != len) {
		err_set(err, errno, "pid file %s: %s", path, strerror(errno));
		goto fail;
	}
	*out = fd;
	return 0;

fail:
	close(fd);
	return -1;
}

void
pid_file_remove(const char *path, int fd)
{
	if (fd < 0)
		return;
	if (unlink(path) != 0 && ftruncate(fd, 0) != 0)
		/* nothing is left to try; the lock goes anyway */
		(void)lseek(fd, 0, SEEK_SET);
	close(fd);
}

int
notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = path == NULL ? 0 : strlen(path);
	int fd;

	if (len < 2 || len >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
		return -1;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void
notify_send(int fd, const char *text)
{
	if (fd >= 0)
		(void)send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

int64_t
notify_watchdog_ms(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t value;

	if (us == NULL || !parse_u64(us, strlen(us), &value) || value == 0)
		return 0;
	if (pid != NULL && strtol(pid, NULL, 10) != (long)getpid())
		return 0;
	return value < 2000 ? 1 : (int64_t)(value / 2000);
}
