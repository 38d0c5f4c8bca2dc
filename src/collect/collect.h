/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef COLLECT_COLLECT_H
#define COLLECT_COLLECT_H

#include "base/counter.h"

#include <stdbool.h>
#include <stdint.h>

struct collector;
struct err;
struct sink;
struct text;

enum collect_counter {
#define COUNTER(id, help) COLLECT_##id,
#include "collect/counter.def"
#undef COUNTER
	COLLECT_COUNTERS
};

extern const struct counter_row collect_counter_rows[COLLECT_COUNTERS];

/* 0 in a number means the default, which stands behind it. */
struct collector_config {
	/* "HOST:PORT", "[IPV6]:PORT" or ":PORT", with "udp:", "tcp:" or "sctp:" in front
	 * (udp), with commas between several; port 0: any free one */
	const char *listen;
	int buffer_bytes;       /* of UDP sockets: 16 MiB, or what the kernel allows */
	unsigned connections_max;      /* 256; each takes 128 KiB */
	unsigned connections_per_host; /* 64 */
	int64_t idle_us;        /* a connection may be silent so long: 1 h */
	int64_t partial_us;     /* the rest of a message has to come within: 1 min */
	uint32_t pen;           /* of weir's own elements */
	/* a batch is handed on, and the sink flushed, this often: 1 s */
	int64_t hand_on_us;
	unsigned batch_rows;    /* BATCH_ROWS */
	/* readable: stop (eventfd, signalfd, pipe); -1: none. Never read */
	int stop_fd;
};

/* Opens the socket; -1 if it cannot. The config's strings are not kept. */
int collector_open(const struct collector_config *config, struct collector **out,
    struct err *err);
void collector_close(struct collector *collector); /* NULL is allowed */

/* The first address's port that is bound, for port 0. */
uint16_t collector_port(const struct collector *collector);
/* Ports and buffers, for people: "port 2055, socket buffer 33554432 bytes, tcp port
 * 4739". */
void collector_describe(const struct collector *collector, struct text *out);

/*
 * Receives and decodes until stop_fd is readable; what the socket still holds then is
 * decoded too, and all rows are handed on. -1 if the sink failed, which gets batches of
 * flow_schema, in order of receipt.
 */
int collector_run(struct collector *collector, struct sink *sink, struct err *err);

/* Counters and a line per exporter. Call it between runs, or from the sink. */
void collector_print(const struct collector *collector, struct text *out);
struct wire_exporter;
/* As wire_decoder_exporters (wire/decode.h). */
void collector_exporters(const struct collector *collector,
    void (*each)(void *context, const struct wire_exporter *exporter), void *context);
/* COLLECT_COUNTERS */
const uint64_t *collector_counters(const struct collector *collector);
/* WIRE_COUNTERS */
const uint64_t *collector_wire_counters(const struct collector *collector);

#endif
