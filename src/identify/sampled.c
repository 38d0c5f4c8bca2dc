/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The likelihood of a sampled record, one packet in N, for a file for which L octets are
 * sent:
 *
 * 	packets	Poisson(mean (L (1 + lam) / MSS + 3) / N), the mean more in some
 * 		downloads: bursts of spurious retransmissions, segments below the MSS
 * 	span	D = L - span >= 0 octets lie outside: a whole segments before the first
 * 		sampled one and b segments after the last, each geometric with 1/N. b = 0:
 * 		D = a MSS; b > 0: D = (a + b - 1) MSS + the last segment. Segments below
 * 		the
 * 		MSS among them make D any number: one in ten.
 *
 * Where no header is known the span's own remainder tells b = 0 from b > 0: after the
 * last segment of all it is any number, else 0; D is then geometric or the sum of two
 * such.
 *
 * The span says so much more that counts are then left aside: some exporters multiply
 * them by N. Without a span, counts that N divides, packets and octets both, may be such.
 */
#include "identify/sampled.h"

#include <math.h>

enum { MSS_USUAL = 1448, HEADER_USUAL = 250, HEADER_SLACK = 400, FILES_MAX = 2000000 };

static const double ODD = 0.1, REACH = 30;
static const struct {
	double factor, share;
} more[] = {{1, 0.8}, {1.015, 0.08}, {1.05, 0.07}, {1.15, 0.05}};

struct sampled {
	const struct record *r;
	double n, mss, lam;
	bool is_header_known, may_be_scaled;
	/* the span ends with a whole segment: others came behind it */
	bool is_end_missing;
};

bool
sampled_is(const struct record *r)
{
	return r->sampling > 1 &&
	       (r->has_span ? r->is_at_least : r->packets > 0 && !r->is_quic);
}

static double
log_poisson(double mean, double count)
{
	return count * log(mean) - mean - lgamma(count + 1);
}

static double
p_of_packets(const struct sampled *s, double sent)
{
	double mean = (sent * (1 + s->lam) / s->mss + 3) / s->n, sum = 0,
	       count = (double)s->r->packets, whole = s->may_be_scaled ? 0.5 : 1;
	size_t i;

	for (i = 0; i < sizeof more / sizeof more[0]; i++) {
		sum += whole * more[i].share * exp(log_poisson(mean * more[i].factor,
		    count));
		if (s->may_be_scaled)
			sum += (1 - whole) * more[i].share *
			       exp(log_poisson(mean * more[i].factor, count / s->n));
	}
	return sum;
}

/* Of the octets outside the span. */
static double
p_of_outside(const struct sampled *s, double outside, double last)
{
	double p = 1 / s->n, j, odd, sum = 0;

	if (!s->is_header_known && outside < 0 && outside > -HEADER_SLACK)
		outside = 0;
	if (outside < 0)
		return 0;
	j = floor(outside / s->mss);
	odd = (j + 1) * p * p * pow(1 - p, j) / s->mss;
	if (!s->is_header_known)
		return s->is_end_missing ? odd
					 : (1 - ODD) * p * pow(1 - p,
					     j) / s->mss + ODD * odd;
	if (fmod(outside, s->mss) == 0)
		sum += p * p * pow(1 - p, j);
	if (outside >= last && fmod(outside - last, s->mss) == 0) {
		j = (outside - last) / s->mss;
		sum += (j + 1) * p * p * pow(1 - p, j + 1);
	}
	return (1 - ODD) * sum + ODD * odd;
}

static double
likelihood(const struct sampled *s, double sent)
{
	double last;

	if (!s->r->has_span)
		return p_of_packets(s, sent);
	last = fmod(sent, s->mss);
	return p_of_outside(s, sent - (double)s->r->span, last == 0 ? s->mss : last);
}

/* The sizes that can be: about what the packets say, or the span and what may lie
 * outside. */
static void
bounds(const struct sampled *s, double *low, double *high, double *middle)
{
	double count = (double)s->r->packets, spread = 6 * sqrt(count + 4) + 10;

	*middle = (count * s->n - 3) * s->mss / (1 + s->lam);
	*low = s->may_be_scaled ? 0 : (count - spread) * s->n * s->mss;
	*high = (count + spread) * s->n * s->mss;
	if (s->r->has_span) {
		*low = (double)s->r->span - 2 * HEADER_SLACK - 16384;
		*high = (double)s->r->span + REACH * s->n * s->mss;
		*middle = (double)s->r->span + 2 * s->n * s->mss;
	}
	*low = *low > 0 ? *low : 0;
	*middle = *middle > 1 ? *middle : 1;
}

/* Segments of a record whose path tells none: its handshake was hardly sampled, so that
 * all its packets are segments. */
static uint32_t
segments_of(const struct record *r, uint32_t overhead)
{
	struct record all = *r;
	uint32_t usual = wire_mss_usual(overhead, r->server.is_v6), mean;

	all.has_handshake = false;
	mean = wire_mss_least(&all, overhead);
	if (mean > usual - usual / 10 && mean <= usual)
		return usual;
	return (mean = wire_mss(&all, overhead)) != 0 ? mean : MSS_USUAL;
}

void
sampled_name(const struct files *files, const struct wire_server *server,
	     const struct wire_path *path, const struct record *r, struct verdict *out)
{
	static const struct mode usual = {.bytes = HEADER_USUAL, .weight = 1};
	uint32_t overhead = wire_overhead(server, r), mss = path->mss, i,
		 modes = server->header.count;
	struct sampled s = {.r = r, .n = r->sampling, .lam = path->lam,
			    .is_header_known = modes > 0,
			    .may_be_scaled = r->packets % r->sampling == 0 &&
					     r->bytes % r->sampling == 0};
	double low, high, middle, scale, density;
	struct tally tally;
	size_t at, end;

	if (mss == 0)
		mss = segments_of(r, overhead);
	s.mss = mss;
	s.is_end_missing = r->has_span && r->span % mss == 0;
	*out = (struct verdict){.mss = mss,
				.payload = r->has_span ? r->span : wire_payload(r,
				    overhead),
				.overhead = overhead};
	bounds(&s, &low, &high, &middle);
	scale = (1 - path->unknown) / (double)(files->count ? files->count : 1);
	tally_begin(&tally, out);
	at = files_lower(files, (uint64_t)low);
	end = files_lower(files, (uint64_t)high + 1);
	if (end - at > FILES_MAX)
		end = at;
	for (; at < end; at++)
		for (i = 0; i < (modes > 0 ? modes : 1); i++) {
			const struct mode *mode = modes > 0 ? &server->header.mode[i]
			    : &usual;
			uint64_t sent = mode_sent(mode, files->file[at].size);
			struct candidate c = {.file = (uint32_t)at,
					      .header = (uint32_t)(sent -
								   files->file[at].size)};

			tally_add(&tally, &c,
				  scale * mode->weight * likelihood(&s, (double)sent));
		}
	/* Of any size: the density there, times the likelihood summed over all sizes. */
	density = wire_unknown_density(files, server, (uint64_t)middle);
	tally_end(&tally, path->unknown * density *
			      (r->has_span ? 1 : s.n * s.mss));
}
