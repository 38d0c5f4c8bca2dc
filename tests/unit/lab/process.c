/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs below keepers: how they end, and that nothing they start outlives them. */
#include "base/err.h"
#include "base/text.h"
#include "lab/process.h"
#include "lab/program.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[256];

static const char *
in_folder(const char *name)
{
	static char path[4][512];
	static unsigned turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
	return path[turn];
}

/* The file's text; "" if there is none. */
static const char *
content(const char *path)
{
	static char room[4096];
	FILE *f = fopen(path, "r");
	size_t n = f == NULL ? 0 : fread(room, 1, sizeof room - 1, f);

	if (f != NULL)
		fclose(f);
	room[n] = '\0';
	return room;
}

/* Waits until a file has text, 10 s at most. */
static const char *
await_content(const char *path)
{
	int i;

	for (i = 0; i < 1000 && content(path)[0] == '\0'; i++)
		usleep(10000);
	return content(path);
}

static struct process *
shell(const char *script, const char *log)
{
	const char *argv[] = {"sh", "-c", script, NULL};
	const char *environment[] = {"FOLDER=", NULL};
	struct process_config config = {.argv = argv, .environment = environment,
	    .log = log};
	struct process *p = NULL;
	struct err err = {0};
	char value[300];

	snprintf(value, sizeof value, "FOLDER=%s", folder);
	environment[0] = value;
	if (process_start(&config, &p, &err) != 0)
		fail_msg("%s", err.text);
	return p;
}

static void
test_ends(void **state)
{
	static const struct {
		const char *script;
		int status;
		const char *text;
	} rows[] = {
		{"exit 0", 0, "ended with status 0"},
		{"exit 7", 7, "ended with status 7"},
		{"kill -9 $$", 137, "was ended by signal 9 (Killed)"},
		{"kill -15 $$", 143, "was ended by signal 15 (Terminated)"},
		{"kill -11 $$", 139, "was ended by signal 11 (Segmentation fault)"},
	};
	struct process *p;
	struct text t;
	size_t i;

	text_init(&t);
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		p = shell(rows[i].script, NULL);
		assert_int_equal(process_wait(p, 10000), PROCESS_ENDED);
		assert_int_equal(process_status(p), rows[i].status);
		text_clear(&t);
		process_status_text(p, &t);
		assert_string_equal(t.data, rows[i].text);
		process_end(p, 0); /* no harm */
		process_free(p);
	}
	text_done(&t);
}

