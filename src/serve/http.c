/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metrics by HTTP, with libmicrohttpd: one thread of its own for all connections.
 */
#include "serve/http.h"

#include "base/err.h"
#include "base/library.h"
#include "serve/metrics.h"
#include "serve/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FUNCTIONS(X) \
	X(MHD_add_response_header) \
	X(MHD_create_response_from_buffer) \
	X(MHD_destroy_response) \
	X(MHD_queue_response) \
	X(MHD_start_daemon) \
	X(MHD_stop_daemon)
LIBRARY_TABLE(microhttpd, FUNCTIONS)
#define MHD_add_response_header microhttpd.call.MHD_add_response_header
#define MHD_create_response_from_buffer microhttpd.call.MHD_create_response_from_buffer
#define MHD_destroy_response microhttpd.call.MHD_destroy_response
#define MHD_queue_response microhttpd.call.MHD_queue_response
#define MHD_start_daemon microhttpd.call.MHD_start_daemon
#define MHD_stop_daemon microhttpd.call.MHD_stop_daemon

enum { CONNECTIONS = 16, CONNECTION_BYTES = 16384, TIMEOUT_S = 10 };

struct http {
	struct server *server;
	int fd;
	struct MHD_Daemon *daemon; /* NULL before http_start */
};

/* What an address shows; it is the row's text itself if there is no command. */
static const struct page {
	const char *path, *command, *type, *text;
} pages[] = {
	{"/metrics", "metrics", NULL, NULL},
	{"/", NULL, "text/html; charset=utf-8",
	    "<!DOCTYPE html><title>weir</title><p><a "
	    "href=\"/metrics\">metrics</a></p>\n"},
};

static enum MHD_Result
respond(struct MHD_Connection *connection, unsigned status, const char *type,
    const char *text, size_t len)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(len, (void *)text,
	    MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result = MHD_NO;

	if (r == NULL)
		return MHD_NO;
	if (MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
	    (status != MHD_HTTP_METHOD_NOT_ALLOWED ||
	     MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD") == MHD_YES))
		result = MHD_queue_response(connection, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result
respond_error(struct http *h, struct MHD_Connection *connection, unsigned status,
    const char *message)
{
	struct text t;
	enum MHD_Result result;

	server_count(h->server, SERVE_http_errors);
	text_init(&t);
	text_printf(&t, "%s\n", message);
	result = respond(connection, status, "text/plain; charset=utf-8", t.data, t.len);
	text_done(&t);
	return result;
}

static enum MHD_Result
respond_page(struct http *h, struct MHD_Connection *connection, const struct page *page)
{
	struct err err = {0};
	struct text t;
	enum MHD_Result result;

	if (page->command == NULL)
		return respond(connection, MHD_HTTP_OK, page->type, page->text,
		    strlen(page->text));
	text_init(&t);
	if (server_execute(h->server, page->command, NULL, false, &t, &err) == 0) {
		server_count(h->server, SERVE_scrapes);
		result = respond(connection, MHD_HTTP_OK, metrics_content_type(), t.data,
		    t.len);
	} else {
		result = respond_error(h, connection, MHD_HTTP_SERVICE_UNAVAILABLE,
		    err.text);
	}
	text_done(&t);
	return result;
}

static enum MHD_Result
handle(void *context, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_len,
    void **request)
{
	static int seen;
	struct http *h = context;
	size_t i;

	(void)version;
	(void)upload;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method,
	    MHD_HTTP_METHOD_HEAD) != 0)
		return respond_error(h, connection, MHD_HTTP_METHOD_NOT_ALLOWED,
		    "only GET and HEAD");
	if (*request == NULL) { /* the first call is for the headers only */
		*request = &seen;
		return MHD_YES;
	}
	if (*upload_len > 0) {
		*upload_len = 0;
		return MHD_YES;
	}
	for (i = 0; i < sizeof pages / sizeof *pages; i++) {
		if (strcmp(pages[i].path, url) == 0)
			return respond_page(h, connection, &pages[i]);
	}
	return respond_error(h, connection, MHD_HTTP_NOT_FOUND, "only /metrics is here");
}

static int
listen_at(const char *name, const struct sockaddr *address, struct err *err)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	int on = 1;
	socklen_t len = address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
	    : sizeof(struct sockaddr_in);

	if (fd < 0)
		return err_set(err, errno, "metrics at %s: %s", name, strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, address, len) == 0 && listen(fd, CONNECTIONS) == 0)
		return fd;
	err_set(err, errno, "metrics at %s: %s", name, strerror(errno));
	close(fd);
	return -1;
}

int
http_open(struct server *server, const char *name, const struct sockaddr *address,
    struct http **out, struct err *err)
{
	struct http *h = calloc(1, sizeof *h);

	if (h == NULL)
		return err_set(err, ENOMEM, "metrics: out of memory");
	h->server = server;
	if (LIBRARY_LOAD(microhttpd, "libmicrohttpd.so.12", "libmicrohttpd12",
	    err) != 0 || (h->fd = listen_at(name, address, err)) < 0) {
		free(h);
		return -1;
	}
	*out = h;
	return 0;
}

int
http_start(struct http *h, struct err *err)
{
	sigset_t all, old;

	/* Its thread takes no signals: they are the program's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	h->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0,
	    NULL, NULL, handle, h, MHD_OPTION_LISTEN_SOCKET, h->fd,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S, MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return h->daemon != NULL ? 0 : err_set(err, EIO,
	    "the HTTP server does not start");
}

uint16_t
http_port(const struct http *h)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof address;

	if (getsockname(h->fd, (struct sockaddr *)&address, &len) != 0)
		return 0;
	return ntohs(address.ss_family == AF_INET6
	    ? ((const struct sockaddr_in6 *)&address)->sin6_port
	    : ((const struct sockaddr_in *)&address)->sin_port);
}

void
http_close(struct http *h)
{
	if (h == NULL)
		return;
	if (h->daemon != NULL)
		MHD_stop_daemon(h->daemon); /* closes fd */
	else
		close(h->fd);
	free(h);
}
