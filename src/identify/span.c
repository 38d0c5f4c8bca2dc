/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Naming by spans (reference: "The exact span", "The request tells as much as the
 * response").
 *
 * 	X = S + digits(S) + h	response span, S the size, h a constant of the server
 * 	Y = L + r		request span, L the encoded path's length, r a constant
 *
 * With N files, each as likely, a record's probability under file s is
 *
 * 	(1 - u) / N * p(h) * p(r | source of s)
 *
 * Encrypted or in frames, X has what these cost as well (tls.h), and L is the length of
 * the path as HTTP/2 codes it; with p(h) go the shares of what is not known of a law.
 *
 * p(h) and p(r) are mixtures of the constants learned and a flat rest; u is the share of
 * downloads that the catalogue does not have. An unknown file is spread over sizes half
 * as the catalogue is near X, half evenly in log X; over path lengths half as the
 * catalogue's with the known r, half flat. All shares are learned by EM, first the
 * constants by vote.
 *
 * A span may be short of the file: of a sampled record by what was sent before its first
 * and after its last sampled packet, which is gamma distributed; of a client that gave up
 * (RST) or a connection whose beginning was not seen by any number of bytes.
 */
#include "identify/span.h"

#include "identify/span_weigh.h"
#include "model/tcp.h"

#include <assert.h>
#include <math.h>

enum {
	BROAD_WINDOW = 1000,
	/* octets that request constants may lie apart for a table of them */
	REST_SPREAD = 128,
	PAIR_FITS = 64,
	SPLIT_BYTES_MAX = 64, /* the meter counts a longer burst as a new request */
	PARTIAL_MAX = 100000, /* files tried for a span that is cut off */
	HEADER_USUAL = 250,
};

static const double SPLIT_PRIOR = 0.02, BROAD_LEAST = 0.002, BROAD_BEATEN = 1000;

/* Of the accounts of a record: that it is cut off. */
static const double ABORTED_SHARE = 0.2, HEADLESS_SHARE = 0.3;

struct naming {
	const struct files *files;
	const struct constants *c;
	const struct record *r;
	struct tally tally;
	double scale;
	/* of a file that the catalogue does not have; 1 without */
	double request_unknown;
	double loose, broad; /* shares of headers of no known constant: by a law that is known,
	                      * loosely kept, or any */
	bool with_request;
};

static double
request_factor(const struct naming *n, size_t file, struct candidate *c)
{
	return n->with_request ? span_request_share(n->files, n->c, file,
	    n->r->request_span, &c->rest, &c->request_mode)
			       : 1;
}

static void
weigh(struct naming *n, struct candidate *candidate, double header_share)
{
	double weight = n->scale * header_share;

	weight *= request_factor(n, candidate->file, candidate);
	tally_add(&n->tally, candidate, weight);
}

static void
weigh_mode(void *arg, size_t file, const struct span_fit *fit)
{
	struct naming *n = arg;
	const struct mode *mode = &n->c->header.mode[fit->mode];
	uint64_t size = n->files->file[file].size;
	struct candidate candidate = {.file = (uint32_t)file,
				      .header_mode = (uint8_t)(fit->mode + 1)};

	candidate.header = (uint32_t)(n->r->span - size);
	if (mode->law != TLS_none) {
		candidate.header = mode->bytes + size_digits(size, mode->digits);
		candidate.cost = n->r->span - size - candidate.header;
	}
	weigh(n, &candidate, mode->weight * fit->share);
}

/*
 * Of most files near a record neither the header nor the request is a constant: the
 * header's density is flat for those, the request's depends on its octets beside the path
 * alone, and the weights are too small for a candidate once there are enough.
 */
struct flat {
	bool is_usable;
	uint32_t header[2];	   /* octets from .. to where the density is another */
	uint32_t request, requests; /* octets from which on by_rest holds, and how many */
	double weight;		   /* of the header */
	/* Of header and request, near the constants (those themselves: below 0), far, and
	 * where no request can be such. */
	double by_rest[REST_SPREAD], far_rest, no_rest;
};

static void
flat_requests(const struct naming *n, struct flat *flat)
{
	const struct modes *modes = &n->c->request;
	double flat_rest, weight = flat->weight * modes->other;
	uint32_t to, i;

	flat_rest = span_rest_flat(modes, &flat->request, &to);
	flat->far_rest = weight * flat_rest;
	flat->no_rest = flat->weight * SPAN_NO_REQUEST;
	flat->requests = to >= flat->request ? to - flat->request + 1 : 0;
	flat->is_usable &= flat->requests <= REST_SPREAD && n->files->has_all_paths &&
			   flat->request >= SPAN_REST_MIN && to <= MODE_BYTES_MAX;
	if (!flat->is_usable)
		return;
	span_rest_densities(modes, flat->request, flat->requests, flat->by_rest);
	for (i = 0; i < flat->requests; i++)
		flat->by_rest[i] *= weight;
	/* Constants themselves, by source, are not in the table. */
	for (i = 0; i < modes->count; i++) {
		flat->is_usable &= modes->mode[i].phase == 0;
		flat->by_rest[modes->mode[i].bytes - flat->request] = -1;
	}
}

static void
make_flat(const struct naming *n, struct flat *flat)
{
	flat->is_usable = !n->c->is_framed;
	flat->weight = n->scale * (n->broad * span_rest_flat(&n->c->header,
								       &flat->header[0],
								       &flat->header[1]));
	if (n->with_request && flat->is_usable)
		flat_requests(n, flat);
}

/* A file that a header of no known length would make fit. */
static void
weigh_near(struct naming *n, size_t file, double width)
{
	struct candidate candidate = {.file = (uint32_t)file};
	uint64_t size = n->files->file[file].size;
	double share = n->broad;

	candidate.header = (uint32_t)(n->r->span - size);
	share *= n->c->is_framed
		     ? 1 / width
		     : span_rest_density(&n->c->header, candidate.header -
							    size_digits(size, DIGITS_DECIMAL));
	weigh(n, &candidate, share);
}

/* Keeps a file of which neither is a constant, if it is among the heaviest. */
static void
keep_flat(struct naming *n, size_t file, uint32_t rest, double weight)
{
	if (tally_is_kept(&n->tally, weight))
		tally_keep(&n->tally, (uint32_t)file,
			   (uint32_t)(n->r->span - n->files->file[file].size), rest,
			   weight);
}

/* Files at..to-1, all of a header far from any constant. */
static void
weigh_flat(struct naming *n, const struct flat *flat, size_t at, size_t to)
{
	const uint16_t *path = n->files->path_octets;
	uint64_t request = n->r->request_span;
	double weight, sum = 0;

	if (!n->with_request) {
		sum = flat->weight * (double)(to - at);
		for (; at < to && tally_is_kept(&n->tally, flat->weight); at++)
			keep_flat(n, at, 0, flat->weight);
		at = to;
	}
	for (; at < to; at++) {
		uint64_t rest = request - path[at], near = rest - flat->request;

		if (near < flat->requests)
			weight = flat->by_rest[near];
		else if (rest - SPAN_REST_MIN <= MODE_BYTES_MAX - SPAN_REST_MIN)
			weight = flat->far_rest;
		else
			weight = flat->no_rest, rest = 0;
		if (weight < 0) {
			weigh_near(n, at, 1);
			continue;
		}
		sum += weight;
		keep_flat(n, at, (uint32_t)rest, weight);
	}
	n->tally.sum += sum;
	n->tally.whole += sum;
}

/* Of files at..to-1, the first whose header has at most so many octets beside the
 * digits. */
static size_t
first_below(const struct naming *n, size_t at, size_t to, uint32_t bytes)
{
	while (at < to) {
		size_t mid = at + (to - at) / 2;
		uint64_t size = n->files->file[mid].size;

		if (n->r->span - size - size_digits(size, DIGITS_DECIMAL) > bytes)
			at = mid + 1;
		else
			to = mid;
	}
	return at;
}

/* The share of constants with laws of records and frames. */
static double
law_share(const struct modes *header)
{
	double sum = 0;
	uint32_t i;

	for (i = 0; i < header->count; i++)
		sum += header->mode[i].law != TLS_none ? header->mode[i].weight : 0;
	return sum;
}

/* Files whose records and frames are nearly what a known law says. */
static void
weigh_loose(struct naming *n)
{
	const struct modes *header = &n->c->header;
	double known = law_share(header), density;
	size_t at, to;
	uint32_t i;

	for (i = 0; known > 0 && i < header->count; i++) {
		const struct mode *mode = &header->mode[i];

		if (mode->law == TLS_none)
			continue;
		span_framed_window(n->files, mode, n->r, &at, &to);
		for (to = to - at > BROAD_WINDOW ? at : to; at < to; at++) {
			uint64_t size = n->files->file[at].size;
			struct candidate candidate = {
			    .file = (uint32_t)at,
			    .header = mode->bytes + size_digits(size, mode->digits)};

			density = span_framed_density(mode, n->r, size);
			if (!(density > 0))
				continue;
			candidate.cost = n->r->span - size - candidate.header;
			weigh(n, &candidate, n->loose * mode->weight / known * density);
		}
	}
}

/* Files that a header of no known length would make fit. */
static void
weigh_broad(struct naming *n)
{
	bool is_framed = n->c->is_framed;
	double other = n->broad, width = span_window_width(is_framed, n->r->span),
	       sum;
	struct flat flat;
	size_t at, to, from, end;

	sum = n->scale * other / width *
	      span_window_count(n->files, is_framed, n->r->span) * n->request_unknown;
	/* Where a constant fits so much better, only their sum matters. */
	if (other < BROAD_LEAST || n->tally.sum > BROAD_BEATEN * sum) {
		n->tally.sum += sum;
		return;
	}
	span_window(n->files, is_framed, n->r->span, &at, &to);
	if (to - at > BROAD_WINDOW) {
		n->tally.sum += sum;
		return;
	}
	make_flat(n, &flat);
	from = at;
	end = to;
	if (flat.is_usable && flat.header[0] > flat.header[1]) {
		from = end = to;
	} else if (flat.is_usable) {
		/* Sizes rise, so headers fall: those near a constant are next to each
		 * other. */
		from = first_below(n, at, to, flat.header[1]);
		end = flat.header[0] > 0 ? first_below(n, from, to, flat.header[0] - 1)
		    : to;
	}
	if (flat.is_usable)
		weigh_flat(n, &flat, at, from);
	for (at = from; at < end; at++)
		weigh_near(n, at, width);
	if (flat.is_usable)
		weigh_flat(n, &flat, end, to);
}

/* Density of how many bytes a span that is short of sent bytes misses. */
static double
missing_density(const struct record *r, double sent)
{
	double missing = sent - (double)r->span, scale;

	if (!r->is_at_least || r->sampling < 2)
		return 1 / (sent + 1);
	scale = (double)r->sampling * (r->segment > 0 ? r->segment : 1448);
	return 0.98 * (missing + 1) / (scale * scale) * exp(-missing / scale) +
	       0.02 / (sent + 1);
}

/* The bytes that a file's answer has, by the usual header of the server. */
static double
sent_bytes(const struct naming *n, size_t file)
{
	const struct modes *header = &n->c->header;
	struct mode usual = {.bytes = HEADER_USUAL};

	return (double)mode_sent(header->count > 0 ? &header->mode[0] : &usual,
				 n->files->file[file].size);
}

/* A response cut off, or known only to be at least so long: any file that is longer. */
static void
weigh_partial(struct naming *n, double share)
{
	struct candidate candidate = {.is_partial = true};
	uint64_t header = n->c->header.count > 0 ? n->c->header.mode[0].bytes
	    : HEADER_USUAL;
	size_t at = catalog_lower(n->files->catalog,
				  n->r->span > header ? n->r->span - header : 0);
	size_t end = n->files->count - at > PARTIAL_MAX ? at + PARTIAL_MAX
							: n->files->count;
	double weight, sent, rest;

	for (; at < end; at++) {
		sent = sent_bytes(n, at);
		if (sent < (double)n->r->span)
			continue;
		candidate.file = (uint32_t)at;
		weight = n->scale * share * missing_density(n->r, sent);
		if (n->r->sampling > 1 && weight * (double)(end - at) < 1e-9 *
		    n->tally.sum)
			break;
		tally_add(&n->tally, &candidate,
			  weight * request_factor(n, at, &candidate));
	}
	/* Beyond the bound: their sum, as if all had the usual request. */
	rest = n->scale * share * (double)(n->files->count - at);
	if (at < n->files->count && n->files->count > end)
		tally_add_rest(&n->tally,
			       rest / (double)(n->files->file[end].size + 1) *
				   n->request_unknown);
}

/* Of the accounts of a record, the share that it is cut off. */
static double
partial_share(const struct record *r)
{
	if (r->is_at_least)
		return 1;
	if (r->client_flags & TCP_RST)
		return ABORTED_SHARE;
	return r->is_headless ? HEADLESS_SHARE : 0;
}

/* Weighs the whole files of a record that is supposed to have so many octets of its
 * own. */
static void
weigh_whole(struct naming *n, const struct record *r, double share)
{
	double scale = n->scale;

	n->r = r;
	n->scale *= share;
	span_each(n->files, &n->c->header, r, weigh_mode, n);
	n->scale = scale;
}

/* The last exchange of an encrypted connection may hold an alert of each side, that it
 * closes. */
static void
weigh_closing(struct naming *n, const struct record *r)
{
	uint32_t alert = n->c->alert, i;
	struct record less;

	for (i = 0; i < 4; i++) {
		less = *r;
		if ((i & 1 && r->span <= alert) ||
		    (i & 2 && (!n->with_request || r->request_span <= alert)))
			continue;
		less.span -= i & 1 ? alert : 0;
		less.request_span -= i & 2 ? alert : 0;
		weigh_whole(n, &less, n->with_request ? 0.25 : 0.5);
	}
	n->r = r;
}

void
span_weigh(const struct files *files, const struct constants *c, const struct record *r,
	   bool with_request, struct verdict *out)
{
	struct naming n = {.files = files, .c = c, .r = r, .with_request = with_request};
	double unknown, partial = partial_share(r);

	assert(r->has_span);
	n.loose = law_share(&c->header) > 0 ? c->loose * c->header.other : 0;
	n.broad = c->header.other - n.loose;
	n.scale = (1 - c->unknown) / (double)(files->count ? files->count : 1);
	n.request_unknown =
	    with_request ? span_request_unknown(files, c, r->request_span) : 1;
	unknown = c->unknown * span_size_unknown(files, r->span) * n.request_unknown;
	out->mss = 0;
	tally_begin(&n.tally, out);
	if (partial < 1) {
		if (c->alert > 0 && (r->client_flags | r->server_flags) & (TCP_FIN |
		    TCP_RST))
			weigh_closing(&n, r);
		else
			weigh_whole(&n, r, 1);
		weigh_loose(&n);
		weigh_broad(&n);
	}
	if (partial > 0)
		weigh_partial(&n, partial);
	if (with_request && !r->is_at_least && n.tally.sum < BROAD_BEATEN * unknown)
		span_weigh_parts(files, c, r, n.scale, &n.tally);
	tally_end(&n.tally, unknown);
}

void
span_name(const struct files *files, const struct constants *c, const struct record *r,
	  struct verdict *out)
{
	span_weigh(files, c, r, r->has_request && files->has_paths &&
	    span_has_requests(c), out);
}

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

/* One way to see the pair: files i and j, requests by modes k and l. */
static void
weigh_pair(const struct files *files, const struct constants *c,
	   const struct record *const r[2], const struct fitting fitting[2],
	   const uint32_t at[4], struct tally tally[2])
{
	uint32_t file[2] = {fitting[0].fit[at[0]].file, fitting[1].fit[at[1]].file}, i;
	double weight = SPLIT_PRIOR / (SPLIT_BYTES_MAX - 1);
	int64_t extra[2];

	for (i = 0; i < 2; i++) {
		uint32_t header = fitting[i].fit[at[i]].mode, request = at[2 + i];

		extra[i] = (int64_t)r[i]->request_span -
			   files_path_octets(files, file[i],
			   c->request.mode[request].phase) -
			   c->request.mode[request].bytes;
		weight *= (1 - c->unknown) / (double)files->count *
			  c->header.mode[header].weight * fitting[i].fit[at[i]].share *
			  c->by_source[files->source[file[i]]][request];
	}
	if (extra[0] <= 0 || extra[0] >= SPLIT_BYTES_MAX || extra[1] != -extra[0])
		return;
	for (i = 0; i < 2; i++) {
		uint32_t number = fitting[i].fit[at[i]].mode;
		const struct mode *mode = &c->header.mode[number];
		uint64_t size = files->file[file[i]].size;
		struct candidate candidate = {
		    .file = file[i],
		    .shift = (int32_t)extra[i],
		    .header = mode->bytes + size_digits(size, mode->digits),
		    .header_mode = (uint8_t)(number + 1),
		    .rest = c->request.mode[at[2 + i]].bytes,
		    .request_mode = (uint8_t)(at[2 + i] + 1)};

		candidate.cost = r[i]->span - size - candidate.header;

		tally_add(&tally[i], &candidate, weight);
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
	struct fitting fitting[2] = {0};
	struct verdict own[2];
	struct tally tally[2];
	uint32_t at[4], i;

	for (i = 0; i < 2; i++) {
		own[i] = out[i];
		span_each(files, &c->header, r[i], add_fitting, &fitting[i]);
		tally_begin(&tally[i], &out[i]);
	}
	for (at[0] = 0; at[0] < fitting[0].count; at[0]++)
		for (at[1] = 0; at[1] < fitting[1].count; at[1]++)
			for (at[2] = 0; at[2] < c->request.count; at[2]++)
				for (at[3] = 0; at[3] < c->request.count; at[3]++)
					weigh_pair(files, c, r, fitting, at, tally);
	for (i = 0; i < 2; i++)
		keep_own(&tally[i], &own[i], own[0].evidence * own[1].evidence);
}
