/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_MODES_H
#define IDENTIFY_MODES_H

#include "identify/tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalog;

enum {
	MODES_MAX = 8,
	MODE_BYTES_MIN = 40,
	MODE_BYTES_MAX = 2000,
	MODE_SHAKE_MAX = 8191, /* with a TLS handshake and its certificates */
	SOURCES_MAX =
	    32, /* archives told apart in request constants; further ones share */
};

/* The size's digits in a header: in Content-Length, and in an ETag. */
enum digits {
	DIGITS_DECIMAL,
	DIGITS_HEX,    /* and hexadecimal: nginx, Apache */
	DIGITS_BASE36, /* and to the base of 36: Caddy */
	DIGITS_NONE,   /* no Content-Length */
	/* HTTP/2, by Huffman's code where told: decimal ones; with a tag in hexadecimal
	 * behind plain decimal ones (nginx) or coded ones (Apache), or to the base of 36
	 * behind coded ones (Caddy). The last three by how many bits there are before the
	 * tag's digits in their first octet: 0 to 7. */
	DIGITS_CODED,
	DIGITS_TAG_HEX,
	DIGITS_CODED_HEX = DIGITS_TAG_HEX + 8,
	DIGITS_CODED_BASE36 = DIGITS_CODED_HEX + 8,
	DIGITS_KINDS = DIGITS_CODED_BASE36 + 8
};

/* A constant: of a header, bytes less the digits of the size; of a request, bytes less
 * the path. */
struct mode {
	uint32_t bytes;
	uint8_t digits; /* enum digits */
	double weight; /* share of the downloads; by source for requests, see below */
	/* Of encrypted or framed responses: bytes then counts the handshake's too, and
	 * inner is what of it is HTTP header, for the number of records. */
	enum tls_law law;
	uint32_t inner;
	/* Of a request, how its path is coded: 0 in plain octets, else by Huffman's code
	 * (HTTP/2), phase - 1 bits of what is before it in its first octet. */
	uint32_t phase;
};

struct modes {
	uint32_t count;
	struct mode mode[MODES_MAX];
	double other; /* share of constants that are none of these */
};

/* Of requests that have frames of flow control beside, of so many octets each: the shares
 * of what is left when the request less its path is divided by that (span_comb.c). */
enum { COMB_MAX = 48 };

struct comb {
	uint32_t step;  /* 0: not known */
	uint32_t phase; /* of the path, as in struct mode */
	double share[COMB_MAX];
};

/*
 * Of responses that keep a server's law loosely: the shares of what their octets beside
 * the law's leave when divided by a record's cost, and of how many records they are
 * short of (span_slack.c).
 */
enum { SLACK_STEP_MAX = 32, SLACK_FILLS = 12 };

struct slack {
	uint32_t step; /* a record's cost; 0: not known */
	double rest[SLACK_STEP_MAX], fill[SLACK_FILLS];
};

enum { UNKNOWN_BANDS = 128 };

struct span_table;

/* What is constant of a server. */
struct constants {
	struct modes header, request;
	struct comb comb;
	double by_source[SOURCES_MAX][MODES_MAX]; /* request weights by archive */
	double unknown; /* share of downloads that the catalogue does not have */
	/* of these, the shares by half octave of the span; all 0: not known */
	double unknown_band[UNKNOWN_BANDS];
	/* shares of answers that are no whole file: span_part.c */
	double ranges, unmodified;
	/* of headers of no known constant, those that keep a known law loosely */
	double loose;
	struct slack slack;
	bool is_framed;    /* in TLS records or HTTP/2 frames, by laws known or not */
	uint32_t alert;    /* octets of the alert that closes a connection; 0: none */
	bool is_encrypted; /* so that a connection begins with a greeting */
	/* made of all this, borrowed; NULL: none. Of changed constants there is none */
	const struct span_table *table;
};

/*
 * A vote for constants: every record tells which values its candidate files would make
 * true and how likely the record would be then. vote_best finds the value that, added to
 * the mixture so far, raises the likelihood most; only a rise beyond what the best of so
 * many values reaches by chance counts.
 */
struct vote;

