/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From verdicts to finding rows: what a verdict comes to, the columns and the list of
 * candidates; evidence.c has the words.
 */
#include "identify/finding.h"

#include "base/err.h"
#include "identify/evidence.h"
#include "identify/hint.h"
#include "identify/intake.h"
#include "identify/modes.h"
#include "identify/quic.h"
#include "identify/ranges.h"
#include "identify/sequence.h"
#include "identify/several.h"
#include "model/batch.h"
#include "model/catalogue.h"
#include "model/finding.h"
#include "model/flow.h"
#include "model/sink.h"
#include "model/type.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the files that fit a part of a file, the share that one needs to be a name. */
static const double PART_SHARE = 0.9;

static const char model_version[] = "1";

void
findings_init(struct findings *f, const struct files *files, double threshold,
	      struct sink *sink, uint64_t *counters)
{
	*f = (struct findings){.files = files,
			       .threshold = threshold,
			       .plain_threshold = threshold,
			       .sink = sink,
			       .counters = counters,
			       .batch = batch_new(&finding_schema, 1024)};
	text_init(&f->candidates);
	text_init(&f->evidence);
	text_init(&f->points);
	text_init(&f->pieces);
}

void
findings_done(struct findings *f)
{
	batch_free(f->batch);
	text_done(&f->candidates);
	text_done(&f->evidence);
	text_done(&f->points);
	text_done(&f->pieces);
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

	text_str(&f->candidates, f->candidates.len > 0 ? "; " : "");
	text_str(&f->candidates, catalog_text(f->files->catalog, c->name));
	text_str(&f->candidates, *version ? " " : "");
	text_str(&f->candidates, version);
	text_char(&f->candidates, ' ');
	text_real(&f->candidates, probability, 3);
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
	if (f->points.len > 0)
		finding_set(out, points, str_of_text(&f->points));
	if (f->pieces.len > 0)
		finding_set(out, pieces, str_of_text(&f->pieces));
	f->counters[finding_has(out, name)      ? IDENTIFY_named
		    : out->kind == KIND_unknown ? IDENTIFY_unknown
						: IDENTIFY_sets]++;
	batch_append(f->batch, out);
	text_clear(&f->candidates);
	text_clear(&f->evidence);
	text_clear(&f->points);
	text_clear(&f->pieces);
	return batch_is_full(f->batch) ? findings_flush(f, err) : 0;
}

