/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Downloads that the client broke off and went on with ("Range: bytes=a-", ranges.c),
 * from what it had read by then. With n the octets of the last piece, which follow from
 * its span and a file's size S, it began at a = S - n; what was sent before is at least
 * that, and the difference is what the client had not read when it broke off: a few
 * buffers, so less is likelier than more. The requests tell the path's length and the
 * digits of a.
 */
#include "identify/ranges_inside.h"

#include "identify/span.h"
#include "identify/span_weigh.h"
#include "model/tcp.h"

#include <math.h>

enum {
	DIGITS_MOST = 20,
	RESUMED_PIECES = 8, /* of a download that was broken off again and again */
};

/* Of downloads, those that are broken off; of these, those that go on. */
static const double ABORTED_SHARE = 0.2, RESUMED_SHARE = 0.3;
/* Of the downloads that end without a reset, those that had not come to their end: the
 * client had read all that had come, and the server ended when it saw that. */
static const double ENDED_SHARE = 0.002;

/* Octets that were sent to a client and that it had not read: what buffers hold. */
static const double UNREAD_USUAL = 100000;
static const uint64_t UNREAD_MAX = 16000000;

/* The likelihood that a client which was sent so many octets had read all but these. */
static double
unread_density(double octets)
{
	return 1 / ((octets + UNREAD_USUAL) * log1p((double)UNREAD_MAX / UNREAD_USUAL));
}

/* Pieces of which all but the last were broken off; each goes on from what the client had
 * read by then. */
struct resumed {
	const struct record *const *r;
	size_t n;
};

/* The octets of the file that were sent before the last piece, those that had to be sent
 * again counted twice. */
static uint64_t
resumed_sent(const struct resumed *of, const struct mode *header, uint64_t size)
{
	uint64_t first = header->bytes + size_digits(size, header->digits), sum = 0, less;
	size_t i;

	for (i = 0; i + 1 < of->n; i++) {
		less = i == 0 ? first
			      : first + span_range_extra[0] + 2 * decimal_digits(size);
		sum += of->r[i]->span > less ? of->r[i]->span - less : 0;
	}
	return sum;
}

/* A file, a constant of headers and one of requests for a broken off download and its
 * rest. */
static double
resumed_weight(const struct range_search *s, const struct resumed *of, size_t file,
	       const struct mode *header, uint32_t request)
{
	const struct catalog_file *f = &s->files->file[file];
	const struct record *first = of->r[0], *rest = of->r[of->n - 1];
	int64_t usual = s->c->request.mode[request].bytes + f->path_len;
	uint64_t sent = resumed_sent(of, header, f->size), n, a;
	double sum = 0;
	uint32_t extra;

	if (s->c->request.mode[request].phase != 0 || f->path_len == 0 ||
	    (int64_t)first->request_span != usual ||
	    first->span > f->size + header->bytes + size_digits(f->size, header->digits))
		return 0;
	for (extra = 0; extra < SPAN_RANGE_EXTRAS; extra++) {
		n = span_range_rest(header, span_range_extra[extra], rest, f->size);
		a = f->size - n;
		if (n == 0 || a > sent || sent - a > UNREAD_MAX ||
		    (int64_t)rest->request_span !=
			usual + SPAN_RANGE_REQUEST + decimal_digits(a))
			continue;
		sum += unread_density((double)(sent - a)) / SPAN_RANGE_EXTRAS;
	}
	return sum * header->weight * s->c->by_source[s->files->source[file]][request] /
	       pow((double)f->size, (double)of->n - 1);
}

/* Keeps the likeliest files, sorted. */
static void
keep_choice(struct range_set *set, struct range_choice choice)
{
	uint32_t i = set->choices < RANGE_CHOICES ? set->choices++ : RANGE_CHOICES;

	if (i == RANGE_CHOICES && choice.probability <= set->choice[--i].probability)
		return;
	for (; i > 0 && set->choice[i - 1].probability < choice.probability; i--)
		set->choice[i] = set->choice[i - 1];
	set->choice[i] = choice;
}

