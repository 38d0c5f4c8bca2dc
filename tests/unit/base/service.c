/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The background, the pid file and systemd's messages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/service.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *
path_of(const char *name)
{
	static char path[256];
	const char *folder = getenv("WEIR_TMP");

	snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : "/tmp", name);
	return path;
}

static void
test_pid_file(void **state)
{
	struct err err = {0};
	char path[256], text[64] = "";
	int fd, other, status, file;
	pid_t child;

	snprintf(path, sizeof path, "%s", path_of("pid"));
	assert_int_equal(pid_file_make(path, &fd, &err), 0);
	file = open(path, O_RDONLY);
	assert_true(read(file, text, sizeof text - 1) > 0);
	close(file);
	assert_int_equal(strtol(text, NULL, 10), getpid());
	if ((child = fork()) == 0)
		_exit(pid_file_make(path, &other, &err) == -1 &&
		    strstr(err.text, "another one is running") != NULL ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	pid_file_remove(path, fd);
	assert_int_equal(access(path, F_OK), -1);
	/* a left-over file that nobody holds is no obstacle */
	file = open(path, O_WRONLY | O_CREAT, 0644);
	assert_int_equal(write(file, "123456789\n", 10), 10);
	close(file);
	assert_int_equal(pid_file_make(path, &fd, &err), 0);
	pid_file_remove(path, fd);
	pid_file_remove(path, -1);
	assert_int_equal(pid_file_make(path_of("none/pid"), &fd, &err), -1);
	assert_non_null(strstr(err.text, "none/pid: No such file"));
}

/* Goes into the background in a child of its own and tells its exit status. */
static int
background_status(int is_ready, int exit_status)
{
	int status, ready;
	pid_t child = fork();

	if (child == 0) {
		if (service_background(&ready, NULL) != 0)
			_exit(99);
		if (is_ready)
			service_ready(ready);
		_exit(exit_status);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_background(void **state)
{
	/* what comes later is not waited for */
	assert_int_equal(background_status(1, 7), 0);
	assert_int_equal(background_status(0, 2), 2);
	/* ended well, but never was ready */
	assert_int_equal(background_status(0, 0), 1);
}

static void
check_notify(const char *name, bool is_abstract)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	size_t len = strlen(name);
	char text[64] = "";
	int server = socket(AF_UNIX, SOCK_DGRAM, 0), fd;

	memcpy(at.sun_path, name, len);
	if (is_abstract)
		at.sun_path[0] = '\0';
	assert_int_equal(bind(server, (struct sockaddr *)&at,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	assert_true((fd = notify_open()) >= 0);
	notify_send(fd, "READY=1\nSTATUS=fine");
	assert_int_equal(recv(server, text, sizeof text, MSG_DONTWAIT), 19);
	assert_string_equal(text, "READY=1\nSTATUS=fine");
	close(fd);
	close(server);
}

static void
test_notify(void **state)
{
	char name[64];

	check_notify(path_of("notify"), false);
	snprintf(name, sizeof name, "@weir-test-%ld", (long)getpid());
	check_notify(name, true);
	setenv("NOTIFY_SOCKET", "relative", 1);
	assert_int_equal(notify_open(), -1);
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_open(), -1);
	notify_send(-1, "READY=1");
}

static void
test_watchdog(void **state)
{
	char pid[32];

	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
	assert_int_equal(notify_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(notify_watchdog_ms(), 15000);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_watchdog_ms(), 0); /* meant for another process */
	snprintf(pid, sizeof pid, "%ld", (long)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_watchdog_ms(), 15000);
	setenv("WATCHDOG_USEC", "no number", 1);
	assert_int_equal(notify_watchdog_ms(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pid_file),
	    cmocka_unit_test(test_background),
	    cmocka_unit_test(test_notify),
	    cmocka_unit_test(test_watchdog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
