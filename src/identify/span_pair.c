/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two exchanges that follow one another, of which the second's request began in the
 * first: every pair of files that fit exactly is weighed, beside what either record says
 * by itself.
 */
#include "identify/span.h"

#include "identify/span_weigh.h"

enum {
	PAIR_FITS = 64,
	SPLIT_BYTES_MAX = 64, /* the meter counts a longer burst as a new request */
};

static const double SPLIT_PRIOR = 0.02;

/* The files that a header constant makes fit, for a pair of records. */
struct fitting {
	uint32_t count;
	struct {
		uint32_t file, mode;
		double share;
	} fit[PAIR_FITS];
};

static void
add_fitting(void *arg, size_t file, const struct span_fit *fit)
{
	struct fitting *f = arg;

	if (f->count < PAIR_FITS)
		f->fit[f->count++] =
		    (typeof(f->fit[0])){(uint32_t)file, fit->mode, fit->share};
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

		extra[i] = (int64_t)r[i]->request_span -
			   files_path_octets(files, file[i],
			   c->request.mode[request].phase) -
			   c->request.mode[request].bytes;
		weight *= (1 - c->unknown) / (double)files->count *
			  c->header.mode[header].weight * fitting[i].fit[at[i]].share *
			  c->by_source[files->source[file[i]]][request];
	}
	if (extra[0] <= 0 || extra[0] >= SPLIT_BYTES_MAX || extra[1] != -extra[0])
		return;
	for (i = 0; i < 2; i++) {
		uint32_t number = fitting[i].fit[at[i]].mode;
		const struct mode *mode = &c->header.mode[number];
		uint64_t size = files->file[file[i]].size;
		struct candidate candidate = {
		    .file = file[i],
		    .shift = (int32_t)extra[i],
		    .header = mode->bytes + size_digits(size, mode->digits),
		    .header_mode = (uint8_t)(number + 1),
		    .rest = c->request.mode[at[2 + i]].bytes,
		    .request_mode = (uint8_t)(at[2 + i] + 1)};

		candidate.cost = r[i]->span - size - candidate.header;

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
		span_each(files, &c->header, r[i], add_fitting, &fitting[i]);
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
