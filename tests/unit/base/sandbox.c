/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is given up is really gone: each case enters a sandbox in a child and tries one
 * thing. Built without sanitizers, under which system calls are not limited
 * (tests/meson.build).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/sandbox.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char inside[200], outside[200];

static int
result(int value)
{
	return value < 0 ? errno : 0;
}

static int
try_write(const char *folder)
{
	char path[256];

	snprintf(path, sizeof path, "%s/new", folder);
	return result(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int try_write_inside(void) { return try_write(inside); }
static int try_write_outside(void) { return try_write(outside); }
static int try_read_etc(void) { return result(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
    }
static int try_list_outside(void) { return result(open(outside,
    O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }
static int try_udp(void) { return result(socket(AF_INET, SOCK_DGRAM, 0)); }
static int try_packet(void) { return result(socket(AF_PACKET, SOCK_RAW, 0)); }
static int try_memory(void) { return mmap(NULL, 4096, PROT_READ,
    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED; }

static int
try_fork(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	return result(child);
}

static int
try_exec(void)
{
	char *const args[] = {"true", NULL};

	execv("/bin/true", args);
	return errno;
}

static void *
thread(void *arg)
{
	return arg;
}

static int
try_thread(void)
{
	pthread_t t;
	int code = pthread_create(&t, NULL, thread, NULL);

	if (code == 0)
		pthread_join(t, NULL);
	return code;
}

enum { ALL = SANDBOX_FILES | SANDBOX_NETWORK | SANDBOX_THREADS };

static const struct {
	const char *name;
	unsigned grants;
	int (*attempt)(void);
	int wanted; /* errno; 0: it works */
} cases[] = {
    {"a file in a writable folder", ALL, try_write_inside, 0},
    {"a file elsewhere", ALL, try_write_outside, EACCES},
    {"a folder elsewhere", ALL, try_list_outside, EACCES},
    {"what the C library reads", ALL, try_read_etc, 0},
    {"a file without the grant", SANDBOX_NETWORK, try_read_etc, EPERM},
    {"a socket", ALL, try_udp, 0},
    {"a socket without the grant", SANDBOX_FILES, try_udp, EPERM},
    {"a packet socket", ALL, try_packet, EPERM},
    {"a thread", ALL, try_thread, 0},
    {"a thread without the grant", SANDBOX_FILES, try_thread, EPERM},
    {"a process", ALL, try_fork, EPERM},
    {"another program", ALL, try_exec, EPERM},
    {"memory", SANDBOX_ALWAYS, try_memory, 0},
    {"no sandbox at all", SANDBOX_NONE, try_write_outside, 0},
};

/* 100: the sandbox could not be entered; 101: a part is missing, skip. */
static int
run_case(size_t i)
{
	struct sandbox s = {.grants = cases[i].grants, .keeps_all_capabilities = true,
	    .writable = {inside}};
	struct text notes;
	int status;
	pid_t child = fork();

	if (child == 0) {
		text_init(&notes);
		if (sandbox_enter(&s, &notes, NULL) != 0)
			_exit(100);
		if (notes.len > 0)
			_exit(101);
		_exit(cases[i].attempt());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_attempts(void **state)
{
	size_t i;
	int got;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		if ((got = run_case(i)) == 101) {
			print_message("# skip: this kernel has no Landlock or no seccomp\n");
			skip();
		}
		if (got != cases[i].wanted)
			fail_msg("%s: %s, wanted %s", cases[i].name, strerror(got),
			    strerror(cases[i].wanted));
	}
}

static uint64_t
status_number(const char *name)
{
	char line[256];
	uint64_t value = UINT64_MAX;
	FILE *f = fopen("/proc/self/status", "r");

	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtoull(line + strlen(name), NULL, 16);
	}
	if (f != NULL)
		fclose(f);
	return value;
}

static void
test_rights(void **state)
{
	static const uint64_t NET_RAW = 1ull << 13;
	struct sandbox s = {.grants = ALL, .capabilities = NET_RAW};
	bool is_root = geteuid() == 0;
	struct text notes;
	int status;
	pid_t child = fork();

	if (child == 0) {
		uint64_t had = status_number("CapPrm:");

		text_init(&notes);
		if (sandbox_enter(&s, &notes, NULL) != 0)
			_exit(1);
		if (status_number("CapPrm:") != (had & NET_RAW) ||
		    status_number("CapEff:") != (had & NET_RAW))
			_exit(2);
		_exit(status_number("NoNewPrivs:") != 1 ? 3 :
		    is_root && status_number("CapBnd:") != 0 ? 4 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void
test_user(void **state)
{
	struct err err = {0};
	int status;
	pid_t child;

	assert_int_equal(sandbox_user("no such user", 0, &err), -1);
	assert_non_null(strstr(err.text, "no such user"));
	if (geteuid() != 0) {
		print_message("# skip: needs root to become another user\n");
		skip();
	}
	if ((child = fork()) == 0)
		_exit(sandbox_user("nobody", 1ull << 13, NULL) == 0 && getuid() != 0 &&
		    getgid() != 0 && status_number("CapEff:") == 1ull << 13 ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	if ((child = fork()) == 0)
		_exit(sandbox_user("nobody", 0, NULL) == 0 &&
		    status_number("CapPrm:") == 0 && setuid(0) != 0 ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void
test_not_writable(void **state)
{
	struct sandbox s = {.grants = ALL, .writable = {inside}};
	struct err err = {0};
	struct text notes;
	int status;
	pid_t child;

	if (geteuid() != 0) {
		print_message("# skip: needs root to have rights that can be lost\n");
		skip();
	}
	assert_int_equal(chown(inside, 65534, 65534), 0);
	assert_int_equal(chmod(inside, 0700), 0);
	if ((child = fork()) == 0) {
		text_init(&notes);
		_exit(sandbox_enter(&s, &notes, &err) == -1 &&
		    strstr(err.text, inside) != NULL ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const char *folder = getenv("WEIR_TMP") != NULL ? getenv("WEIR_TMP") : "/tmp";
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_attempts),
	    cmocka_unit_test(test_rights),
	    cmocka_unit_test(test_user),
	    cmocka_unit_test(test_not_writable),
	};

	snprintf(inside, sizeof inside, "%s/inside", folder);
	snprintf(outside, sizeof outside, "%s/outside", folder);
	mkdir(inside, 0700);
	mkdir(outside, 0700);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
