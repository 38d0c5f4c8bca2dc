/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two exchanges that follow one another, of which the second's request began in the
 * first: every pair of files that fit exactly is weighed, beside what either record says
 * by itself.
 */
#include "identify/span.h"

#include "identify/span_weigh.h"

#include <string.h>

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

/* The pair, and how it is seen: of either record a fit and a constant of requests. */
struct pair {
	const struct files *files;
	const struct constants *c;
	const struct record *const *r;
	struct fitting fitting[2];
	uint32_t fit[2], request[2];
	struct tally tally[2];
};

/* Octets of record i's request beside its file's path and its constant. */
static int64_t
extra_of(const struct pair *p, uint32_t i)
{
	const struct mode *request = &p->c->request.mode[p->request[i]];
	uint32_t file = p->fitting[i].fit[p->fit[i]].file;

	return (int64_t)p->r[i]->request_span -
	       files_path_octets(p->files, file, request->phase) - request->bytes;
}

/* One way to see the pair, with so many octets of the second's request in the first. */
static void
weigh_pair(struct pair *p, int64_t shift)
{
	const struct constants *c = p->c;
	double weight = SPLIT_PRIOR / (SPLIT_BYTES_MAX - 1);
	uint32_t i;

	for (i = 0; i < 2; i++) {
		const typeof(p->fitting[0].fit[0]) *fit = &p->fitting[i].fit[p->fit[i]];

		weight *= (1 - c->unknown) / (double)p->files->count *
			  c->header.mode[fit->mode].weight * fit->share *
			  c->by_source[p->files->source[fit->file]][p->request[i]];
	}
	for (i = 0; i < 2; i++) {
		const typeof(p->fitting[0].fit[0]) *fit = &p->fitting[i].fit[p->fit[i]];
		const struct mode *mode = &c->header.mode[fit->mode];
		uint64_t size = p->files->file[fit->file].size;
		struct candidate candidate = {
		    .file = fit->file,
		    .shift = (int32_t)(i == 0 ? shift : -shift),
		    .header = mode->bytes + size_digits(size, mode->digits),
		    .header_mode = (uint8_t)(fit->mode + 1),
		    .rest = c->request.mode[p->request[i]].bytes,
		    .request_mode = (uint8_t)(p->request[i] + 1)};

		candidate.cost = p->r[i]->span - size - candidate.header;
		tally_add(&p->tally[i], &candidate, weight);
	}
}

/* The ways to see the second record, by the octets that its request is short of, and the
 * next way of as many; 0: none. */
struct seconds {
	uint16_t first[SPLIT_BYTES_MAX];
	struct {
		uint16_t next;
		uint8_t fit, request;
	} way[PAIR_FITS * MODES_MAX + 1];
};

static void
list_seconds(struct pair *p, struct seconds *out)
{
	uint32_t fit, request;
	uint16_t n = 0;
	int64_t shift;

	memset(out->first, 0, sizeof out->first);
	for (fit = p->fitting[1].count; fit-- > 0;)
		for (request = p->c->request.count; request-- > 0;) {
			p->fit[1] = fit;
			p->request[1] = request;
			shift = -extra_of(p, 1);
			if (shift <= 0 || shift >= SPLIT_BYTES_MAX)
				continue;
			out->way[++n].next = out->first[shift];
			out->way[n].fit = (uint8_t)fit;
			out->way[n].request = (uint8_t)request;
			out->first[shift] = n;
		}
}

static void
weigh_ways(struct pair *p)
{
	struct seconds seconds;
	int64_t shift;
	uint16_t i;

	list_seconds(p, &seconds);
	for (p->fit[0] = 0; p->fit[0] < p->fitting[0].count; p->fit[0]++)
		for (p->request[0] = 0; p->request[0] < p->c->request.count;
		     p->request[0]++) {
			shift = extra_of(p, 0);
			if (shift <= 0 || shift >= SPLIT_BYTES_MAX)
				continue;
			for (i = seconds.first[shift]; i != 0; i = seconds.way[i].next) {
				p->fit[1] = seconds.way[i].fit;
				p->request[1] = seconds.way[i].request;
				weigh_pair(p, shift);
			}
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
	struct pair p = {.files = files, .c = c, .r = r};
	struct verdict own[2];
	uint32_t i;

	for (i = 0; i < 2; i++) {
		span_each(files, &c->header, r[i], add_fitting, &p.fitting[i]);
		if (p.fitting[i].count == 0)
			return;
	}
	for (i = 0; i < 2; i++) {
		own[i] = out[i];
		tally_begin(&p.tally[i], &out[i]);
	}
	weigh_ways(&p);
	for (i = 0; i < 2; i++) {
		if (p.tally[0].sum > 0)
			keep_own(&p.tally[i], &own[i],
				 own[0].evidence * own[1].evidence);
		else
			out[i] = own[i];
	}
}
