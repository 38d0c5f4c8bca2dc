/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_SERVE_RIG_H
#define TESTS_SERVE_RIG_H

/* A server with a few commands, and clients that are rude in one way each. */
#include "base/err.h"
#include "base/text.h"
#include "serve/server.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PIECE = 32768, PIECES = 1000 };

struct rig {
	struct server *server;
	char path[100];
	atomic_uint pieces; /* that "long" was asked for */
};

static enum serve_outcome
run_echo(void *context, const char *argument, struct serve_reply *reply, struct err *err)
{
	(void)context;
	(void)err;
	if (reply->is_json)
		text_json(&reply->text, argument == NULL ? "" : argument,
		    argument == NULL ? 0 : strlen(argument));
	else
		text_str(&reply->text, argument == NULL ? "(nothing)" : argument);
	text_char(&reply->text, '\n');
	return SERVE_DONE;
}

static enum serve_outcome
run_long(void *context, const char *argument, struct serve_reply *reply, struct err *err)
{
	struct rig *rig = context;

	(void)argument;
	(void)err;
	memset(text_room(&reply->text, PIECE), 'x', PIECE - 1);
	reply->text.len += PIECE - 1;
	text_char(&reply->text, '\n');
	atomic_fetch_add(&rig->pieces, 1);
	return ++reply->cursor == PIECES ? SERVE_DONE : SERVE_MORE;
}

static enum serve_outcome
run_fail(void *context, const char *argument, struct serve_reply *reply, struct err *err)
{
	(void)context;
	text_str(&reply->text, ".half an answer");
	err_set(err, EINVAL, "no such thing as %s",
	    argument == NULL ? "nothing" : argument);
	return SERVE_FAILED;
}

static enum serve_outcome
run_huge(void *context, const char *argument, struct serve_reply *reply, struct err *err)
{
	(void)context;
	(void)argument;
	(void)err;
	memset(text_room(&reply->text, SERVE_REPLY_MAX + 1), 'x', SERVE_REPLY_MAX + 1);
	reply->text.len += SERVE_REPLY_MAX + 1;
	return SERVE_DONE;
}

static const struct serve_command rig_commands[] = {
	{"echo", "TEXT", "says it again", true, run_echo},
	{"long", NULL, "a long answer", false, run_long},
	{"fail", "THING", "goes wrong", true, run_fail},
	{"huge", NULL, "more than may be", false, run_huge},
	{"metrics", NULL, "stands in for metrics", false, run_echo},
};

static void
rig_path(struct rig *rig, const char *name)
{
	const char *folder = getenv("WEIR_TMP");

	memset(rig, 0, sizeof *rig);
	snprintf(rig->path, sizeof rig->path, "%.70s/%s",
	    folder != NULL ? folder : "/tmp", name);
	unlink(rig->path);
}

static struct serve_config
rig_config(struct rig *rig)
{
	return (struct serve_config){.path = rig->path, .commands = rig_commands,
	    .command_count = sizeof rig_commands / sizeof *rig_commands, .context = rig};
}

static void
rig_start(struct rig *rig, const struct serve_config *config)
{
	struct err err = {0};

	if (server_open(config, &rig->server, &err) != 0 ||
	    server_start(rig->server, &err) != 0)
		fail_msg("%s", err.text);
}

static inline int
rig_connect(const struct rig *rig)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, rig->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static inline void
put(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Everything up to the end of file, or to the end of a framed answer if until is set. */
static inline char *
get(int fd, const char *until)
{
	struct text t;
	struct pollfd p = {fd, POLLIN, 0};
	ssize_t n;

	text_init(&t);
	for (;;) {
		if (until != NULL && t.len >= strlen(until) &&
		    strcmp(t.data + t.len - strlen(until), until) == 0)
			break;
		assert_int_equal(poll(&p, 1, 20000), 1);
		n = recv(fd, text_room(&t, 65536), 65536, 0);
		if (n <= 0)
			break;
		t.len += (size_t)n;
		t.data[t.len] = '\0';
	}
	return t.data;
}

/* One request, plainly; the answer is the caller's. */
static inline char *
ask(const struct rig *rig, const char *request)
{
	int fd = rig_connect(rig);
	char *text;

	put(fd, request);
	text = get(fd, NULL);
	close(fd);
	return text;
}

static inline void
assert_answer(const struct rig *rig, const char *request, const char *wanted)
{
	char *text = ask(rig, request);

	assert_string_equal(text, wanted);
	free(text);
}

#endif
