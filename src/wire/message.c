/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of NetFlow v9 and IPFIX: their headers and sequence numbers, when templates
 * are sent again, what the exporter tells of itself in between, and what a new connection
 * begins with.
 */
#include "wire/message.h"

#include "base/err.h"
#include "wire/put.h"

#include <string.h>

static void
write_header(const struct wire_encoder *e, uint8_t *msg, size_t len, unsigned records,
    uint32_t sequence)
{
	const struct encoder_base *b = &e->base;
	uint32_t seconds = (uint32_t)(b->now_us / 1000000);

	put_be16(msg, (uint16_t)b->config.version);
	if (is_ipfix(e)) {
		put_be16(msg + 2, (uint16_t)len);
		put_be32(msg + 4, seconds);
		put_be32(msg + 8, sequence);
		put_be32(msg + 12, b->config.domain);
	} else {
		put_be16(msg + 2, (uint16_t)records);
		put_be32(msg + 4, (uint32_t)((int64_t)seconds * 1000 - b->boot_us /
		    1000));
		put_be32(msg + 8, seconds);
		put_be32(msg + 12, sequence);
		put_be32(msg + 16, b->config.domain);
	}
}

void
message_finish(struct wire_encoder *e)
{
	struct encoder_base *b = &e->base;

	if (b->len <= header_len(e))
		return;
	write_header(e, b->msg, b->len, e->records_in_message, b->sequence);
	b->sequence += is_ipfix(e) ? e->data_in_message : 1;
	encoder_base_finish(b, e->flows_in_message);
	e->records_in_message = e->data_in_message = e->flows_in_message = 0;
}


size_t
message_template(const struct wire_encoder *e, const struct layout *l, uint8_t *to)
{
	put_be16(to, is_ipfix(e) ? 2 : 0);
	put_be16(to + 2, (uint16_t)(l->template_len + 4));
	memcpy(to + 4, l->template, l->template_len);
	return l->template_len + 4u;
}

int
message_need_room(struct wire_encoder *e, size_t octets, struct err *err)
{
	if (e->base.len > 0 && message_left(e) < octets)
		message_finish(e);
	if (encoder_base_is_full(&e->base) && e->base.len == 0 &&
	    encoder_base_flush(&e->base, err) != 0)
		return -1;
	message_start(e);
	return 0;
}

/* The records of an announcement, each in a set of its own, behind its template. */
static int
announce_one(struct wire_encoder *e, unsigned i, const struct announce_source *source,
    struct err *err)
{
	unsigned record, n = announce_records(i, source);
	uint8_t set[ANNOUNCE_OCTETS + 8];
	size_t len;

	if (n > 0 && !e->is_told[i]) {
		if (message_need_room(e, ANNOUNCE_OCTETS, err) != 0)
			return -1;
		e->base.len += announce_template(i, is_ipfix(e),
		    e->base.msg + e->base.len);
		e->records_in_message++;
		e->base.counters[SENT_templates]++;
		e->is_told[i] = true;
	}
	for (record = 0; record < n; record++) {
		len = 4 + announce_record(i, record, source, set + 4);
		while (!is_ipfix(e) && len % 4 != 0)
			set[len++] = 0;
		put_be16(set, announce_id(i));
		put_be16(set + 2, (uint16_t)len);
		if (message_need_room(e, len, err) != 0)
			return -1;
		memcpy(e->base.msg + e->base.len, set, len);
		e->base.len += len;
		e->records_in_message++;
		e->data_in_message++;
		e->base.counters[SENT_options]++;
	}
	return 0;
}

/* Announcements from..end-1, in datagrams of their own. */
static int
announce_some(struct wire_encoder *e, unsigned from, unsigned end, struct err *err)
{
	struct encoder_base *b = &e->base;
	struct announce_source source = {.config = &b->config, .boot_us = b->boot_us,
	    .observed = e->psamp.observed, .selected = e->psamp.selected,
	    .layouts = &e->layouts};
	unsigned i;

	memcpy(source.counters, b->counters, sizeof source.counters);
	if (b->config.statistics != NULL)
		b->config.statistics(b->config.context, &source.statistics);
	for (i = from; i < end; i++) {
		if (announce_one(e, i, &source, err) != 0)
			return -1;
	}
	message_finish(e);
	e->keys_told = e->layouts.count;
	return 0;
}

