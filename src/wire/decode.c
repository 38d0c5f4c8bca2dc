/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages to batches. A message is a header and sets (v1, v5, v7: a header and records
 * of a template that never changes). Template sets compile to copy plans (template.c),
 * data sets run them (run.c), options data tell sampling rates and the exporter's start.
 * Whatever is wrong with a set is counted, and decoding goes on with the next one where
 * its length can be trusted.
 */
#include "wire/decode.h"

#include "base/cursor.h"
#include "base/err.h"
#include "base/text.h"
#include "model/batch.h"
#include "wire/own.h"
#include "wire/section.h"
#include "wire/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { V9_HEADER = 20, IPFIX_HEADER = 16, SEQUENCE_FAR = 1000000 };

const struct counter_row wire_counter_rows[WIRE_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "wire/counter.def"
#undef COUNTER
};

enum { FIXED_VERSIONS = 3 };

struct wire_decoder {
	struct wire_config config;
	struct streams streams;
	struct template *fixed[FIXED_VERSIONS], *softflowd;
	size_t templates_bytes, waiting_bytes;
	uint64_t counters[WIRE_COUNTERS];
	struct run run;
	struct template_field fields[TEMPLATE_FIELDS];
};

/* One message on its way through the decoder. */
struct message {
	struct wire_decoder *decoder;
	const struct addr *exporter;
	uint32_t session;
	struct stream *stream;
	struct batch *out;
	struct err *err;
	int64_t received_us;
	int64_t export_us;
	uint32_t uptime_ms;  /* of all but IPFIX */
	uint32_t data_records;
	bool has_uncounted;  /* data sets whose records could not be counted */
	bool is_damaged;
	bool has_failed;     /* config.full did */
};

static void
count(struct message *m, enum wire_counter id, uint64_t n)
{
	m->decoder->counters[id] += n;
	m->stream->counters[id] += n;
}

/* Cisco's records of versions 1, 5 and 7 as templates. */
#define V1_BEGIN \
	{0, 8, 4}, {0, 12, 4}, {0, 15, 4}, {0, 10, 2}, {0, 14, 2}, {0, 2, 4}, {0, 1, 4}, \
	{0, 22, 4}, {0, 21, 4}, {0, 7, 2}, {0, 11, 2}
#define V5_BEGIN \
	V1_BEGIN, {0, 210, 1}, {0, 6, 1}, {0, 4, 1}, {0, 5, 1}, {0, 16, 2}, {0, 17, 2}, \
	{0, 9, 1}, {0, 13, 1}

static const struct fixed {
	uint16_t version, header, record;
	bool has_sequence, has_engine;
	struct template_field fields[24];
} fixed_versions[FIXED_VERSIONS] = {
	{1, 16, 48, false, false, {V1_BEGIN, {0, 210, 2}, {0, 4, 1}, {0, 5, 1}, {0, 6, 1},
	    {0, 210, 7}}},
	{5, 24, 48, true, true, {V5_BEGIN, {0, 210, 2}}},
	{7, 24, 52, true, false, {V5_BEGIN, {0, 210, 6}}},
};

struct wire_decoder *
wire_decoder_new(const struct wire_config *config)
{
	struct wire_decoder *d = calloc(1, sizeof *d);
	const struct template_field *fields;
	unsigned i, n;

	if (d == NULL)
		return NULL;
	d->config = *config;
	if (d->config.pen == 0)
		d->config.pen = PEN_EXAMPLE;
	if (d->config.streams_max == 0)
		d->config.streams_max = 4096;
	if (d->config.templates_max == 0)
		d->config.templates_max = 1024;
	if (d->config.templates_bytes == 0)
		d->config.templates_bytes = (size_t)64 << 20;
	if (d->config.waiting_bytes == 0)
		d->config.waiting_bytes = (size_t)64 << 10;
	if (streams_init(&d->streams, d->config.streams_max) != 0)
		goto fail;
	for (i = 0; i < FIXED_VERSIONS; i++) {
		fields = fixed_versions[i].fields;
		for (n = 0; fields[n].len > 0; n++)
			;
		if ((d->fixed[i] = template_new(0, fields, n, 0, false)) == NULL)
			goto fail;
	}
	fields = section_softflowd(&n);
	if ((d->softflowd = template_new(SOFTFLOWD_SET, fields, n, 0, false)) == NULL)
		goto fail;
	return d;

fail:
	wire_decoder_free(d);
	return NULL;
}

