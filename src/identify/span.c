/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Naming by spans (reference: "The exact span", "The request tells as much as the
 *response").
 *
 *	X = S + digits(S) + h	response span, S the size, h a constant of the server
 *	Y = L + r		request span, L the encoded path's length, r a constant
 *
 * With N files, each as likely, a record's probability under file s is
 *
 *	(1 - u) / N * p(h) * p(r | source of s)
 *
 * p(h) and p(r) are mixtures of the constants learned and a flat rest; u is the share of
 * downloads that the catalogue does not have. An unknown file is spread over sizes half
 *as the catalogue is near X, half evenly in log X; over path lengths half as the
 *catalogue's with the known r, half flat. All shares are learned by EM, first the
 *constants by vote.
 */
#include "identify/span.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	VOTERS = 400,
	WINDOW_MAX = 20000,
	BROAD_WINDOW = 1000,
	ROUNDS = 12,
	PAIR_FITS = 64,
	SPLIT_BYTES_MAX = 64, /* the meter counts a longer burst as a new request */
};

static const double SPLIT_PRIOR = 0.02, BROAD_LEAST = 0.002, PAIR_SHARE = 0.2;

static const double FLAT_BYTES = MODE_BYTES_MAX - MODE_BYTES_MIN + 1;
static const double REQUEST_FLAT = 1.0 / 2000;

/* p(r) of a file with the record's request, relative to nothing: a density per byte. */
static double
request_share(const struct files *files, const struct constants *c, size_t file,
	      uint64_t span, uint32_t *rest)
{
	int64_t r = (int64_t)span - files->file[file].path_len;
	double share;
	uint32_t i;

	*rest = 0;
	if (files->file[file].path_len == 0)
		return REQUEST_FLAT;
	if (r < 16 || r > MODE_BYTES_MAX)
		return 1e-12;
	share = c->request.other / FLAT_BYTES;
	for (i = 0; i < c->request.count; i++)
		if (c->request.mode[i].bytes == r)
			share += c->by_source[files->source[file]][i];
	*rest = (uint32_t)r;
	return share;
}

static double
request_unknown(const struct files *files, const struct constants *c, uint64_t span)
{
	double share = 0;
	uint32_t i;

	for (i = 0; i < c->request.count; i++)
		share +=
		    c->request.mode[i].weight *
		    files_path_share(files, (int64_t)span - c->request.mode[i].bytes);
	return c->request.count == 0 ? REQUEST_FLAT : 0.5 * share + 0.5 * REQUEST_FLAT;
}

static double
size_unknown(const struct files *files, uint64_t span)
{
	double near = catalog_density(files->catalog, span) / (double)(files->count + 1);

	return 0.5 * near + 0.5 / (25.0 * (double)(span + 256));
}

typedef void each_file(void *arg, size_t file, uint32_t mode);

/* Calls each for the files that a header constant makes fit exactly. */
static void
each_by_mode(const struct files *files, const struct modes *header, uint64_t span,
	     each_file *each, void *arg)
{
	uint32_t i, digits;

	for (i = 0; i < header->count; i++) {
		for (digits = 1; digits <= 36; digits++) {
			uint64_t spare = header->mode[i].bytes + digits;
			size_t at;

			if (span < spare)
				break;
			if (size_digits(span - spare, header->mode[i].is_hex) != digits)
				continue;
			for (at = catalog_lower(files->catalog, span - spare);
			     at < files->count && files->file[at].size == span - spare;
			     at++)
				each(arg, at, i);
		}
	}
}

/* The files that some constant would make fit. */
static void
window_of(const struct files *files, uint64_t span, size_t *from, size_t *to)
{
	uint64_t most = MODE_BYTES_MAX + 36, least = MODE_BYTES_MIN;

	*from = catalog_lower(files->catalog, span > most ? span - most : 0);
	*to = span > least ? catalog_lower(files->catalog, span - least) : *from;
	if (*to < *from)
		*to = *from;
}

struct naming {
	const struct files *files;
	const struct constants *c;
	const struct record *r;
	struct tally tally;
	double scale;
	bool with_request;
};

