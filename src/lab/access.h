/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_ACCESS_H
#define LAB_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct text;

/*
 * A line of a log of requests: what a server, or curl in place of one, says of a
 * download.
 */
enum access_kind {
	ACCESS_nginx, ACCESS_apache, ACCESS_curl, /* columns of access.def */
	ACCESS_caddy,                             /* a JSON object a line */
	ACCESS_KINDS
};

enum { ACCESS_TEXT = 256 };

struct access {
	char client[48], server[48], protocol[16], encoding[16], path[ACCESS_TEXT];
	int64_t end_us;   /* 0: unknown */
	int64_t duration_us;
	uint64_t sent;    /* octets of header and body; 0: unknown */
	uint64_t body;    /* octets of the body that were sent */
	uint64_t request; /* octets of the request; 0: unknown */
	uint32_t status;
	uint16_t client_port, server_port; /* 0: unknown */
	uint32_t order;   /* on its connection, as the server counts; 0: unknown */
};

/* The columns, in the notation of a program: for its configuration or command line. */
void access_format(enum access_kind kind, struct text *out);
/* A line without its end. The message says what is wrong with it, not where it stands. */
int access_parse(enum access_kind kind, const char *line, size_t len, struct access *out,
    struct err *err);

#endif
