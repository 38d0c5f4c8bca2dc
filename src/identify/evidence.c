/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The evidence of a finding in words: what was measured and the sum that it makes, what
 * else fits, and, where asked for, every term of the probability.
 */
#include "identify/evidence.h"

#include "identify/finding.h"
#include "identify/hint.h"
#include "identify/modes.h"
#include "identify/quic.h"
#include "identify/ranges.h"
#include "identify/sequence.h"
#include "identify/several.h"

#include <math.h>
#include <stdlib.h>

enum { RIVALS_TOLD = 5 };

/* Most of what is told is such; printf takes several times as long. */
static void
tell_number(struct text *out, const char *what, uint64_t number)
{
	text_str(out, what);
	text_u64(out, number);
}

void
evidence_rivals(struct findings *f, const struct verdict *v, bool is_named, bool is_set)
{
	uint32_t rivals = v->fits > 0 ? v->fits - 1 : 0;

	if (is_set)
		text_printf(&f->evidence, "one of %u%s files, which nothing tells apart",
			    v->fits, v->fits == CANDIDATES_MAX ? " or more" : "");
	else if (v->count == 0)
		text_str(&f->evidence, "no file of the catalogue fits");
	else if (!is_named && v->unknown >= 0.5)
		text_str(&f->evidence, "none fits better than chance would");
	else if (rivals == 0)
		text_str(&f->evidence, "no other file fits");
	else
		text_printf(&f->evidence, "%u%s other file%s fit%s nearly as well",
			    rivals, rivals + 1 == CANDIDATES_MAX ? " or more" : "",
			    rivals == 1 ? "" : "s", rivals == 1 ? "s" : "");
}

/* What records and frames cost, and the law by which it is known. */
static void
tell_law(struct findings *f, const struct candidate *c)
{
	unsigned law;

	if (c->cost == 0)
		return;
	text_printf(&f->evidence, " + %llu of records and frames",
	    (unsigned long long)c->cost);
	if (c->header_mode > 0 && f->constants != NULL) {
		law = f->constants->header.mode[c->header_mode - 1].law;
		text_printf(&f->evidence, " (%s)", tls_law_rows[law].name);
	}
}

/* What a part of a file is, or the sum that a whole one makes. */
static void
tell_sum(struct findings *f, const struct record *r, const struct candidate *c)
{
	unsigned long long size = f->files->file[c->file].size;

	if (c->is_partial && c->part == PART_UNMODIFIED) {
		text_str(&f->evidence, ", an answer without a body (304 Not Modified)");
	} else if (c->is_partial) {
		text_printf(&f->evidence,
		    c->part == PART_RANGE ? ", a range of the file's %llu bytes"
		                          : ", cut off before the file's %llu bytes",
		    size);
	} else {
		tell_number(&f->evidence, r->is_at_least ? " of size " : " = size ",
			    size);
		tell_number(&f->evidence, " + header ", c->header);
		if (!r->is_at_least)
			tell_law(f, c);
	}
}

static void
tell_request(struct findings *f, const struct record *r, const struct candidate *c)
{
	const struct constants *k = f->constants;
	uint32_t phase = k == NULL ? 0
	    : c->request_mode > 0 ? k->request.mode[c->request_mode - 1].phase
	    : k->comb.step > 0 ? k->comb.phase : 0;
	uint32_t path = files_path_octets(f->files, c->file, phase);

	if (c->rest > 0) {
		tell_number(&f->evidence, " = path ", path);
		tell_number(&f->evidence, phase > 0 ? " coded + " : " + ", c->rest);
	}
	if (c->is_partial && c->part != PART_CUT)
		text_printf(&f->evidence, " + %llu of the %s",
		    (unsigned long long)r->request_span - c->rest - path,
		    c->part == PART_RANGE ? "range" : "condition");
	if (c->shift > 0)
		text_printf(&f->evidence, " + %d of the next request", c->shift);
	if (c->shift < 0)
		text_printf(&f->evidence, " - %d sent before", -c->shift);
}

void
evidence_span(struct findings *f, const struct record *r, const struct candidate *c)
{
	tell_number(&f->evidence, "response span ", r->span);
	text_str(&f->evidence, r->is_at_least ? " at least"
			       : r->is_by_ack ? " by acknowledgements"
					      : "");
	if (c != NULL)
		tell_sum(f, r, c);
	if (r->has_request) {
		tell_number(&f->evidence, "; request ", r->request_span);
		if (c != NULL)
			tell_request(f, r, c);
	}
	text_str(&f->evidence, "; ");
}