/* What the exporter tells of itself. */
static int
announce_all(struct wire_encoder *e, struct err *err)
{
	e->is_announce_due = false;
	e->base.announced_us = e->base.now_us;
	return announce_some(e, 0, ANNOUNCEMENTS, err);
}

int
message_tell_keys(struct wire_encoder *e, struct err *err)
{
	if (e->base.config.key_count == 0 || e->keys_told == e->layouts.count)
		return 0;
	return announce_some(e, ANNOUNCE_KEYS, ANNOUNCEMENTS, err);
}

void
wire_encoder_refresh(struct wire_encoder *e)
{
	unsigned i;

	for (i = 0; i < e->layouts.count; i++)
		e->layouts.all[i]->is_sent = false;
	e->psamp.is_sent = false;
	memset(e->is_told, 0, sizeof e->is_told);
	e->is_announce_due = true;
	e->base.messages_since = 0;
	e->base.refreshed_us = e->base.now_us;
}

int
message_keep_time(struct wire_encoder *e, struct err *err)
{
	struct encoder_base *b = &e->base;

	if (b->messages_since >= b->config.refresh_messages ||
	    b->now_us - b->refreshed_us >= b->config.refresh_us)
		wire_encoder_refresh(e);
	if (e->is_announce_due || b->now_us - b->announced_us >= b->config.announce_us)
		return announce_all(e, err);
	return 0;
}

void
wire_encoder_limit(struct wire_encoder *e, size_t octets)
{
	struct wire_encode_config *c = &e->base.config;

	if (octets < DATAGRAM_LEAST)
		octets = DATAGRAM_LEAST;
	c->datagram_bytes = octets < c->datagram_bytes ? octets : c->datagram_bytes;
	c->longest_bytes = octets < c->longest_bytes ? octets : c->longest_bytes;
}

uint32_t
wire_encoder_sequence(const struct wire_encoder *e)
{
	return e->base.sequence;
}

/* Templates for one connection. */
struct hello {
	uint8_t msg[8192];
	uint32_t len, records, sequence;
	int (*send)(void *context, const struct wire_train *train, struct err *err);
	void *context;
};

/* Sends the templates in msg, if any, to a new connection. */
static int
hello_send(struct wire_encoder *e, struct hello *h, struct err *err)
{
	uint32_t none = 0, len = h->len;
	struct wire_train train = {h->msg, &len, &none, 1, len};

	if (h->records == 0)
		return 0;
	write_header(e, h->msg, len, h->records, h->sequence);
	h->records = 0;
	h->len = (uint32_t)header_len(e);
	return h->send(h->context, &train, err);
}

int
wire_encoder_hello(struct wire_encoder *e, uint32_t sequence,
    int (*send)(void *context, const struct wire_train *train, struct err *err),
    void *context, struct err *err)
{
	struct hello h = {.len = (uint32_t)header_len(e), .sequence = sequence,
	    .send = send,
	    .context = context};
	struct announce_source source = {.config = &e->base.config,
	    .layouts = &e->layouts};
	unsigned i;

	for (i = 0; i < ANNOUNCEMENTS; i++) {
		if (announce_records(i, &source) == 0)
			continue;
		h.len += (uint32_t)announce_template(i, is_ipfix(e), h.msg + h.len);
		h.records++;
	}
	if (e->base.config.is_psamp) {
		h.len += (uint32_t)psamp_template(h.msg + h.len);
		h.records++;
	}
	for (i = 0; i < e->layouts.count; i++) {
		if (h.len + e->layouts.all[i]->template_len + 4 > sizeof h.msg &&
		    hello_send(e, &h, err) != 0)
			return -1;
		h.len += (uint32_t)message_template(e, e->layouts.all[i], h.msg + h.len);
		h.records++;
	}
	e->is_announce_due = true; /* the data follow with the next flows */
	return hello_send(e, &h, err);
}
