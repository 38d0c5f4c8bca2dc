/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_TLS_H
#define IDENTIFY_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What encryption and framing add to a response. A law says how a server cuts what it
 * sends into records (TLS) and frames (HTTP/2), each with a fixed cost:
 *
 * 	L    = S + H                                    octets of HTTP, S of the file
 * 	L'   = L + frame_cost ceil(S / frame)
 * 	span = L' + record_cost ceil(L' / record)       and the handshake's, constants
 *
 * record_cost: 5 octets of record header, then 8 + 16 (TLS 1.2, AES-GCM), 16 (TLS 1.2,
 * ChaCha20) or 1 + 16 (TLS 1.3). A server that reads a file in blocks starts a new record
 * with each, one that fills a buffer first has a first record of its length; both sums
 * then run over the pieces. Go's records grow at the beginning of a connection, from a
 * segment to 16 KiB. The handshake and tickets are in the first exchanges of a connection
 * only; their octets are constants of the server, found by vote like a header.
 */
enum tls_law {
	TLS_none,
#define LAW(id, record, record_cost, frame, frame_cost, block, head, is_apart, \
	    is_growing, first, help) \
	TLS_##id,
#include "identify/tls.def"
#undef LAW
	TLS_LAWS
};

enum {
	/* octets by which each is larger than the one before, about */
	TLS_GROWING_STEP = 1186,
	TLS_GROWN = 14,        /* records after which Go's have all their size */
	TLS_GROWN_BYTES = 120000, /* what these hold at most, with a margin */
};

struct tls_law_row {
	const char *name, *help;
	uint32_t record, record_cost; /* octets; 0: none */
	uint32_t frame, frame_cost;   /* HTTP/2 DATA frames; 0: HTTP/1.1 */
	uint32_t block; /* octets of the file after which a record begins; 0: never */
	uint32_t head;  /* octets of the first record; 0: as any */
	bool is_apart;  /* the header has records of its own, which count as header */
	bool is_growing; /* the first records of a connection are smaller */
	/* Usual octets of handshake and tickets beside the response in the first
	 * exchange: where a vote starts; certificates differ. */
	uint32_t first;
};
extern const struct tls_law_row tls_law_rows[TLS_LAWS];

/* Ports where a server is taken to speak TLS. */
enum { TLS_PORT = 443, TLS_PORT_OTHER = 8443 };

static inline bool
tls_is_port(uint16_t port)
{
	return port == TLS_PORT || port == TLS_PORT_OTHER;
}

/* The law of a name, TLS_LAWS if there is none. */
enum tls_law tls_law_of(const char *name, size_t n);

/* Octets that a law adds to a file of size octets under a header of header octets;
 * without the handshake. */
uint64_t tls_cost(enum tls_law law, uint64_t size, uint64_t header);

/* The same of a growing law after so many records with data on the connection; of another
 * law or from TLS_GROWN records on as tls_cost. */
uint64_t tls_cost_early(enum tls_law law, uint64_t size, uint64_t header,
    uint32_t records);

/*
 * The same where a server had to wait, for its client's window or for room in a buffer:
 * records are then filled by what waits, up to as few as there can be, and frames are cut
 * at the window's end, up to TLS_CUT_FRAMES more than the law has.
 */
enum { TLS_CUT_FRAMES = 16 };
void tls_cost_loose(enum tls_law law, uint64_t size, uint64_t header, uint64_t *least,
		    uint64_t *most);

/*
 * The same where the law is not known: between the least and the most that any with
 * records costs. Both are exact for every size.
 */
void tls_cost_range(uint64_t size, uint64_t header, uint64_t *least, uint64_t *most);

#endif
