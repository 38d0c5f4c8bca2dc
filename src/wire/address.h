/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WIRE_ADDRESS_H
#define WIRE_ADDRESS_H

#include "model/addr.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct err;

/*
 * "HOST:PORT", "[IPV6]:PORT" and, to listen, ":PORT" (all addresses, IPv4 too). HOST may
 * be a name, PORT a service. -1 with what is wrong.
 */
int address_resolve(const char *text, bool is_to_listen, struct sockaddr_storage *out,
    socklen_t *out_len, struct err *err);

/* "HOST", "[IPV6]", "IPV6" or, as above, with a port; else port 0. */
int address_resolve_host(const char *text, struct sockaddr_storage *out,
    socklen_t *out_len, struct err *err);

uint16_t address_port(const struct sockaddr_storage *address);

/* A socket that listens to both families shows IPv4 peers as ::ffff:a.b.c.d: IPv4
 * here. */
struct addr address_of(const struct sockaddr_storage *address);

#endif