static void
test_streams(void **state)
{
	const char *argv[] = {"sh", "-c", "cat; pwd; echo $A $PATH >&2", NULL};
	const char *environment[] = {"A=b c", "PATH=/bin:/usr/bin", NULL};
	char input[512], output[512], log[512];
	struct process_config config = {.argv = argv, .environment = environment,
	    .folder = "/",
	    .input = input, .output = output, .log = log};
	struct err err = {0};
	FILE *f;

	snprintf(input, sizeof input, "%s/input", folder);
	snprintf(output, sizeof output, "%s/output", folder);
	snprintf(log, sizeof log, "%s/streams.log", folder);
	f = fopen(input, "w");
	fputs("given\n", f);
	fclose(f);
	if (process_run(&config, 10000, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(content(output), "given\n/\n");
	assert_string_equal(content(log), "b c /bin:/usr/bin\n");
	/* the log is appended to */
	assert_int_equal(process_run(&config, 10000, &err), 0);
	assert_string_equal(content(output), "given\n/\n");
	assert_string_equal(content(log), "b c /bin:/usr/bin\nb c /bin:/usr/bin\n");
}

static void
test_messages(void **state)
{
	const char *missing[] = {"no-such-program-here", NULL},
	    *path[] = {"/no/such", NULL};
	const char *fails[] = {"sh", "-c", "echo one >&2; echo the cause >&2; exit 3",
	    NULL};
	const char *sleeps[] = {"sleep", "60", NULL}, *good[] = {"true", NULL};
	char log[512];
	const struct {
		struct process_config config;
		const char *message;
	} rows[] = {
		{{.argv = missing}, "no-such-program-here is not installed; on Debian: "
		    "apt-get install no-such-program-here"},
		{{.argv = path}, "/no/such is not there or cannot be executed"},
		{{.argv = fails, .log = log}, "sh ended with status 3; "},
		{{.argv = fails, .log = log}, "the cause"},
		{{.argv = sleeps}, "sleep was not done after 0.1 s"},
		{{.argv = good, .folder = "/no/such"},
		    "true: cannot change to /no/such: No such"},
		{{.argv = good, .user = "no-such-user"},
		    "there is no user 'no-such-user'"},
		{{.argv = good, .input = "/no/such"},
		    "true: cannot open /no/such: No such"},
		{{.argv = good, .space = "no-such-space"},
		    "true: cannot enter the network "
		    "namespace no-such-space: No such"},
	};
	struct err err;
	size_t i;

	snprintf(log, sizeof log, "%s/messages.log", folder);
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		err = (struct err){0};
		assert_int_equal(process_run(&rows[i].config, i == 4 ? 100 : 10000, &err),
		    -1);
		if (strstr(err.text, rows[i].message) == NULL)
			fail_msg("'%s' has no '%s'", err.text, rows[i].message);
	}
	err = (struct err){0};
	assert_int_equal(program_need("nginx-that-is-not", &err), -1);
	err = (struct err){0};
	setenv("PATH", "/no/such", 1);
	/* by the folders that are always looked at */
	assert_int_equal(program_need("sh", &err), 0);
	setenv("PATH", "/usr/bin:/bin:/usr/sbin:/sbin", 1);
}

static void
test_time_and_signals(void **state)
{
	struct process *p = shell("trap 'echo term; exit 5' TERM; trap 'echo usr >&2' USR1; echo up; "
	    "while :; do sleep 0.05; done", in_folder("time.log"));

	assert_string_equal(await_content(in_folder("time.log")), "up\n");
	assert_int_equal(process_wait(p, 0), PROCESS_RUNNING);
	assert_int_equal(process_wait(p, 20), PROCESS_RUNNING);
	assert_true(process_is_running(p));
	assert_int_equal(kill(process_pid(p), 0), 0);
	process_signal(p, SIGUSR1);
	while (strcmp(content(in_folder("time.log")), "up\n") == 0)
		usleep(10000);
	assert_string_equal(content(in_folder("time.log")), "up\nusr\n");
	process_end(p, 10000);
	assert_int_equal(process_status(p), 5);
	assert_false(process_is_running(p));
	assert_string_equal(content(in_folder("time.log")), "up\nusr\nterm\n");
	process_free(p);

	p = shell("trap '' TERM; echo up; while :; do sleep 0.05; done",
	    in_folder("deaf.log"));
	(void)await_content(in_folder("deaf.log"));
	process_end(p, 50);
	assert_int_equal(process_status(p), 128 + SIGKILL);
	process_free(p);
}

static void
test_any(void **state)
{
	struct process *list[3] = {shell("sleep 60", NULL), NULL, shell("exit 4", NULL)};
	unsigned which = 9;

	assert_int_equal(process_wait_any(list, 3, 10000, &which), PROCESS_ENDED);
	assert_int_equal(which, 2);
	assert_int_equal(process_status(list[2]), 4);
	process_free(list[2]);
	list[2] = NULL;
	assert_int_equal(process_wait_any(list, 3, 10, &which), PROCESS_RUNNING);
	process_free(list[0]);
}

/* Starts grandchildren of all sorts; their ids go to the file. */
static const char many[] =
    "echo $$ >>$FOLDER/ids\n"
    "sleep 1000 & echo $! >>$FOLDER/ids\n"
    "setsid sh -c 'echo $$ >>$FOLDER/ids; trap \"\" TERM HUP; sleep 1000 & wait' &\n"
    "(setsid sh -c 'sleep 1001 & echo $! >>$FOLDER/ids') & wait $!\n"
    "while [ $(wc -l <$FOLDER/ids) -lt 4 ]; do sleep 0.01; done\n"
    "echo up >&2\n";

static void
all_are_gone(void)
{
	char copy[4096], *line, *rest;
	int i, n = 0;
	long pid;

	snprintf(copy, sizeof copy, "%s", content(in_folder("ids")));
	for (line = strtok_r(copy, "\n", &rest); line != NULL;
	    line = strtok_r(NULL, "\n", &rest)) {
		pid = strtol(line, NULL, 10);
		assert_true(pid > 1);
		for (i = 0; i < 500 && kill((pid_t)pid, 0) == 0; i++)
			usleep(10000);
		assert_int_equal(kill((pid_t)pid, 0), -1);
		assert_int_equal(errno, ESRCH);
		n++;
	}
	assert_int_equal(n, 4);
}

static void
test_children_end(void **state)
{
	char script[2048], log[512];
	struct process *p;
	int i;

	for (i = 0; i < 3; i++) {
		snprintf(log, sizeof log, "%s/many%d.log", folder, i);
		(void)unlink(in_folder("ids"));
		snprintf(script, sizeof script, "%s%s", many, i == 0 ? "exit 3" : "wait");
		p = shell(script, log);
		assert_string_equal(await_content(log), "up\n");
		if (i == 0)
			assert_int_equal(process_wait(p, 20000), PROCESS_ENDED);
		else
			process_end(p, i == 1 ? 5000 : 0);
		if (i == 0)
			assert_int_equal(process_status(p), 3);
		process_free(p);
		all_are_gone();
	}
}

/* A program that dies takes its processes along. */
static void
test_parent_dies(void **state)
{
	char script[2048];
	pid_t pid;
	int status;

	(void)unlink(in_folder("ids"));
	snprintf(script, sizeof script, "%swait", many);
	if ((pid = fork()) == 0) {
		(void)shell(script, in_folder("dies.log"));
		(void)await_content(in_folder("dies.log"));
		(void)raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	all_are_gone();
}

static void
test_stop(void **state)
{
	struct err err = {0};
	struct process *p;
	pid_t pid;
	int status;

	if ((pid = fork()) == 0) {
		if (stop_catch(&err) != 0 || stop_asked() || !stop_sleep(10))
			_exit(1);
		p = shell("sleep 1000", NULL);
		(void)raise(SIGTERM);
		if (process_wait(p, -1) != PROCESS_STOP || !stop_asked() ||
		    stop_sleep(1000000))
			_exit(2);
		if (process_wait(p, -1) != PROCESS_STOP) /* it stays */
			_exit(3);
		process_end(p, 1000); /* waits all the same */
		_exit(process_status(p) == 128 + SIGTERM ? 0 : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
test_user_and_files(void **state)
{
	const char *argv[] = {"sh", "-c", "id -un; echo $HOME; cat /etc/hostname", NULL};
	const char *files[] = {NULL, NULL};
	struct process_config config = {.argv = argv, .files = files, .user = "nobody"};
	char binding[600], output[512];
	struct err err = {0};
	FILE *f;

	if (getuid() != 0 || access("/etc/hostname", R_OK) != 0) {
		print_message("# skip: needs root and /etc/hostname\n");
		skip();
	}
	f = fopen(in_folder("hostname"), "w");
	fputs("a name of its own\n", f);
	fclose(f);
	snprintf(binding, sizeof binding, "%s/hostname:/etc/hostname", folder);
	snprintf(output, sizeof output, "%s/who", folder);
	files[0] = binding;
	config.output = output;
	if (process_run(&config, 10000, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(content(output), "nobody\n/nonexistent\na name of its own\n");
	assert_string_not_equal(content("/etc/hostname"), "a name of its own\n");
}

static void
test_program_run(void **state)
{
	const char *cat[] = {"cat", NULL},
	    *bad[] = {"sh", "-c", "echo first >&2; echo 2 >&2; exit 1", NULL};
	struct err err = {0};
	struct text out, big;
	int i;

	text_init(&out);
	text_init(&big);
	for (i = 0; i < 100000; i++)
		text_printf(&big, "%d\n", i);
	assert_int_equal(program_run(cat, big.data, &out, &err), 0);
	assert_string_equal(out.data, big.data);
	assert_int_equal(program_run(bad, NULL, NULL, &err), -1);
	assert_string_equal(err.text, "sh: first");
	text_done(&out);
	text_done(&big);
}

int
main(void)
{
	const struct CMUnitTest list[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_time_and_signals),
		cmocka_unit_test(test_any),
		cmocka_unit_test(test_children_end),
		cmocka_unit_test(test_parent_dies),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_user_and_files),
		cmocka_unit_test(test_program_run),
	};

	snprintf(folder, sizeof folder, "%s",
	    getenv("WEIR_TMP") != NULL ? getenv("WEIR_TMP") : "/tmp");
	if (getenv("WEIR_TMP") == NULL) {
		strcat(folder, "/weir-lab-XXXXXX");
		assert_non_null(mkdtemp(folder));
	}
	(void)chmod(folder, 0755);
	return cmocka_run_group_tests(list, NULL, NULL);
}
