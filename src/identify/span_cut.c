/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spans that are short of the file: of a sampled record by what was sent before its first
 * and after its last sampled packet, which is gamma distributed; of a client that gave up
 * (RST) or a connection whose beginning was not seen by any number of bytes.
 */
#include "identify/span_inside.h"

#include <math.h>

enum {
	PARTIAL_MAX = 100000, /* files tried for a span that is cut off */
	HEADER_USUAL = 250,
};

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

void
span_weigh_cut(struct naming *n, double share)
{
	struct candidate candidate = {.is_partial = true};
	uint64_t header = n->c->header.count > 0 ? n->c->header.mode[0].bytes
	    : HEADER_USUAL;
	size_t at = files_lower(n->files,
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
			  weight * span_request_factor(n, at, &candidate));
	}
	/* Beyond the bound: their sum, as if all had the usual request. */
	rest = n->scale * share * (double)(n->files->count - at);
	if (at < n->files->count && n->files->count > end)
		tally_add_rest(&n->tally,
			       rest / (double)(n->files->file[end].size + 1) *
				   n->request_unknown);
}
