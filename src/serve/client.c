/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One client of the control socket: a line is read, a command found, its answer written
 * piece by piece. Nothing here waits.
 */
#include "serve/server_private.h"

#include "base/err.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
client_open(struct client *c, int fd, int64_t now)
{
	*c = (struct client){.state = CLIENT_READING, .fd = fd, .since_ms = now};
	text_init(&c->out);
	text_init(&c->reply.text);
}

void
client_close(struct client *c)
{
	char rest[1024];
	int tries;

	/* What was sent and not read would turn the client's end of file into an
	 * error. */
	for (tries = 0; tries < 16 && recv(c->fd, rest, sizeof rest, MSG_DONTWAIT) > 0;
	    tries++)
		;
	close(c->fd);
	text_done(&c->out);
	text_done(&c->reply.text);
	*c = (struct client){.fd = -1};
}

/* The end of an answer; message NULL: a good one. */
static void
finish(struct server *s, struct client *c, const char *message)
{
	c->command = NULL;
	server_count(s, message == NULL ? SERVE_requests : SERVE_failed);
	if (c->request.is_framed)
		frame_end(&c->out, message, &c->is_line_start);
	else if (message != NULL && c->request.is_json) {
		text_str(&c->out, "{\"error\":");
		text_json(&c->out, message, strlen(message));
		text_str(&c->out, "}\n");
	} else if (message != NULL)
		text_printf(&c->out, "%s\n", message);
}

/* The next piece of the answer. */
static void
answer(struct server *s, struct client *c)
{
	struct err err = {0};
	enum serve_outcome outcome;

	text_clear(&c->out);
	c->sent = 0;
	text_clear(&c->reply.text);
	outcome = server_step(s, c->command, c->request.argument, &c->reply, &err);
	if (c->request.is_framed)
		frame_text(&c->out, c->reply.text.data, c->reply.text.len,
		    &c->is_line_start);
	else
		text_bytes(&c->out, c->reply.text.data, c->reply.text.len);
	if (outcome != SERVE_MORE)
		finish(s, c, outcome == SERVE_DONE ? NULL : err.text);
}

/* A line of len octets, or as much of it as there will be, has come. */
static void
begin(struct server *s, struct client *c, size_t len, bool is_too_long)
{
	struct err err = {0};

	text_clear(&c->out);
	c->sent = 0;
	c->state = CLIENT_ANSWERING;
	c->moved_ms = now_ms();
	c->is_line_start = true;
	c->command = NULL;
	memcpy(c->line, c->in, len);
	if (request_parse(c->line, len, &c->request, &err) == 0 && !is_too_long) {
		c->is_last |= !c->request.is_framed;
		c->command = server_admit(s, &c->request, &err);
	} else {
		server_count(s, SERVE_bad_requests);
		c->is_last = true;
		if (is_too_long) {
			err_clear(&err);
			err_set(&err, EMSGSIZE,
			    "a request is a line of at most %d octets", REQUEST_LINE_MAX);
		}
	}
	if (c->command == NULL)
		finish(s, c, err.text);
	c->reply.is_json = c->request.is_json;
	c->reply.cursor = 0;
}

/* Begins to answer if a whole line is there; what follows it stays for later. */
static void
take_line(struct server *s, struct client *c, bool is_end)
{
	char *newline = memchr(c->in, '\n', c->in_len);
	size_t len = newline == NULL ? c->in_len : (size_t)(newline - c->in), used;

	c->state = CLIENT_READING;
	c->since_ms = now_ms();
	if (newline == NULL && c->in_len <= REQUEST_LINE_MAX && !is_end)
		return;
	c->is_last |= newline == NULL;
	begin(s, c, len <= REQUEST_LINE_MAX ? len : REQUEST_LINE_MAX,
	    len > REQUEST_LINE_MAX);
	used = newline == NULL ? c->in_len : len + 1;
	c->in_len -= used;
	memmove(c->in, c->in + used, c->in_len);
}

void
client_read(struct server *s, struct client *c)
{
	int64_t since = c->since_ms;
	ssize_t n = recv(c->fd, c->in + c->in_len, sizeof c->in - c->in_len,
	    MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 || (n == 0 && c->in_len == 0)) {
		client_close(c);
		return;
	}
	c->in_len += (size_t)n;
	take_line(s, c, n == 0);
	if (c->state == CLIENT_READING)
		c->since_ms = since; /* octet by octet buys no time */
}

void
client_write(struct server *s, struct client *c)
{
	ssize_t n = 0;

	if (c->sent == c->out.len && c->command != NULL) {
		answer(s, c);
		c->since_ms = now_ms();
	}
	if (c->sent < c->out.len)
		n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		server_count(s, SERVE_lost);
		client_close(c);
		return;
	}
	c->sent += (size_t)n;
	if (n > 0)
		c->moved_ms = now_ms();
	if (c->sent < c->out.len || c->command != NULL)
		return;
	if (c->is_last)
		client_close(c);
	else
		take_line(s, c, false);
}
