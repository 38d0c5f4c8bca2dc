/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages. A server that sends a file from the page cache hands its kernel pages, and a
 * buffer of Linux takes 17 pieces at most. While the queue never empties, the end of one
 * answer, the next one's header and the pages after it go into one buffer, which is then
 * full before it has as many octets as others: it ends with an odd segment, at the end of
 * a page of the new file. So the distance from the file's first octet, modulo 4096, is 0
 * there, and tells where the file began though no segment ended there.
 *
 * With p the probability that one of the first odd ends within reach is of this kind, the
 * kth with w_k, their places are likelier by
 *
 *	1 - p + p 4096 (sum of w_k of those at a page's end)
 *
 * if a response begins at a place with a header so long than if pages were anywhere.
 */
#include "identify/sequence_run.h"

#include "base/err.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum {
	PAGE = 4096,
	REACH = 17 * PAGE,
	TRIED = 4, /* odd ends, the first ones after a response's beginning */
	HEADERS_MAX = 16, /* lengths of headers that borders are sought by */
};

/* Probabilities that a response has such an end: where nothing is known of the server,
 * and where others show it. */
static const double PERHAPS = 0.15, SEEN = 0.5;
/* Share of headers of a length, of those that borders are sought by. */
static const double RARE = 0.02;
/* Natural log, of the sum of what the runs' starts say: enough to believe it. */
static const double SEEN_AT = 4;
/* Which of the odd ends it is, mostly the first. */
static const double FIRST[] = {0.7, 0.15, 0.1, 0.05};

static bool
is_lesser(const void *values, size_t i, uint64_t value)
{
	return ((const uint64_t *)values)[i] < value;
}

/* First odd end behind an offset. */
static uint32_t
odd_after(const struct run *run, uint64_t offset)
{
	return (uint32_t)search_first(run->odd, 0, run->odd_count, offset + 1, is_lesser);
}

/* The odd ends tried of a response that ends at end: from *first on so many. */
static uint32_t
odd_ends(const struct run *run, uint64_t start, uint64_t end, uint32_t *first)
{
	uint32_t i = odd_after(run, start), n = 0;

	*first = i;
	for (; i < run->odd_count && n < TRIED && run->odd[i] < end &&
	       run->odd[i] - start <= REACH + RUN_FILL_HEADER;
	     i++)
		n++;
	return n;
}

double
phase_weight(const struct run *run, uint64_t start, uint32_t header, uint64_t end)
{
	uint32_t first, i, n = odd_ends(run, start, end, &first);
	double pages = 0;

	for (i = 0; i < n; i++)
		if (run->odd[first + i] >= start + header &&
		    (run->odd[first + i] - start - header) % PAGE == 0)
			pages += FIRST[i];
	return n == 0 ? 1 : 1 - run->phased + run->phased * PAGE * pages;
}

double
phase_hope(const struct run *run, uint64_t start, uint64_t end)
{
	uint32_t first, i, n = odd_ends(run, start, end, &first);
	double share = 0;

	if (n == 0 || run->header_share == NULL)
		return 1;
	for (i = 0; i < n; i++)
		share += run->header_share[(run->odd[first + i] - start) % PAGE] *
		    FIRST[i];
	return 1 - run->phased + run->phased * PAGE * share;
}

double
phase_most_hope(const struct run *run)
{
	double most = 0;
	uint32_t i;

	for (i = 0; run->header_share != NULL && i < PAGE; i++)
		most = fmax(most, run->header_share[i]);
	return 1 + run->phased * PAGE * most;
}

bool
phase_is_header(const struct run *run, uint64_t span)
{
	return span < PAGE && run->header_share != NULL &&
	    run->header_share[span] >= RARE;
}

/* Whether a response surely begins at a border: the first one, one that came after an end
 * that made a request go out, and the one before which the first batch went. */
static bool
is_sure_start(const struct run *run, uint32_t border)
{
	const struct border *b = &run->borders[border];

	return border == 0 || (b->is_end && b->is_anchor) ||
	       (run->group_count > 1 && run->groups[1].is_anchored &&
		   run->groups[1].anchor == b->offset);
}

/* Shares of the catalogue's sizes by number of digits. */
static void
count_digits(const struct run *run, bool is_hex, double share[RUN_DIGITS])
{
	const struct sequence_config *config = run->config;
	uint32_t digits;
	size_t i;

	for (digits = 0; digits < RUN_DIGITS; digits++)
		share[digits] = 0;
	for (i = 0; i < config->count; i++) {
		digits = size_digits(config->items[i].size, is_hex);
		if (digits < RUN_DIGITS)
			share[digits] += 1.0 / (double)config->count;
	}
}

/*
 * Adds to a gain per header constant, from low on, what the odd ends behind a place say
 * of it if a share of such places begins a response.
 */
static void
vote_start(const struct run *run, uint64_t start, const double digits[RUN_DIGITS],
	   double share, struct phase_poll *poll)
{
	uint32_t first, i, d, n = odd_ends(run, start, UINT64_MAX, &first);
	double odds = share / (1 - share);

	if (n == 0)
		return;
	poll->base += log1p(-share);
	for (i = 0; i < n; i++) {
		uint32_t at = (uint32_t)((run->odd[first + i] - start) % PAGE);

		for (d = 1; d < RUN_DIGITS; d++)
			if (at >= poll->low + d && at - poll->low - d < poll->count)
				poll->gain[at - poll->low - d] +=
				    log1p(odds * digits[d] * PAGE * FIRST[i]);
	}
}

