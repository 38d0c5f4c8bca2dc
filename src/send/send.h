/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEND_SEND_H
#define SEND_SEND_H

#include "base/counter.h"
#include "wire/encode.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct sink;
struct text;

enum send_counter {
#define COUNTER(id, help) SEND_##id,
#include "send/counter.def"
#undef COUNTER
	SEND_COUNTERS
};

extern const struct counter_row send_counter_rows[SEND_COUNTERS];

enum { SEND_COLLECTORS = 16, SEND_NAME = 128 };

/* 0 or NULL means the default, which stands behind it. Strings are kept, not copied. */
struct send_config {
	/* "HOST:PORT" and "[IPV6]:PORT", with commas between; PORT may be a service. */
	const char *collectors;
	/* Its send and context are not looked at; datagram_bytes is bounded by the
	 * path. */
	struct wire_encode_config encode;
	const char *transport; /* "udp", "tcp" or "sctp": udp */
	bool is_balanced;      /* each flow goes to one collector, in turn, not to all */
	unsigned hop_limit;    /* TTL: the kernel's; 1 for multicast */
	const char *interface; /* to send through: by the routes */
	const char *source;    /* address to send from, or ADDRESS:PORT: by the routes */
	/* UDP: largest IP packet, headers included: 1428, 1448; to this machine itself
	 * 7800. */
	size_t mtu;
	/* Octets a second, so that a receiver with a default socket buffer (208 KiB)
	 * keeps up; sleeping costs no CPU. 0: 64 MiB by UDP, else none; -1: as fast as it
	 * goes. */
	int64_t rate_octets;
	size_t queue_octets;   /* TCP, SCTP: what may wait for a connection: 4 MiB */
	/* How long files wait for a connection that takes nothing, and each meter for its
	 * last messages: 10 s. */
	int64_t patience_us;
	/* never wait; headers carry the time of sending, not the flows' end */
	bool is_live;
};

/* A sink of flow_schema batches; sink_close ends it. */
int send_open(const struct send_config *config, struct sink **out, struct err *err);

/* Reports of packets, where encode.is_psamp; no flows may be pushed then. As
 * wire_encode_packets; sink_flush sends what is held back. */
int send_packets(struct sink *sink, const struct wire_reports *reports, struct err *err);

/* What the meter could not take in so far, for the statistics that are sent; now_us is
 * when the last of it was, by the packets' time. */
void send_note_ignored(struct sink *sink, uint64_t packets, uint64_t octets,
    int64_t now_us);

/* Waits for what connections have still to send, as long as patience lasts; the rest is
 * counted as lost. Before the last look at the counters. */
void send_drain(struct sink *sink);
/* Templates are sent again with the next flows. */
void send_refresh(struct sink *sink);

/* A line for each collector that takes nothing since the last call, or takes it again. */
void send_news(struct sink *sink, struct text *out);

/* Counters of the encoder and a line per collector. */
void send_print(const struct sink *sink, struct text *out);
/* Of the encoders; SENT_COUNTERS values, summed at each call. */
void send_encoder_counters(const struct sink *sink, uint64_t out[SENT_COUNTERS]);
/* Of all collectors together; SEND_COUNTERS values, summed at each call. */
void send_counters(const struct sink *sink, uint64_t out[SEND_COUNTERS]);

#endif
