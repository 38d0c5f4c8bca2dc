/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include "base/counter.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct server;

enum serve_counter {
#define COUNTER(id, help) SERVE_##id,
#include "serve/counter.def"
#undef COUNTER
	SERVE_COUNTERS
};
extern const struct counter_row serve_counter_rows[SERVE_COUNTERS];

/* An answer in the making. */
struct serve_reply {
	/* what the function appends to, at most SERVE_REPLY_MAX at a call */
	struct text text;
	bool is_json;      /* asked for, and the command has it */
	/* the function's own, 0 at first: where a long answer goes on */
	uint64_t cursor;
};

enum serve_outcome {
	SERVE_FAILED, /* err says why */
	SERVE_DONE,
	SERVE_MORE,   /* to be called again once this much has been read by the client */
};

enum { SERVE_REPLY_MAX = 1 << 20, SERVE_CLIENTS_MAX = 64 };

/*
 * A command that clients may give. run is called by the server's thread (or that of
 * HTTP), one call at a time; argument is NULL where none was given.
 */
struct serve_command {
	const char *name;
	const char *argument; /* its name in help; NULL: takes none */
	const char *help;
	bool has_json;
	enum serve_outcome (*run)(void *context, const char *argument,
	    struct serve_reply *reply, struct err *err);
};

/* 0 in a number means the default, which stands behind it. */
struct serve_config {
	const char *path;        /* of the control socket; NULL: none */
	const char *group;       /* of the socket file; NULL: the process's */
	const struct serve_command *commands; /* borrowed; "help" is added to them */
	size_t command_count;
	void *context;
	unsigned clients;        /* 16, SERVE_CLIENTS_MAX at most */
	/* to send a whole line: 10 s; six times that to read a piece of an answer */
	unsigned timeout_ms;
};

/*
 * Binds the socket. Nothing is served before server_start, so that a program may first go
 * into the background or give up its rights. The config is copied, what it points to is
 * not.
 */
int server_open(const struct serve_config *config, struct server **out, struct err *err);
/* Starts the thread. Its signals are all blocked. */
int server_start(struct server *server, struct err *err);
/* Ends the thread, cuts clients off once what they are owed is sent (for a moment at
 * most), removes the socket. NULL is allowed. */
void server_close(struct server *server);

/* Runs a command as a client would, to its end; for HTTP and for the program itself. */
int server_execute(struct server *server, const char *name, const char *argument,
    bool is_json, struct text *out, struct err *err);

/* To be called from a command's function. SERVE_COUNTERS. */
const uint64_t *server_counters(const struct server *server);
/* For the other fronts of this folder. */
void server_count(struct server *server, enum serve_counter counter);

#endif
