/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SERVE_CALL_H
#define SERVE_CALL_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/* The client's side of the control socket. */
struct serve_call {
	const char *path;
	const char *command;  /* with its argument, on one line */
	bool is_json;
	/* as softflowctl asks: the end of the answer is the end of file */
	bool is_plain;
	unsigned timeout_ms;  /* without a word from the server; 0: a minute and a half */
	int (*put)(void *context, const char *text, size_t len, struct err *err);
	void *context;
};

/*
 * Asks and hands the answer to put as it comes. A server that does not know framed
 * requests (softflowd) is asked once more, plainly. -1: no such socket, permission,
 * silence, an answer that breaks off, or what the server said went wrong.
 */
int serve_call(const struct serve_call *call, struct err *err);

#endif
