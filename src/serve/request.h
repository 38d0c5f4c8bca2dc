/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SERVE_REQUEST_H
#define SERVE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct text;

/*
 * A request is one line of printable ASCII:
 *
 * 	[weir] [json] NAME [ARGUMENT]
 *
 * A bare line, as softflowctl sends it or as one types it into nc, is answered with text,
 * and the connection closes. "weir" asks for a framed answer, after which the connection
 * stays open: lines that begin with a dot get another one, and the last line is ". ok" or
 * ". error TEXT". "json" asks for JSON where the command has it.
 */
enum { REQUEST_LINE_MAX = 255 }; /* without its newline */

struct request {
	bool is_framed, is_json;
	const char *name;     /* in the parsed line, as is argument */
	const char *argument; /* NULL: none */
};

/*
 * Parses a line of len octets without its newline (a carriage return at its end is left
 * out), which is changed: line[len] is written too. -1: the message says what is wrong;
 * out then tells whether the answer is to be framed.
 */
int request_parse(char *line, size_t len, struct request *out, struct err *err);

/* Appends text to out with its dots doubled; *is_line_start is kept between calls. */
void frame_text(struct text *out, const char *text, size_t len, bool *is_line_start);
/* The last line; message NULL: ok. Line ends in the message become spaces. */
void frame_end(struct text *out, const char *message, bool *is_line_start);

#endif
