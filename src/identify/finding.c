/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From verdicts to finding rows: the columns, the list of candidates and the evidence in
 * words.
 */
#include "identify/finding.h"

#include "base/err.h"
#include "identify/sequence.h"
#include "model/batch.h"
#include "model/catalogue.h"
#include "model/finding.h"
#include "model/flow.h"
#include "model/sink.h"

#include <stdio.h>
#include <string.h>

static const char model_version[] = "1";

void
findings_init(struct findings *f, const struct files *files, double threshold,
	      struct sink *sink, uint64_t *counters)
{
	*f = (struct findings){.files = files,
			       .threshold = threshold,
			       .sink = sink,
			       .counters = counters,
			       .batch = batch_new(&finding_schema, 1024)};
	text_init(&f->candidates);
	text_init(&f->evidence);
}

void
findings_done(struct findings *f)
{
	batch_free(f->batch);
	text_done(&f->candidates);
	text_done(&f->evidence);
}

int
findings_flush(struct findings *f, struct err *err)
{
	int ret = 0;

	if (f->batch->rows > 0)
		ret = sink_push(f->sink, f->batch, err);
	batch_clear(f->batch);
	return ret;
}

static struct str
str_of(const char *s)
{
	return (struct str){s, (uint32_t)strlen(s)};
}

static struct str
str_of_text(const struct text *t)
{
	return (struct str){t->data, (uint32_t)t->len};
}

static void
put_candidate(struct findings *f, uint32_t file, double probability)
{
	const struct catalog_file *c = &f->files->file[file];
	const char *version = catalog_text(f->files->catalog, c->version);

	text_printf(&f->candidates, "%s%s%s%s %.3g", f->candidates.len > 0 ? "; " : "",
		    catalog_text(f->files->catalog, c->name), *version ? " " : "",
		    version, probability);
}

static void
set_file(struct findings *f, struct finding *out, uint32_t file)
{
	struct catalogue row;

	catalog_row(f->files->catalog, file, &row);
	finding_set(out, name, row.name);
	finding_set(out, size, row.size);
#define COPY(id)                                                                         \
	if (catalogue_has(&row, id))                                                     \
		finding_set(out, id, row.id);
	COPY(version) COPY(arch) COPY(suite) COPY(path)
#undef COPY
}

static int
append(struct findings *f, struct finding *out, struct err *err)
{
	finding_set(out, candidates, str_of_text(&f->candidates));
	finding_set(out, evidence, str_of_text(&f->evidence));
	if (f->candidates.len == 0)
		out->present[FINDING_candidates / 64] &=
		    ~((uint64_t)1 << FINDING_candidates % 64);
	finding_set(out, catalogue, str_of(catalog_version(f->files->catalog)));
	finding_set(out, model, str_of(model_version));
	f->counters[finding_has(out, name) ? IDENTIFY_named : IDENTIFY_unknown]++;
	batch_append(f->batch, out);
	text_clear(&f->candidates);
	text_clear(&f->evidence);
	return batch_is_full(f->batch) ? findings_flush(f, err) : 0;
}

