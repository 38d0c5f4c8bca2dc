/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_TLS_H
#define IDENTIFY_TLS_H

#include <stddef.h>
#include <stdint.h>

/*
 * What encryption and framing add to a response. A law says how a server cuts what it sends
 * into records (TLS) and frames (HTTP/2), each with a fixed cost:
 *
 *	L'   = L + frame_cost ceil(S / frame)		L = S + H octets of HTTP, S of the file
 *	span = L' + record_cost ceil(L' / record)	and the handshake's octets, constants
 *
 * record_cost: 5 octets of record header, then 8 + 16 (TLS 1.2, AES-GCM), 16 (TLS 1.2,
 * ChaCha20) or 1 + 16 (TLS 1.3). The handshake and tickets are in the first exchange of a
 * connection only; their octets are a constant of the server, found by vote like a header.
 */
enum tls_law {
	TLS_none,
#define LAW(id, record, record_cost, frame, frame_cost, first, later, help) TLS_##id,
#include "identify/tls.def"
#undef LAW
	TLS_LAWS
};

struct tls_law_row {
	const char *name, *help;
	uint32_t record, record_cost; /* octets; 0: none */
	uint32_t frame, frame_cost;   /* HTTP/2 DATA frames; 0: HTTP/1.1 */
	/* Usual octets of handshake and tickets beside the response, in the first exchange
	 * and in later ones: where a vote starts; certificates differ. */
	uint32_t first, later;
};
extern const struct tls_law_row tls_law_rows[TLS_LAWS];

/* The law of a name, TLS_LAWS if there is none. */
enum tls_law tls_law_of(const char *name, size_t n);

/* Octets that a law adds to a file of size octets under a header of header octets; without
 * the handshake. */
uint64_t tls_cost(enum tls_law law, uint64_t size, uint64_t header);

/*
 * The same where the record size is not known: between the least and the most that any
 * law costs. Both are exact for every size.
 */
void tls_cost_range(uint64_t size, uint64_t header, uint64_t *least, uint64_t *most);

#endif
