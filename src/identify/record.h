/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_RECORD_H
#define IDENTIFY_RECORD_H

#include "identify/identify.h"
#include "model/addr.h"

struct flow;

/* What of a row is needed to name its download: client and server told apart. */
struct record {
	int64_t start_us, end_us;
	struct addr client, server, exporter;
	uint64_t bytes, packets; /* server to client; 0: that side not seen */
	uint64_t request_bytes, request_packets; /* client to server */
	uint64_t request_offset; /* of the request in the client's stream */
	uint32_t segment;        /* largest of the server, 0: not told */
	uint32_t range;          /* number of its set of ranges + 1; 0: none */
	uint32_t system;         /* hash of the look of the client's SYN; 0: not seen */
	uint32_t points;         /* where else it was seen: see intake.h; 0: nowhere */
	uint64_t connection;
	/* What naming by spans looks at, close together. */
	uint64_t span, request_span; /* payload, if has_span, has_request */
	uint64_t offset;	     /* of the response in the server's stream */
	uint32_t exchange;
	uint32_t sampling; /* one packet in so many was seen; 0 or 1: all */
	uint16_t client_flags, server_flags; /* TCP flags; 0: not told */
	bool has_span, has_request, is_at_least, is_by_ack;
	bool has_connection, has_exporter, has_handshake;
	bool is_headless; /* the connection had begun before the meter saw it */
	bool is_coalesced, has_ports;
	bool is_cut;      /* ended by a timeout, more may follow */
	bool is_joined;   /* of several records */
	bool is_dropped;  /* others tell the same better */
	bool is_quic;     /* UDP to a port of QUIC's */
	uint8_t client_ttl, server_ttl; /* smallest of their packets; 0: not told */
	uint16_t client_port, server_port;
	/* Of a plain record (repeats.c): the likeliest file by itself, + 1, 0: not known;
	 * its probability, whether that was counted, and the octets beside the file as it is
	 * sent once. */
	bool is_counted;
	float alone_p;
	uint32_t alone;
	uint64_t alone_beside;
};

/*
 * Makes a record of a flow row. False, with one counter raised, where the row is no
 * download or contradicts itself. handshake is assumed to be in a record unless the row
 * says it is not (a later exchange, mid stream, flags without SYN).
 */
bool record_of(const struct flow *flow, const struct identify_config *config,
	       uint64_t counters[], struct record *out);

/* Whether two are of one flow: the same client and server, ports and protocol. */
static inline bool
record_same_ends(const struct record *a, const struct record *b)
{
	return a->client_port == b->client_port && a->server_port == b->server_port &&
	    a->is_quic == b->is_quic && addr_compare(&a->client, &b->client) == 0 &&
	    addr_compare(&a->server, &b->server) == 0;
}

/* Whether two are of one server: the same address and port. */
static inline bool
record_same_server(const struct record *a, const struct record *b)
{
	return a->server_port == b->server_port &&
	       addr_compare(&a->server, &b->server) == 0;
}

/* Of records 0..n-1, sorted by server, the first behind `first` that is of another one. */
static inline size_t
record_server_end(const struct record *records, size_t n, size_t first)
{
	size_t end = first;

	while (end < n && record_same_server(&records[end], &records[first]))
		end++;
	return end;
}

/* Spans of a sampled connection are exact, not "at least", once its record has both the
 * SYN and the FIN of the side: after records were joined. */
void record_bound(struct record *record);

/* The hash of how the client's SYN looked, by the row's fingerprint; 0: not known. */
uint32_t record_system(const struct flow *flow);

#endif
