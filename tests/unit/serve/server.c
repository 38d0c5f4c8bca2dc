/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket with clients that are polite, slow, many, silent, gone or not
 * speaking its language; its file; and both ways of asking.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "serve/call.h"
#include "serve/request.h"
#include "rig.h"

#include <pthread.h>
#include <sys/stat.h>

static const struct {
	const char *request, *answer;
} dialogues[] = {
	{"echo hello\n", "hello\n"},
	{"echo hello\r\n", "hello\n"},
	{"echo\n", "(nothing)\n"},
	{"json echo a\"b\n", "\"a\\\"b\"\n"},
	{"nonsense\n", "Unknown control command \"nonsense\"\n"},
	{"json nonsense\n", "{\"error\":\"Unknown control command \\\"nonsense\\\"\"}\n"},
	{"long now\n", "long takes no argument\n"},
	{"json long\n", "{\"error\":\"long has no JSON form\"}\n"},
	{"fail x\n", ".half an answerno such thing as x\n"},
	{"huge\n", "huge: the answer is too big\n"},
	{"\n", "the request is empty; help lists the commands\n"},
	{"\x7f" "ELF\x01\x02\n", "octet 1 of the request is no printable ASCII\n"},
};

static void
test_dialogues(void **state)
{
	struct rig rig;
	struct serve_config config;
	size_t i;

	(void)state;
	rig_path(&rig, "dialogues");
	config = rig_config(&rig);
	rig_start(&rig, &config);
	for (i = 0; i < sizeof dialogues / sizeof *dialogues; i++)
		assert_answer(&rig, dialogues[i].request, dialogues[i].answer);
	assert_int_equal(server_counters(rig.server)[SERVE_clients], i);
	assert_int_equal(server_counters(rig.server)[SERVE_too_big], 1);
	assert_int_equal(server_counters(rig.server)[SERVE_bad_requests], 2);
	assert_int_equal(server_counters(rig.server)[SERVE_requests], 4);
	assert_int_equal(server_counters(rig.server)[SERVE_failed], i - 4);
	server_close(rig.server);
}

static void
test_help_lists_all(void **state)
{
	struct rig rig;
	struct serve_config config;
	char *text, *json;
	size_t i;

	(void)state;
	rig_path(&rig, "help");
	config = rig_config(&rig);
	rig_start(&rig, &config);
	text = ask(&rig, "help\n");
	json = ask(&rig, "json help\n");
	for (i = 0; i < sizeof rig_commands / sizeof *rig_commands; i++) {
		assert_non_null(strstr(text, rig_commands[i].name));
		assert_non_null(strstr(text, rig_commands[i].help));
		assert_non_null(strstr(json, rig_commands[i].help));
	}
	free(text);
	free(json);
	server_close(rig.server);
}

/* Several framed requests on a connection, some in one packet, some in single octets, and
 * the last without a line end. */
static void
test_framed_session(void **state)
{
	static const char slowly[] = "weir json echo slow\n";
	struct rig rig;
	struct serve_config config;
	char *text;
	size_t i;
	int fd;

	(void)state;
	rig_path(&rig, "session");
	config = rig_config(&rig);
	rig_start(&rig, &config);
	fd = rig_connect(&rig);
	put(fd, "weir echo .dot\nweir fail y\nweir echo three\n");
	text = get(fd, "three\n. ok\n");
	assert_string_equal(text,
	    "..dot\n. ok\n..half an answer\n. error no such thing as y\n"
	    "three\n. ok\n");
	free(text);
	for (i = 0; slowly[i] != '\0'; i++) {
		usleep(1000);
		assert_int_equal(send(fd, slowly + i, 1, MSG_NOSIGNAL), 1);
	}
	text = get(fd, ". ok\n");
	assert_string_equal(text, "\"slow\"\n. ok\n");
	free(text);
	put(fd, "weir echo last");
	shutdown(fd, SHUT_WR);
	text = get(fd, NULL);
	assert_string_equal(text, "last\n. ok\n");
	free(text);
	close(fd);
	server_close(rig.server);
}

