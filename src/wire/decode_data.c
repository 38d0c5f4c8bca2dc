/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data sets: records of flows run by the copy plan of their template (run.c); options
 * data tell sampling rates, the exporter's start and what its own elements are; reports
 * of packets go to whoever asked for them.
 */
#include "wire/decode_private.h"

#include "base/err.h"
#include "model/batch.h"
#include "wire/own.h"
#include "wire/section.h"

#include <errno.h>
#include <string.h>

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

static int
push_full(struct message *m)
{
	const struct wire_config *config = &m->decoder->config;

	if (config->full == NULL)
		return err_set(m->err, ENOSPC, "decoder: the batch is full");
	return config->full(config->context, m->out, m->err);
}

void
decode_records(struct message *m, const struct template *t, const uint8_t *src, size_t n)
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
	while (n > 0) {
		if (batch_is_full(m->out) && push_full(m) != 0) {
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

/* exporterIPv4Address or its sibling. What is behind a relay or a translation of
 * addresses says so; flows keep the address that they came from. */
static void
learn_address(struct message *m, uint16_t element, const uint8_t *at, uint16_t len)
{
	if (element == 130 && len == 4)
		m->stream->said = addr_v4(load_be32(at));
	else if (element == 131 && len == 16)
		m->stream->said = addr_v6(at);
	else
		return;
	m->stream->has_said = true;
}

/* One record of options data: what it tells of sampling, the exporter's start and its
 * address. */
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
		if (t->fields[i].pen != PEN_IANA)
			continue;
		learn_address(m, t->fields[i].element, at[i], len[i]);
		if (len[i] == 0 || len[i] > 8)
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

void
decode_data(struct message *m, const struct template *t, const uint8_t *src, size_t left)
{
	const uint8_t *at[TEMPLATE_FIELDS], *p = src;
	uint16_t len[TEMPLATE_FIELDS];
	size_t n = 0, record_len;
	bool is_section = t->is_section && m->decoder->config.section != NULL;
	bool is_read = t->is_options || is_section; /* field by field */

	if (t->is_fixed && !is_read) {
		decode_records(m, t, src, left / t->record_len);
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
		decode_records(m, t, src, n);
	}
}