struct vote *vote_new(void);
void vote_free(struct vote *vote);
void vote_clear(struct vote *vote);
/* Opens the next record; already: its likelihood by what is accepted and by chance. */
void vote_record(struct vote *vote, double already);
/* A value (slot 0 .. VOTE_SLOTS - 1) would, had it all weight, give the open record this
 * likelihood; those of one slot add. */
void vote_add(struct vote *vote, uint32_t slot, double likelihood);
/* The best slot and its gain in log likelihood; false if it is not significant, where so
 * many values are tried. */
bool vote_best(struct vote *vote, double values, uint32_t *slot, double *gain);

enum {
	PATH_PHASES = 9,
	MODE_SOLUTIONS = 3,
	CODED_BYTES_MAX = 511, /* of a header of HTTP/2 */
	CODED_SLOTS = DIGITS_CODED * (MODE_SHAKE_MAX + 1), /* where coded kinds begin */
	VOTE_SLOTS = CODED_SLOTS + (DIGITS_KINDS - DIGITS_CODED) * (CODED_BYTES_MAX + 1)
};
_Static_assert(VOTE_SLOTS >= PATH_PHASES * (MODE_BYTES_MAX + 1), "requests");

static inline uint32_t
mode_slot(uint32_t bytes, unsigned digits)
{
	return digits < DIGITS_CODED
		   ? bytes + digits * (MODE_SHAKE_MAX + 1)
		   : CODED_SLOTS + (digits - DIGITS_CODED) * (CODED_BYTES_MAX + 1) +
		   bytes;
}

/* The constant of a slot, its bytes and digits. */
struct mode mode_of_slot(uint32_t slot);

static inline uint32_t
decimal_digits(uint64_t v)
{
	/* Less one; 40 bits at most. */
	static const uint64_t power[] = {
	    0,       9,        99,        999,        9999,        99999,       999999,
	    9999999, 99999999, 999999999, 9999999999, 99999999999, 999999999999};
	uint32_t n;

	if (v >= 1000000000000)
		return 12 + decimal_digits(v / 1000000000000);
	n = (uint32_t)(64 - __builtin_clzll(v | 1)) * 1233 >> 12;
	return n + (v > power[n]) + (v == 0);
}

static inline uint32_t
hex_digits(uint64_t v)
{
	return v == 0 ? 1 : (uint32_t)(67 - __builtin_clzll(v)) / 4;
}

/* Those of the kinds beyond DIGITS_HEX. */
uint32_t size_digits_odd(uint64_t size, unsigned digits);

/* Bytes of a header that carries a size, beside its constant. */
static inline uint32_t
size_digits(uint64_t size, unsigned digits)
{
	return digits > DIGITS_HEX ? size_digits_odd(size, digits)
				   : decimal_digits(size) +
					 (digits == DIGITS_HEX ? hex_digits(size) : 0);
}

/* The same of all kinds at once, out[DIGITS_KINDS]. */
void size_digits_all(uint64_t size, uint32_t *out);

/* Octets that a server sends for a file: size, header and digits, records and frames. */
static inline uint64_t
mode_sent(const struct mode *mode, uint64_t size)
{
	uint32_t digits = size_digits(size, mode->digits);
	uint64_t sent = size + mode->bytes + digits;

	return mode->law == TLS_none
		   ? sent
		   : sent + tls_cost(mode->law, size, mode->inner + digits);
}

/* The same of law none, whose size and digits rise together, so that one size at most
 * comes out; false if none does. */
static inline bool
mode_solve_plain(const struct mode *mode, uint64_t sent, uint64_t *size)
{
	uint64_t left = sent - mode->bytes;
	uint32_t digits, least;

	if (sent <= mode->bytes)
		return false;
	/* The size is 36 bytes less at most: one digit less of each kind. */
	digits = size_digits(left, mode->digits);
	least = digits > 2 ? digits - 2 : 0;
	do {
		*size = left - digits;
		if (left >= digits && size_digits(*size, mode->digits) == digits)
			return true;
	} while (digits-- > least);
	return false;
}

/* The sizes for which a server sends just so many octets after so many records with data
 * on the connection (TLS_GROWN: enough): how many, mostly one or none. */
size_t mode_solve(const struct mode *mode, uint64_t sent, uint32_t records,
		  uint64_t size[MODE_SOLUTIONS]);

#endif