/* However long the line gets, it is answered once and the client is gone. */
static void
test_too_long_lines(void **state)
{
	static const size_t lengths[] = {REQUEST_LINE_MAX, REQUEST_LINE_MAX + 1,
	    REQUEST_LINE_MAX + 2, 100000};
	struct rig rig;
	struct serve_config config;
	char *line = malloc(100002), *text;
	size_t i, len;
	int fd;

	(void)state;
	assert_non_null(line);
	rig_path(&rig, "lines");
	config = rig_config(&rig);
	rig_start(&rig, &config);
	for (i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		len = lengths[i];
		memset(line, 'a', len);
		memcpy(line, "echo ", 5);
		line[len] = '\n';
		fd = rig_connect(&rig);
		(void)send(fd, line, len + 1, MSG_NOSIGNAL);
		text = get(fd, NULL);
		if (len <= REQUEST_LINE_MAX)
			assert_int_equal(strlen(text), len - 5 + 1);
		else
			assert_string_equal(text,
			    "a request is a line of at most 255 octets\n");
		free(text);
		close(fd);
	}
	assert_int_equal(server_counters(rig.server)[SERVE_bad_requests], i - 1);
	free(line);
	server_close(rig.server);
}

/* A client that says nothing, and one that never ends its line, are cut off in time. */
static void
test_slow_to_ask(void **state)
{
	struct rig rig;
	struct serve_config config;
	int silent, dawdling, i;
	char *text;
	ssize_t sent = 1;

	(void)state;
	rig_path(&rig, "slow");
	config = rig_config(&rig);
	config.timeout_ms = 200;
	rig_start(&rig, &config);
	silent = rig_connect(&rig);
	dawdling = rig_connect(&rig);
	for (i = 0; i < 200 && sent == 1; i++) {
		sent = send(dawdling, "a", 1, MSG_NOSIGNAL);
		usleep(20000);
	}
	assert_int_equal(sent, -1);
	text = get(silent, NULL);
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(server_counters(rig.server)[SERVE_timeouts], 2);
	assert_answer(&rig, "echo still here\n", "still here\n");
	close(silent);
	close(dawdling);
	server_close(rig.server);
}

/* Who does not read a long answer holds up neither the others nor its maker: no more
 * pieces are made than the socket's buffer takes. */
static void
test_slow_to_read(void **state)
{
	struct rig rig;
	struct serve_config config;
	unsigned pieces;
	char *text;
	int fd, i;

	(void)state;
	rig_path(&rig, "read");
	config = rig_config(&rig);
	config.timeout_ms = 300;
	rig_start(&rig, &config);
	fd = rig_connect(&rig);
	put(fd, "long\n");
	for (i = 0; i < 5; i++)
		assert_answer(&rig, "echo meanwhile\n", "meanwhile\n");
	pieces = atomic_load(&rig.pieces);
	assert_true(pieces < 64);
	usleep(100000);
	assert_true(atomic_load(&rig.pieces) < 64);
	for (i = 0; i < 400 && server_counters(rig.server)[SERVE_timeouts] == 0; i++)
		usleep(20000);
	assert_int_equal(server_counters(rig.server)[SERVE_timeouts], 1);
	close(fd);
	/* One that reads gets all of it. */
	text = ask(&rig, "long\n");
	assert_int_equal(strlen(text), (size_t)PIECE * PIECES);
	free(text);
	/* One that goes away in the middle is noticed. */
	fd = rig_connect(&rig);
	put(fd, "long\n");
	close(fd);
	for (i = 0; i < 400 && server_counters(rig.server)[SERVE_lost] == 0; i++)
		usleep(20000);
	assert_int_equal(server_counters(rig.server)[SERVE_lost], 1);
	server_close(rig.server);
}

