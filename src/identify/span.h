/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_SPAN_H
#define IDENTIFY_SPAN_H

#include "identify/files.h"
#include "identify/modes.h"
#include "identify/record.h"

/*
 * Downloads by their spans: response span = size + digits + a header constant, request
 * span = encoded path + a request constant, each constant one of a few per server.
 * Encrypted or in HTTP/2 frames, both have what these cost as well (tls.h), by a law of
 * the server.
 */

/* What may be between a server's responses and TCP. */
enum span_layers {
	SPAN_PLAIN,  /* nothing: HTTP/1.1 */
	/* TLS records or HTTP/2 frames, where nothing leaves much unexplained */
	SPAN_ANY,
	SPAN_FRAMED, /* such for sure, or the port is TLS's */
};

/* Learns the constants of records 0..n-1, those of one server; base, which may be NULL,
 * holds those of all servers. */
void span_learn(const struct files *files, const struct record *records, size_t n,
		const struct constants *base, enum span_layers layers,
		struct constants *out);

/* Who the record may be: candidates with probabilities, likeliest first, and the rest's.
 */
void span_name(const struct files *files, const struct constants *constants,
	       const struct record *record, struct verdict *out);

/* Gets the memory that naming the record will look at, SPAN_AHEAD records ahead. */
enum { SPAN_AHEAD = 16 };
void span_prefetch(const struct files *files, const struct constants *constants,
		   const struct record *record);

/*
 * The same for two exchanges that follow one another, out being what span_name said of
 * each. A client may send the first few bytes of a request by themselves (apt does where
 * its buffer wraps); the meter counts them to the exchange before, whose request is then
 * so much longer and the next so much shorter.
 */
void span_name_pair(const struct files *files, const struct constants *constants,
		    const struct record *const records[2], struct verdict out[2]);

#endif
