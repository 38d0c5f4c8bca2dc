/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several downloads on one connection of QUIC: which files' sizes add up to what the
 * record carried. Only octets and packets are seen, so a multiset is told, not an order.
 * All files but the largest are tried in rising order, the largest is near what is left:
 *
 *	D = sum of S + constant + (m - 1) head + cost x packets + k packet + rest
 *
 * head: the later responses' headers, which nothing taught: some dozens to some hundreds
 * of octets each, for QPACK (RFC 9204) names again what the first one said. Each set has
 * the weight of its orders; what the record would be as one download is weighed with it.
 */
#include "identify/quic.h"

#include "base/search.h"
#include "identify/quic_inside.h"
#include "identify/several.h"

#include <math.h>
#include <string.h>

enum {
	WORK_MAX = 2000000,
	COUNTED_MIN = 10, /* records that tell numbers of files, and those looked at */
	COUNTED_MAX = 100,
	NEEDED = 3, /* files of which all sets must be tried for that */
	ROUNDS = 50,
};
_Static_assert((int)QUIC_FILES_MAX == (int)SEVERAL_FILES_MAX, "numbers of files");

/* Of connections, supposed before they are counted; it counts for as many as this. */
static const double USUAL_COUNT = 4, ONE_FILE = 0.5, UNKNOWN_MOST = 0.4;

/* Share of connections with several downloads, of all and of those that no file explains;
 * and of these by their number. */
static const double SEVERAL = 0.05, SEVERAL_UNKNOWN = 0.5;
static const double share_of_number[SEVERAL_FILES_MAX + 1] = {0, 0, 0.5, 0.25, 0.15, 0.1};
/* Pairs of files that fit a record by chance. */
static const double CROWD = 2;

/* Octets looked at beside packets sent again, for each later response. */
static const double HEAD_MOST = 1500;

struct search {
	const struct files *files;
	const struct quic_server *server;
	double share[SEVERAL_FILES_MAX + 1]; /* of connections with so many downloads */
	double left; /* D less the constant and what packets cost */
	size_t work;
	struct several *out;
	double sum, by_files[SEVERAL_FILES_MAX + 1];
	/* of the number being tried */
	uint32_t m;
	double prior, most; /* octets that may be left */
	uint32_t file[SEVERAL_FILES_MAX];
};

/* The density of so many octets of heads of later responses: each of two exponential
 * parts, so that few octets are as rare as many. */
static double
heads(double octets, uint32_t later)
{
	double shape = 2.0 * later, scale = QUIC_HEAD / 2;

	if (!(octets > 0))
		return 0;
	return exp((shape - 1) * log(octets / scale) - octets / scale - lgamma(shape)) /
	       scale;
}

/* Of the octets that a set leaves. */
static double
density_of(const struct search *s, double left, int *again)
{
	const struct quic_server *server = s->server;
	double sum = 0, part, best = 0, none = server->again[QUIC_LESS], more, mean;
	int k;

	/* Nothing was sent again of any of them: less likely with each. */
	more = (1 - pow(none, s->m)) / fmax(1 - none, 1e-9);
	mean = server->mean * s->m;
	for (k = -QUIC_LESS, *again = 0; k <= QUIC_MORE; k++) {
		part = (k == 0 ? pow(none, s->m) : more * server->again[k + QUIC_LESS]) *
		       heads(left - k * server->packet, s->m - 1);
		if (part > best) {
			best = part;
			*again = k;
		}
		sum += part;
	}
	if (left > 0 && server->mean > 0)
		sum += more * server->rest * exp(-left / mean) / mean;
	return sum;
}

static void
weigh(struct search *s, double left)
{
	struct several_set set = {.files = s->m};
	int again;

	set.probability = s->prior * several_orders(s->file, s->m) *
	    density_of(s, left, &again);
	set.k = again > 0 ? (uint32_t)again : 0;
	left -= set.k * s->server->packet;
	set.e = left > 0 ? (uint32_t)left : 0;
	memcpy(set.file, s->file, sizeof set.file);
	s->sum += set.probability;
	s->by_files[s->m] += set.probability;
	several_keep(s->out, &set);
}

static bool
is_smaller(const void *files, size_t i, uint64_t size)
{
	return ((const struct files *)files)->file[i].size < size;
}

/* Chooses file number `chosen` and those after it, none smaller; left: octets. */
static void
choose(struct search *s, uint32_t chosen, size_t from, double left)
{
	double less = QUIC_LESS * s->server->packet, size;
	size_t i = from;

	if (chosen + 1 == s->m && left > s->most) {
		i = search_first(s->files, 0, s->files->count,
				 (uint64_t)(left - s->most), is_smaller);
		i = i > from ? i : from;
	}
	for (; i < s->files->count && s->work <= WORK_MAX; i++) {
		size = (double)s->files->file[i].size;
		if (size * (s->m - chosen) > left + less)
			break;
		s->work++;
		s->file[chosen] = (uint32_t)i;
		if (chosen + 1 == s->m)
			weigh(s, left - size);
		else
			choose(s, chosen + 1, i, left - size);
	}
}

/* Whether all sets of so many can be tried. */
static bool
is_feasible(const struct search *s, uint32_t m)
{
	double work = 1;
	uint32_t i;

	for (i = 1; i < m; i++)
		work *= ((double)s->files->count + i - 1) / i;
	return work <= WORK_MAX / 2;
}