void
wire_decoder_free(struct wire_decoder *d)
{
	unsigned i;

	if (d == NULL)
		return;
	streams_done(&d->streams);
	for (i = 0; i < FIXED_VERSIONS; i++)
		free(d->fixed[i]);
	free(d->softflowd);
	free(d);
}

/* The largest end of flow in a set whose exporter did not tell when it started. */
static uint32_t
latest_uptime(const struct template *t, const uint8_t *src, size_t n)
{
	const struct step *step;
	uint32_t latest = 0, v;
	unsigned i;
	size_t j;

	for (i = 0; i < t->step_count; i++) {
		step = &t->steps[i];
		if (step->conversion != CONVERT_UPTIME || step->field != FLOW_end ||
		    step->len != 4)
			continue;
		for (j = 0; j < n; j++) {
			v = load_be32(src + j * t->record_len + step->offset);
			if (j == 0 || (int32_t)(v - latest) > 0)
				latest = v;
		}
	}
	return latest;
}

static void
set_clock(struct message *m, const struct template *t, const uint8_t *src, size_t n)
{
	struct run *run = &m->decoder->run;

	run->export_us = m->export_us;
	run->base_us = m->export_us;
	run->base_ms = m->uptime_ms;
	if (m->stream->version != 10 || !t->has_uptime)
		return;
	if (m->stream->init_us != 0) {
		run->base_us = m->stream->init_us +
		    (m->export_us - m->stream->init_us) / 1000 * 1000;
		run->base_ms = (uint32_t)((m->export_us - m->stream->init_us) / 1000);
	} else {
		count(m, WIRE_no_init_time, 1);
		run->base_ms = t->is_fixed ? latest_uptime(t, src, n) : 0;
	}
}

/* n records of a data template to the batch, which is pushed on as often as it is
 * full. */
static void
data_records(struct message *m, const struct template *t, const uint8_t *src, size_t n)
{
	struct run *run = &m->decoder->run;
	uint64_t swapped;
	size_t part, len, i;

	m->data_records += (uint32_t)n;
	if (!t->is_flow || m->decoder->config.section != NULL) {
		count(m, WIRE_other_records, n);
		return;
	}
	set_clock(m, t, src, n);
	run->exporter = m->stream->exporter;
	run->domain = m->stream->domain;
	run->received_us = m->received_us;
	run->samplers = &m->stream->samplers;
	if (m->stream->version >= 9)
		run->sampling = stream_sampling(m->stream);
	run->times_swapped = &swapped;
	while (n > 0 && !m->has_failed) {
		if (batch_is_full(m->out) && (m->decoder->config.full == NULL
		    ? err_set(m->err, ENOSPC, "decoder: the batch is full")
		    : m->decoder->config.full(m->decoder->config.context, m->out,
		    m->err)) != 0) {
			m->has_failed = true;
			return;
		}
		part = m->out->cap - m->out->rows;
		part = part < RUN_ROWS ? part : RUN_ROWS;
		part = part < n ? part : n;
		swapped = 0;
		run_records(run, t, src, part, m->out);
		count(m, WIRE_records, part);
		count(m, WIRE_times_swapped, swapped);
		if (t->is_fixed) {
			len = part * t->record_len;
		} else {
			for (i = 0, len = 0; i < part; i++)
				len += template_walk(t, src + len, RECORD_MAX, NULL,
				    NULL);
		}
		src += len;
		n -= part;
	}
}

