/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of HTTP/2 among frames of flow control. While a client reads, it sends window
 * updates, each a TLS record of 13 octets of frame and the record's cost: 35 in all with
 * TLS 1.3. How many there are depends on the client, the file and chance; but whatever
 * their number, a request's octets less those of its coded path leave the same rest when
 * they are divided by 35. That rest is a constant of the client's and server's headers,
 * or one of a few: the first requests of a connection have others. So it tells the path's
 * length but for multiples of 35, which the size alone then settles.
 *
 * How often each rest occurs is learned by EM with the other constants (span_learn.c),
 * for each way that a path can begin in its first octet; the way that makes the rests
 * agree best is taken, if they agree better than chance would have it.
 */
#include "identify/span_weigh.h"

#include <math.h>
#include <string.h>

/* RFC 9113, 4.1 and 6.9: a frame's header, and the four octets of WINDOW_UPDATE. */
enum { UPDATE_OCTETS = 9 + 4 };

/* Of each rest as if so many were seen before any; and how much likelier, in log
 * likelihood, the requests must be than by even rests: a table of so many free shares is
 * by chance about half as many likelier, and nine ways are tried. */
static const double REST_PRIOR = 0.2, GAIN_LEAST = 40;

void
span_comb_begin(const struct constants *c, struct comb_sums *sums)
{
	uint32_t best = 0, i;

	memset(sums, 0, sizeof *sums);
	for (i = 1; i < c->header.count; i++)
		if (c->header.mode[i].weight > c->header.mode[best].weight)
			best = i;
	if (c->header.count > 0 && tls_law_rows[c->header.mode[best].law].frame > 0)
		sums->step = UPDATE_OCTETS +
			     tls_law_rows[c->header.mode[best].law].record_cost;
	if (sums->step > COMB_MAX)
		sums->step = 0;
}

void
span_comb_add(struct comb_sums *sums, const struct files *files, const struct record *r,
    const struct candidate *candidate)
{
	uint32_t phase, octets;

	if (sums->step == 0 || candidate->is_partial)
		return;
	for (phase = 0; phase < PATH_PHASES; phase++) {
		octets = files_path_octets(files, candidate->file, phase);
		if (octets > 0 && octets < r->request_span)
			sums->rest[phase][(r->request_span - octets) % sums->step] +=
			    candidate->probability;
	}
}

/* Log likelihood of the rests by their own shares, against even ones. */
static double
gain_of(const struct comb_sums *sums, uint32_t phase, double share[COMB_MAX])
{
	double all = 0, gain = 0;
	uint32_t i;

	for (i = 0; i < sums->step; i++)
		all += sums->rest[phase][i] + REST_PRIOR;
	for (i = 0; i < sums->step; i++) {
		share[i] = (sums->rest[phase][i] + REST_PRIOR) / all;
		gain += sums->rest[phase][i] * log(share[i] * sums->step);
	}
	return gain;
}

void
span_comb_set(const struct comb_sums *sums, struct comb *out)
{
	double share[COMB_MAX], gain, best = GAIN_LEAST;
	uint32_t phase;

	out->step = 0;
	for (phase = 0; phase < PATH_PHASES && sums->step > 0; phase++) {
		gain = gain_of(sums, phase, share);
		if (gain <= best)
			continue;
		best = gain;
		out->step = sums->step;
		out->phase = phase;
		memcpy(out->share, share, sizeof share);
	}
}

double
span_comb_factor(const struct files *files, const struct comb *comb, size_t file,
    uint64_t request)
{
	uint32_t octets;

	if (comb->step == 0)
		return 1;
	octets = files_path_octets(files, file, comb->phase);
	if (octets == 0 || octets >= request)
		return 1;
	return comb->step * comb->share[(request - octets) % comb->step];
}
