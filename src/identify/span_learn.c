/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is constant of a server, learned from unlabelled spans: first by vote
 * (span_vote.c), which finds constants, then by EM, which weighs them, by archive, and
 * the share of unknown files. Records and frames are looked for where plain HTTP/1.1
 * leaves much unknown.
 */
#include "identify/span.h"

#include "identify/span_weigh.h"

#include <math.h>
#include <string.h>

enum {
	ROUNDS = 12,
	LESSONS_MAX = 4000,
	LESSONS_OF_SERVER = 600,
	FEW_LESSONS = 150,
	LAW_RECORDS_MIN = 3,
	LAW_SAMPLE = 400,
	LAW_MODES = 3,
	ALERT = 2,
	AHEAD = 4 /* records whose memory is got beforehand */
};

/* Laws are looked for where more than this share is unknown without, or where it takes
 * more than LAW_MODES constants, and believed where they are so much likelier, in log
 * likelihood. */
static const double LAW_UNKNOWN = 0.05, LAW_GAIN = 10;
/* Of a server, where plain HTTP/1.1 explains most of all servers: beside so many times as
 * much as is unknown of these. */
static const double LAW_UNKNOWN_MORE = 1.5, MOSTLY_UNKNOWN = 0.3, CHANCE = 3;
/* EM is at its end where no share moves by more. */
static const double STILL = 5e-4, NEARLY_STILL = 2e-3;

/* Before any is seen, of all downloads ranges, and as many unmodified ones. */
static const double PART_SHARE = 0.005;

/* Before any is seen, of headers of no known constant those that keep a law loosely; as
 * if so many were seen. */
static const double LOOSE_SHARE = 0.8, LOOSE_WEIGHT = 2;

/* Sums of a round of EM: posterior shares of each constant. */
struct shares {
	double header[MODES_MAX], header_other, header_loose;
	double request[SOURCES_MAX][MODES_MAX], request_other;
	double part[PARTS];
	double unknown, all, unknown_band[UNKNOWN_BANDS];
};

/* The header constant of a candidate: the first of equal ones; count if it has none. */
static uint32_t
header_of(const struct constants *c, const struct candidate *candidate, uint64_t size)
{
	uint32_t i = candidate->header_mode > 0 ? candidate->header_mode - 1u
	    : c->header.count;

	if (i < c->header.count && c->header.mode[i].law != TLS_none)
		return i;
	for (i = 0; i < c->header.count; i++)
		if (c->header.mode[i].law == TLS_none &&
		    c->header.mode[i].bytes + size_digits(size,
		    c->header.mode[i].digits) == candidate->header)
			break;
	return i;
}