/* A file by all constants of headers and requests. */
static struct range_choice
resumed_choice(struct range_search *s, const struct resumed *of, size_t file)
{
	struct range_choice out = {.file = (uint32_t)file};
	uint64_t size = s->files->file[file].size;
	double weight, top = 0;
	uint32_t mode, request;

	for (mode = 0; mode < s->c->header.count; mode++) {
		const struct mode *header = &s->c->header.mode[mode];

		if (!range_is_searched(header) ||
		    of->r[0]->span <= header->bytes + DIGITS_MOST)
			continue;
		for (request = 0; request < s->c->request.count; request++) {
			s->ranges->work++;
			weight = resumed_weight(s, of, file, header, request);
			out.probability += weight;
			if (weight <= top)
				continue;
			top = weight;
			out.header = header->bytes + size_digits(size, header->digits);
			out.rest = s->c->request.mode[request].bytes;
		}
	}
	return out;
}

/* How many records are a broken off download and what may go on with it, by their
 * requests: "Range: bytes=a-" is beside the first one's, and a is no more than was sent.
 * Less than 2: none. */
static size_t
resumed_length(const struct range_search *s, size_t first)
{
	const struct record *const *r = (const struct record *const *)s->records + first;
	uint64_t least = r[0]->request_span + SPAN_RANGE_REQUEST, sent = 0;
	size_t most = s->count - first, n;

	most = most < RESUMED_PIECES ? most : RESUMED_PIECES;
	for (n = 1; n < most; n++) {
		sent += r[n - 1]->span;
		if (!r[n - 1]->has_request || !r[n]->has_request ||
		    !(r[n - 1]->client_flags & (TCP_RST | (n == 1 ? TCP_FIN : 0))) ||
		    r[n]->start_us - r[n - 1]->end_us > RANGES_GAP_US ||
		    r[n]->request_span <= least ||
		    r[n]->request_span > least + decimal_digits(sent))
			break;
	}
	return n;
}

/* The files that n pieces may be of. */
static struct range_set
weigh_resumed(struct range_search *s, size_t first, size_t n)
{
	struct resumed of = {(const struct record *const *)s->records + first, n};
	struct range_set set = {.pieces = (uint32_t)n, .is_resumed = true};
	uint64_t sum = 0, less = UNREAD_MAX + 4 * MODE_BYTES_MAX;
	double scale = 1 - s->c->unknown, all;
	size_t at, to, i;

	for (i = 0; i < n; i++)
		sum += of.r[i]->span;
	scale *= RESUMED_SHARE *
	    (of.r[0]->client_flags & TCP_RST ? ABORTED_SHARE : ENDED_SHARE);
	scale *= pow(RESUMED_SHARE * ABORTED_SHARE, (double)n - 2);
	at = files_lower(s->files, sum > less ? sum - less : 0);
	to = files_lower(s->files, sum);
	for (; at < to; at++) {
		struct range_choice one = resumed_choice(s, &of, at);

		if (!(one.probability > 0))
			continue;
		one.probability *= scale * popular_share(s->popular, (uint32_t)at);
		set.probability += one.probability;
		keep_choice(&set, one);
	}
	all = set.probability + exp(range_own_evidence(s, first, first + n));
	if (!(set.probability > 0) || set.probability < RANGES_AT * all)
		return (struct range_set){0};
	for (i = 0; i < set.choices; i++)
		set.choice[i].probability /= all;
	set.probability /= all;
	return set;
}

/* A download that the client broke off, perhaps more than once, and its rest. */
struct range_set
range_find_resumed(struct range_search *s, size_t first)
{
	size_t most = resumed_length(s, first), n;
	struct range_set set;

	for (n = 2; n <= most; n++) {
		set = weigh_resumed(s, first, n);
		if (set.pieces > 0)
			return set;
	}
	return (struct range_set){0};
}