static uint32_t
rate_of(uint64_t numerator, uint64_t denominator)
{
	uint64_t rate;

	if (denominator == 0 || numerator == 0)
		return 0;
	rate = (numerator + denominator / 2) / denominator;
	return rate > UINT32_MAX ? UINT32_MAX : rate == 0 ? 1 : (uint32_t)rate;
}

static uint32_t
rate_of_probability(const uint8_t *p, size_t len)
{
	double v = 0;
	float f;
	uint64_t bits = load_be(p, len);
	uint32_t half = (uint32_t)bits;

	if (len == 8) {
		memcpy(&v, &bits, 8);
	} else if (len == 4) {
		memcpy(&f, &half, 4);
		v = f;
	}
	return v > 1e-9 && v <= 1 ? (uint32_t)(1 / v + 0.5) : 0;
}

/* RFC 5610: a described element with the name and number of one of ours says under which
 * enterprise number this exporter has them. */
static void
learn_type(struct message *m, const struct template *t, const uint8_t **at,
    const uint16_t *len)
{
	uint32_t pen = 0;
	uint16_t id = 0;
	const char *name = NULL;
	size_t name_len = 0;
	unsigned i;

	for (i = 0; i < t->field_count; i++) {
		if (t->fields[i].pen != PEN_IANA)
			continue;
		if (t->fields[i].element == 346 && len[i] == 4) {
			pen = load_be32(at[i]);
		} else if (t->fields[i].element == 303 && len[i] == 2) {
			id = load_be16(at[i]) & 0x7fff;
		} else if (t->fields[i].element == 341) {
			name = (const char *)at[i];
			name_len = len[i];
		}
	}
	if (pen == 0 || name == NULL)
		return;
	count(m, WIRE_types, 1);
	if (pen < PEN_OWN - 1 && own_is(id, name, name_len))
		m->stream->own_pen = pen;
}

/* One record of options data: what it tells of sampling and of the exporter's start. */
static void
options_record(struct message *m, const struct template *t, const uint8_t **at,
    const uint16_t *len)
{
	uint64_t value, interval = 0, space = 0, size = 0, population = 0;
	int64_t id = -1;
	uint32_t rate = 0;
	unsigned i;

	/* v9: scopes have numbers of their own (system, interface, ...): not elements. */
	for (i = m->stream->version == 9 ? t->scope_count : 0; i < t->field_count; i++) {
		if (t->fields[i].pen != PEN_IANA || len[i] == 0 || len[i] > 8)
			continue;
		value = load_be(at[i], len[i]);
		switch (t->fields[i].element) {
		case 34:
		case 50:
			rate = value > UINT32_MAX ? 0 : (uint32_t)value;
			break;
		case 48:
		case 302:
			id = (int64_t)(value & INT64_MAX);
			break;
		case 160:
			m->stream->init_us = (int64_t)(value & 0xffffffffffff) * 1000;
			break;
		case 305:
			interval = value;
			break;
		case 306:
			space = value;
			break;
		case 309:
			size = value;
			break;
		case 310:
			population = value;
			break;
		case 311:
			rate = rate_of_probability(at[i], len[i]);
			break;
		}
	}
	if (m->stream->version == 10)
		learn_type(m, t, at, len);
	if (rate == 0 && interval != 0)
		rate = rate_of((interval & UINT32_MAX) + (space & UINT32_MAX), interval);
	if (rate == 0)
		rate = rate_of(population & UINT32_MAX, size);
	stream_sampler_put(m->stream, id, rate);
}

/* A packet that is reported. */
static void
section_record(struct message *m, const struct template *t, const uint8_t *const *at,
    const uint16_t *len)
{
	const struct wire_config *c = &m->decoder->config;
	struct wire_section section;

	if (!section_read(t, at, len, m->export_us, &section)) {
		count(m, WIRE_bad_sections, 1);
		return;
	}
	count(m, WIRE_sections, 1);
	c->section(c->context, &section);
}

