/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The votes for constants of a server. They compare likelihoods: what the constants
 * accepted so far and the unknown make of a record, and what a further constant would
 * add.
 *
 * Where responses may be encrypted or framed, every law is put to the vote for every
 * further constant (after the first one, those that did best), and the law and constant
 * that raise the likelihood most are taken: clients of one server may speak TLS 1.2 and
 * 1.3, HTTP/1.1 and HTTP/2. Records among few files of their size say most and cost least
 * then.
 *
 * A file that is downloaded again and again is one witness, not many: what its response
 * and some file of the catalogue have between them would else look like a constant,
 * however rare that is, if the file is of no catalogue.
 */
#include "identify/span_weigh.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

enum {
	VOTERS = 400,
	FILES_LOOKED_AT = 160000,
	LAW_VOTERS = 120, /* at least, and as many as have so many files near them */
	LAW_FILES = 10000,
	SHORTLIST = 5, /* laws that stand for a second constant */
	WINDOW_MAX = 20000,
	PLAIN_VALUES = 2 * (MODE_BYTES_MAX + 1),
	INNER_USUAL = 250, /* octets of HTTP header supposed inside TLS */
	INNER_MAX = 700,   /* more is a handshake's or tickets' */
	REPEATS_MAX = 3, /* of a response vote, where no law is found otherwise */
	SIGNATURE_APART = 3, /* octets by which handshakes of a server differ */
};

static const double PAIR_SHARE = 0.2;
/* A file that explains a voter so much worse than all that is known does not speak for a
 * constant: of all voters together it would add a hundredth to the gain. */
static const double NEGLIGIBLE = 1e-4;

/* A record that votes, and how likely it is by what is known. */
struct voter {
	const struct record *record;
	double evidence, crowd;
	uint32_t order;
};

struct election {
	const struct files *files;
	struct constants *c;
	struct vote *vote;
	struct voter *voter;
	size_t voters;
	bool is_out[TLS_LAWS]; /* laws that stand no more */
};

void
span_even(struct constants *c, struct modes *modes)
{
	uint32_t i, source;

	for (i = 0; i < modes->count; i++)
		modes->mode[i].weight = 0.9 / modes->count;
	modes->other = modes->count > 0 ? 0.1 : 1;
	for (source = 0; source < SOURCES_MAX; source++)
		for (i = 0; i < c->request.count; i++)
			c->by_source[source][i] = c->request.mode[i].weight;
}

static bool
uses_requests(const struct files *files, const struct constants *c,
    const struct record *r)
{
	return r->has_request && files->has_paths && span_has_requests(c);
}