/* All places taken by idle clients: the longest idle one makes room. */
static void
test_many_clients(void **state)
{
	enum { PLACES = 3, IDLE = 40 };
	struct rig rig;
	struct serve_config config;
	int idle[IDLE], i;

	(void)state;
	rig_path(&rig, "many");
	config = rig_config(&rig);
	config.clients = PLACES;
	config.timeout_ms = 60000;
	rig_start(&rig, &config);
	for (i = 0; i < IDLE; i++) {
		struct sockaddr_un address = {.sun_family = AF_UNIX};

		strcpy(address.sun_path, rig.path);
		idle[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(idle[i], (struct sockaddr *)&address, sizeof address);
		if (i >= PLACES)
			close(idle[i]);
	}
	assert_answer(&rig, "echo let me in\n", "let me in\n");
	assert_true(server_counters(rig.server)[SERVE_evicted] >= 1);
	assert_int_equal(server_counters(rig.server)[SERVE_timeouts], 0);
	for (i = 0; i < PLACES; i++)
		close(idle[i]);
	server_close(rig.server);
}

/* All places taken by clients that do not read what they asked for. */
static void
test_many_that_do_not_read(void **state)
{
	enum { PLACES = 3 };
	struct rig rig;
	struct serve_config config;
	int fds[PLACES], i;

	(void)state;
	rig_path(&rig, "unread");
	config = rig_config(&rig);
	config.clients = PLACES;
	config.timeout_ms = 60000;
	rig_start(&rig, &config);
	for (i = 0; i < PLACES; i++) {
		fds[i] = rig_connect(&rig);
		put(fds[i], "long\n");
	}
	assert_answer(&rig, "echo let me in\n", "let me in\n");
	assert_true(server_counters(rig.server)[SERVE_evicted] >= 1);
	assert_true(atomic_load(&rig.pieces) < 64 * PLACES);
	for (i = 0; i < PLACES; i++)
		close(fds[i]);
	server_close(rig.server);
}

/* An answer under way when the server is closed still arrives. */
static void
test_close_lets_answers_end(void **state)
{
	struct rig rig;
	struct serve_config config;
	char *text;
	int fd, i;

	(void)state;
	rig_path(&rig, "close");
	config = rig_config(&rig);
	rig_start(&rig, &config);
	fd = rig_connect(&rig);
	put(fd, "echo goodbye\n");
	for (i = 0; i < 400 && server_counters(rig.server)[SERVE_requests] == 0; i++)
		usleep(5000);
	server_close(rig.server);
	text = get(fd, NULL);
	assert_string_equal(text, "goodbye\n");
	free(text);
	close(fd);
	assert_int_equal(access(rig.path, F_OK), -1);
}

static void
test_socket_file(void **state)
{
	struct rig rig, second, third;
	struct serve_config config, other;
	struct err err = {0};
	struct stat st;
	char group[32];
	FILE *file;
	int fd;
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)state;
	rig_path(&rig, "file");
	config = rig_config(&rig);
	snprintf(group, sizeof group, "%u", (unsigned)getegid());
	config.group = group;
	/* A dead socket is replaced. */
	strcpy(address.sun_path, rig.path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	close(fd);
	rig_start(&rig, &config);
	assert_int_equal(stat(rig.path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0660);
	assert_int_equal(st.st_gid, getegid());
	assert_answer(&rig, "echo first\n", "first\n");
	/* A live one is not. */
	other = config;
	second = rig;
	assert_int_equal(server_open(&other, &second.server, &err), -1);
	assert_non_null(strstr(err.text, "another program listens there"));
	assert_answer(&rig, "echo first\n", "first\n");
	/* The path is someone else's by now: it stays. */
	assert_int_equal(unlink(rig.path), 0);
	file = fopen(rig.path, "w");
	assert_non_null(file);
	fclose(file);
	server_close(rig.server);
	assert_int_equal(access(rig.path, F_OK), 0);
	/* And a file that is no socket is never touched. */
	err_clear(&err);
	third = rig;
	assert_int_equal(server_open(&config, &third.server, &err), -1);
	assert_non_null(strstr(err.text, "no socket"));
	assert_int_equal(access(rig.path, F_OK), 0);
	unlink(rig.path);
}

static void
test_bad_paths(void **state)
{
	static const struct {
		const char *path, *group, *error;
	} rows[] = {
		{"", NULL, "needs a path"},
		{"/nowhere/at/all.ctl", NULL, "No such file"},
		{"/tmp/0123456789012345678901234567890123456789012345678901234567890123456789"
		 "0123456789012345678901234567890123456789", NULL, "longer than 107"},
		{"/tmp/x.ctl", "no such group", "there is no group"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct serve_config config = {.path = rows[i].path,
		    .group = rows[i].group,
		    .commands = rig_commands, .command_count = 1};
		struct server *server;
		struct err err = {0};

		assert_int_equal(server_open(&config, &server, &err), -1);
		assert_non_null(strstr(err.text, rows[i].error));
	}
}

static int
collect_text(void *context, const char *text, size_t len, struct err *err)
{
	(void)err;
	text_bytes(context, text, len);
	return 0;
}

static const struct {
	const char *command;
	bool is_json, is_plain;
	int status;
	const char *answer, *error;
} calls[] = {
	{"echo .hello", false, false, 0, ".hello\n", NULL},
	{"echo .hello", false, true, 0, ".hello\n", NULL},
	{"echo hello", true, false, 0, "\"hello\"\n", NULL},
	{"fail z", false, false, -1, ".half an answer\n", "no such thing as z"},
	{"nonsense", false, false, -1, "", "Unknown control command \"nonsense\""},
	{"nonsense", false, true, 0, "Unknown control command \"nonsense\"\n", NULL},
	{"echo a\nb", false, false, -1, "", "a command is a line"},
};

static void
test_calls(void **state)
{
	struct rig rig;
	struct serve_config config;
	struct serve_call call = {0};
	struct text text;
	size_t i;

	(void)state;
	rig_path(&rig, "calls");
	config = rig_config(&rig);
	rig_start(&rig, &config);
	text_init(&text);
	for (i = 0; i < sizeof calls / sizeof *calls; i++) {
		struct err err = {0};

		text_clear(&text);
		call = (struct serve_call){.path = rig.path, .command = calls[i].command,
		    .is_json = calls[i].is_json, .is_plain = calls[i].is_plain,
		    .put = collect_text, .context = &text};
		assert_int_equal(serve_call(&call, &err), calls[i].status);
		assert_string_equal(text.data, calls[i].answer);
		if (calls[i].error != NULL)
			assert_non_null(strstr(err.text, calls[i].error));
	}
	text_clear(&text);
	call.command = "long";
	assert_int_equal(serve_call(&call, NULL), 0);
	assert_int_equal(text.len, (size_t)PIECE * PIECES);
	server_close(rig.server);
	{
		struct err err = {0};

		assert_int_equal(serve_call(&call, &err), -1);
		assert_non_null(strstr(err.text, "there is no such socket"));
	}
	text_done(&text);
}

/* A server that knows bare words only, one request a connection, as softflowd. */
static void *
old_server(void *arg)
{
	int listener = *(int *)arg, fd, i;
	char line[64];
	FILE *f;

	for (i = 0; i < 2; i++) {
		fd = accept(listener, NULL, NULL);
		f = fdopen(fd, "r+");
		if (f == NULL || fgets(line, sizeof line, f) == NULL)
			break;
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "statistics") == 0)
			fputs("Number of active flows: 3\n. ok\n", f);
		else
			fprintf(f, "Unknown control command \"%s\"\n", line);
		fclose(f);
	}
	return NULL;
}

static void
test_calls_of_an_old_server(void **state)
{
	struct rig rig;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct serve_call call = {.command = "statistics", .put = collect_text};
	struct err err = {0};
	struct text text;
	pthread_t thread;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	rig_path(&rig, "old");
	strcpy(address.sun_path, rig.path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(pthread_create(&thread, NULL, old_server, &fd), 0);
	text_init(&text);
	call.path = rig.path;
	call.context = &text;
	assert_int_equal(serve_call(&call, &err), 0);
	assert_string_equal(text.data, "Number of active flows: 3\n. ok\n");
	pthread_join(thread, NULL);
	close(fd);
	assert_int_equal(serve_call(&call, &err), -1);
	assert_non_null(strstr(err.text, "nobody listens there"));
	unlink(rig.path);
	text_done(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dialogues),
		cmocka_unit_test(test_help_lists_all),
		cmocka_unit_test(test_framed_session),
		cmocka_unit_test(test_too_long_lines),
		cmocka_unit_test(test_slow_to_ask),
		cmocka_unit_test(test_slow_to_read),
		cmocka_unit_test(test_many_clients),
		cmocka_unit_test(test_many_that_do_not_read),
		cmocka_unit_test(test_close_lets_answers_end),
		cmocka_unit_test(test_socket_file),
		cmocka_unit_test(test_bad_paths),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_calls_of_an_old_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