static void
data_set(struct message *m, const struct template *t, const uint8_t *src, size_t left)
{
	const uint8_t *at[TEMPLATE_FIELDS], *p = src;
	uint16_t len[TEMPLATE_FIELDS];
	size_t n = 0, record_len;
	bool is_section = t->is_section && m->decoder->config.section != NULL;
	bool is_read = t->is_options || is_section; /* field by field */

	if (t->is_fixed && !is_read) {
		data_records(m, t, src, left / t->record_len);
		return;
	}
	while (left > 0) {
		record_len = template_walk(t, p, left, is_read ? at : NULL, len);
		if (record_len == 0)
			break;
		if (t->is_options)
			options_record(m, t, at, len);
		else if (is_section)
			section_record(m, t, at, len);
		p += record_len;
		left -= record_len;
		n++;
	}
	/* Padding is shorter than the shortest record, and zero. */
	if (left >= t->record_len) {
		count(m, WIRE_bad_record, 1);
		m->is_damaged = true;
	}
	if (is_read) {
		m->data_records += (uint32_t)n;
		count(m, WIRE_options_records, t->is_options ? n : 0);
	} else {
		data_records(m, t, src, n);
	}
}

static void
wait_for_template(struct message *m, uint16_t id, const uint8_t *src, size_t len)
{
	struct wire_decoder *d = m->decoder;
	struct waiting w = {id, (uint16_t)len, m->uptime_ms, m->export_us,
	    m->received_us};
	size_t before = m->stream->waiting_len;

	m->has_uncounted = true;
	if (d->waiting_bytes + sizeof w + len > d->config.waiting_bytes * 64 ||
	    !stream_wait(m->stream, &w, src, d->config.waiting_bytes))
		count(m, WIRE_no_template, 1);
	else
		count(m, WIRE_waiting, 1);
	d->waiting_bytes += m->stream->waiting_len - before;
}

/* Decodes the sets that waited for this template. */
static void
wake(struct message *m, const struct template *t)
{
	struct stream *s = m->stream;
	struct message then = *m;
	size_t at = 0, to = 0, n, before = s->waiting_len;
	struct waiting w;

	while (at < s->waiting_len) {
		memcpy(&w, s->waiting + at, sizeof w);
		n = sizeof w + w.len;
		if (w.id == t->id && !then.has_failed) {
			then.export_us = w.export_us;
			then.uptime_ms = w.uptime_ms;
			then.received_us = w.received_us;
			data_set(&then, t, s->waiting + at + sizeof w, w.len);
			count(m, WIRE_waited, 1);
		} else {
			memmove(s->waiting + to, s->waiting + at, n);
			to += n;
		}
		at += n;
	}
	s->waiting_len = to;
	m->decoder->waiting_bytes -= before - to;
	m->has_failed = then.has_failed;
}

static void
learn_template(struct message *m, uint16_t id, unsigned field_count, unsigned scope_count,
    bool is_options)
{
	struct wire_decoder *d = m->decoder;
	struct template *old = stream_template(m->stream, id), *t;
	size_t old_bytes = old == NULL ? 0 : old->bytes;

	if (old != NULL &&
	    template_equals(old, d->fields, field_count, scope_count, is_options)) {
		count(m, WIRE_templates, 1);
		return;
	}
	t = template_new(id, d->fields, field_count, scope_count, is_options);
	if (t == NULL) {
		count(m, WIRE_bad_template, 1);
		m->is_damaged = true;
		return;
	}
	if (d->templates_bytes - old_bytes + t->bytes > d->config.templates_bytes ||
	    stream_template_put(m->stream, t, d->config.templates_max) != 0) {
		count(m, WIRE_templates_full, 1);
		free(t);
		return;
	}
	d->templates_bytes += t->bytes - old_bytes;
	count(m, WIRE_templates, 1);
	count(m, WIRE_templates_changed, old != NULL);
	count(m, WIRE_unknown_elements, t->unknown);
	wake(m, t);
}

