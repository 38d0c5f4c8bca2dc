/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SERVE_SERVER_PRIVATE_H
#define SERVE_SERVER_PRIVATE_H

#include "base/clock.h"
#include "serve/listen.h"
#include "serve/request.h"
#include "serve/server.h"

#include <pthread.h>

/* Shared by server.c and client.c. */
enum client_state { CLIENT_FREE, CLIENT_READING, CLIENT_ANSWERING };

struct client {
	enum client_state state;
	int fd;
	bool is_last;           /* closes after the answer */
	bool is_line_start;     /* of a framed answer */
	char in[REQUEST_LINE_MAX + 1]; /* read and not looked at yet */
	size_t in_len;
	/* that is being answered; request points into it */
	char line[REQUEST_LINE_MAX + 1];
	struct request request;
	const struct serve_command *command; /* with more to come; NULL: none */
	struct serve_reply reply;
	struct text out;
	size_t sent;
	int64_t since_ms;       /* of the state, or of the piece being written */
	int64_t moved_ms;       /* when any of the answer was taken last */
};

struct server {
	struct serve_config config;
	struct listener listener;
	int wake_fd;
	bool is_running, is_stopping;
	pthread_t thread;
	pthread_mutex_t mutex;  /* held while a command runs, and for the counters */
	struct client clients[SERVE_CLIENTS_MAX];
	uint64_t counters[SERVE_COUNTERS];
};

static inline int64_t
now_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

/* server.c: a command's row, or NULL and what is wrong with the request. */
const struct serve_command *server_admit(const struct server *server,
    const struct request *r, struct err *err);
/* Runs the command once. */
enum serve_outcome server_step(struct server *server, const struct serve_command *row,
    const char *argument, struct serve_reply *reply, struct err *err);

/* client.c: what to do when poll says that a client can be read from, or written to.
 * Either may close it. */
void client_open(struct client *c, int fd, int64_t now);
void client_read(struct server *server, struct client *c);
void client_write(struct server *server, struct client *c);
void client_close(struct client *c);

#endif
