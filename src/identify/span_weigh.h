/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_SPAN_WEIGH_H
#define IDENTIFY_SPAN_WEIGH_H

#include "identify/files.h"
#include "identify/modes.h"
#include "identify/record.h"

/* Inside of the naming by spans: what naming, learning and joining of ranges share. */

static const double FLAT_BYTES = MODE_BYTES_MAX - MODE_BYTES_MIN + 1;
static const double REQUEST_FLAT = 1.0 / 2000;
/* Of a request that no path and constant can make: one of fewer octets beside the path,
 * or of more than MODE_BYTES_MAX. */
static const double SPAN_NO_REQUEST = 1e-12;
enum { SPAN_REST_MIN = 16 };

/*
 * What constants make of requests' octets beside the path, and of headers far from any
 * constant. A table is made of constants whose table it then is, until they change; there
 * is none where requests are not plain octets.
 */
struct span_table {
	/* p(r) of a request that is no constant, or SPAN_CONSTANT; the last one is that
	 * of all longer ones */
	double rest[MODE_BYTES_MAX + 2];
	/* The same as a sum, constants as if they were none: flat, and what is more where
	 * r is near a constant; all that is near one, and the most that p(r) is. */
	double flat, most;
	struct span_near {
		uint32_t from, to;
		double more;
	} near[MODES_MAX], around;
	uint32_t near_count;
	double summed[MODES_MAX]; /* what that sum has for each constant */
	double beside[MODES_MAX]; /* p(r) of these, where they are none */
	uint8_t mode[MODE_BYTES_MAX + 1]; /* the constant's number + 1 */
	/* octets of headers within which their density is not flat; from > to: nowhere */
	uint32_t header_from, header_to;
	double header_flat;
	bool is_plain; /* no header has a law of records and frames */
};

static const double SPAN_CONSTANT = 2;

/* False: there can be none. */
bool span_table_make(const struct constants *c, struct span_table *out);

/* p(r) of a file with this request, a density per byte; rest: the request's bytes beside
 * the path; mode: the number of its constant + 1, 0 if it is none of them. */
double span_request_share_of(const struct files *files, const struct constants *c,
			     size_t file, uint64_t span, uint32_t *rest, uint8_t *mode);

/* The same by the constants' table, with the octets of the file's path and its source. */
static inline double
span_table_share(const struct constants *c, uint16_t path, uint8_t source, uint64_t span,
		 uint32_t *rest, uint8_t *mode)
{
	uint64_t r = span - path;
	double share;

	*rest = 0;
	*mode = 0;
	if (path == 0)
		return REQUEST_FLAT;
	if (r > MODE_BYTES_MAX)
		return SPAN_NO_REQUEST;
	share = c->table->rest[r];
	*rest = r >= SPAN_REST_MIN ? (uint32_t)r : 0;
	if (share < SPAN_CONSTANT)
		return share;
	*mode = c->table->mode[r];
	return c->table->beside[*mode - 1] + c->by_source[source][*mode - 1];
}

/* The same, by the table if there is one. */
static inline double
span_request_share(const struct files *files, const struct constants *c, size_t file,
		   uint64_t span, uint32_t *rest, uint8_t *mode)
{
	return c->table == NULL
		   ? span_request_share_of(files, c, file, span, rest, mode)
		   : span_table_share(c, files->path_octets[file], files->source[file],
				      span, rest, mode);
}

/* How much likelier the rest of a request makes this file than an even one would: 1 where
 * nothing is known. And how the shares of rests are learned: sums of a round of EM. */
struct comb_sums {
	uint32_t step; /* 0: no frames */
	double rest[PATH_PHASES][COMB_MAX];
};

double span_comb_factor(const struct files *files, const struct comb *comb, size_t file,
    uint64_t request);
void span_comb_begin(const struct constants *c, struct comb_sums *out);
void span_comb_add(struct comb_sums *sums, const struct files *files,
    const struct record *record, const struct candidate *candidate);
void span_comb_set(const struct comb_sums *sums, struct comb *out);

/* Whether anything is known of requests. */
static inline bool
span_has_requests(const struct constants *c)
{
	return c->request.count > 0 || c->comb.step > 0;
}

/* The same of a file that the catalogue does not have, and its size's. */
double span_request_unknown(const struct files *files, const struct constants *c,
			    uint64_t span);
double span_size_unknown(const struct files *files, const struct constants *c,
			 uint64_t span);
/* How the spans of unknown files lie is learned: sums of a round of EM. */
void span_unknown_add(double sums[UNKNOWN_BANDS], uint64_t span, double share);
void span_unknown_set(const double sums[UNKNOWN_BANDS], struct constants *out);

