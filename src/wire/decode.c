/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages to batches. A message is a header and sets (decode_set.c); of v1, v5 and v7 a
 * header and records of a template that never changes. Sequence numbers tell losses.
 */
#include "wire/decode_private.h"

#include "base/text.h"
#include "wire/own.h"
#include "wire/section.h"

#include <inttypes.h>
#include <stdlib.h>

enum { V9_HEADER = 20, IPFIX_HEADER = 16, SEQUENCE_FAR = 1000000 };

const struct counter_row wire_counter_rows[WIRE_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "wire/counter.def"
#undef COUNTER
};

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
	decode_records(m, m->decoder->fixed[i], msg + f->header, records);
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
	decode_sets(m, cursor_over(msg + V9_HEADER, len - V9_HEADER));
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
	decode_sets(m, cursor_over(msg + IPFIX_HEADER, len - IPFIX_HEADER));
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
	if (i < FIXED_VERSIONS)
		return fixed_versions[i].header;
	return version == 9 ? V9_HEADER : version == 10 ? IPFIX_HEADER : 0;
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
		text_printf(out,
		    "  %s domain %" PRIu32 " %s%u: %" PRIu64 " datagrams, %" PRIu64
		    " flows, %" PRIu64 " lost, %u templates, %" PRIu64
		    " sets waited or were dropped",
		    address, s->domain, s->version == 10 ? "IPFIX v" : "NetFlow v",
		    s->version, s->counters[WIRE_messages], s->counters[WIRE_records],
		    s->counters[WIRE_lost], s->template_count,
		    s->counters[WIRE_waiting] + s->counters[WIRE_no_template]);
		if (stream_sampling(s) != 0)
			text_printf(out, ", sampling 1:%" PRIu32, stream_sampling(s));
		if (s->has_said) {
			addr_print(&s->said, address);
			text_printf(out, ", says it is %s", address);
		}
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
		each(context, &(struct wire_exporter){
		    .address = s->exporter,
		    .domain = s->domain,
		    .version = s->version,
		    .session = s->session,
		    .templates = s->template_count,
		    .sampling = stream_sampling(s),
		    .last_us = s->last_us,
		    .said = s->has_said ? &s->said : NULL,
		    .counters = s->counters,
		});
	}
}
