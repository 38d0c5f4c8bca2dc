/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * With n sure downloads, c of them of file f and s files downloaded once, the next one is
 * of a file that was not seen with a probability of about s / n (Good and Turing), else
 * of f with that of c / n. All files being as likely before, 1 / N, that is a factor of
 *
 *	(1 - s / n) (c / n) N		of a file that was seen
 *	(s / n) N / (N - d)		of another, d having been seen
 *
 * whose mean over all files is 1, so that the probability of a file that the catalogue
 * does not have is weighed against it as before. Which downloads are sure depends on the
 * file: those of files with others near them never are. So what the sure ones say holds
 * with the share that they have of all downloads, and the factor is bounded. A download
 * does not speak for itself, and what this makes sure does not for others.
 */
#include "identify/popular.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

static const double SURE = 0.95, MOST = 100;
/* Of all files as many as this, for each that is downloaded again, make that worth
 * weighing. */
static const double TELLS = 3;

struct doubt {
	float by;
	double from; /* octets beside the file */
};

struct popular {
	size_t files;
	uint32_t *count; /* by file */
	float *best;     /* by file: the probability of its surest download */
	uint32_t all, once, distinct; /* sure downloads; files with one, with any */
	uint32_t asked; /* downloads, sure or not */
	double known;   /* of these, those that are of some file */
	struct doubt *doubt; /* by file; NULL: none is doubted */
	uint32_t *seen; /* files with sure downloads, rising; NULL before popular_end */
};

struct popular *
popular_new(const struct files *files)
{
	struct popular *p = must(calloc(1, sizeof *p));

	p->files = files->count;
	p->count = must(calloc(files->count + 1, sizeof *p->count));
	p->best = must(calloc(files->count + 1, sizeof *p->best));
	return p;
}

void
popular_free(struct popular *p)
{
	if (p == NULL)
		return;
	free(p->count);
	free(p->best);
	free(p->seen);
	free(p->doubt);
	free(p);
}

static bool
is_sure(const struct verdict *v)
{
	return v->count > 0 && v->candidate[0].probability >= SURE &&
	       !v->candidate[0].is_partial;
}

bool
popular_ask(struct popular *p, const struct verdict *v)
{
	p->asked += v->count > 0;
	p->known += 1 - v->unknown;
	return is_sure(v);
}

void
popular_note(struct popular *p, uint32_t file, double probability)
{
	uint32_t count = ++p->count[file];

	p->best[file] = (float)fmax(p->best[file], probability);
	p->all++;
	p->once += count == 1;
	p->once -= count == 2;
	p->distinct += count == 1;
}

void
popular_add(struct popular *p, const struct verdict *v)
{
	if (popular_ask(p, v))
		popular_note(p, v->candidate[0].file, v->candidate[0].probability);
}

/* The share of sure downloads that another one of the same file follows; and for how many
 * of all downloads that holds. */
static double
again_of(double all, double once)
{
	return fmax(0, 1 - (once + 2) / (all + 2));
}

static double
holds_of(const struct popular *p)
{
	return fmin(1, p->all / fmax(p->known, 1));
}

/* The share of downloads that is of files as often as sure ones are. */
static double
repeated(const struct popular *p)
{
	return again_of(p->all, p->once) * holds_of(p);
}

double
popular_other(const struct popular *p)
{
	return (1 - repeated(p)) / (double)p->files;
}

double
popular_share(const struct popular *p, uint32_t file)
{
	return popular_other(p) +
	       (p->all > 0 ? repeated(p) * p->count[file] / p->all : 0);
}

/* Of a file with so many sure downloads, of `all` in all, `once` files having one. */
static double
factor_of(const struct popular *p, double count, double all, double once)
{
	double n = (double)p->files, again = 1 - (once + 2) / (all + 2), factor,
	       holds = all / p->asked;

	if (!(again > 0))
		return 1;
	factor = count > 0 ? again * count / all * n
			   : (1 - again) * n / (n - fmin(p->distinct, n - 1));
	return fmin(MOST, 1 + holds * (factor - 1));
}

double
popular_factor(const struct popular *p, uint32_t file, bool own)
{
	uint32_t count = p->count[file];
	double once = p->once;

	if (!own)
		return factor_of(p, count, p->all, once);
	once += count == 2 ? 1 : count == 1 ? -1 : 0;
	return factor_of(p, count - 1.0, p->all - 1.0, once);
}