static void
tell_rivals(struct findings *f, const struct verdict *v, bool is_named)
{
	uint32_t rivals = v->fits > 0 ? v->fits - 1 : 0;

	if (v->count == 0)
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

static void
tell_span(struct findings *f, const struct record *r, const struct candidate *c)
{
	const struct catalog_file *file = c != NULL ? &f->files->file[c->file] : NULL;

	text_printf(&f->evidence, "response span %llu%s", (unsigned long long)r->span,
		    r->is_at_least ? " at least"
		    : r->is_by_ack ? " by acknowledgements"
				   : "");
	if (c != NULL && c->is_partial)
		text_printf(&f->evidence, ", cut off before the file's %llu bytes",
			    (unsigned long long)file->size);
	else if (c != NULL)
		text_printf(&f->evidence, " = size %llu + header %u",
			    (unsigned long long)file->size, c->header);
	if (r->has_request) {
		text_printf(&f->evidence, "; request %llu",
			    (unsigned long long)r->request_span);
		if (c != NULL && c->rest > 0)
			text_printf(&f->evidence, " = path %u + %u", file->path_len,
				    c->rest);
		if (c != NULL && c->shift > 0)
			text_printf(&f->evidence, " + %d of the next request", c->shift);
		if (c != NULL && c->shift < 0)
			text_printf(&f->evidence, " - %d sent before", -c->shift);
	}
	text_str(&f->evidence, "; ");
}

static void
tell_wire(struct findings *f, const struct record *r, const struct verdict *v,
	  const struct candidate *c)
{
	text_printf(&f->evidence, "payload %llu of %llu octets in %llu packets",
		    (unsigned long long)v->payload, (unsigned long long)r->bytes,
		    (unsigned long long)r->packets);
	if (c != NULL)
		text_printf(&f->evidence,
			    " = size %llu + header %u + %u x %u sent again + %u",
			    (unsigned long long)f->files->file[c->file].size, c->header,
			    c->k, v->mss, c->e);
	text_str(&f->evidence, "; ");
}

static void
set_record(struct finding *out, const struct record *r)
{
	finding_set(out, start, r->start_us);
	finding_set(out, end, r->end_us);
	finding_set(out, client, r->client);
	finding_set(out, server, r->server);
	if (r->has_ports) {
		finding_set(out, client_port, r->client_port);
		finding_set(out, server_port, r->server_port);
	}
	finding_set(out, bytes, r->bytes > 0 ? r->bytes : r->span);
	if (r->has_span)
		finding_set(out, span, r->span);
	if (r->has_request)
		finding_set(out, request_span, r->request_span);
	if (r->has_connection) {
		finding_set(out, connection, r->connection);
		finding_set(out, exchange, r->exchange);
	}
	if (r->has_exporter)
		finding_set(out, exporter, r->exporter);
}

static void
set_best(struct findings *f, struct finding *out, const struct record *r,
	 const struct candidate *best)
{
	set_file(f, out, best->file);
	finding_set(out, header, best->header);
	if (best->rest > 0)
		finding_set(out, request_rest, best->rest);
	if (!r->has_span) {
		finding_set(out, retransmissions, best->k);
		finding_set(out, remainder, best->e);
	}
}

int
findings_add(struct findings *f, const struct record *r, const struct verdict *v,
	     bool is_unmodified, struct err *err)
{
	const struct candidate *best = v->count > 0 ? &v->candidate[0] : NULL;
	bool is_named = best != NULL && best->probability >= f->threshold;
	struct finding out = {0};
	uint32_t i;

	set_record(&out, r);
	finding_set(&out, rivals, v->fits > 0 ? v->fits - 1 : 0);
	finding_set(&out, kind,
		    is_unmodified                              ? KIND_unmodified
		    : !is_named                                ? KIND_unknown
		    : best->is_partial                         ? KIND_partial
		    : f->files->file[best->file].encoding != 0 ? KIND_encoded
							       : KIND_whole);
	finding_set(&out, probability, is_named ? best->probability : v->unknown);
	finding_set(&out, grade,
		    !r->has_span                 ? GRADE_plain
		    : is_named && best->rest > 0 ? GRADE_span
						 : GRADE_response);
	if (is_named)
		set_best(f, &out, r, best);
	for (i = 0; i < v->count && v->candidate[i].probability >= 0.001; i++)
		put_candidate(f, v->candidate[i].file, v->candidate[i].probability);
	if (r->has_span)
		tell_span(f, r, is_named ? best : NULL);
	else
		tell_wire(f, r, v, is_named ? best : NULL);
	if (is_unmodified)
		text_str(&f->evidence,
			 "an answer without a body (304 Not Modified) fits");
	else
		tell_rivals(f, v, is_named);
	return append(f, &out, err);
}

static void
tell_response(struct findings *f, const struct sequence_response *s)
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
}

int
findings_add_response(struct findings *f, const struct flow *row,
		      const struct sequence_response *s, struct err *err)
{
	struct finding out = {0};
	uint32_t i;

	finding_set(&out, start, s->time_start);
	finding_set(&out, end, s->time_end);
	finding_set(&out, client, row->src);
	finding_set(&out, server, row->dst);
	if (flow_has(row, src_port))
		finding_set(&out, client_port, row->src_port);
	if (flow_has(row, dst_port))
		finding_set(&out, server_port, row->dst_port);
	finding_set(&out, bytes, s->span);
	finding_set(&out, span, s->span);
	finding_set(&out, kind, KIND_unknown);
	finding_set(&out, probability, s->probability);
	finding_set(&out, grade, GRADE_sequence);
	finding_set(&out, exchange, s->ordinal);
	finding_set(&out, rivals, s->fits > 0 ? s->fits - 1 : 0);
	if (flow_has(row, connection))
		finding_set(&out, connection, row->connection);
	if (flow_has(row, exporter))
		finding_set(&out, exporter, row->exporter);
	if (s->request_bytes > 0)
		finding_set(&out, request_span, s->request_bytes);
	if (s->verdict == SEQUENCE_NAMED && s->id < f->files->count) {
		set_file(f, &out, s->id);
		finding_set(&out, header, s->header);
		if (s->request_rest > 0)
			finding_set(&out, request_rest, s->request_rest);
		finding_set(&out, kind,
			    f->files->file[s->id].encoding != 0 ? KIND_encoded
								: KIND_whole);
	}
	for (i = 0; i < s->rivals; i++)
		if (s->rival[i].id < f->files->count)
			put_candidate(f, s->rival[i].id, s->rival[i].probability);
	tell_response(f, s);
	return append(f, &out, err);
}