static void
weigh(struct naming *n, size_t file, double header_share, uint32_t header)
{
	struct candidate candidate = {.file = (uint32_t)file, .header = header};
	double weight = n->scale * header_share;

	if (n->with_request)
		weight *= request_share(n->files, n->c, file, n->r->request_span,
					&candidate.rest);
	tally_add(&n->tally, &candidate, weight);
}

static void
weigh_mode(void *arg, size_t file, uint32_t mode)
{
	struct naming *n = arg;

	weigh(n, file, n->c->header.mode[mode].weight,
	      (uint32_t)(n->r->span - n->files->file[file].size));
}

static void
weigh_broad(struct naming *n)
{
	double share = n->c->header.other / FLAT_BYTES;
	size_t at, to;

	window_of(n->files, n->r->span, &at, &to);
	if (to - at > BROAD_WINDOW || n->c->header.other < BROAD_LEAST) {
		/* Too many to tell apart, or too unlikely: their sum only. */
		n->tally.sum +=
		    n->scale * share * (double)(to - at) *
		    (n->with_request ? request_unknown(n->files, n->c, n->r->request_span)
				     : 1);
		return;
	}
	for (; at < to; at++)
		weigh(n, at, share, (uint32_t)(n->r->span - n->files->file[at].size));
}

/* A response known only to be at least so long, or cut off: any longer file, its end
 * anywhere. */
static void
weigh_partial(struct naming *n, double share)
{
	struct candidate candidate = {.is_partial = true};
	size_t at = catalog_lower(n->files->catalog, n->r->span), end;
	double scale = n->scale;

	end = n->files->count - at > 100000 ? at + 100000 : n->files->count;
	for (; at < end; at++) {
		candidate.file = (uint32_t)at;
		n->scale = scale * share / (double)(n->files->file[at].size + 300);
		candidate.rest = 0;
		tally_add(&n->tally, &candidate,
			  n->scale * (n->with_request ? request_share(n->files, n->c, at,
								      n->r->request_span,
								      &candidate.rest)
						      : 1));
	}
	n->scale = scale;
}

static bool
is_aborted(const struct record *r)
{
	enum { FLAG_RST = 4 };

	return (r->client_flags & FLAG_RST) != 0;
}

static void
weigh_record(const struct files *files, const struct constants *c, const struct record *r,
	     bool with_request, struct verdict *out)
{
	struct naming n = {.files = files, .c = c, .r = r, .with_request = with_request};
	double unknown;

	assert(r->has_span);
	n.scale = (1 - c->unknown) / (double)(files->count ? files->count : 1);
	unknown = c->unknown * size_unknown(files, r->span) *
		  (n.with_request ? request_unknown(files, c, r->request_span) : 1);
	out->mss = 0;
	tally_begin(&n.tally, out);
	if (!r->is_at_least) {
		each_by_mode(files, &c->header, r->span, weigh_mode, &n);
		weigh_broad(&n);
	}
	if (r->is_at_least)
		weigh_partial(&n, 1);
	else if (is_aborted(r))
		weigh_partial(&n, 0.2);
	tally_end(&n.tally, unknown);
}

void
span_name(const struct files *files, const struct constants *c, const struct record *r,
	  struct verdict *out)
{
	weigh_record(files, c, r,
		     r->has_request && files->has_paths && c->request.count > 0, out);
}

/* The files that a header constant makes fit, for a pair of records. */
struct fitting {
	uint32_t count;
	struct {
		uint32_t file, mode;
	} fit[PAIR_FITS];
};

static void
add_fitting(void *arg, size_t file, uint32_t mode)
{
	struct fitting *f = arg;

	if (f->count < PAIR_FITS)
		f->fit[f->count++] = (typeof(f->fit[0])){(uint32_t)file, mode};
}

