/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PACKET_LIVE_PRIVATE_H
#define PACKET_LIVE_PRIVATE_H

#include "packet/live.h"

#include <stdbool.h>
#include <stddef.h>

struct packet_filter;

/* One of the two ways to capture. Each returns 0 or -1 and err. */
struct live_kind {
	int (*open)(struct live *live, struct err *err);
	int (*start)(struct live *live, struct err *err);
	/* The interface is there again, maybe as another one of its name. */
	int (*reopen)(struct live *live, struct err *err);
	void (*close)(struct live *live);
	enum capture_event (*next)(struct live *live, bool may_advance,
	    struct record *out, struct err *err);
	void (*stats)(struct live *live);
	bool has_interface; /* its state can be looked up by name */
};

extern const struct live_kind live_ring_kind, live_pcap_kind;

struct live {
	struct source_config config;
	const struct live_kind *kind;
	struct packet_filter *filter;
	uint64_t counters[LIVE_COUNTERS];
	uint32_t linktype;
	/* control: any socket, for questions about the interface */
	int fd, control;
	int index;                /* of the interface */
	bool is_started, is_down, is_gone, is_broken, is_loopback;
	int64_t check_ms, retry_ms, backoff_ms;

	/* ring */
	uint8_t *ring;
	size_t block_bytes, blocks, at; /* at: the block being read */
	const uint8_t *packet;          /* the next one of that block */
	uint32_t packets_left;
	bool is_held;                   /* the block is still ours */
	bool is_joined;                 /* the group of workers */
	bool can_leave;                 /* it is a group of more than one */

	/* libpcap */
	void *pcap;
	uint8_t *copies;
	size_t copy_bytes, copies_used;
	uint32_t pcap_received, pcap_dropped, pcap_before; /* as last told: they wrap */
};

#endif
