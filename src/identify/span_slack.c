/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Responses that keep a server's law loosely. A server that waits, for its client's
 * window or for room to send, fills records with what came meanwhile and cuts frames
 * where the window ends. So what it sends is short of the law's octets by whole records,
 * and longer by a frame's head now and then:
 *
 *	span = law(S) + H - m record_cost + rest
 *
 * with 0 <= rest < record_cost. How often each rest occurs is a constant of the server
 * and its clients (few cut frames, few rests), and so is how many of the records that
 * can be saved, m of M, are. Both are learned by EM with the other constants: a file of
 * another size leaves any rest. Until they are known all octets are as likely.
 */
#include "identify/span_weigh.h"

#include <string.h>

enum {
	TICKETS_MAX = 1500, /* octets of tickets and settings beside a first download */
	/* records more than the law has: frames that were cut have one each */
	MORE_MAX = 2 * TLS_CUT_FRAMES,
	FILL_PARTS = SLACK_FILLS - 2, /* of the records that can be saved */
};

/* Of each share as if so many were seen before any. */
static const double REST_PRIOR = 0.2, FILL_PRIOR = 0.5;
/* Of first downloads, those with tickets whose length is not among the constants. */
static const double TICKETS_SHARE = 0.5;

/* The least and the most octets that are sent for a file where the law is kept
 * loosely. */
static void
loosely_sent(const struct mode *mode, const struct record *r, uint64_t size,
    uint64_t *least, uint64_t *most)
{
	uint32_t digits = size_digits(size, mode->digits);

	tls_cost_loose(mode->law, size, mode->inner + digits, least, most);
	*least += size + mode->bytes + digits;
	*most += size + mode->bytes + digits +
		 (r->exchange <= SPAN_FIRST_LAST ? TICKETS_MAX : 0);
}

/* How a response is short of its law: m of `most` records, and a rest. */
struct shortage {
	int64_t m, most;
	uint32_t rest;
};

/* False where the span is none of such a file's. */
static bool
shortage_of(uint32_t step, const struct mode *mode, uint64_t span, uint64_t size,
	    struct shortage *out)
{
	uint32_t digits = size_digits(size, mode->digits);
	uint64_t law = tls_cost(mode->law, size, mode->inner + digits), least, most;
	int64_t beside;

	tls_cost_loose(mode->law, size, mode->inner + digits, &least, &most);
	beside = (int64_t)(span - size - mode->bytes - digits) - (int64_t)law;
	out->rest = (uint32_t)((beside % (int64_t)step + step) % step);
	out->m = ((int64_t)out->rest - beside) / (int64_t)step;
	/* A rest takes one record more from what is short. */
	out->most = (int64_t)((law - least) / step) + 1;
	return out->m >= -MORE_MAX && out->m <= out->most;
}

/* Of those below 0 as likely each, of those above 0 by its part of what can be saved. */
double
span_slack_fill(const struct slack *slack, int64_t m, int64_t most)
{
	double from = (double)(m - 1) * FILL_PARTS / (double)most,
	       to = (double)m * FILL_PARTS / (double)most, sum = 0, end;
	unsigned part;

	if (m <= 0)
		return m < 0 ? slack->fill[0] / MORE_MAX : slack->fill[1];
	for (part = (unsigned)from; part < FILL_PARTS && part < to; part++) {
		end = part + 1 < to ? part + 1 : to;
		sum += slack->fill[2 + part] * (end - (part > from ? part : from));
	}
	return sum;
}

double
span_slack_density(const struct slack *slack, const struct mode *mode,
		   const struct record *r, uint64_t size)
{
	bool is_first = r->exchange <= SPAN_FIRST_LAST;
	struct shortage s;
	uint64_t least, most;
	double flat, density = 0;

	loosely_sent(mode, r, size, &least, &most);
	flat = r->span < least || r->span > most ? 0 : 1 / (double)(most - least + 1);
	if (slack->step == 0 || tls_law_rows[mode->law].record_cost != slack->step)
		return flat;
	if (shortage_of(slack->step, mode, r->span, size, &s))
		density = slack->rest[s.rest] * span_slack_fill(slack, s.m, s.most);
	return is_first ? (1 - TICKETS_SHARE) * density + TICKETS_SHARE * flat : density;
}

void
span_slack_window(const struct files *files, const struct mode *mode,
		  const struct record *r, size_t *from, size_t *to)
{
	uint64_t least, most, low;

	/* What is beside a file grows with it. */
	loosely_sent(mode, r, r->span, &least, &most);
	low = most < 2 * r->span ? 2 * r->span - most : 0;
	loosely_sent(mode, r, low, &least, &most);
	*from = files_lower(files, low);
	*to = r->span > least - low
		  ? files_lower(files, r->span - (least - low) + 1)
		  : *from;
	*to = *to < *from ? *from : *to;
}

/* By the record's cost of the law that most responses follow. */
void
span_slack_begin(const struct constants *c, struct slack *sums)
{
	uint32_t best = 0, i;

	memset(sums, 0, sizeof *sums);
	for (i = 1; i < c->header.count; i++)
		if (c->header.mode[i].weight > c->header.mode[best].weight)
			best = i;
	if (c->header.count == 0 || tls_law_rows[c->header.mode[best].law].frame == 0)
		return;
	sums->step = tls_law_rows[c->header.mode[best].law].record_cost;
	if (sums->step > SLACK_STEP_MAX)
		sums->step = 0;
}

void
span_slack_add(struct slack *sums, const struct files *files, const struct constants *c,
	       const struct record *r, const struct candidate *candidate)
{
	uint64_t size = files->file[candidate->file].size;
	struct shortage s;
	uint32_t i;

	if (sums->step == 0 || candidate->is_partial || candidate->header_mode > 0 ||
	    candidate->cost == 0 || r->exchange <= SPAN_FIRST_LAST)
		return;
	for (i = 0; i < c->header.count; i++) {
		const struct mode *mode = &c->header.mode[i];

		if (tls_law_rows[mode->law].record_cost != sums->step ||
		    mode->bytes + size_digits(size, mode->digits) != candidate->header)
			continue;
		if (!shortage_of(sums->step, mode, r->span, size, &s))
			return;
		sums->rest[s.rest] += candidate->probability;
		i = (uint32_t)((double)(2 * s.m - 1) * FILL_PARTS / (double)(2 * s.most));
		sums->fill[s.m <= 0 ? s.m == 0 : 2 + i] += candidate->probability;
		return;
	}
}

static void
settle(const double *sum, size_t n, double prior, double *out)
{
	double all = 0;
	size_t i;

	for (i = 0; i < n; i++)
		all += sum[i] + prior;
	for (i = 0; i < n; i++)
		out[i] = (sum[i] + prior) / all;
}

void
span_slack_set(const struct slack *sums, struct slack *out)
{
	out->step = sums->step;
	settle(sums->rest, sums->step, REST_PRIOR, out->rest);
	settle(sums->fill, SLACK_FILLS, FILL_PRIOR, out->fill);
}