/* One way to see the pair: files i and j, requests by modes k and l. */
static void
weigh_pair(const struct files *files, const struct constants *c,
	   const struct record *const r[2], const struct fitting fitting[2],
	   const uint32_t at[4], struct tally tally[2])
{
	uint32_t file[2] = {fitting[0].fit[at[0]].file, fitting[1].fit[at[1]].file}, i;
	double weight = SPLIT_PRIOR / (SPLIT_BYTES_MAX - 1);
	int64_t extra[2];

	for (i = 0; i < 2; i++) {
		uint32_t header = fitting[i].fit[at[i]].mode, request = at[2 + i];

		extra[i] = (int64_t)r[i]->request_span - files->file[file[i]].path_len -
			   c->request.mode[request].bytes;
		weight *= (1 - c->unknown) / (double)files->count *
			  c->header.mode[header].weight *
			  c->by_source[files->source[file[i]]][request];
	}
	if (extra[0] <= 0 || extra[0] >= SPLIT_BYTES_MAX || extra[1] != -extra[0])
		return;
	for (i = 0; i < 2; i++) {
		struct candidate candidate = {
		    .file = file[i],
		    .shift = (int32_t)extra[i],
		    .header = (uint32_t)(r[i]->span - files->file[file[i]].size),
		    .rest = c->request.mode[at[2 + i]].bytes};

		tally_add(&tally[i], &candidate, weight);
	}
}

/* Gives what is left of the evidence to the record's own account, split among its files.
 */
static void
keep_own(struct tally *tally, const struct verdict *own, double weight)
{
	uint32_t i;

	for (i = 0; i < own->count; i++)
		tally_add(tally, &own->candidate[i],
			  weight * own->candidate[i].probability);
	tally_end(tally, weight * own->unknown);
}

void
span_name_pair(const struct files *files, const struct constants *c,
	       const struct record *const r[2], struct verdict out[2])
{
	struct fitting fitting[2] = {0};
	struct verdict own[2];
	struct tally tally[2];
	uint32_t at[4], i;

	for (i = 0; i < 2; i++) {
		own[i] = out[i];
		each_by_mode(files, &c->header, r[i]->span, add_fitting, &fitting[i]);
		tally_begin(&tally[i], &out[i]);
	}
	for (at[0] = 0; at[0] < fitting[0].count; at[0]++)
		for (at[1] = 0; at[1] < fitting[1].count; at[1]++)
			for (at[2] = 0; at[2] < c->request.count; at[2]++)
				for (at[3] = 0; at[3] < c->request.count; at[3]++)
					weigh_pair(files, c, r, fitting, at, tally);
	for (i = 0; i < 2; i++)
		keep_own(&tally[i], &own[i], own[0].evidence * own[1].evidence);
}

/*
 * The votes compare likelihoods: what the constants accepted so far and the unknown make
 * of a record, and what a further constant would add.
 */
static void
vote_header(const struct files *files, const struct constants *c, const struct record *r,
	    struct vote *vote)
{
	bool with_request = r->has_request && files->has_paths && c->request.count > 0;
	double scale = (1 - c->unknown) / (double)files->count, ratio;
	struct verdict verdict;
	uint32_t rest, hex;
	size_t at, to;

	window_of(files, r->span, &at, &to);
	weigh_record(files, c, r, with_request, &verdict);
	vote_record(vote, verdict.evidence);
	if (to - at > WINDOW_MAX)
		return;
	for (; at < to; at++) {
		uint64_t size = files->file[at].size;

		ratio = scale * (with_request
				     ? request_share(files, c, at, r->request_span, &rest)
				     : 1);
		for (hex = 0; hex < 2; hex++) {
			int64_t h = (int64_t)(r->span - size) - size_digits(size, hex);

			if (h >= MODE_BYTES_MIN && h <= MODE_BYTES_MAX)
				vote_add(vote, mode_slot((uint32_t)h, hex), ratio);
		}
	}
}

struct request_vote {
	const struct files *files;
	const struct constants *c;
	const struct record *r;
	struct vote *vote;
};

static void
add_request(void *arg, size_t file, uint32_t mode)
{
	struct request_vote *a = arg;
	uint32_t length = a->files->file[file].path_len;
	int64_t rest = (int64_t)a->r->request_span - length;

	if (length > 0 && rest >= 16 && rest <= MODE_BYTES_MAX)
		vote_add(a->vote, (uint32_t)rest,
			 (1 - a->c->unknown) / (double)a->files->count *
			     a->c->header.mode[mode].weight);
}

static void
vote_request(const struct files *files, const struct constants *c, const struct record *r,
	     struct vote *vote)
{
	struct request_vote a = {files, c, r, vote};
	struct verdict verdict;

	if (!r->has_request)
		return;
	weigh_record(files, c, r, true, &verdict);
	vote_record(vote, verdict.evidence);
	each_by_mode(files, &c->header, r->span, add_request, &a);
}

