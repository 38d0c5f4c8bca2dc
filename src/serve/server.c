/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket's server: one thread, one poll loop, sockets that never block. A
 * client is a line being read or an answer being written, both bounded; who dawdles is
 * cut off, and who is idle makes room when all places are taken. Long answers are made
 * piece by piece, a piece when the one before has been read, so that no client can make
 * this process grow or wait.
 */
#include "serve/server_private.h"

#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS = 16, TIMEOUT_MS = 10000, LINGER_MS = 1000, HOLD_MS = 1000,
    READ_FACTOR = 6 };

const struct counter_row serve_counter_rows[SERVE_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "serve/counter.def"
#undef COUNTER
};

void
server_count(struct server *s, enum serve_counter counter)
{
	pthread_mutex_lock(&s->mutex);
	s->counters[counter]++;
	pthread_mutex_unlock(&s->mutex);
}

static enum serve_outcome
help(const struct server *s, struct serve_reply *reply)
{
	const struct serve_command *row = s->config.commands;
	size_t i;

	if (reply->is_json)
		text_char(&reply->text, '[');
	else
		text_str(&reply->text, "Valid control words are:\n");
	for (i = 0; i < s->config.command_count; i++, row++) {
		if (reply->is_json) {
			text_printf(&reply->text, "%s{\"name\":\"%s\",\"argument\":",
			    i > 0 ? "," : "", row->name);
			if (row->argument == NULL)
				text_str(&reply->text, "null");
			else
				text_json(&reply->text, row->argument,
				    strlen(row->argument));
			text_str(&reply->text, ",\"help\":");
			text_json(&reply->text, row->help, strlen(row->help));
			text_char(&reply->text, '}');
		} else {
			text_printf(&reply->text, "\t%-13s %-12s %s\n", row->name,
			    row->argument != NULL ? row->argument : "", row->help);
		}
	}
	text_str(&reply->text, reply->is_json ? "]\n" :
	    "\thelp                       this list\n"
	    "\"json WORD\" answers in JSON, \"weir WORD\" with a last line \". ok\" or "
	    "\". error\".\n");
	return SERVE_DONE;
}

static const struct serve_command help_row = {"help", NULL, "this list", true, NULL};

static const struct serve_command *
find(const struct server *s, const char *name, struct err *err)
{
	size_t i;

	if (strcmp(name, help_row.name) == 0)
		return &help_row;
	for (i = 0; i < s->config.command_count; i++) {
		if (strcmp(s->config.commands[i].name, name) == 0)
			return &s->config.commands[i];
	}
	err_set(err, ENOENT, "Unknown control command \"%s\"", name);
	return NULL;
}

/* What can be said before a command runs. */
const struct serve_command *
server_admit(const struct server *s, const struct request *r, struct err *err)
{
	const struct serve_command *row = find(s, r->name, err);

	if (row == NULL)
		return NULL;
	if (r->argument != NULL && row->argument == NULL)
		err_set(err, EINVAL, "%s takes no argument", row->name);
	else if (r->is_json && !row->has_json)
		err_set(err, EINVAL, "%s has no JSON form", row->name);
	else
		return row;
	return NULL;
}

enum serve_outcome
server_step(struct server *s, const struct serve_command *row, const char *argument,
    struct serve_reply *reply, struct err *err)
{
	enum serve_outcome outcome;

	pthread_mutex_lock(&s->mutex);
	outcome = row == &help_row ? help(s, reply)
	    : row->run(s->config.context, argument, reply, err);
	if (reply->text.len > SERVE_REPLY_MAX) {
		s->counters[SERVE_too_big]++;
		text_clear(&reply->text);
		err_set(err, EMSGSIZE, "%s: the answer is too big", row->name);
		outcome = SERVE_FAILED;
	}
	pthread_mutex_unlock(&s->mutex);
	return outcome;
}

int
server_execute(struct server *s, const char *name, const char *argument, bool is_json,
    struct text *out, struct err *err)
{
	struct request request = {.is_json = is_json, .name = name, .argument = argument};
	const struct serve_command *row = server_admit(s, &request, err);
	struct serve_reply reply = {.is_json = is_json};
	enum serve_outcome outcome = row == NULL ? SERVE_FAILED : SERVE_MORE;

	text_init(&reply.text);
	while (outcome == SERVE_MORE) {
		outcome = server_step(s, row, argument, &reply, err);
		text_bytes(out, reply.text.data, reply.text.len);
		text_clear(&reply.text);
	}
	text_done(&reply.text);
	return outcome == SERVE_DONE ? 0 : -1;
}

static int64_t
deadline(const struct server *s, const struct client *c)
{
	return c->since_ms + (int64_t)s->config.timeout_ms *
	    (c->state == CLIENT_ANSWERING ? READ_FACTOR : 1);
}

/* Since when nothing has come from the client, or nothing been taken by it. */
static int64_t
idle_since(const struct client *c)
{
	return c->state == CLIENT_READING ? c->since_ms : c->moved_ms;
}

/* A free place, or that of the client that has been idle for longest; NULL: none yet, and
 * *out_at_ms is when there may be one. */