static void
try_number(struct search *s, uint32_t m)
{
	const struct quic_server *server = s->server;

	s->m = m;
	s->work = 0;
	s->prior = s->share[m] * pow(1 / (double)s->files->count, m);
	s->most = QUIC_MORE * server->packet + HEAD_MOST * (m - 1);
	if (s->most < 4 * server->mean * m)
		s->most = 4 * server->mean * m;
	if (is_feasible(s, m))
		choose(s, 0, 0, s->left);
	s->out->is_cut |= !is_feasible(s, m) || s->work > WORK_MAX;
}

/*
 * How much what no file explains speaks for several: less where so many pairs of files
 * fit any record by chance that nothing can be told from it.
 */
static double
sparse(const struct files *files, const struct quic_server *server)
{
	double n = (double)files->count;
	double range = 2 * (double)files->file[files->count - 1].size;
	double pairs = n * n / 2 * QUIC_MORE * server->packet / (range + 1);

	return pairs > CROWD ? CROWD / pairs : 1;
}

/* Weighs all sets of a record; out is not settled. */
static void
search(struct search *s, const struct record *record)
{
	const struct quic_server *server = s->server;
	uint32_t m;

	s->left = quic_payload(record) - server->cost * (double)record->packets -
		  server->constant;
	for (m = 2; m <= SEVERAL_FILES_MAX; m++)
		try_number(s, m);
}

/* The shares that are supposed where nothing was counted. */
static void
suppose(const struct files *files, const struct quic_server *server, double *share)
{
	double several = SEVERAL + SEVERAL_UNKNOWN * server->unknown *
					   sparse(files, server);
	uint32_t m;

	share[1] = 1 - several;
	for (m = 2; m <= SEVERAL_FILES_MAX; m++)
		share[m] = several * share_of_number[m];
}

bool
quic_several(const struct files *files, const struct quic_server *server,
	     const struct quic_numbers *numbers, const struct record *record,
	     const struct verdict *alone, struct several *out)
{
	struct search s = {.files = files, .server = server, .out = out};
	double sum;
	uint32_t m;

	*out = (struct several){.files = 2};
	if (!quic_is(record) || server->flows <= 0 || files->count == 0)
		return false;
	if (numbers->share[1] > 0)
		memcpy(s.share, numbers->share, sizeof s.share);
	else
		suppose(files, server, s.share);
	search(&s, record);
	sum = s.sum + s.share[1] * alone->evidence;
	if (!(s.sum > 0))
		return false;
	out->probability = s.sum / sum;
	for (m = 2; m <= SEVERAL_FILES_MAX; m++)
		if (s.by_files[m] > s.by_files[out->files])
			out->files = m;
	several_settle(out, sum);
	return out->probability >= 0.5;
}

/* Shares by EM; likelihood: of each record by the number of its files. */
static void
fit_shares(double (*likelihood)[SEVERAL_FILES_MAX + 1], size_t n, const double *usual,
	   double *share)
{
	double sum, count[SEVERAL_FILES_MAX + 1];
	uint32_t m;
	size_t i;
	int round;

	memcpy(share, usual, sizeof count);
	for (round = 0; round < ROUNDS; round++) {
		for (m = 1; m <= SEVERAL_FILES_MAX; m++)
			count[m] = USUAL_COUNT * usual[m];
		for (i = 0; i < n; i++) {
			for (m = 1, sum = 0; m <= SEVERAL_FILES_MAX; m++)
				sum += share[m] * likelihood[i][m];
			for (m = 1; m <= SEVERAL_FILES_MAX && sum > 0; m++)
				count[m] += share[m] * likelihood[i][m] / sum;
		}
		for (m = 1, sum = 0; m <= SEVERAL_FILES_MAX; m++)
			sum += count[m];
		for (m = 1; m <= SEVERAL_FILES_MAX; m++)
			share[m] = count[m] / sum;
	}
}

void
quic_count(const struct files *files, const struct quic_server *server,
	   const struct record *const *records, size_t n, struct quic_numbers *out)
{
	double likelihood[COUNTED_MAX][SEVERAL_FILES_MAX + 1] = {0},
	       usual[SEVERAL_FILES_MAX + 1] = {0};
	size_t step = (n + COUNTED_MAX - 1) / COUNTED_MAX, i, count = 0;
	struct search s = {.files = files, .server = server};
	struct several several;
	struct verdict alone;
	uint32_t m;

	/* A server that is known by sums alone (quic_sums.c) is not known that well. */
	if (n < COUNTED_MIN || server->flows <= 0 || files->count == 0 ||
	    server->unknown > UNKNOWN_MOST || !is_feasible(&s, NEEDED))
		return;
	usual[1] = ONE_FILE;
	for (m = 2; m <= SEVERAL_FILES_MAX; m++)
		usual[m] = (1 - ONE_FILE) * share_of_number[m];
	for (i = 0; i < n; i += step, count++) {
		several = (struct several){0};
		s = (struct search){.files = files, .server = server, .out = &several};
		memcpy(s.share, usual, sizeof usual);
		quic_name(files, server, records[i], &alone);
		search(&s, records[i]);
		likelihood[count][1] = alone.evidence;
		for (m = 2; m <= SEVERAL_FILES_MAX; m++)
			likelihood[count][m] = s.by_files[m] / usual[m];
	}
	fit_shares(likelihood, count, usual, out->share);
}
