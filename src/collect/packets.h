/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef COLLECT_PACKETS_H
#define COLLECT_PACKETS_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct packets;
struct text;

/*
 * Receives reports of packets (PSAMP, RFC 5476, by UDP) and gives the beginnings of the
 * packets. One thread reads; printing may be done by any.
 */

/* listen and buffer_bytes as in collect/collect.h, of UDP only. */
int packets_open(const char *listen, int buffer_bytes, struct packets **out,
    struct err *err);
void packets_close(struct packets *packets); /* NULL is allowed */

int packets_fd(const struct packets *packets); /* readable when there are datagrams */
uint16_t packets_port(const struct packets *packets);
int packets_buffer(const struct packets *packets); /* octets that the kernel granted */

/* A reported packet; see wire/section.h. */
struct received {
	int64_t time_ns;
	const uint8_t *octets; /* borrowed until the next refill */
	uint32_t captured, wire, linktype;
};

enum packets_event { PACKETS_NONE, PACKETS_ONE, PACKETS_REFILL };

/* The next packet, out of the datagrams read so far or, with may_refill, of new ones,
 * which takes back all octets given before. */
enum packets_event packets_next(struct packets *packets, bool may_refill,
    struct received *out);

/* Counters of datagrams and of what was in them, and a line per exporter. */
void packets_print(struct packets *packets, struct text *out);

#endif