static void
share_candidate(const struct files *files, const struct constants *c,
		const struct candidate *candidate, bool with_request, struct shares *sum)
{
	const struct catalog_file *file = &files->file[candidate->file];
	double p = candidate->probability;
	uint32_t i = header_of(c, candidate, file->size);

	/* What is no whole file has another header, and says nothing of it. */
	if (candidate->is_partial) {
		sum->part[candidate->part] += p;
		return;
	}
	*(i < c->header.count ? &sum->header[i] : &sum->header_other) += p;
	sum->header_loose += i == c->header.count && candidate->cost > 0 ? p : 0;
	if (!with_request || file->path_len == 0)
		return;
	for (i = 0; i < c->request.count; i++)
		if (c->request.mode[i].phase == 0 &&
		    c->request.mode[i].bytes == candidate->rest)
			break;
	if (i == c->request.count && candidate->request_mode > 0)
		i = candidate->request_mode - 1u;
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
	c->loose = (sum->header_loose + LOOSE_WEIGHT * LOOSE_SHARE) /
		   (sum->header_other + LOOSE_WEIGHT);
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

/* By how much shares have moved. */
static double
moved(const struct constants *a, const struct constants *b)
{
	double most = fabs(a->unknown - b->unknown);
	uint32_t i;

	for (i = 0; i < b->slack.step; i++)
		most = fmax(most, fabs(a->slack.rest[i] - b->slack.rest[i]));
	for (i = 0; i < a->header.count; i++)
		most = fmax(most, fabs(a->header.mode[i].weight -
				       b->header.mode[i].weight));
	for (i = 0; i < a->request.count; i++)
		most = fmax(most, fabs(a->request.mode[i].weight -
				       b->request.mode[i].weight));
	return most;
}

static void
round_of_em(const struct files *files, const struct record *records, size_t n,
	    size_t lessons, struct constants *c)
{
	struct shares sum = {0};
	struct span_table table;
	struct comb_sums comb;
	struct slack slack;
	struct verdict verdict;
	size_t step = n > lessons ? n / lessons : 1, i;
	uint32_t k;

	c->table = span_table_make(c, &table) ? &table : NULL;
	span_comb_begin(c, &comb);
	span_slack_begin(c, &slack);
	for (i = 0; i < n; i += step) {
		bool with_request = records[i].has_request && c->request.count > 0;
		bool with_comb = records[i].has_request && files->has_paths;

		if (i + AHEAD * step < n)
			span_prefetch(files, c, &records[i + AHEAD * step]);
		if (!span_is_lesson(c, &records[i]))
			continue;
		span_name(files, c, &records[i], &verdict);
		for (k = 0; k < verdict.count; k++) {
			share_candidate(files, c, &verdict.candidate[k], with_request,
					&sum);
			span_slack_add(&slack, files, c, &records[i],
				       &verdict.candidate[k]);
			if (with_comb)
				span_comb_add(&comb, files, &records[i],
				    &verdict.candidate[k]);
		}
		sum.unknown += verdict.unknown;
		span_unknown_add(sum.unknown_band, records[i].span, verdict.unknown);
		sum.all++;
	}
	c->table = NULL;
	set_header(c, &sum);
	set_request(c, &sum);
	span_comb_set(&comb, &c->comb);
	span_slack_set(&slack, &c->slack);
	c->unknown = (sum.unknown + 1) / (sum.all + 2);
	span_unknown_set(sum.unknown_band, c);
	c->ranges = (sum.part[PART_RANGE] + PART_SHARE) / (sum.all + 1);
	c->unmodified = (sum.part[PART_UNMODIFIED] + PART_SHARE) / (sum.all + 1);
}

/* Rounds of EM over so many lessons until shares are still, ROUNDS of them at most. */
static void
weigh_until(const struct files *files, const struct record *records, size_t n,
	    size_t lessons, double still, struct constants *c)
{
	struct constants before;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		before = *c;
		round_of_em(files, records, n, lessons, c);
		if (moved(&before, c) < still)
			break;
	}
}

/* Rounds over few records bring the shares near to where those over all of them end. */
static void
weigh_all(const struct files *files, const struct record *records, size_t n,
	  size_t lessons, struct constants *c)
{
	if (n > 2 * FEW_LESSONS)
		weigh_until(files, records, n, FEW_LESSONS, NEARLY_STILL, c);
	weigh_until(files, records, n, lessons, STILL, c);
}

/* The alert of the law that most responses follow. */
static uint32_t
alert_of(const struct modes *header)
{
	uint32_t i, best = 0;

	for (i = 1; i < header->count; i++)
		if (header->mode[i].weight > header->mode[best].weight)
			best = i;
	return header->count == 0 || tls_law_rows[header->mode[best].law].record == 0
		   ? 0
		   : ALERT + tls_law_rows[header->mode[best].law].record_cost;
}

static void
learn(const struct files *files, const struct record *records, size_t n, bool with_laws,
      const struct constants *base, struct constants *out)
{
	size_t lessons = base != NULL ? LESSONS_OF_SERVER : LESSONS_MAX;
	struct vote *vote = vote_new();
	bool found;
	int round;

	for (round = 0; round < 3; round++) {
		found = span_vote_headers(files, records, n, with_laws, out, vote);
		if (files->has_paths && base == NULL && out->header.count == 0)
			found = span_vote_pair(files, records, n, out);
		if (files->has_paths && out->header.count > 0)
			found |= span_vote_requests(files, records, n, out, vote);
		out->alert = alert_of(&out->header);
		if (!found)
			break;
	}
	vote_free(vote);
	weigh_all(files, records, n, lessons, out);
	if (!with_laws)
		return;
	span_vote_first(files, records, n, out);
	weigh_all(files, records, n, lessons, out);
}