static int
sparser(const void *pa, const void *pb)
{
	const struct voter *a = pa, *b = pb;

	if (a->crowd != b->crowd)
		return a->crowd < b->crowd ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static int
by_spans(const void *pa, const void *pb)
{
	const struct voter *a = pa, *b = pb;
	const struct record *ra = a->record, *rb = b->record;

	if (ra->span != rb->span)
		return ra->span < rb->span ? -1 : 1;
	if (ra->request_span != rb->request_span)
		return ra->request_span < rb->request_span ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static int
by_order(const void *pa, const void *pb)
{
	const struct voter *a = pa, *b = pb;

	return a->order < b->order ? -1 : a->order > b->order;
}

/* Of responses that are as long, but for so many octets, so many vote; of requests to
 * them as many of each length, where these are voted on. */
static void
drop_repeats(struct election *e, uint64_t apart, bool with_requests, size_t repeats)
{
	const struct record *r, *last = NULL;
	size_t i, kept = 0, alike = 0;

	qsort(e->voter, e->voters, sizeof *e->voter, by_spans);
	for (i = 0; i < e->voters; i++) {
		r = e->voter[i].record;
		if (last == NULL || r->span > last->span + apart ||
		    (with_requests && r->request_span != last->request_span)) {
			last = r;
			alike = 0;
		}
		if (alike++ < repeats)
			e->voter[kept++] = e->voter[i];
	}
	e->voters = kept;
	qsort(e->voter, e->voters, sizeof *e->voter, by_order);
}

/* Voters among many files cost much and say little: of those the fewer vote the more
 * files there are, so that all together look at no more than FILES_LOOKED_AT. */
static void
thin_voters(struct election *e)
{
	double room = (double)FILES_LOOKED_AT / VOTERS, turn = 0;
	size_t i, kept = 0;

	for (i = 0; i < e->voters; i++) {
		turn += e->voter[i].crowd > room ? room / e->voter[i].crowd : 1;
		if (turn < 1)
			continue;
		turn -= 1;
		e->voter[kept++] = e->voter[i];
	}
	e->voters = kept;
}

/*
 * Evenly over all records; with laws, of these those among the fewest files. Those are
 * large, and of a server that waits large ones keep no law: of others as many as can be
 * looked at vote as well.
 */
static void
call_voters(struct election *e, const struct record *records, size_t n, bool with_laws,
    bool with_requests, size_t repeats)
{
	size_t step = n > VOTERS ? n / VOTERS : 1, i;
	double near_all = 0;

	e->voter = must(calloc(n / step + 1, sizeof *e->voter));
	for (i = 0; i < n; i += step) {
		const struct record *r = &records[i];

		if (span_is_lesson(e->c, r) && !(with_laws && span_is_greeting(r)))
			e->voter[e->voters++] = (struct voter){
			    .record = r,
			    .crowd = span_window_count(e->files, with_laws, r->span),
			    .order = (uint32_t)i};
	}
	drop_repeats(e, with_laws ? SIGNATURE_APART : 0, with_requests, repeats);
	if (!with_laws)
		return;
	qsort(e->voter, e->voters, sizeof *e->voter, sparser);
	for (i = 0; i < e->voters; i++) {
		near_all += span_window_count(e->files, false, e->voter[i].record->span);
		if (i >= LAW_VOTERS && near_all > LAW_FILES)
			break;
	}
	e->voters = i;
}

/* What is known says so much of each voter, with its request or without. */
static void
weigh_voters(struct election *e, bool with_request)
{
	struct verdict verdict;
	size_t i;

	for (i = 0; i < e->voters; i++) {
		const struct record *r = e->voter[i].record;

		span_weigh(e->files, e->c, r,
			   with_request || uses_requests(e->files, e->c, r), &verdict);
		e->voter[i].evidence = verdict.evidence;
	}
}

/* The most octets beside a file: in the first exchange a handshake may be among them. */
static uint32_t
most_beside(const struct record *r, enum tls_law law)
{
	return tls_law_rows[law].record == 0 || r->exchange > 0 ? MODE_BYTES_MAX
								: MODE_SHAKE_MAX;
}

/* The sizes that a header constant of a law makes fit. */
static void
law_window(const struct files *files, enum tls_law law, const struct record *r,
    size_t *from, size_t *to)
{
	uint64_t most = most_beside(r, law) + 36 + tls_cost(law, r->span, INNER_USUAL),
	    low,
		 least;

	if (law == TLS_none) {
		span_window(files, false, r->span, from, to);
		return;
	}
	low = r->span > most ? r->span - most : 0;
	least = MODE_BYTES_MIN + tls_cost(law, low, 0);
	*from = files_lower(files, low);
	*to = r->span > least ? files_lower(files, r->span - least) : *from;
	*to = *to < *from ? *from : *to;
}

static void
vote_header(struct election *e, const struct voter *voter, enum tls_law law,
    bool with_laws)
{
	const struct record *r = voter->record;
	bool with_request = uses_requests(e->files, e->c, r);
	double scale = (1 - e->c->unknown) / (double)e->files->count, ratio,
	       least = NEGLIGIBLE * voter->evidence;
	uint32_t rest, most = most_beside(r, law);
	unsigned digits, kinds = !with_laws			    ? DIGITS_HEX + 1
				 : tls_law_rows[law].frame > 0 ? DIGITS_KINDS
								: DIGITS_CODED;
	uint32_t sum[DIGITS_KINDS];
	uint32_t records = span_records_before(law, r).least;
	uint8_t mode;
	size_t at, to;

	law_window(e->files, law, r, &at, &to);
	vote_record(e->vote, voter->evidence);
	if (to - at > WINDOW_MAX)
		return;
	for (; at < to; at++) {
		uint64_t size;
		int64_t left;

		ratio = scale * (with_request
				     ? span_request_share(e->files, e->c, at,
							  r->request_span, &rest, &mode)
				     : 1);
		if (ratio < least)
			continue;
		size = e->files->size[at];
		left = (int64_t)(r->span - size);
		if (law != TLS_none)
			left -= (int64_t)tls_cost_early(law, size, INNER_USUAL, records);
		if (with_laws)
			size_digits_all(size, sum);
		for (digits = 0; digits < kinds; digits++) {
			int64_t h = left - (with_laws ? sum[digits] : size_digits(size,
			    digits));

			if (h >= MODE_BYTES_MIN &&
			    h <= (digits < DIGITS_CODED ? most : CODED_BYTES_MAX))
				vote_add(e->vote, mode_slot((uint32_t)h, digits), ratio);
		}
	}
}

static struct mode
mode_of(uint32_t slot, enum tls_law law)
{
	struct mode mode = mode_of_slot(slot);

	mode.law = law;
	mode.inner = mode.bytes <= INNER_MAX ? mode.bytes : INNER_USUAL;
	return mode;
}

/* Of the laws that stand, those that gained most stand again. */
static void
shortlist(struct election *e, const double gain[TLS_LAWS])
{
	bool stands[TLS_LAWS] = {[TLS_none] = true};
	int law, best, n;

	for (n = 0; n < SHORTLIST; n++) {
		for (best = -1, law = 0; law < TLS_LAWS; law++)
			if (!stands[law] && !e->is_out[law] &&
			    (best < 0 || gain[law] > gain[best]))
				best = law;
		if (best >= 0)
			stands[best] = true;
	}
	for (law = 0; law < TLS_LAWS; law++)
		e->is_out[law] = !stands[law];
}

/* The best constant of all laws that may be; false if none is significant. */
static bool
elect_header(struct election *e, bool with_laws, struct mode *out)
{
	double values = with_laws ? (double)VOTE_SLOTS * TLS_LAWS : PLAIN_VALUES,
	       gain[TLS_LAWS] = {0}, best = -INFINITY;
	struct span_table table;
	uint32_t slot = 0;
	bool found = false;
	size_t i;
	int law;

	e->c->table = span_table_make(e->c, &table) ? &table : NULL;
	weigh_voters(e, false);
	for (law = 0; law < (with_laws ? TLS_LAWS : 1); law++) {
		if (e->is_out[law])
			continue;
		vote_clear(e->vote);
		for (i = 0; i < e->voters; i++)
			vote_header(e, &e->voter[i], (enum tls_law)law, with_laws);
		if (!vote_best(e->vote, values, &slot, &gain[law]) || gain[law] <= best)
			continue;
		best = gain[law];
		*out = mode_of(slot, (enum tls_law)law);
		found = true;
	}
	if (with_laws)
		shortlist(e, gain);
	e->c->table = NULL;
	return found;
}

static bool
has_mode(const struct modes *modes, const struct mode *mode)
{
	uint32_t i;

	for (i = 0; i < modes->count; i++)
		if (modes->mode[i].bytes == mode->bytes &&
		    modes->mode[i].digits == mode->digits &&
		    modes->mode[i].law == mode->law &&
		    modes->mode[i].phase == mode->phase)
			return true;
	return false;
}

/* Adds constants until nothing more is significant. */
static bool
elect_all(struct election *e, struct modes *modes, bool with_laws,
	  bool (*elect)(struct election *, bool, struct mode *))
{
	struct mode mode;
	bool found = false;

	while (modes->count < MODES_MAX && elect(e, with_laws, &mode) &&
	       !has_mode(modes, &mode)) {
		modes->mode[modes->count++] = mode;
		span_even(e->c, modes);
		found = true;
	}
	return found;
}

static bool
vote_headers(const struct files *files, const struct record *records, size_t n,
	     bool with_laws, size_t repeats, struct constants *c, struct vote *vote)
{
	struct election e = {.files = files, .c = c, .vote = vote};
	bool found;

	call_voters(&e, records, n, with_laws, false, repeats);
	if (!with_laws)
		thin_voters(&e);
	found = elect_all(&e, &c->header, with_laws, elect_header);
	free(e.voter);
	return found;
}

bool
span_vote_headers(const struct files *files, const struct record *records, size_t n,
		  bool with_laws, struct constants *c, struct vote *vote)
{
	if (vote_headers(files, records, n, with_laws, 1, c, vote))
		return true;
	/* A server that waits keeps its law in few responses, which those to the same
	 * file bear out. */
	return with_laws && c->header.count == 0 &&
	       vote_headers(files, records, n, true, REPEATS_MAX, c, vote);
}

struct request_vote {
	struct election *e;
	const struct record *r;
	uint32_t phase;
};

static void
add_request(void *arg, size_t file, const struct span_fit *fit)
{
	struct request_vote *a = arg;
	const struct election *e = a->e;
	uint32_t length = files_path_octets(e->files, file, a->phase);
	int64_t rest = (int64_t)a->r->request_span - length;

	if (length > 0 && rest >= 16 && rest <= MODE_BYTES_MAX)
		vote_add(e->vote, a->phase * (MODE_BYTES_MAX + 1) + (uint32_t)rest,
			 (1 - e->c->unknown) / (double)e->files->count *
			     e->c->header.mode[fit->mode].weight * fit->share);
}

static bool
elect_request(struct election *e, bool with_phases, struct mode *out)
{
	struct request_vote a = {.e = e};
	uint32_t phases = with_phases ? PATH_PHASES : 1, slot;
	struct span_table table;
	double gain;
	size_t i;

	e->c->table = span_table_make(e->c, &table) ? &table : NULL;
	weigh_voters(e, true);
	e->c->table = NULL;
	vote_clear(e->vote);
	for (i = 0; i < e->voters; i++) {
		a.r = e->voter[i].record;
		vote_record(e->vote, e->voter[i].evidence);
		for (a.phase = 0; a.phase < phases; a.phase++)
			span_each(e->files, &e->c->header, a.r, add_request, &a);
	}
	if (!vote_best(e->vote, with_phases ? (double)VOTE_SLOTS : PLAIN_VALUES, &slot,
	    &gain))
		return false;
	*out = (struct mode){.bytes = slot % (MODE_BYTES_MAX + 1),
			     .phase = slot / (MODE_BYTES_MAX + 1)};
	return true;
}

bool
span_vote_requests(const struct files *files, const struct record *records, size_t n,
		   struct constants *c, struct vote *vote)
{
	struct election e = {.files = files, .c = c, .vote = vote};
	size_t i, kept = 0;
	bool found;

	call_voters(&e, records, n, false, true, 1);
	for (i = 0; i < e.voters; i++)
		if (e.voter[i].record->has_request)
			e.voter[kept++] = e.voter[i];
	e.voters = kept;
	found = elect_all(&e, &c->request, c->is_framed, elect_request);
	free(e.voter);
	return found;
}

/*
 * Small files alone: no header constant stands out, for each record has thousands of
 * candidates. The pair of both constants does; the same vote over pairs.
 */
struct pairs {
	float *gain;
	double per_record; /* of a record that a pair does not touch */
};

static void
vote_pair(const struct files *files, const struct constants *c, const struct record *r,
	  struct pairs *pairs)
{
	double scale = (1 - c->unknown) / (double)files->count;
	struct verdict verdict;
	size_t at, to;
	float gain;

	span_weigh(files, c, r, true, &verdict);
	span_window(files, false, r->span, &at, &to);
	gain = (float)log1p(PAIR_SHARE / (1 - PAIR_SHARE) * scale / verdict.evidence);
	pairs->per_record += log1p(-PAIR_SHARE);
	for (; at < to && to - at < WINDOW_MAX; at++) {
		const struct catalog_file *file = &files->file[at];
		int64_t h =
		    (int64_t)(r->span - file->size) - size_digits(file->size, false);
		int64_t rest = (int64_t)r->request_span - file->path_len;

		if (file->path_len > 0 && h >= MODE_BYTES_MIN && h <= MODE_BYTES_MAX &&
		    rest >= 16 && rest <= MODE_BYTES_MAX)
			pairs->gain[h * (MODE_BYTES_MAX + 1) + rest] += gain;
	}
}

bool
span_vote_pair(const struct files *files, const struct record *records, size_t n,
	       struct constants *c)
{
	size_t slots = (size_t)(MODE_BYTES_MAX + 1) * (MODE_BYTES_MAX + 1), best = 0, i;
	struct election e = {.files = files, .c = c};
	struct pairs pairs = {calloc(slots, sizeof *pairs.gain), 0};
	double gain;

	if (pairs.gain == NULL)
		return false;
	call_voters(&e, records, n, false, true, 1);
	for (i = 0; i < e.voters; i++)
		if (e.voter[i].record->has_request)
			vote_pair(files, c, e.voter[i].record, &pairs);
	free(e.voter);
	for (i = 1; i < slots; i++)
		if (pairs.gain[i] > pairs.gain[best])
			best = i;
	gain = (double)pairs.gain[best] + pairs.per_record;
	free(pairs.gain);
	if (gain < log((double)slots) + 8)
		return false;
	c->header.mode[c->header.count++] =
	    (struct mode){.bytes = (uint32_t)(best / (MODE_BYTES_MAX + 1))};
	c->request.mode[c->request.count++] =
	    (struct mode){.bytes = (uint32_t)(best % (MODE_BYTES_MAX + 1))};
	span_even(c, &c->header);
	span_even(c, &c->request);
	return true;
}
