/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Weighs files where no header was learned. What a server sends beside a file lies evenly
 * in one of a few ranges, for plain HTTP and for TLS, whose records cost a share of the
 * file and whose handshake comes first:
 *
 * 	p(T | S) = sum over ranges of share (F(k2) - F(k1)) / width
 *
 * F being the sum of p(k) and k1 to k2 the segments sent again with which T - S - k MSS
 * lies in the range.
 */
#include "identify/wire.h"

#include "identify/popular.h"

#include <math.h>

enum { FILES_MAX = 20000, DEPTH = 3 };

static const double NEGLIGIBLE = 1e-6;

static const struct range {
	double share, least, most; /* octets */
	double least_part, most_part; /* and parts of the file */
} plain_ranges[] = {{0.85, 150, 450, 0, 0}, {0.15, 40, 2000, 0, 0}},
  tls_ranges[] = {{0.5, 1400, 5500, 0.00128, 0.0018},
		  {0.35, 800, 8500, 0.0012, 0.0065},
		  {0.15, 700, 10000, 0.0012, 0.022}};
enum {
	PLAIN_RANGES = sizeof plain_ranges / sizeof plain_ranges[0],
	TLS_RANGES = sizeof tls_ranges / sizeof tls_ranges[0]
};

/* Files further below than the widest range explain nothing without losses. */
static const double WIDEST = 10000, WIDEST_PART = 0.022;

struct gap {
	double octets, size, mss;
	const struct wire_losses *losses;
};

/* Sum of p(0..k). */
static double
sum_to(const struct wire_losses *losses, double k)
{
	if (k < 0)
		return 0;
	if (k < (double)losses->count)
		return losses->sum[(size_t)k];
	return losses->sum[losses->count - 1] +
	       losses->tail * log((k + 1) / (double)losses->count);
}

static double
p_in_range(const struct gap *gap, const struct range *range, double *k)
{
	double least = range->least + range->least_part * gap->size,
	       most = range->most + range->most_part * gap->size,
	       first = ceil((gap->octets - most) / gap->mss),
	       last = floor((gap->octets - least) / gap->mss),
	       peak = (double)gap->losses->peak;

	if (last < 0 || last < first)
		return 0;
	first = first > 0 ? first : 0;
	*k = peak < first ? first : peak > last ? last : peak;
	return range->share * (sum_to(gap->losses, last) - sum_to(gap->losses,
	    first - 1)) /
	       (most - least);
}

static double
p_of_gap(const struct gap *gap, double tls, double *k)
{
	double p = 0, one, best = 0, at = 0;
	size_t i;

	*k = 0;
	for (i = 0; i < PLAIN_RANGES + TLS_RANGES; i++) {
		one = i < PLAIN_RANGES
			  ? (1 - tls) * p_in_range(gap, &plain_ranges[i], &at)
			  : tls * p_in_range(gap, &tls_ranges[i - PLAIN_RANGES], &at);
		p += one;
		if (one > best) {
			best = one;
			*k = at;
		}
	}
	return p;
}

void
wire_weigh_blind(const struct wire_blind *b, const struct record *r, double scale,
		 struct tally *tally)
{
	uint64_t t = wire_payload(r, b->overhead);
	double segments = (double)t / b->mss, weight, k, after, unseen = 1;
	struct gap gap = {.mss = b->mss,
			  .losses = wire_table(b->tables,
					       wire_ask_class(r, b->overhead),
					       segments)};
	size_t end = files_lower(b->files, t),
	       first = end > FILES_MAX ? end - FILES_MAX : 0, i;

	after = WIDEST + WIDEST_PART * (double)t + (double)gap.losses->peak * gap.mss;
	if (b->popular != NULL)
		unseen = popular_unseen(b->popular, 1);
	scale *= unseen * (1 - b->path->unknown) /
		 (double)(b->files->count ? b->files->count : 1);
	for (i = end; i-- > first;) {
		struct candidate c = {.file = (uint32_t)i};

		gap.size = (double)b->files->file[i].size;
		gap.octets = (double)t - gap.size;
		if (b->files->file[i].size < t / DEPTH)
			break;
		weight = scale * p_of_gap(&gap, b->tls, &k);
		c.k = (uint32_t)k;
		c.header = (uint32_t)(gap.octets - k * gap.mss);
		if (b->popular != NULL && popular_count(b->popular, c.file) > 0)
			weight *= popular_seen(b->popular, c.file,
					       r->is_counted && r->alone == c.file + 1,
					       1) /
				  unseen;
		tally_add(tally, &c, weight);
		if (gap.octets > after && weight * (double)i < NEGLIGIBLE * tally->sum)
			break;
	}
}