static struct client *
place_find(struct server *s, int64_t now, int64_t *out_at_ms)
{
	struct client *c, *idle = NULL;

	for (c = s->clients; c < s->clients + s->config.clients; c++) {
		if (c->state == CLIENT_FREE)
			return c;
		if (idle == NULL || idle_since(c) < idle_since(idle))
			idle = c;
	}
	if (idle_since(idle) + HOLD_MS <= now)
		return idle;
	*out_at_ms = idle_since(idle) + HOLD_MS;
	return NULL;
}

static void
client_accept(struct server *s, int64_t now)
{
	int64_t at_ms;
	struct client *c = place_find(s, now, &at_ms);
	int fd;

	if (c == NULL)
		return;
	if ((fd = accept4(s->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0)
		return;
	if (c->state != CLIENT_FREE) {
		server_count(s, SERVE_evicted);
		client_close(c);
	}
	client_open(c, fd, now);
	server_count(s, SERVE_clients);
}

/* Fills fds (the wake-up, the listener, the clients by their numbers); returns how long
 * poll may wait, -1: for ever. */
static int
poll_prepare(struct server *s, struct pollfd *fds, int64_t now)
{
	int64_t until = INT64_MAX, place_ms;
	bool is_listening = !s->is_stopping && place_find(s, now, &place_ms) != NULL;
	unsigned i;

	if (!is_listening && !s->is_stopping)
		until = place_ms;
	fds[0] = (struct pollfd){s->is_stopping ? -1 : s->wake_fd, POLLIN, 0};
	fds[1] = (struct pollfd){is_listening ? s->listener.fd : -1, POLLIN, 0};
	for (i = 0; i < s->config.clients; i++) {
		struct client *c = &s->clients[i];

		fds[i + 2] = (struct pollfd){c->state == CLIENT_FREE ? -1 : c->fd,
		    c->state == CLIENT_ANSWERING ? POLLOUT : POLLIN, 0};
		if (c->state != CLIENT_FREE && deadline(s, c) < until)
			until = deadline(s, c);
	}
	if (until == INT64_MAX)
		return -1;
	return until <= now ? 0 : until - now > 60000 ? 60000 : (int)(until - now);
}

static void
turn(struct server *s)
{
	struct pollfd fds[SERVE_CLIENTS_MAX + 2];
	int64_t now = now_ms();
	int wait_ms = poll_prepare(s, fds, now);
	unsigned i;

	if (s->is_stopping && (wait_ms < 0 || wait_ms > LINGER_MS / 10))
		wait_ms = LINGER_MS / 10;
	if (poll(fds, s->config.clients + 2, wait_ms) < 0)
		return;
	now = now_ms();
	for (i = 0; i < s->config.clients; i++) {
		struct client *c = &s->clients[i];

		if (c->state == CLIENT_FREE)
			continue;
		if (fds[i + 2].revents != 0) {
			if (c->state == CLIENT_READING)
				client_read(s, c);
			else
				client_write(s, c);
		}
		if (c->state != CLIENT_FREE && deadline(s, c) <= now) {
			server_count(s, SERVE_timeouts);
			client_close(c);
		}
	}
	if (fds[1].revents != 0)
		client_accept(s, now);
	s->is_stopping |= fds[0].revents != 0;
}

/* What is being answered is answered to its end, if that is soon. */
static bool
has_answers(const struct server *s)
{
	const struct client *c;

	for (c = s->clients; c < s->clients + s->config.clients; c++) {
		if (c->state == CLIENT_ANSWERING)
			return true;
	}
	return false;
}

static void *
serve(void *arg)
{
	struct server *s = arg;
	int64_t stop_ms;

	while (!s->is_stopping)
		turn(s);
	stop_ms = now_ms() + LINGER_MS;
	while (has_answers(s) && now_ms() < stop_ms)
		turn(s);
	return NULL;
}

int
server_open(const struct serve_config *config, struct server **out, struct err *err)
{
	struct server *s = calloc(1, sizeof *s);

	if (s == NULL)
		return err_set(err, ENOMEM, "control socket: out of memory");
	pthread_mutex_init(&s->mutex, NULL);
	s->config = *config;
	s->listener.fd = -1;
	if (s->config.clients == 0)
		s->config.clients = CLIENTS;
	assert(s->config.clients <= SERVE_CLIENTS_MAX);
	if (s->config.timeout_ms == 0)
		s->config.timeout_ms = TIMEOUT_MS;
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake_fd < 0) {
		err_set(err, errno, "control socket: eventfd: %s", strerror(errno));
		goto fail;
	}
	if (config->path != NULL &&
	    listener_open(&s->listener, config->path, config->group, err) != 0)
		goto fail;
	*out = s;
	return 0;

fail:
	server_close(s);
	return -1;
}

int
server_start(struct server *s, struct err *err)
{
	sigset_t all, old;
	int code;

	if (s->listener.fd < 0)
		return 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	code = pthread_create(&s->thread, NULL, serve, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (code != 0)
		return err_set(err, code, "control socket: no thread: %s",
		    strerror(code));
	s->is_running = true;
	return 0;
}

void
server_close(struct server *s)
{
	uint64_t one = 1;
	struct client *c;

	if (s == NULL)
		return;
	if (s->is_running) {
		while (write(s->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
			;
		pthread_join(s->thread, NULL);
	}
	for (c = s->clients; c < s->clients + SERVE_CLIENTS_MAX; c++) {
		if (c->state != CLIENT_FREE)
			client_close(c);
	}
	listener_close(&s->listener);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

const uint64_t *
server_counters(const struct server *s)
{
	return s->counters;
}