/* Density of a constant that none of the modes is. */
double span_rest_density(const struct modes *modes, uint32_t bytes);

/* How a file fits a record: by which header constant, and with which probability the rest
 * of that account (records at the beginning of a connection, one more or less) is so. */
struct span_fit {
	uint32_t mode;
	double share;
};

typedef void span_file(void *arg, size_t file, const struct span_fit *fit);

/* Calls each for the files that a header constant makes fit exactly; a file may come more
 * than once. */
void span_each(const struct files *files, const struct modes *header,
	       const struct record *record, span_file *each, void *arg);

/* The files that some constant would make fit: from .. to - 1; how many they are about,
 * and over how many octets of span each is spread. */
void span_window(const struct files *files, bool is_framed, uint64_t span, size_t *from,
		 size_t *to);
double span_window_count(const struct files *files, bool is_framed, uint64_t span);
double span_window_width(bool is_framed, uint64_t span);

/* The first download's exchange on its connection at the latest. */
enum { SPAN_FIRST_LAST = 2 };

/* Density of a span under a constant where records and frames are nearly the law's (see
 * tls_cost_loose), 0 if they are not; and the files from .. to - 1 for which it is
 * not. */
double span_slack_density(const struct slack *slack, const struct mode *mode,
			  const struct record *record, uint64_t size);
void span_slack_window(const struct files *files, const struct mode *mode,
		       const struct record *record, size_t *from, size_t *to);
/* The share of responses that are m records short of their law, of `most` that they can
 * be; m < 0: they have more. */
double span_slack_fill(const struct slack *slack, int64_t m, int64_t most);
/* How what a law is short of is learned: sums of a round of EM. */
void span_slack_begin(const struct constants *c, struct slack *sums);
void span_slack_add(struct slack *sums, const struct files *files,
		    const struct constants *c, const struct record *record,
		    const struct candidate *candidate);
void span_slack_set(const struct slack *sums, struct slack *out);

/* Ranges: octets of the request beside the digits ("Range: bytes=-" and the line's end),
 * and of the answer beside digits and a whole file's header: the longer status line and
 * the Content-Range, less 22 where the server drops Accept-Ranges. */
enum { SPAN_RANGE_REQUEST = 16, SPAN_RANGE_EXTRAS = 2 };
extern const uint32_t span_range_extra[SPAN_RANGE_EXTRAS];

/* The n of n + digits(n) + digits(a + n - 1) = sum, a range's octets from a on; 0 if
 * none. */
uint64_t span_range_length(uint64_t sum, uint64_t a);

/* The octets of a range that ends with a file of so many octets, as the answer to
 * "bytes=a-": by a constant of whole files' headers and SPAN_RANGE_EXTRA; 0 if there can
 * be none. */
uint64_t span_range_rest(const struct mode *header, uint32_t extra,
    const struct record *record, uint64_t size);

/* Weighs the files that the answer may be a range of, or an answer without a body; scale:
 * the prior of a file. */
void span_weigh_parts(const struct files *files, const struct constants *constants,
		      const struct record *record, double scale, struct tally *tally);

/* How many records with data can have come before a response on its connection: where
 * they grow, TLS_GROWN stands for more. */
struct span_before {
	uint32_t least, most;
};

struct span_before span_records_before(enum tls_law law, const struct record *record);

/* Whether an exchange is but the greeting of a TLS connection that goes on. */
bool span_is_greeting(const struct record *record);

/* Weighs all accounts of a record, with its request where asked for. */
void span_weigh(const struct files *files, const struct constants *constants,
		const struct record *record, bool with_request, struct verdict *out);

/* The files whose constants are learned from: whether a record takes part. */
static inline bool
span_is_lesson(const struct constants *c, const struct record *r)
{
	return r->has_span && !r->is_at_least &&
	       !(c->is_encrypted && span_is_greeting(r));
}

/* Adds the header constants, with laws or of law none alone, and the request constants
 * that the records' votes make significant; true if any was. */
bool span_vote_headers(const struct files *files, const struct record *records, size_t n,
		       bool with_laws, struct constants *c, struct vote *vote);
bool span_vote_requests(const struct files *files, const struct record *records, size_t n,
			struct constants *c, struct vote *vote);
/* Small files alone: a pair of header and request constants. */
bool span_vote_pair(const struct files *files, const struct record *records, size_t n,
		    struct constants *c);
/* What the first downloads of encrypted connections have beside. The weights must be
 * learned. */
void span_vote_first(const struct files *files, const struct record *records, size_t n,
		     struct constants *c);
/* Makes all weights of a mixture even, for those just found. */
void span_even(struct constants *c, struct modes *modes);

#endif
