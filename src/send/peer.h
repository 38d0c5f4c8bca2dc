/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEND_PEER_H
#define SEND_PEER_H

#include "send/send.h"

#include <sys/socket.h>

struct link;
struct wire_encoder;

/* A collector that is sent to, whatever the transport. */
struct peer {
	const struct send_config *config; /* the sender's */
	char name[SEND_NAME];
	struct sockaddr_storage address;
	socklen_t address_len;
	int fd;                       /* -1: not connected */
	/* UDP: the kernel cuts a run of equal datagrams itself */
	bool has_gso;
	size_t path_bytes;            /* UDP: payload of the largest packet of the path */
	struct wire_encoder *encoder; /* borrowed; whose messages it gets */
	struct link *link;            /* TCP and SCTP: queue and connection */
	uint64_t counters[SEND_COUNTERS];
	int64_t lost_first_us, lost_last_us; /* when records were lost; 0: never */
	/* at the last look of send_news */
	bool is_told_refusing;
	uint64_t told_refused, told_datagrams;
};

/* Loss of the train's messages from..from+n-1. */
void peer_lose(struct peer *p, enum send_counter why, const struct wire_train *train,
    unsigned from, unsigned n);

/* Records that were not sent, now. */
void peer_lose_records(struct peer *p, uint64_t records);

/* What a transport does with a peer; errors after opening are counted, never returned. */
struct transport {
	const char *name;
	int (*open)(struct peer *p, struct err *err);
	void (*send)(struct peer *p, const struct wire_train *train);
	/* Goes on with what can be done without waiting; takes in what the kernel
	 * reports. */
	void (*flush)(struct peer *p);
	/* Waits a while for what is queued; what is left is lost. */
	void (*drain)(struct peer *p);
	void (*close)(struct peer *p);
};

extern const struct transport transport_udp, transport_tcp, transport_sctp;

/* A socket to the peer's address with the configured source, interface and hop limit, not
 * connected yet. -1 with what is wrong. */
int peer_socket(struct peer *p, int type, int protocol, struct err *err);

#endif
