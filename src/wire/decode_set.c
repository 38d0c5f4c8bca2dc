/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sets of version 9 and IPFIX. Template sets compile to copy plans (template.c), or
 * withdraw them; data sets whose template has not come yet wait for it, bounded. Whatever
 * is wrong with a set is counted, and decoding goes on with the next one where its length
 * can be trusted.
 */
#include "wire/decode_private.h"

#include "wire/own.h"
#include "wire/section.h"

#include <stdlib.h>
#include <string.h>

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
			decode_data(&then, t, s->waiting + at + sizeof w, w.len);
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
	unsigned id, fields, scopes, octets;

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
			if (!is_ipfix) { /* octets of scopes and of options */
				octets = scopes;
				scopes = fields / 4;
				fields = scopes + octets / 4;
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

void
decode_sets(struct message *m, struct cursor c)
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
			decode_data(m, t, src, len);
		} else if (m->decoder->config.section != NULL && id == SOFTFLOWD_SET &&
		    len == SOFTFLOWD_RECORD) {
			decode_data(m, m->decoder->softflowd, src, len);
		} else {
			wait_for_template(m, (uint16_t)id, src, len);
		}
	}
}