static void
withdraw(struct message *m, uint16_t id, bool is_options)
{
	struct stream *s = m->stream;
	struct template *t;
	unsigned i;

	/* RFC 7011, 8.1: the set's own number withdraws all templates of its kind. */
	for (i = s->template_count; i-- > 0;) {
		t = s->templates[i];
		if (t->id != id && (id >= 256 || t->is_options != is_options))
			continue;
		m->decoder->templates_bytes -= t->bytes;
		stream_template_remove(s, t->id);
		count(m, WIRE_templates_withdrawn, 1);
	}
}

/* Reads n field specifiers into decoder->fields; false: there are not so many. */
static bool
take_fields(struct message *m, struct cursor *c, unsigned n, unsigned to)
{
	struct template_field *f;
	unsigned i;

	for (i = 0; i < n; i++) {
		if (to + i >= TEMPLATE_FIELDS)
			return false;
		f = &m->decoder->fields[to + i];
		*f = (struct template_field){0};
		f->element = cursor_be16(c);
		f->len = cursor_be16(c);
		if (m->stream->version == 10 && f->element & 0x8000) {
			f->element &= 0x7fff;
			f->pen = cursor_be32(c);
			if (f->pen == PEN_OWN || f->pen == 0)
				f->pen = PEN_OWN - 1; /* means nothing */
			else if (f->pen == m->decoder->config.pen ||
			    f->pen == m->stream->own_pen)
				f->pen = PEN_OWN;
		}
	}
	return cursor_ok(c);
}

static void
template_set(struct message *m, struct cursor c, bool is_options)
{
	bool is_ipfix = m->stream->version == 10;
	unsigned id, fields, scopes;

	while (cursor_left(&c) >= 4 && !m->has_failed) {
		id = cursor_be16(&c);
		fields = cursor_be16(&c);
		scopes = 0;
		if (id == 0 && fields == 0)
			break; /* padding */
		if (is_ipfix && fields == 0 &&
		    (id >= 256 || id == (is_options ? 3 : 2))) {
			withdraw(m, (uint16_t)id, is_options);
			continue;
		}
		if (is_options) {
			scopes = cursor_be16(&c);
			if (!is_ipfix) { /* octets, not fields */
				scopes = fields / 4;
				c.at -= 2;
				fields = scopes + cursor_be16(&c) / 4;
			}
		}
		if (id < 256 || scopes > fields || !take_fields(m, &c, fields, 0)) {
			count(m, WIRE_bad_template, 1);
			m->is_damaged = true;
			return;
		}
		learn_template(m, (uint16_t)id, fields, scopes, is_options);
	}
}

static void
sets(struct message *m, struct cursor c)
{
	bool is_ipfix = m->stream->version == 10;
	const struct template *t;
	const uint8_t *src;
	unsigned id, len;

	while (cursor_left(&c) >= 4 && !m->has_failed) {
		id = cursor_be16(&c);
		len = cursor_be16(&c);
		if (len < 4 || len - 4u > cursor_left(&c)) {
			count(m, WIRE_bad_set, 1);
			m->is_damaged = true;
			return;
		}
		len -= 4;
		src = cursor_take(&c, len);
		if (id == (is_ipfix ? 2 : 0) || id == (is_ipfix ? 3 : 1)) {
			template_set(m, cursor_over(src, len), id == (is_ipfix ? 3 : 1));
		} else if (id < 256) {
			count(m, WIRE_unknown_set, 1);
		} else if ((t = stream_template(m->stream, (uint16_t)id)) != NULL) {
			data_set(m, t, src, len);
		} else if (m->decoder->config.section != NULL && id == SOFTFLOWD_SET &&
		    len == SOFTFLOWD_RECORD) {
			data_set(m, m->decoder->softflowd, src, len);
		} else {
			wait_for_template(m, (uint16_t)id, src, len);
		}
	}
}

