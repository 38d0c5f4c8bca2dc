/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers that are no whole file, told by requests that are longer than a file's. With r the
 * constant of requests and L the path's length (span.c), and h that of whole files' headers,
 *
 *	range a-b	request = L + r + 16 + digits(a) + digits(b), n = b - a + 1 octets
 *	range a-	request = L + r + 16 + digits(a), n = S - a
 *	unmodified	request = L + r + the condition's octets, no octets of the file
 *
 * of which a range's answer has n + digits(n) + digits(a) + digits(b) + digits(S) + h and the
 * octets of SPAN_RANGE_EXTRA. Where it begins says nothing of the file: S is n at least. So a
 * file is told by its path's length alone, and most often a set of files remains; but such
 * records are explained, and do not count as files that the catalogue does not have.
 *
 * Only plain HTTP/1.1 is looked at: elsewhere requests carry other things as well.
 */
#include "identify/span_weigh.h"

enum {
	FILES_MAX = 20000, /* in larger catalogues any length is some file's */
	UNMODIFIED_MAX = 600, /* octets of an answer without a body */
	DATE_CONDITION = 50,  /* "If-Modified-Since: " with a date */
	TAG_CONDITION = 28,   /* "If-None-Match: " with a tag of a date, less the size's digits */
	CONDITIONS = 3,
	DIGITS_SHORT = 3, /* that a range's two ends have fewer than the size's, seldom more */
};

static const double OPEN_SHARE = 0.5, UNMODIFIED_FLAT = 1.0 / 400;

/* Of how many digits the ends of a range are short of twice the size's. */
static const double short_share[DIGITS_SHORT + 1] = {0.7, 0.2, 0.06, 0.04};

const uint32_t span_range_extra[SPAN_RANGE_EXTRAS] = {38, 16};

uint64_t
span_range_length(uint64_t sum, uint64_t a)
{
	uint64_t n;
	uint32_t digits;

	for (digits = 2; digits <= 26 && digits < sum; digits++) {
		n = sum - digits;
		if (decimal_digits(n) + decimal_digits(a + n - 1) == digits)
			return n;
	}
	return 0;
}

/* A record and a file that it may be a part of. */
struct piece {
	const struct constants *c;
	const struct record *r;
	uint64_t size;
	int64_t more; /* octets of the request beside path and constant */
};

uint64_t
span_range_rest(const struct mode *header, uint32_t extra, const struct record *r, uint64_t size)
{
	uint64_t n = r->span, sum = header->bytes + extra + decimal_digits(size);
	int round;

	if (header->law != TLS_none || header->digits > DIGITS_HEX || size == 0)
		return 0;
	sum += header->digits == DIGITS_HEX ? hex_digits(size) : 0;
	/* n + digits(n) + digits(a) + digits(S - 1) = span - sum, a = S - n */
	for (round = 0; round < 3; round++) {
		uint64_t beside = sum + decimal_digits(n) + decimal_digits(size - 1) +
				  decimal_digits(size > n ? size - n : 0);

		if (r->span <= beside)
			return 0;
		n = r->span - beside;
	}
	return n <= size ? n : 0;
}

/* The likelihood of the answer as a range of the file. */
static double
range_likelihood(const struct piece *p)
{
	double sum = 0, size = (double)p->size, share;
	int64_t digits = p->more - SPAN_RANGE_REQUEST;
	uint32_t all = 2 * decimal_digits(p->size - 1), i, k;

	for (i = 0; i < p->c->header.count; i++)
		for (k = 0; k < SPAN_RANGE_EXTRAS; k++) {
			const struct mode *mode = &p->c->header.mode[i];
			uint64_t n = span_range_rest(mode, span_range_extra[k], p->r, p->size);

			if (n == 0)
				continue;
			share = mode->weight / SPAN_RANGE_EXTRAS / size;
			if (decimal_digits(p->size - n) == digits)
				sum += OPEN_SHARE * share;
			if (digits <= all && digits + DIGITS_SHORT >= all)
				sum += (1 - OPEN_SHARE) * share * short_share[all - digits];
		}
	return sum;
}

static double
unmodified_likelihood(const struct piece *p)
{
	uint32_t tag = TAG_CONDITION + hex_digits(p->size), i;
	const int64_t condition[CONDITIONS] = {DATE_CONDITION, tag, DATE_CONDITION + tag};

	for (i = 0; i < CONDITIONS; i++)
		if (p->more == condition[i])
			return UNMODIFIED_FLAT / CONDITIONS;
	return 0;
}

void
span_weigh_parts(const struct files *files, const struct constants *c, const struct record *r,
		 double scale, struct tally *tally)
{
	bool is_short = r->span <= UNMODIFIED_MAX;
	struct piece part = {.c = c, .r = r};
	double weight;
	uint32_t i;
	size_t at;

	if (files->count > FILES_MAX || !r->has_request || c->is_framed)
		return;
	for (at = is_short ? 0 : catalog_lower(files->catalog, r->span - UNMODIFIED_MAX);
	     at < files->count; at++)
		for (i = 0; i < c->request.count; i++) {
			const struct mode *mode = &c->request.mode[i];
			struct candidate candidate = {.file = (uint32_t)at,
						      .rest = mode->bytes,
						      .request_mode = (uint8_t)(i + 1),
						      .is_partial = true};

			part.size = files->file[at].size;
			part.more = (int64_t)r->request_span - mode->bytes -
				    files->file[at].path_len;
			if (mode->phase != 0 || files->file[at].path_len == 0 ||
			    part.size == 0 || part.more <= SPAN_RANGE_REQUEST)
				continue;
			weight = is_short ? c->unmodified * unmodified_likelihood(&part) : 0;
			candidate.part = weight > 0 ? PART_UNMODIFIED : PART_RANGE;
			if (!(weight > 0))
				weight = c->ranges * range_likelihood(&part);
			if (weight > 0)
				tally_add(tally, &candidate,
					  weight * scale * c->by_source[files->source[at]][i]);
		}
}