static void
begin(const struct constants *base, struct constants *out)
{
	memset(out, 0, sizeof *out);
	if (base != NULL)
		*out = *base;
	out->table = NULL;
	out->unknown = 0.5;
	out->loose = LOOSE_SHARE;
	out->ranges = out->unmodified = PART_SHARE;
	span_even(out, &out->header);
	span_even(out, &out->request);
}

/* Log likelihood of records that are no greeting, and how many there are. Where nothing
 * is known of requests any is as likely, as it is of a file that is unknown. */
static double
likelihood(const struct files *files, const struct record *records, size_t n,
	   const struct constants *c, size_t *count)
{
	size_t step = n > LAW_SAMPLE ? n / LAW_SAMPLE : 1, i;
	struct verdict verdict;
	double sum = 0;

	*count = 0;
	for (i = 0; i < n; i += step) {
		if (!records[i].has_span || records[i].is_at_least ||
		    span_is_greeting(&records[i]))
			continue;
		span_name(files, c, &records[i], &verdict);
		sum += log(verdict.evidence + 1e-300);
		if (records[i].has_request && !span_has_requests(c))
			sum += log(REQUEST_FLAT);
		(*count)++;
	}
	return sum;
}

/* Whether most responses are encrypted, by the constants found: those that keep a law
 * loosely, which have none, are like the others. */
static bool
is_mostly_encrypted(const struct constants *c)
{
	double encrypted = 0, all = 0;
	uint32_t i;

	for (i = 0; i < c->header.count; i++) {
		const struct mode *mode = &c->header.mode[i];

		all += mode->weight;
		encrypted += tls_law_rows[mode->law].record > 0 ? mode->weight : 0;
	}
	return encrypted > 0.5 * all;
}

static bool
has_laws(const struct constants *c)
{
	uint32_t i;

	for (i = 0; i < c->header.count; i++)
		if (c->header.mode[i].law != TLS_none)
			return true;
	return false;
}

/* The same with the laws of records and frames, if that explains more. */
static void
learn_laws(const struct files *files, const struct record *records, size_t n,
	   const struct constants *base, struct constants *out)
{
	struct constants framed;
	size_t count;
	double without = likelihood(files, records, n, out, &count);

	if (count < LAW_RECORDS_MIN)
		return;
	begin(base, &framed);
	/* Greetings are no lessons. */
	framed.is_framed = framed.is_encrypted = true;
	learn(files, records, n, true, base, &framed);
	if (!has_laws(&framed) ||
	    likelihood(files, records, n, &framed, &count) < without + LAW_GAIN)
		return;
	framed.is_encrypted = is_mostly_encrypted(&framed);
	*out = framed;
}

/* Whether plain HTTP/1.1 leaves so much unexplained that laws are looked for: of a server
 * more than of all together, and more than chance has it in so few downloads. */
static bool
wants_laws(const struct constants *c, const struct constants *base, size_t n)
{
	double usual = base != NULL && base->unknown < MOSTLY_UNKNOWN
			   ? LAW_UNKNOWN_MORE * base->unknown
			   : 0,
	       most = LAW_UNKNOWN + usual;
	uint32_t modes = base != NULL && base->header.count > LAW_MODES
			     ? base->header.count
			     : LAW_MODES;

	if (usual > 0)
		most += CHANCE * sqrt(most * (1 - most) / (double)n);
	return c->unknown > most || c->header.count > modes;
}

void
span_learn(const struct files *files, const struct record *records, size_t n,
	   const struct constants *base, enum span_layers layers, struct constants *out)
{
	bool is_framed = layers == SPAN_FRAMED || (base != NULL && base->is_framed);

	begin(base, out);
	out->is_framed = out->is_encrypted = is_framed;
	if (files->count == 0 || n == 0)
		return;
	learn(files, records, n, is_framed, base, out);
	if (!is_framed && layers == SPAN_ANY && wants_laws(out, base, n))
		learn_laws(files, records, n, NULL, out);
}