/* step: what the exporter's sequence number grows by with this message. */
static void
sequence(struct message *m, uint32_t number, uint32_t step)
{
	struct stream *s = m->stream;
	int32_t ahead = (int32_t)(number - s->sequence);

	if (s->has_sequence && ahead != 0) {
		if (ahead > 0 && ahead < SEQUENCE_FAR) {
			count(m, WIRE_lost, (uint64_t)ahead);
		} else if (ahead < 0 && ahead > -SEQUENCE_FAR && number > step) {
			/* Late: it was counted as lost before. */
			count(m, WIRE_reordered, 1);
			if (s->counters[WIRE_lost] >= step) {
				s->counters[WIRE_lost] -= step;
				m->decoder->counters[WIRE_lost] -= step;
			}
			return;
		} else {
			count(m, WIRE_sequence_resets, 1);
		}
	}
	s->sequence = number + step;
	s->has_sequence = !m->has_uncounted;
}

static bool
start(struct message *m, uint16_t version, uint32_t domain)
{
	m->stream = streams_get(&m->decoder->streams, m->exporter, version, domain,
	    m->session);
	if (m->stream == NULL) {
		m->decoder->counters[WIRE_streams_full]++;
		return false;
	}
	if (m->stream->first_us == 0)
		m->stream->first_us = m->received_us;
	m->stream->last_us = m->received_us;
	count(m, WIRE_messages, 1);
	return true;
}

static int
decode_fixed(struct message *m, unsigned i, const uint8_t *msg, size_t len)
{
	const struct fixed *f = &fixed_versions[i];
	unsigned records = load_be16(msg + 2),
	    fit = (unsigned)((len - f->header) / f->record);

	m->uptime_ms = load_be32(msg + 4);
	m->export_us = (int64_t)load_be32(msg + 8) * 1000000 +
	    load_be32(msg + 12) % 1000000000 / 1000;
	if (!start(m, f->version, f->has_engine ? load_be16(msg + 20) : 0))
		return WIRE_VERDICT_FULL;
	if ((len - f->header) % f->record != 0 || records != fit) {
		count(m, WIRE_bad_length, 1);
		m->is_damaged = true;
	}
	records = records < fit ? records : fit;
	m->decoder->run.sampling = f->has_engine ? load_be16(msg + 22) & 0x3fff : 0;
	data_records(m, m->decoder->fixed[i], msg + f->header, records);
	if (f->has_sequence)
		sequence(m, load_be32(msg + 16), records);
	return WIRE_OK;
}

static int
decode_v9(struct message *m, const uint8_t *msg, size_t len)
{
	m->uptime_ms = load_be32(msg + 4);
	m->export_us = (int64_t)load_be32(msg + 8) * 1000000;
	if (!start(m, 9, load_be32(msg + 16)))
		return WIRE_VERDICT_FULL;
	sequence(m, load_be32(msg + 12), 1);
	sets(m, cursor_over(msg + V9_HEADER, len - V9_HEADER));
	return WIRE_OK;
}

static int
decode_ipfix(struct message *m, const uint8_t *msg, size_t len)
{
	size_t said = load_be16(msg + 2);

	m->export_us = (int64_t)load_be32(msg + 4) * 1000000;
	if (!start(m, 10, load_be32(msg + 12)))
		return WIRE_VERDICT_FULL;
	if (said < IPFIX_HEADER || said != len) {
		count(m, WIRE_bad_length, 1);
		m->is_damaged = true;
	}
	if (said >= IPFIX_HEADER && said < len)
		len = said;
	sets(m, cursor_over(msg + IPFIX_HEADER, len - IPFIX_HEADER));
	sequence(m, load_be32(msg + 8), m->data_records);
	return WIRE_OK;
}

/* Octets of a version's header; 0: it is not known. *out_fixed: its place in the table of
 * versions with fixed records, or FIXED_VERSIONS. */
static size_t
header_of(unsigned version, unsigned *out_fixed)
{
	unsigned i;

	for (i = 0; i < FIXED_VERSIONS && fixed_versions[i].version != version; i++)
		;
	*out_fixed = i;
	return i < FIXED_VERSIONS ? fixed_versions[i].header
	    : version == 9 ? V9_HEADER : version == 10 ? IPFIX_HEADER : 0;
}