/* Makes all weights of a mixture even, for those just found. */
static void
even(struct constants *c, struct modes *modes)
{
	uint32_t i, source;

	for (i = 0; i < modes->count; i++)
		modes->mode[i].weight = 0.9 / modes->count;
	modes->other = modes->count > 0 ? 0.1 : 1;
	for (source = 0; source < SOURCES_MAX; source++)
		for (i = 0; i < c->request.count; i++)
			c->by_source[source][i] = c->request.mode[i].weight;
}

typedef void vote_on(const struct files *, const struct constants *,
		     const struct record *, struct vote *);

/* Votes until nothing more is significant. */
static bool
find_modes(const struct files *files, const struct record *records, size_t n, vote_on *on,
	   struct constants *c, struct modes *modes, struct vote *vote)
{
	size_t step = n > VOTERS ? n / VOTERS : 1, i;
	bool found = false;
	uint32_t slot, k;
	double gain;

	while (modes->count < MODES_MAX) {
		vote_clear(vote);
		for (i = 0; i < n; i += step)
			if (records[i].has_span && !records[i].is_at_least)
				on(files, c, &records[i], vote);
		if (!vote_best(vote, &slot, &gain))
			break;
		for (k = 0; k < modes->count; k++)
			if (mode_slot(modes->mode[k].bytes, modes->mode[k].is_hex) ==
			    slot)
				return found;
		modes->mode[modes->count++] = (struct mode){
		    .bytes = slot > MODE_BYTES_MAX ? slot - MODE_BYTES_MAX - 1 : slot,
		    .is_hex = slot > MODE_BYTES_MAX};
		even(c, modes);
		found = true;
	}
	return found;
}

/*
 * Small files alone: no header constant stands out, for each record has thousands of
 * candidates. The pair of both constants does; the same vote over pairs.
 */
struct pairs {
	float *gain;
	double per_record; /* of a record that a pair does not touch */
};

static void
vote_pair(const struct files *files, const struct constants *c, const struct record *r,
	  struct pairs *pairs)
{
	double scale = (1 - c->unknown) / (double)files->count;
	struct verdict verdict;
	size_t at, to;
	float gain;

	weigh_record(files, c, r, true, &verdict);
	window_of(files, r->span, &at, &to);
	gain = (float)log1p(PAIR_SHARE / (1 - PAIR_SHARE) * scale / verdict.evidence);
	pairs->per_record += log1p(-PAIR_SHARE);
	for (; at < to && to - at < WINDOW_MAX; at++) {
		const struct catalog_file *file = &files->file[at];
		int64_t h =
		    (int64_t)(r->span - file->size) - size_digits(file->size, false);
		int64_t rest = (int64_t)r->request_span - file->path_len;

		if (file->path_len > 0 && h >= MODE_BYTES_MIN && h <= MODE_BYTES_MAX &&
		    rest >= 16 && rest <= MODE_BYTES_MAX)
			pairs->gain[h * (MODE_BYTES_MAX + 1) + rest] += gain;
	}
}

static bool
find_pair(const struct files *files, const struct record *records, size_t n,
	  struct constants *c)
{
	size_t slots = (size_t)(MODE_BYTES_MAX + 1) * (MODE_BYTES_MAX + 1), best = 0, i;
	size_t step = n > VOTERS ? n / VOTERS : 1;
	struct pairs pairs = {calloc(slots, sizeof *pairs.gain), 0};
	double gain;

	if (pairs.gain == NULL)
		return false;
	for (i = 0; i < n; i += step)
		if (records[i].has_span && records[i].has_request &&
		    !records[i].is_at_least)
			vote_pair(files, c, &records[i], &pairs);
	for (i = 1; i < slots; i++)
		if (pairs.gain[i] > pairs.gain[best])
			best = i;
	gain = (double)pairs.gain[best] + pairs.per_record;
	free(pairs.gain);
	if (gain < log((double)slots) + 8)
		return false;
	c->header.mode[c->header.count++] =
	    (struct mode){.bytes = (uint32_t)(best / (MODE_BYTES_MAX + 1))};
	c->request.mode[c->request.count++] =
	    (struct mode){.bytes = (uint32_t)(best % (MODE_BYTES_MAX + 1))};
	even(c, &c->header);
	even(c, &c->request);
	return true;
}

