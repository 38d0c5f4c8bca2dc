/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SERVE_HTTP_H
#define SERVE_HTTP_H

#include <stdint.h>
#include <sys/socket.h>

struct err;
struct http;
struct server;

/*
 * GET /metrics by HTTP: what the server's command "metrics" says. Bounded connections,
 * memory and times; nothing can be changed this way, and there is no password: bind it
 * where only those may come who may know. The server is borrowed. name is the address as
 * people wrote it, for messages.
 */
int http_open(struct server *server, const char *name, const struct sockaddr *address,
    struct http **out, struct err *err);
/* Starts the thread; until then connections wait. */
int http_start(struct http *http, struct err *err);
uint16_t http_port(const struct http *http); /* for port 0 */
void http_close(struct http *http);          /* NULL is allowed */

#endif