void
phase_vote(const struct run *run, bool is_hex, double share, const uint8_t *is_explained,
	   struct phase_poll *poll)
{
	double digits[RUN_DIGITS];
	uint32_t i;

	count_digits(run, is_hex, digits);
	poll->base = 0;
	for (i = 0; i < poll->count; i++)
		poll->gain[i] = 0;
	for (i = 0; i < run->border_count && i < poll->starts; i++)
		if ((run->borders[i].is_end || is_sure_start(run, i)) &&
		    !is_explained[i])
			vote_start(run, run->borders[i].offset, digits,
				   is_sure_start(run, i) ? SEEN : share, poll);
}

void
phase_explain(const struct run *run, uint32_t header, uint32_t starts,
	      uint8_t *is_explained)
{
	uint32_t i, k, first, n, at;

	for (i = 0; i < run->border_count && i < starts; i++) {
		n = odd_ends(run, run->borders[i].offset, UINT64_MAX, &first);
		for (k = first; k < first + n; k++) {
			at = (uint32_t)((run->odd[k] - run->borders[i].offset) % PAGE);
			is_explained[i] |= at > header && at < header + RUN_DIGITS;
		}
	}
}

/* What the starts say for pages at all, once the constants are known. */
static double
learn_share(const struct run *run, double share)
{
	double gain = 0, fit;
	uint32_t i, k, first, n;

	for (i = 0; i < run->border_count; i++) {
		uint64_t start = run->borders[i].offset;

		if (!run->borders[i].is_end && !is_sure_start(run, i))
			continue;
		n = odd_ends(run, start, UINT64_MAX, &first);
		for (fit = 0, k = 0; k < n; k++)
			fit += run->header_share[(run->odd[first + k] - start) % PAGE] *
			       FIRST[k];
		if (n > 0)
			gain += log1p((is_sure_start(run, i) ? SEEN : share) *
				      (PAGE * fit - 1));
	}
	return gain;
}

int
phase_learn(struct run *run, struct err *err)
{
	static const double shares[] = {0.5, 0.25, 0.1, 0.03};
	double digits[RUN_DIGITS];
	uint32_t m, d;
	size_t i;

	run->phased = PERHAPS;
	if ((run->header_share = calloc(PAGE, sizeof *run->header_share)) == NULL)
		return err_set(err, ENOMEM, "sequence: out of memory for headers");
	for (m = 0; m < run->modes.headers; m++) {
		const struct sequence_mode *mode = &run->modes.header[m];

		count_digits(run, mode->is_hex, digits);
		for (d = 0; d < RUN_DIGITS; d++)
			run->header_share[(mode->bytes + d) % PAGE] +=
			    mode->weight * digits[d];
	}
	for (i = 0; i < sizeof shares / sizeof *shares; i++)
		if (learn_share(run, shares[i]) > SEEN_AT)
			run->has_pages = true;
	if (run->has_pages)
		run->phased = SEEN;
	return 0;
}

static int
compare_border(const void *a, const void *b)
{
	const struct border *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset > y->offset ? 1 : -1;
	return x->is_page - y->is_page;
}

/* Lengths of headers that are not rare; their number. */
static uint32_t
usual_headers(const struct run *run, uint32_t length[HEADERS_MAX])
{
	uint32_t i, n = 0;

	for (i = 1; i < PAGE && n < HEADERS_MAX; i++)
		if (run->header_share[i] >= RARE)
			length[n++] = i;
	return n;
}

/* Borders behind which a response with a header so long has an end with its pages. */
static uint32_t
add_pages(const struct run *run, struct border *out, uint32_t room)
{
	uint32_t length[HEADERS_MAX], headers = usual_headers(run, length), i, k, n = 0;
	uint64_t pages, end = run->borders[run->border_count - 1].offset, before;

	for (i = 0; i < run->border_count; i++) {
		const struct border *at = &run->borders[i];

		for (k = 0; k < headers && at->is_end; k++)
			for (pages = 0; pages <= REACH - PAGE && n < room;
			    pages += PAGE) {
				before = length[k] + pages;
				if (at->offset <= run->borders[0].offset + before)
					break;
				if (at->offset < end)
					out[n++] = (struct border){
					    .offset = at->offset - before,
					    .row = at->row,
					    .is_page = 1};
			}
	}
	return n;
}

/* One border per offset, and which ones are no pages. */
static void
number_borders(struct run *run)
{
	struct border *b = run->borders;
	uint32_t i, n = 0;

	for (i = 0; i < run->border_count; i++)
		if (n == 0 || b[n - 1].offset != b[i].offset)
			b[n++] = b[i];
	run->border_count = n;
	for (i = 0; i < n; i++)
		b[i].number = (i > 0 ? b[i - 1].number : 0) + !b[i].is_page;
	for (i = n; i-- > 0;)
		b[i].next = i + 1 == n ? n : b[i + 1].is_page ? b[i + 1].next : i + 1;
}

int
phase_add_borders(struct run *run, struct err *err)
{
	struct border *grown;
	uint32_t i;

	if (run->has_pages && run->border_count < RUN_BORDERS_MAX) {
		grown = realloc(run->borders, RUN_BORDERS_MAX * sizeof *grown);
		if (grown == NULL)
			return err_set(err, ENOMEM, "sequence: out of memory for pages");
		run->borders = grown;
		run->border_count += add_pages(run, grown + run->border_count,
					       RUN_BORDERS_MAX - run->border_count);
		qsort(run->borders, run->border_count, sizeof *grown, compare_border);
	}
	number_borders(run);
	for (i = 0; i < run->border_count; i++)
		run->stats->pages += run->borders[i].is_page;
	return 0;
}
