/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef COLLECT_LISTEN_H
#define COLLECT_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

struct err;

enum { LISTENERS_MAX = 8 };

struct listener {
	const char *transport; /* "udp", "tcp" or "sctp" */
	int fd;
	uint16_t port;
	int buffer_bytes;        /* UDP: what the kernel granted */
	uint32_t kernel_dropped; /* UDP: its count so far */
};

/*
 * Opens the sockets of "[udp:|tcp:|sctp:]HOST:PORT" with commas between; returns how
 * many, or -1 with what is wrong (those opened stay in out[0..*count-1]).
 */
int listen_open(const char *text, int buffer_bytes, struct listener out[LISTENERS_MAX],
    unsigned *count, struct err *err);

/* Datagrams that the kernel dropped since the last one that was asked about, by what came
 * with this one (SO_RXQ_OVFL). */
struct msghdr;
uint32_t listener_dropped(struct listener *l, struct msghdr *msg);

static inline bool
listener_is_udp(const struct listener *l)
{
	return l->transport[0] == 'u';
}

#endif