void
evidence_wire(struct findings *f, const struct record *r, const struct verdict *v,
	  const struct candidate *c)
{
	struct text *out = &f->evidence;

	tell_number(out, "payload ", v->payload);
	tell_number(out, " of ", r->bytes);
	tell_number(out, " octets in ", r->packets);
	text_str(out, " packets");
	if (c != NULL) {
		tell_number(out, " = size ", f->files->file[c->file].size);
		tell_number(out, " + header ", c->header);
		tell_number(out, " + ", c->k);
		tell_number(out, " x ", v->mss);
		tell_number(out, " sent again + ", c->e);
	}
	text_str(out, "; ");
}

void
evidence_quic(struct findings *f, const struct record *r, const struct verdict *v,
	  const struct candidate *c)
{
	text_printf(&f->evidence, "QUIC: %llu octets in %llu packets",
		    (unsigned long long)v->payload, (unsigned long long)r->packets);
	if (c != NULL)
		text_printf(&f->evidence,
			    " = size %llu + %.0f beside it + %.2f a packet%s%d x %.0f "
			    "sent again%s%d",
			    (unsigned long long)f->files->file[c->file].size,
			    v->quic->constant, v->quic->cost,
			    c->again < 0 ? " - " : " + ", abs(c->again), v->quic->packet,
			    c->off < 0 ? " - " : " + ", abs(c->off));
	text_str(&f->evidence, "; ");
}

/* The share of a constant among those of a server, as "name share" words. */
static void
tell_share(struct text *out, const char *name, const struct modes *modes, uint32_t bytes,
	   uint64_t size)
{
	uint32_t i;

	for (i = 0; i < modes->count; i++)
		if (modes->mode[i].bytes +
			(size > 0 ? size_digits(size, modes->mode[i].digits) : 0) ==
		    bytes) {
			text_printf(out, " x %s %.3g", name, modes->mode[i].weight);
			return;
		}
	text_printf(out, " x %s none of %u known (%.3g)", name, modes->count,
		    modes->other);
}

/* The wire model's terms: T, H, k, e and x of the best and of what comes near it. */
static void
tell_plain_terms(struct findings *f, const struct record *r, const struct verdict *v)
{
	uint32_t i;

	text_printf(&f->evidence,
		    " T %llu = %llu octets - %u x %llu packets - handshake; MSS %u; "
		    "x %lld short segments;",
		    (unsigned long long)v->payload, (unsigned long long)r->bytes,
		    v->overhead, (unsigned long long)r->packets, v->mss, (long long)v->x);
	for (i = 0; i < v->count && i < RIVALS_TOLD; i++) {
		const struct candidate *c = &v->candidate[i];
		const struct catalog_file *file = &f->files->file[c->file];

		text_printf(&f->evidence,
		    " %s: S %llu + H %u + k %u x MSS + e %u, score %.2f%s",
		    catalog_text(f->files->catalog, file->name),
		    (unsigned long long)file->size, c->header, c->k, c->e,
		    log(c->probability * v->evidence),
		    i + 1 < v->count && i + 1 < RIVALS_TOLD ? "," : ";");
	}
	text_printf(&f->evidence, " unknown: score %.2f;%s",
	    log(v->unknown * v->evidence),
	    v->is_elsewhere ? " nothing was learned of this path;" : "");
}

void
evidence_terms(struct findings *f, const struct record *r, const struct verdict *v)
{
	const struct candidate *best = v->count > 0 ? &v->candidate[0] : NULL;
	const struct constants *c = f->constants;

	if (!f->is_explained)
		return;
	text_str(&f->evidence, "; terms:");
	if (best != NULL && c != NULL && r->has_span) {
		text_printf(&f->evidence, " %.4g / %zu files", 1 - c->unknown,
			    f->files->count);
		if (!best->is_partial)
			tell_share(&f->evidence, "header", &c->header, best->header,
				   f->files->file[best->file].size);
		if (best->rest > 0)
			tell_share(&f->evidence, "request", &c->request, best->rest, 0);
		text_str(&f->evidence, ";");
	}
	if (v->mss > 0)
		tell_plain_terms(f, r, v);
	text_printf(&f->evidence, " whole files %.4g, cut off %.4g, unknown %.4g",
	    v->whole, v->partial, v->unknown);
	if (best != NULL && f->view != NULL) {
		text_str(&f->evidence, "; hints:");
		hints_tell(f->view, best->file, &f->evidence);
	}
}

