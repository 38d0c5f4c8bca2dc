/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is constant of a server, learned from unlabelled spans: first by vote, which finds
 * constants, then by EM, which weighs them, by archive, and the share of unknown files.
 */
#include "identify/span.h"

#include "identify/span_weigh.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VOTERS = 400, WINDOW_MAX = 20000, ROUNDS = 12 };

static const double PAIR_SHARE = 0.2;

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

	span_window(files, r->span, &at, &to);
	span_weigh(files, c, r, with_request, &verdict);
	vote_record(vote, verdict.evidence);
	if (to - at > WINDOW_MAX)
		return;
	for (; at < to; at++) {
		uint64_t size = files->file[at].size;

		ratio = scale * (with_request
				     ? span_request_share(files, c, at, r->request_span, &rest)
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
	span_weigh(files, c, r, true, &verdict);
	vote_record(vote, verdict.evidence);
	span_each(files, &c->header, r->span, add_request, &a);
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

	span_weigh(files, c, r, true, &verdict);
	span_window(files, r->span, &at, &to);
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