int
wire_decode_session(struct wire_decoder *d, const struct addr *exporter, uint32_t session,
    const uint8_t *msg, size_t len, int64_t received_us, struct batch *out,
    struct err *err)
{
	struct message m = {.decoder = d, .exporter = exporter, .session = session,
	    .out = out, .err = err, .received_us = received_us};
	unsigned version = len < 2 ? 0 : load_be16(msg), fixed;
	size_t header = header_of(version, &fixed);
	int verdict;

	if (len < 2) {
		d->counters[WIRE_short_message]++;
		return WIRE_VERDICT_SHORT;
	}
	if (header == 0) {
		d->counters[WIRE_unknown_version]++;
		return WIRE_VERDICT_VERSION;
	}
	if (len < header) {
		d->counters[WIRE_short_message]++;
		return WIRE_VERDICT_SHORT;
	}
	verdict = fixed < FIXED_VERSIONS ? decode_fixed(&m, fixed, msg, len)
	    : version == 9 ? decode_v9(&m, msg, len) : decode_ipfix(&m, msg, len);
	if (m.has_failed)
		return -1;
	return verdict == WIRE_OK && m.is_damaged ? WIRE_VERDICT_DAMAGED : verdict;
}

int
wire_decode(struct wire_decoder *d, const struct addr *exporter, const uint8_t *msg,
    size_t len, int64_t received_us, struct batch *out, struct err *err)
{
	return wire_decode_session(d, exporter, 0, msg, len, received_us, out, err);
}

void
wire_session_end(struct wire_decoder *d, uint32_t session)
{
	struct stream *s, *rest;
	unsigned i;

	while ((s = streams_take(&d->streams, session)) != NULL) {
		for (i = 0; i < s->template_count; i++)
			d->templates_bytes -= s->templates[i]->bytes;
		d->waiting_bytes -= s->waiting_len;
		rest = streams_get(&d->streams, &s->exporter, s->version, s->domain, 0);
		if (rest != NULL)
			wire_stream_add(rest, s);
		wire_stream_free(s);
	}
}

const uint64_t *
wire_decoder_counters(const struct wire_decoder *d)
{
	return d->counters;
}

void
wire_decoder_print(const struct wire_decoder *d, struct text *out)
{
	char address[ADDR_TEXT];
	const struct stream *s;
	size_t i;

	for (i = 0; i < d->streams.slot_count; i++) {
		if ((s = d->streams.slots[i]) == NULL)
			continue;
		addr_print(&s->exporter, address);
		text_printf(out, "  %s domain %" PRIu32 " %s%u: %" PRIu64 " datagrams, %" PRIu64
		    " flows, %" PRIu64 " lost, %u templates, %" PRIu64 " sets waited or were "
		    "dropped", address, s->domain,
		    s->version == 10 ? "IPFIX v" : "NetFlow v",
		    s->version, s->counters[WIRE_messages], s->counters[WIRE_records],
		    s->counters[WIRE_lost], s->template_count,
		    s->counters[WIRE_waiting] + s->counters[WIRE_no_template]);
		if (stream_sampling(s) != 0)
			text_printf(out, ", sampling 1:%" PRIu32, stream_sampling(s));
		text_char(out, '\n');
	}
}

void
wire_decoder_exporters(const struct wire_decoder *d,
    void (*each)(void *context, const struct wire_exporter *exporter), void *context)
{
	const struct stream *s;
	size_t i;

	for (i = 0; i < d->streams.slot_count; i++) {
		if ((s = d->streams.slots[i]) == NULL)
			continue;
		each(context, &(struct wire_exporter){.address = s->exporter,
		    .domain = s->domain,
		    .version = s->version, .session = s->session,
		    .templates = s->template_count, .sampling = stream_sampling(s),
		    .last_us = s->last_us, .counters = s->counters});
	}
}
