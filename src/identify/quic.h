/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_QUIC_H
#define IDENTIFY_QUIC_H

#include "identify/files.h"
#include "identify/record.h"

/*
 * Downloads by QUIC: nothing but octets and packets is seen of them, so a record holds
 * what a connection carried, and a name needs one file on it.
 *
 *	D = S + constant + cost x packets + k packet + e
 *
 * D: octets without IP and UDP headers; cost: what is no file of a usual packet (RFC
 * 9000, 17.3.1 and 19.8: flags, connection identifier, packet number, tag, the frame's
 * head); constant: handshake, settings, pages beside the file; k packets of a full
 * packet's file octets sent again, or k < 0 of the constant missing; e a few dozen octets
 * of acknowledgements and numbers that grow, or, rarely, any number of octets sent again.
 */
enum {
	QUIC_LESS = 2,
	QUIC_MORE = 8,
	QUIC_KINDS = QUIC_LESS + 1 + QUIC_MORE,
	QUIC_FLOWS_MIN = 4
};

struct quic_server {
	double cost, constant, packet;
	double largest; /* octets of the largest mean packet: packet and cost at most */
	double width[2];          /* mean of |e|: for k = 0, for others */
	double again[QUIC_KINDS]; /* share of downloads by k, -QUIC_LESS first */
	/* share of those of any number of octets, and their mean */
	double rest, mean;
	double unknown;           /* share that the catalogue does not have */
	double flows;             /* that this was learned from; 0: nothing is known */
};

/* Whether a record is learned from; one of sampled packets is not, and is never named. */
bool quic_is(const struct record *record);

/*
 * Learns from records 0..n-1 of one server, without labels. What was known before is
 * where it starts from. False, out as it was, where too few agree on a constant to be
 * told from chance.
 */
bool quic_learn(const struct files *files, const struct record *const *records, size_t n,
		struct quic_server *out);

/*
 * The same where no record is of one file: all are taken to be of as many, two or three,
 * whose sums then stand for files.
 */
bool quic_learn_sums(const struct files *files, const struct record *const *records,
		     size_t n, struct quic_server *out);

/* server may know nothing: the record is unknown then. */
void quic_name(const struct files *files, const struct quic_server *server,
	       const struct record *record, struct verdict *out);

struct several;

/* Of a server's connections, the shares of those with so many files; all 0: not known. */
enum { QUIC_FILES_MAX = 5 };

struct quic_numbers {
	double share[QUIC_FILES_MAX + 1];
};

/*
 * Which files' sizes add up to what a record has, where it carried several: a multiset,
 * with others where it is not the only one. alone: what quic_name said. True where
 * several are likelier than one.
 */
bool quic_several(const struct files *files, const struct quic_server *server,
		  const struct quic_numbers *numbers, const struct record *record,
		  const struct verdict *alone, struct several *out);

/* How many files a server's connections carry, by records 0..n-1; out is left as it was
 * where the records are too few, or the files too many for it to be told. */
void quic_count(const struct files *files, const struct quic_server *server,
		const struct record *const *records, size_t n, struct quic_numbers *out);

#endif