static void
set_record(struct findings *f, struct finding *out, const struct record *r)
{
	if (f->view != NULL && f->view->server_name != NULL)
		finding_set(out, server_name, str_of(f->view->server_name));
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
tell_point(struct findings *f, const struct addr *exporter)
{
	char text[ADDR_TEXT];

	addr_print(exporter, text);
	text_printf(&f->points, "%s%s", f->points.len > 0 ? " " : "", text);
}

/* Every observation point of a download that was seen at several. */
static void
tell_points(struct findings *f, const struct record *r)
{
	uint32_t i;

	if (r->points == 0 || f->point == NULL)
		return;
	tell_point(f, &r->exporter);
	for (i = r->points; i != 0; i = f->point[i].next)
		tell_point(f, &f->point[i].exporter);
}

static void
set_best(struct findings *f, struct finding *out, const struct record *r,
	 const struct candidate *best)
{
	set_file(f, out, best->file);
	finding_set(out, header, best->header);
	if (best->rest > 0)
		finding_set(out, request_rest, best->rest);
	if (r->is_quic && best->again >= 0)
		finding_set(out, retransmissions, (uint32_t)best->again);
	if (!r->has_span && !r->is_quic) {
		finding_set(out, retransmissions, best->k);
		finding_set(out, remainder, best->e);
	}
}

static bool
same_name(const struct findings *f, uint32_t a, uint32_t b)
{
	const struct catalog_file *x = &f->files->file[a], *y = &f->files->file[b];

	return x->name == y->name && x->version == y->version;
}

/* Probability of the best file's name: files of one name and version count together. */
static double
name_probability(const struct findings *f, const struct verdict *v)
{
	double sum = 0;
	uint32_t i;

	for (i = 0; i < v->count; i++)
		if (v->candidate[i].is_partial == v->candidate[0].is_partial &&
		    same_name(f, v->candidate[i].file, v->candidate[0].file))
			sum += v->candidate[i].probability;
	return sum;
}

static enum kind
kind_of(const struct findings *f, const struct candidate *best)
{
	if (best->is_partial)
		return best->part == PART_UNMODIFIED ? KIND_unmodified : KIND_partial;
	return f->files->file[best->file].encoding != 0 ? KIND_encoded : KIND_whole;
}

/* What a verdict comes to: a name, a set of files of one kind, or unknown. */
struct conclusion {
	bool is_named, is_set;
	enum kind kind;
	double probability;
};

static struct conclusion
conclude(const struct findings *f, const struct record *r, const struct verdict *v,
	 bool is_unmodified)
{
	double needed = r->has_span && !r->is_at_least ? f->threshold
	    : f->plain_threshold;
	const struct candidate *best = v->count > 0 ? &v->candidate[0] : NULL;
	struct conclusion c = {.kind = is_unmodified ? KIND_unmodified : KIND_unknown,
			       .probability = v->unknown};
	double name = best != NULL ? name_probability(f, v) : 0, set;

	if (best == NULL || is_unmodified)
		return c;
	set = best->is_partial ? v->partial : v->whole;
	/* Of files that fit a part alike their sizes alone say which: that is a set, no
	 * name. */
	c.is_named = name >= needed && (!best->is_partial || r->is_at_least ||
	    !r->has_span || name >= PART_SHARE * set);
	c.is_set = !c.is_named && set >= needed;
	if (c.is_named || c.is_set) {
		c.kind = kind_of(f, best);
		c.probability = c.is_named ? name : set;
	}
	return c;
}

int
findings_add(struct findings *f, const struct record *r, const struct verdict *v,
	     bool is_unmodified, struct err *err)
{
	struct conclusion c = conclude(f, r, v, is_unmodified);
	const struct candidate *best = c.is_named || c.is_set ? &v->candidate[0] : NULL;
	struct finding out = {0};
	uint32_t i;

	set_record(f, &out, r);
	finding_set(&out, rivals, v->fits > 0 ? v->fits - 1 : 0);
	finding_set(&out, kind, c.kind);
	finding_set(&out, probability, c.probability);
	finding_set(&out, grade,
		    !r->has_span                    ? GRADE_plain
		    : best != NULL && best->rest > 0 ? GRADE_span
						     : GRADE_response);
	if (c.is_named)
		set_best(f, &out, r, best);
	for (i = 0; i < v->count && v->candidate[i].probability >= 0.001; i++)
		put_candidate(f, v->candidate[i].file, v->candidate[i].probability);
	tell_points(f, r);
	if (r->has_span)
		evidence_span(f, r, best);
	else if (r->is_quic)
		evidence_quic(f, r, v, best);
	else
		evidence_wire(f, r, v, best);
	if (is_unmodified)
		text_str(&f->evidence,
			 "an answer without a body (304 Not Modified) fits");
	else
		evidence_rivals(f, v, c.is_named, c.is_set);
	evidence_terms(f, r, v);
	return append(f, &out, err);
}

/* The pieces behind the first: "port start; port start". */
static void
tell_pieces(struct findings *f, const struct ranges *ranges, const struct range_set *set)
{
	char room[32];
	uint32_t i;

	for (i = 0; i + 1 < set->pieces; i++) {
		const struct range_piece *p = &ranges->later[set->later + i];

		text_printf(&f->pieces, "%s%u ", i > 0 ? "; " : "", p->client_port);
		text_bytes(&f->pieces, room,
		    time_print(p->start_us, STYLE_MACHINE, room));
	}
}

/* Likeliest file's name: files of one name and version count together. */
static double
range_probability(const struct findings *f, const struct range_set *set)
{
	double sum = 0;
	uint32_t i;

	for (i = 0; i < set->choices; i++)
		if (same_name(f, set->choice[i].file, set->choice[0].file))
			sum += set->choice[i].probability;
	return sum;
}

int
findings_add_ranges(struct findings *f, const struct record *r,
    const struct ranges *ranges, const struct range_set *set, struct err *err)
{
	struct candidate best = {.file = set->choice[0].file,
	    .header = set->choice[0].header, .rest = set->choice[0].rest};
	double name = range_probability(f, set);
	bool is_named = name >= f->threshold;
	struct finding out = {0};
	uint32_t i;

	set_record(f, &out, r);
	finding_set(&out, rivals, set->choices - 1);
	finding_set(&out, kind, KIND_ranges);
	finding_set(&out, probability, is_named ? name : set->probability);
	finding_set(&out, grade, best.rest > 0 ? GRADE_span : GRADE_response);
	if (is_named)
		set_best(f, &out, r, &best);
	for (i = 0; i < set->choices; i++)
		if (set->choice[i].probability >= 0.001)
			put_candidate(f, set->choice[i].file, set->choice[i].probability);
	tell_points(f, r);
	tell_pieces(f, ranges, set);
	evidence_ranges(f, r, set, is_named);
	return append(f, &out, err);
}

/* A set as "a + b 0.61". */
static void
put_set(struct findings *f, const struct several_set *set)
{
	uint32_t i;

	text_str(&f->candidates, f->candidates.len > 0 ? "; " : "");
	for (i = 0; i < set->files; i++) {
		const struct catalog_file *c = &f->files->file[set->file[i]];
		const char *version = catalog_text(f->files->catalog, c->version);

		text_printf(&f->candidates, "%s%s%s%s", i > 0 ? " + " : "",
			    catalog_text(f->files->catalog, c->name), *version ? " " : "",
			    version);
	}
	text_printf(&f->candidates, " %.3g", set->probability);
}

int
findings_add_several(struct findings *f, const struct record *r, const struct verdict *v,
		     const struct several *s, struct err *err)
{
	double needed = r->has_span ? f->threshold : f->plain_threshold;
	uint32_t i, k, files = s->count > 0 ? s->set[0].files : 0;

	f->counters[IDENTIFY_several]++;
	for (i = 0; i < files; i++) {
		struct candidate one = {.file = s->set[0].file[i],
					.k = s->set[0].k,
					.e = s->set[0].e};
		struct finding out = {0};
		bool is_named;

		one.probability = several_of_file(s, one.file);
		is_named = one.probability >= needed;
		set_record(f, &out, r);
		finding_set(&out, rivals, s->fits > 0 ? s->fits - 1 : 0);
		/* Without a name it is one of those listed, if the record holds several;
		 * that it is of no file nothing says. */
		finding_set(&out, kind,
			    is_named && f->files->file[one.file].encoding ? KIND_encoded
									   : KIND_whole);
		finding_set(&out, probability,
			    is_named ? one.probability : s->probability);
		finding_set(&out, grade,
			    !r->has_span	 ? GRADE_plain
			    : r->has_request ? GRADE_span
					     : GRADE_response);
		if (is_named)
			set_file(f, &out, one.file);
		if (is_named && !r->has_span) {
			finding_set(&out, retransmissions, one.k);
			finding_set(&out, remainder, one.e);
		}
		for (k = 0; k < s->count && s->set[k].probability >= 0.001; k++)
			put_set(f, &s->set[k]);
		evidence_several(f, r, v, s, i);
		if (append(f, &out, err) != 0)
			return -1;
	}
	return 0;
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
	evidence_response(f, s);
	return append(f, &out, err);
}