void
popular_end(struct popular *p)
{
	size_t i, n = 0;

	p->seen = must(calloc(p->distinct + 1, sizeof *p->seen));
	for (i = 0; i < p->files; i++)
		if (p->count[i] > 0)
			p->seen[n++] = (uint32_t)i;
}

void
popular_doubt(struct popular *p, uint32_t file, double by, uint64_t beside)
{
	if (p->doubt == NULL)
		p->doubt = must(calloc(p->files + 1, sizeof *p->doubt));
	p->doubt[file] = (struct doubt){(float)by, (double)beside};
}

double
popular_doubted(const struct popular *p, uint32_t file, uint64_t beside)
{
	return p->doubt != NULL && (double)beside >= p->doubt[file].from
		   ? (double)p->doubt[file].by
		   : 0;
}

const uint32_t *
popular_files(const struct popular *p, size_t *count)
{
	*count = p->distinct;
	return p->seen;
}

uint32_t
popular_count(const struct popular *p, uint32_t file)
{
	return p->count[file];
}

bool
popular_tells(const struct popular *p)
{
	return p->all > 0 &&
	       again_of(p->all, p->once) * (double)p->files > TELLS * p->distinct;
}

double
popular_unseen(const struct popular *p, double beside)
{
	double n = (double)p->files, holds = holds_of(p);

	return beside * (1 - holds + holds * (1 - again_of(p->all, p->once)) * n /
						 (n - fmin(p->distinct, n - 1)));
}

double
popular_seen(const struct popular *p, uint32_t file, bool own, double beside)
{
	double count = p->count[file] - (own ? 1.0 : 0), all = p->all - (own ? 1.0 : 0),
	       once = p->once, holds = holds_of(p);

	if (own)
		once += p->count[file] == 2 ? 1 : p->count[file] == 1 ? -1 : 0;
	if (!(count > 0))
		return popular_unseen(p, beside);
	return beside * (1 - holds) +
	       holds * again_of(all, once) * count / all * (double)p->files;
}

/* Holds the likeliest candidate at a probability; what is over goes to all else. */
static void
hold(struct verdict *v, double most)
{
	double p = v->candidate[0].probability, scale;
	uint32_t i;

	if (p <= most || p >= 1)
		return;
	scale = (1 - most) / (1 - p);
	v->candidate[0].probability = most;
	for (i = 1; i < v->count; i++)
		v->candidate[i].probability *= scale;
	v->unknown *= scale;
	if (v->candidate[0].is_partial)
		v->partial = fmax(0, 1 - v->unknown - v->whole);
	else
		v->whole = fmax(0, 1 - v->unknown - v->partial);
}

void
popular_hold(const struct popular *p, double before, struct verdict *v)
{
	uint32_t best;

	if (p->all == 0 || v->count == 0)
		return;
	best = v->candidate[0].file;
	if (p->count[best] > 0) /* what nobody downloaded is not popular */
		hold(v, fmax(p->best[best], before));
}

void
popular_apply(const struct popular *p, bool is_noted, struct verdict *v)
{
	bool own = is_noted && is_sure(v);
	double rest = 1 - v->unknown, sum = v->unknown, whole = 0, partial = 0, to, kept,
	       before;
	uint32_t i, first;

	if (p->all == 0 || v->count == 0)
		return;
	first = v->candidate[0].file;
	before = v->candidate[0].probability;
	for (i = 0; i < v->count; i++) {
		struct candidate *c = &v->candidate[i];

		rest -= c->probability;
		to = c->probability * popular_factor(p, c->file, own && i == 0);
		*(c->is_partial ? &partial : &whole) += to - c->probability;
		sum += to;
		c->probability = to;
	}
	/* Files that are not told one by one, whole ones mostly. */
	kept = fmax(rest, 0) * factor_of(p, 0, p->all, p->once);
	whole += kept - fmax(rest, 0);
	sum += kept;
	if (!(sum > 0))
		return;
	for (i = 0; i < v->count; i++)
		v->candidate[i].probability /= sum;
	v->unknown /= sum;
	v->partial = fmin(fmax(0, v->partial + partial) / sum, 1 - v->unknown);
	v->whole = fmin(fmax(0, v->whole + whole) / sum, 1 - v->unknown);
	verdict_sort(v);
	popular_hold(p, v->candidate[0].file == first ? before : 0, v);
}
