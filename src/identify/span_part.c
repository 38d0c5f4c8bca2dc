/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers that are no whole file, told by requests that are longer than a file's. With r
 * the constant of requests and L the path's length (span.c), and h that of whole files'
 * headers,
 *
 * 	range a-b	request = L + r + 16 + digits(a) + digits(b), n = b - a + 1 octets
 * 	range a-	request = L + r + 16 + digits(a), n = S - a
 * 	unmodified	request = L + r + the condition's octets, no octets of the file
 *
 * of which a range's answer has n + digits(n) + digits(a) + digits(b) + digits(S) + h and
 * the octets of SPAN_RANGE_EXTRA. Where it begins says nothing of the file: S is n at
 * least. So a file is told by its path's length alone, and most often a set of files
 * remains; but such records are explained, and do not count as files that the catalogue
 * does not have.
 *
 * Only plain HTTP/1.1 is looked at: elsewhere requests carry other things as well.
 *
 * Most files whose paths leave room for a range's two ends are larger than the answer. Of
 * these the likelihood is the same but for the size.
 */
#include "identify/path_range.h"
#include "identify/span_weigh.h"

enum {
	FILES_MAX = 20000, /* in larger catalogues any length is some file's */
	UNMODIFIED_MAX = 600, /* octets of an answer without a body */
	DATE_CONDITION = 50,  /* "If-Modified-Since: " with a date */
	/* "If-None-Match: " with a tag of a date, less the size's digits */
	TAG_CONDITION = 28,
	CONDITIONS = 3,
	/* that a range's two ends have fewer than the size's, seldom more */
	DIGITS_SHORT = 3,
	DIGITS_FEW = 3, /* of sizes whose ranges may have one end or two */
	DIGITS_MOST = 20,
	HEX_MOST = 16,
	EXTRA_MOST = 38,
	/* octets of an answer that are none of the range's */
	BESIDE_MOST = MODE_BYTES_MAX + EXTRA_MOST + 4 * DIGITS_MOST + HEX_MOST,
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
	/* the share of header constants that leave room for octets of a range in the
	 * answer, whatever the file's size; < 0: those of some do or do not by that */
	double roomy;
	uint64_t size;
	int64_t more; /* octets of the request beside path and constant */
};

uint64_t
span_range_rest(const struct mode *header, uint32_t extra, const struct record *r,
    uint64_t size)
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

/* The most octets that an answer has beside a range. */
static uint64_t
most_beside(const struct mode *header)
{
	return header->bytes + EXTRA_MOST + 4 * DIGITS_MOST + HEX_MOST;
}

static double
roomy_share(const struct constants *c, uint64_t span)
{
	double sum = 0;
	uint32_t i;

	for (i = 0; i < c->header.count; i++) {
		const struct mode *header = &c->header.mode[i];

		if (header->law != TLS_none || header->digits > DIGITS_HEX)
			continue;
		if (most_beside(header) >= span)
			return -1;
		sum += header->weight;
	}
	return sum;
}