/* Sums of a round of EM: posterior shares of each constant. */
struct shares {
	double header[MODES_MAX], header_other;
	double request[SOURCES_MAX][MODES_MAX], request_other;
	double unknown, all;
};

static void
share_candidate(const struct files *files, const struct constants *c,
		const struct candidate *candidate, bool with_request, struct shares *sum)
{
	const struct catalog_file *file = &files->file[candidate->file];
	double p = candidate->probability;
	uint32_t i;

	for (i = 0; i < c->header.count; i++)
		if (c->header.mode[i].bytes +
			size_digits(file->size, c->header.mode[i].is_hex) ==
		    candidate->header)
			break;
	*(i < c->header.count ? &sum->header[i] : &sum->header_other) += p;
	if (!with_request || file->path_len == 0)
		return;
	for (i = 0; i < c->request.count; i++)
		if (c->request.mode[i].bytes == candidate->rest)
			break;
	*(i < c->request.count ? &sum->request[files->source[candidate->file]][i]
			       : &sum->request_other) += p;
}

static void
set_header(struct constants *c, const struct shares *sum)
{
	double total = sum->header_other + 0.5;
	uint32_t i;

	for (i = 0; i < c->header.count; i++)
		total += sum->header[i] + 0.1;
	for (i = 0; i < c->header.count; i++)
		c->header.mode[i].weight = (sum->header[i] + 0.1) / total;
	c->header.other = (sum->header_other + 0.5) / total;
}

/* A source's own shares lean on those of all sources as if on two downloads. */
static void
set_request(struct constants *c, const struct shares *sum)
{
	double total = sum->request_other + 0.5, own;
	uint32_t i, source;

	for (i = 0; i < c->request.count; i++) {
		c->request.mode[i].weight = 0.1;
		for (source = 0; source < SOURCES_MAX; source++)
			c->request.mode[i].weight += sum->request[source][i];
		total += c->request.mode[i].weight;
	}
	for (i = 0; i < c->request.count; i++)
		c->request.mode[i].weight /= total;
	c->request.other = (sum->request_other + 0.5) / total;
	for (source = 0; source < SOURCES_MAX; source++) {
		own = 0;
		for (i = 0; i < c->request.count; i++)
			own += sum->request[source][i];
		for (i = 0; i < c->request.count; i++)
			c->by_source[source][i] =
			    (1 - c->request.other) *
			    (sum->request[source][i] + 2 * c->request.mode[i].weight) /
			    (own + 2 * (1 - c->request.other));
	}
}

static void
round_of_em(const struct files *files, const struct record *records, size_t n,
	    struct constants *c)
{
	struct shares sum = {0};
	struct verdict verdict;
	size_t step = n > 4000 ? n / 4000 : 1, i;
	uint32_t k;

	for (i = 0; i < n; i += step) {
		bool with_request = records[i].has_request && c->request.count > 0;

		if (!records[i].has_span || records[i].is_at_least)
			continue;
		span_name(files, c, &records[i], &verdict);
		for (k = 0; k < verdict.count; k++)
			share_candidate(files, c, &verdict.candidate[k], with_request,
					&sum);
		sum.unknown += verdict.unknown;
		sum.all++;
	}
	set_header(c, &sum);
	set_request(c, &sum);
	c->unknown = (sum.unknown + 1) / (sum.all + 2);
}

void
span_learn(const struct files *files, const struct record *records, size_t n,
	   const struct constants *base, struct constants *out)
{
	struct vote *vote;
	int round;

	memset(out, 0, sizeof *out);
	if (base != NULL)
		*out = *base;
	out->unknown = 0.5;
	even(out, &out->header);
	even(out, &out->request);
	if (files->count == 0 || n == 0)
		return;
	vote = vote_new();
	for (round = 0; round < 3; round++) {
		bool found =
		    find_modes(files, records, n, vote_header, out, &out->header, vote);

		if (files->has_paths && base == NULL && out->header.count == 0)
			found = find_pair(files, records, n, out);
		if (files->has_paths && out->header.count > 0)
			found |= find_modes(files, records, n, vote_request, out,
					    &out->request, vote);
		if (!found)
			break;
	}
	vote_free(vote);
	for (round = 0; round < ROUNDS; round++)
		round_of_em(files, records, n, out);
}
