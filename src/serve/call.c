/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request to a control socket. A framed answer is undone line by line: the doubled
 * dots go, and the last line says how it went.
 */
#include "serve/call.h"

#include "base/err.h"
#include "base/text.h"
#include "serve/listen.h"
#include "serve/request.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TIMEOUT_MS = 90000, READ_BYTES = 16384 };

struct answer {
	const struct serve_call *call;
	struct text line;   /* the begin of one, not decided on yet */
	bool is_done;       /* the last line has come */
	bool is_unknown;    /* the server took "weir" for a command */
	bool has_text;
};

static int
wait_for(const struct serve_call *call, int fd, short events, struct err *err)
{
	struct pollfd p = {fd, events, 0};
	int n;

	do
		n = poll(&p, 1, call->timeout_ms != 0 ? (int)call->timeout_ms
		    : TIMEOUT_MS);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(err, errno, "%s: poll: %s", call->path, strerror(errno));
	return n > 0 ? 0 : err_set(err, ETIMEDOUT,
	    "%s: no answer; is the program stopped?", call->path);
}

static int
request_send(const struct serve_call *call, int fd, bool is_plain, struct err *err)
{
	struct text t;
	size_t sent = 0;
	ssize_t n;
	int status = 0;

	text_init(&t);
	text_printf(&t, "%s%s%s\n", is_plain ? "" : "weir ", call->is_json ? "json " : "",
	    call->command);
	if (t.len > REQUEST_LINE_MAX || strchr(call->command, '\n') != NULL)
		status = err_set(err, EINVAL, "a command is a line of at most %d octets",
		    REQUEST_LINE_MAX);
	while (status == 0 && sent < t.len) {
		n = send(fd, t.data + sent, t.len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n >= 0)
			sent += (size_t)n;
		else if (errno == EAGAIN || errno == EINTR)
			status = wait_for(call, fd, POLLOUT, err);
		else
			status = err_set(err, errno, "%s: %s", call->path,
			    strerror(errno));
	}
	text_done(&t);
	return status;
}

/* A whole line of a framed answer, with its newline. */
static int
answer_line(struct answer *a, const char *line, size_t len, struct err *err)
{
	static const char ok[] = ". ok\n", error[] = ". error ";
	static const char unknown[] = "Unknown control command \"weir ";

	if (len >= sizeof ok - 1 && memcmp(line, ok, sizeof ok - 1) == 0) {
		a->is_done = true;
		return 0;
	}
	if (len >= sizeof error - 1 && memcmp(line, error, sizeof error - 1) == 0) {
		a->is_done = true;
		return err_set(err, EPROTO, "%.*s", (int)(len - sizeof error),
		    line + sizeof error - 1);
	}
	if (!a->has_text && strncmp(line, unknown, sizeof unknown - 1) == 0) {
		a->is_unknown = true;
		return 0;
	}
	a->has_text = true;
	if (line[0] == '.') {
		line++;
		len--;
	}
	return a->call->put(a->call->context, line, len, err);
}

static int
answer_bytes(struct answer *a, const char *bytes, size_t len, struct err *err)
{
	size_t at = 0;
	char *newline;
	int status = 0;

	text_bytes(&a->line, bytes, len);
	while (status == 0 && !a->is_done &&
	    (newline = memchr(a->line.data + at, '\n', a->line.len - at)) != NULL) {
		len = (size_t)(newline + 1 - (a->line.data + at));
		status = answer_line(a, a->line.data + at, len, err);
		at += len;
	}
	memmove(a->line.data, a->line.data + at, a->line.len - at);
	a->line.len -= at;
	a->line.data[a->line.len] = '\0';
	if (status == 0 && a->line.len > READ_BYTES * 64)
		status = err_set(err, EMSGSIZE,
		    "%s: the answer has a line without an end", a->call->path);
	return status;
}

static int
answer_read(struct answer *a, int fd, bool is_plain, struct err *err)
{
	const struct serve_call *call = a->call;
	char bytes[READ_BYTES];
	ssize_t n;
	int status = 0;

	while (status == 0 && !a->is_done) {
		if (wait_for(call, fd, POLLIN, err) != 0)
			return -1;
		n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return err_set(err, errno, "%s: %s", call->path, strerror(errno));
		if (n == 0 && (is_plain || a->is_unknown))
			return 0;
		if (n == 0)
			return err_set(err, EPROTO, "%s: the answer breaks off",
			    call->path);
		status = is_plain ? call->put(call->context, bytes, (size_t)n, err)
		    : answer_bytes(a, bytes, (size_t)n, err);
	}
	return status;
}

static int
call_once(struct answer *a, bool is_plain, struct err *err)
{
	int fd = listener_connect(a->call->path, err), status;

	if (fd < 0)
		return -1;
	status = request_send(a->call, fd, is_plain, err);
	if (status == 0)
		status = answer_read(a, fd, is_plain, err);
	close(fd);
	return status;
}

int
serve_call(const struct serve_call *call, struct err *err)
{
	struct answer a = {.call = call};
	int status;

	text_init(&a.line);
	status = call_once(&a, call->is_plain, err);
	if (status == 0 && a.is_unknown && call->is_json)
		status = err_set(err, ENOTSUP,
		    "%s: this server has no JSON; ask for text", call->path);
	else if (status == 0 && a.is_unknown)
		status = call_once(&a, true, err);
	text_done(&a.line);
	return status;
}