/* The likelihood of the answer as a range of the file. */
static double
range_likelihood(const struct piece *p)
{
	double sum = 0, size = (double)p->size, share;
	int64_t digits = p->more - SPAN_RANGE_REQUEST;
	uint32_t all = 2 * decimal_digits(p->size - 1), i, k;
	uint64_t least = p->size > p->r->span ? p->size - p->r->span : 0,
		 most = least + BESIDE_MOST;
	bool is_pair = digits <= all && digits + DIGITS_SHORT >= all;

	/* One end, where the rest of the file begins: it is at least what the answer
	 * lacks, and not much more. */
	if (!is_pair && (digits < decimal_digits(least) || digits > decimal_digits(most)))
		return 0;
	if (is_pair && all > 2 * DIGITS_FEW && p->size >= p->r->span && p->roomy >= 0)
		return (1 - OPEN_SHARE) * p->roomy / size * short_share[all - digits];
	for (i = 0; i < p->c->header.count; i++)
		for (k = 0; k < SPAN_RANGE_EXTRAS; k++) {
			const struct mode *mode = &p->c->header.mode[i];
			uint64_t n = span_range_rest(mode, span_range_extra[k], p->r,
			    p->size);

			if (n == 0)
				continue;
			share = mode->weight / SPAN_RANGE_EXTRAS / size;
			if (decimal_digits(p->size - n) == digits)
				sum += OPEN_SHARE * share;
			if (is_pair)
				sum += (1 - OPEN_SHARE) * share *
				    short_share[all - digits];
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

static void
weigh_piece(const struct files *files, const struct piece *of, size_t at,
    uint32_t request, double scale, struct tally *tally)
{
	const struct constants *c = of->c;
	struct piece part = *of;
	double weight = 0;
	bool is_range;

	part.size = files->file[at].size;
	part.more = (int64_t)of->r->request_span - c->request.mode[request].bytes -
		    files->file[at].path_len;
	if (files->file[at].path_len == 0 || part.size == 0 ||
	    part.more <= SPAN_RANGE_REQUEST)
		return;
	if (of->r->span <= UNMODIFIED_MAX)
		weight = c->unmodified * unmodified_likelihood(&part);
	is_range = !(weight > 0);
	if (is_range)
		weight = c->ranges * range_likelihood(&part);
	if (!(weight > 0))
		return;
	struct candidate candidate = {.file = (uint32_t)at,
				      .rest = c->request.mode[request].bytes,
				      .request_mode = (uint8_t)(request + 1),
				      .part = is_range ? PART_RANGE : PART_UNMODIFIED,
				      .is_partial = true};

	tally_add(tally, &candidate,
		  weight * scale * c->by_source[files->source[at]][request]);
}

/* Octets that an answer at least lacks of a file: where a range of its rest begins. */
static uint64_t
lacking(const struct files *files, const struct piece *of, size_t at)
{
	return files->size[at] > of->r->span ? files->size[at] - of->r->span : 0;
}

/* Files at..end-1, whose sizes have the same number of digits: those whose paths leave
 * room for one end of a range or for both, or all. */
static void
weigh_alike(const struct files *files, const struct piece *of, size_t at, size_t end,
	    uint32_t request, double scale, struct tally *tally)
{
	int64_t left = (int64_t)of->r->request_span - of->c->request.mode[request].bytes -
		       SPAN_RANGE_REQUEST,
		all = 2 * (int64_t)decimal_digits(files->file[at].size - 1),
		least = all > DIGITS_SHORT ? all - DIGITS_SHORT : 1,
		from = decimal_digits(lacking(files, of, at)),
		to = decimal_digits(lacking(files, of, end - 1) + BESIDE_MOST);
	struct path_range one = path_range_of(left - (to < all / 2 ? to : all / 2),
					      left - from),
			  both = path_range_of(left - all, left - least);
	bool is_short = of->r->span <= UNMODIFIED_MAX;
	uint32_t bits;

	for (; at < end; at += PATH_RANGE_FILES) {
		bits = is_short ? UINT32_MAX
				: path_range_bits(one, files->path_octets + at) |
				      path_range_bits(both, files->path_octets + at);
		bits &= end - at < PATH_RANGE_FILES ? (1u << (end - at)) - 1
						    : (1u << PATH_RANGE_FILES) - 1;
		for (; bits != 0; bits &= bits - 1)
			weigh_piece(files, of, at + (size_t)__builtin_ctz(bits), request,
				    scale, tally);
	}
}

void
span_weigh_parts(const struct files *files, const struct constants *c,
    const struct record *r, double scale, struct tally *tally)
{
	struct piece of = {.c = c, .r = r, .roomy = roomy_share(c, r->span)};
	uint64_t most;
	uint32_t i;
	size_t at, end;

	if (files->count > FILES_MAX || !r->has_request || c->is_framed)
		return;
	at = files_lower(files,
			   r->span <= UNMODIFIED_MAX ? 1 : r->span - UNMODIFIED_MAX);
	for (; at < files->count; at = end) {
		for (most = 10; most < files->file[at].size && most < UINT64_MAX / 10;)
			most *= 10;
		end = files_lower(files, most + 1);
		end = end > at ? end : files->count;
		for (i = 0; i < c->request.count; i++)
			if (c->request.mode[i].phase == 0)
				weigh_alike(files, &of, at, end, i, scale, tally);
	}
}
