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
 */
#include "identify/span.h"

#include "identify/span_inside.h"
#include "model/tcp.h"

#include <assert.h>

/* Of the accounts of a record: that it is cut off. */
static const double ABORTED_SHARE = 0.2, HEADLESS_SHARE = 0.3;

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
	span_weigh_file(n, &candidate, mode->weight * fit->share);
}

static void
weigh_plain_file(struct naming *n, uint32_t mode, uint64_t size, uint32_t file,
		 uint16_t path, uint8_t source)
{
	double weight = n->scale * n->c->header.mode[mode].weight;
	uint32_t rest = 0;
	uint8_t request_mode = 0;
	struct candidate one, *to;

	if (n->with_request)
		weight *= span_table_share(n->c, path, source, n->r->request_span, &rest,
					   &request_mode);
	to = tally_first(&n->tally, file, weight);
	/* In place: a copy would wait for what was just written. */
	*(to != NULL ? to : &one) =
	    (struct candidate){.file = file,
			       .probability = weight,
			       .header = (uint32_t)(n->r->span - size),
			       .rest = rest,
			       .header_mode = (uint8_t)(mode + 1),
			       .request_mode = request_mode};
	if (to == NULL)
		tally_add(&n->tally, &one, weight);
}

/* The same files of constants of law none, one after the other. */
static void
weigh_plain(struct naming *n)
{
	const struct modes *header = &n->c->header;
	const struct files *files = n->files;
	const struct files_slot *slot;
	uint64_t size;
	uint32_t i, at;

	for (i = 0; i < header->count; i++) {
		if (!mode_solve_plain(&header->mode[i], n->r->span, &size) ||
		    (slot = files_find(files, size)) == NULL)
			continue;
		weigh_plain_file(n, i, size, slot->file - 1, slot->path_octets,
				 slot->source);
		for (at = slot->file; slot->is_shared && at < files->count &&
				      files->size[at] == size;
		     at++)
			weigh_plain_file(n, i, size, at, files->path_octets[at],
					 files->source[at]);
	}
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
	if (n->is_plain)
		weigh_plain(n);
	else
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
	struct naming n;
	double unknown, partial = partial_share(r);

	assert(r->has_span);
	n.files = files;
	n.c = c;
	n.r = r;
	n.with_request = with_request;
	n.is_plain = c->table != NULL && c->table->is_plain;
	n.loose = !n.is_plain && span_law_share(&c->header) > 0
		      ? c->loose * c->header.other
		      : 0;
	n.broad = c->header.other - n.loose;
	n.scale = (1 - c->unknown) / (double)(files->count ? files->count : 1);
	n.request_unknown =
	    with_request ? span_request_unknown(files, c, r->request_span) : 1;
	unknown = c->unknown * span_size_unknown(files, c, r->span) * n.request_unknown;
	out->mss = 0;
	out->quic = NULL;
	out->is_elsewhere = false;
	tally_begin(&n.tally, out);
	if (partial < 1) {
		if (c->alert > 0 && (r->client_flags | r->server_flags) & (TCP_FIN |
		    TCP_RST))
			weigh_closing(&n, r);
		else
			weigh_whole(&n, r, 1);
		if (n.loose > 0)
			span_weigh_loose(&n);
		span_weigh_broad(&n);
	}
	if (partial > 0)
		span_weigh_cut(&n, partial);
	if (with_request && !r->is_at_least && n.tally.sum < SPAN_BEATEN * unknown)
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