void
evidence_ranges(struct findings *f, const struct record *r, const struct range_set *set,
    bool is_named)
{
	const struct range_choice *best = &set->choice[0];
	const struct catalog_file *file = &f->files->file[best->file];

	if (set->is_resumed)
		text_printf(&f->evidence,
			    "a download that the client broke off and its rest, from "
			    "what it had read to the last of %llu bytes",
			    (unsigned long long)file->size);
	else
		text_printf(&f->evidence,
		    "%u ranges that follow one another, %llu bytes in all = size %llu + "
		    "%u headers of %u and digits",
		    set->pieces, (unsigned long long)r->span,
		    (unsigned long long)file->size, set->pieces, best->header);
	if (best->rest > 0)
		text_printf(&f->evidence, "; requests = path %u + %u + the range",
			    file->path_len, best->rest);
	if (!is_named)
		text_printf(&f->evidence, "; one of %u%s files", set->choices,
		    set->choices == RANGE_CHOICES ? " or more" : "");
}

/* What the record has, and the sum that its files make. */
static void
tell_together(struct findings *f, const struct record *r, const struct verdict *v,
	      const struct several_set *best, bool is_told)
{
	if (r->has_span) {
		text_printf(&f->evidence,
			    "response span %llu = sizes, headers, records and frames of "
			    "%u files; requests %llu",
			    (unsigned long long)r->span, best->files,
			    (unsigned long long)r->request_span);
		return;
	}
	text_printf(&f->evidence, "payload %llu of %llu octets in %llu packets",
		    (unsigned long long)v->payload, (unsigned long long)r->bytes,
		    (unsigned long long)r->packets);
	if (v->quic != NULL)
		text_printf(&f->evidence,
			    " = the sizes of %u files + %.0f beside them + %.2f a "
			    "packet + %u x %.0f sent again + %u",
			    best->files, v->quic->constant, v->quic->cost, best->k,
			    v->quic->packet, best->e);
	else if (is_told)
		text_printf(&f->evidence,
		    " = the sizes and headers of %u files + %u x %u sent again + %u",
		    best->files, best->k, v->mss, best->e);
}

void
evidence_several(struct findings *f, const struct record *r, const struct verdict *v,
	     const struct several *s, uint32_t ordinal)
{
	text_printf(&f->evidence, "one of about %u downloads in this record (%.3g), ",
		    s->files, s->probability);
	tell_together(f, r, v, &s->set[0], ordinal < s->set[0].files);
	if (s->fits > 1)
		text_printf(&f->evidence,
		    "; not the only set: %u%s others fit nearly as well", s->fits - 1,
		    s->fits == SEVERAL_SETS_MAX ? " or more" : "");
	if (s->is_cut)
		text_str(&f->evidence, "; larger sets would take too long to try");
}

/* What speaks for a border of a pipelined response. */
static const char *
border_text(uint32_t by)
{
	if (by & SEQUENCE_BY_FILL)
		return "the files of the stretch come out to the octet";
	if (by == (SEQUENCE_BY_END | SEQUENCE_BY_REQUEST))
		return "a short segment, and a request sent then";
	if (by == SEQUENCE_BY_END)
		return "a short segment";
	if (by & SEQUENCE_BY_PAGE)
		return "a segment behind it that ended with a page of the file";
	return by == SEQUENCE_BY_REQUEST ? "a request sent then" : "nothing but its size";
}

void
evidence_response(struct findings *f, const struct sequence_response *s)
{
	if (s->verdict == SEQUENCE_BLOCK)
		text_printf(&f->evidence,
			    "a stretch of %llu bytes of a pipelined connection, "
			    "about %u responses whose borders are not known",
			    (unsigned long long)s->span, s->responses);
	else
		text_printf(&f->evidence,
			    "response %u of a pipelined connection, %llu bytes "
			    "between two borders",
			    s->ordinal, (unsigned long long)s->span);
	if (s->verdict == SEQUENCE_NAMED)
		text_printf(&f->evidence, " = size %llu + header %u",
			    (unsigned long long)f->files->file[s->id].size, s->header);
	if (s->request_bytes > 0 && s->request_rest > 0)
		text_printf(&f->evidence, "; request %u = path %u + %u", s->request_bytes,
			    s->request_bytes - s->request_rest, s->request_rest);
	if (s->fits > 1)
		text_printf(&f->evidence, "; %u files fit", s->fits);
	if (s->verdict != SEQUENCE_BLOCK)
		text_printf(&f->evidence, "; it ends there by: %s",
			    border_text(s->border_to));
}
