/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PSAMP (RFC 5476): a report for each selected packet, by IPFIX. One template. The
 * packets were selected by the meter, each n-th or by chance, as options data tell.
 */
#include "wire/message.h"

#include "base/err.h"
#include "wire/put.h"

#include <assert.h>
#include <string.h>

enum { TEMPLATE = 700, FIXED = 28, SECTION_MOST = 512 };

static const int64_t HELD_US = 1000000;

/* selectionSequenceId, observationTimeNanoseconds, ingressInterface, ipTotalLength,
 * ipHeaderPacketSection (RFC 5477). */
static const uint16_t elements[][2] = {{301, 8}, {325, 8}, {10, 4}, {224, 8},
    {313, ELEMENT_VARIABLE}};

enum { ELEMENTS = sizeof elements / sizeof *elements };

size_t
psamp_template(uint8_t *to)
{
	unsigned i;

	put_be16(to, 2);
	put_be16(to + 2, 8 + 4 * ELEMENTS);
	put_be16(to + 4, TEMPLATE);
	put_be16(to + 6, ELEMENTS);
	for (i = 0; i < ELEMENTS; i++) {
		put_be16(to + 8 + 4 * i, elements[i][0]);
		put_be16(to + 10 + 4 * i, elements[i][1]);
	}
	return 8 + 4 * ELEMENTS;
}

/* RFC 7011, 6.1.10: seconds since 1900 and a binary fraction. */
static void
put_nanoseconds(uint8_t *to, int64_t ns)
{
	uint64_t fraction = (uint64_t)(ns % 1000000000);

	put_be32(to, (uint32_t)(ns / 1000000000 + 2208988800));
	/* Rounded up, so that who cuts off gets these nanoseconds again. */
	put_be32(to + 4, (uint32_t)(((fraction << 32) + 999999999) / 1000000000));
}

/* Each report is a set of its own: sets of one template may be many, and no length is
 * needed in advance. */
static void
write_report(uint8_t *to, const struct wire_packet *p, size_t section)
{
	size_t len = 4 + FIXED + (section < 255 ? 1 : 3) + section;

	put_be16(to, TEMPLATE);
	put_be16(to + 2, (uint16_t)len);
	put_be64(to + 4, PSAMP_SEQUENCE);
	put_nanoseconds(to + 12, p->time_ns);
	put_be32(to + 20, p->ingress);
	put_be64(to + 24, p->ip_bytes);
	to += 32;
	if (section < 255) {
		*to++ = (uint8_t)section;
	} else {
		*to++ = 255;
		put_be16(to, (uint16_t)section);
		to += 2;
	}
	memcpy(to, p->section, section);
}

static int
report(struct wire_encoder *e, const struct wire_packet *p, struct err *err)
{
	size_t section = p->section_len < SECTION_MOST ? p->section_len : SECTION_MOST;
	size_t len = 4 + FIXED + (section < 255 ? 1 : 3) + section;

	if (!e->psamp.is_sent) {
		if (message_need_room(e, 8 + 4 * ELEMENTS, err) != 0)
			return -1;
		e->base.len += psamp_template(e->base.msg + e->base.len);
		e->base.counters[SENT_templates]++;
		e->psamp.is_sent = true;
	}
	if (message_need_room(e, len, err) != 0)
		return -1;
	if (e->data_in_message == 0)
		e->psamp.begun_us = p->time_ns / 1000;
	write_report(e->base.msg + e->base.len, p, section);
	e->base.len += len;
	e->data_in_message++;
	e->flows_in_message++;
	e->base.counters[SENT_packets]++;
	e->base.counters[SENT_packets_cut] += section < p->section_len;
	return 0;
}

int
wire_encoder_flush(struct wire_encoder *e, struct err *err)
{
	if (is_fixed_version(e->base.config.version))
		return 0;
	message_finish(e);
	return encoder_base_flush(&e->base, err);
}

int
wire_encode_packets(struct wire_encoder *e, const struct wire_reports *r, struct err *err)
{
	struct encoder_base *b = &e->base;
	size_t i;

	assert(b->config.is_psamp && is_ipfix(e));
	b->counters[SENT_packets_seen] += r->observed;
	e->psamp.observed += r->observed;
	for (i = 0; i < r->count; i++) {
		b->now_us = r->now_us != 0 ? r->now_us : r->packets[i].time_ns / 1000;
		if (b->boot_us == 0)
			b->boot_us = b->now_us / 1000 * 1000;
		if (b->refreshed_us == 0)
			b->refreshed_us = b->now_us;
		e->psamp.selected++;
		if (message_keep_time(e, err) != 0 || report(e, &r->packets[i], err) != 0)
			return -1;
	}
	if (r->now_us != 0)
		b->now_us = r->now_us;
	if (e->data_in_message > 0 && b->now_us - e->psamp.begun_us >= HELD_US)
		return wire_encoder_flush(e, err);
	return 0;
}
