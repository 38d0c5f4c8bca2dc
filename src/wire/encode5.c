/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NetFlow v5, and what all encoders share: clock, sequence, sending. A biflow is two
 * records; a direction with more than 2^32 - 1 octets or packets is several, which share
 * its counters evenly.
 */
#include "wire/encoder.h"

#include "base/err.h"
#include "model/batch.h"
#include "wire/put.h"

#include <stdlib.h>

enum { HEADER = 24, RECORD = 48, RECORDS = 30 };

static const int64_t HOUR_US = 3600 * 1000000ll;
/* 2^32 ms are 49.7 days. */
static const int64_t UPTIME_US = 45 * 24 * 3600 * 1000000ll;

int
encoder_base_init(struct encoder_base *b, const struct wire_encode_config *config)
{
	b->config = *config;
	if (b->config.pen == 0)
		b->config.pen = PEN_EXAMPLE;
	if (b->config.datagram_bytes == 0)
		b->config.datagram_bytes = 1400;
	if (b->config.datagram_bytes < 1024)
		b->config.datagram_bytes = 1024;
	if (b->config.datagram_bytes > 65000)
		b->config.datagram_bytes = 65000;
	if (b->config.refresh_messages == 0)
		b->config.refresh_messages = 1000;
	if (b->config.refresh_us == 0)
		b->config.refresh_us = 60 * 1000000ll;
	if (b->config.version != 10)
		b->config.is_biflow = false;
	b->msg = malloc(DATAGRAM_MAX);
	return b->msg == NULL ? -1 : 0;
}

static int64_t
time_of(const struct batch *batch, enum flow_field field, size_t row)
{
	return (int64_t)column_u64(&batch->columns[field], row);
}

size_t
encoder_base_clock(struct encoder_base *b, const struct batch *batch, size_t first,
    int64_t now_us)
{
	bool is_uptime = b->config.version != 10;
	int64_t earliest = INT64_MAX, latest = 0, start, end;
	size_t i, row;

	for (i = first; i < batch->rows; i++) {
		start = time_of(batch, FLOW_start, i);
		end = time_of(batch, FLOW_end, i);
		start = start < earliest ? start : earliest;
		end = end > latest ? end : latest;
		if (is_uptime && i > first && end - start > UPTIME_US)
			break;
		earliest = start;
		latest = end;
	}
	if (now_us == 0) {
		now_us = latest > b->now_us ? latest : b->now_us;
		/* An old capture after a new one: the clock goes back. */
		if (is_uptime && now_us - earliest > UPTIME_US)
			b->refreshed_us = now_us = latest;
	}
	b->now_us = now_us;
	if (b->refreshed_us == 0)
		b->refreshed_us = now_us;
	if (b->boot_us == 0 || earliest < b->boot_us || now_us - b->boot_us > UPTIME_US) {
		b->boot_us = (earliest - HOUR_US) / 1000 * 1000;
		if (b->boot_us < 1000)
			b->boot_us = 1000;
	}
	for (row = first; is_uptime && now_us - earliest > UPTIME_US && row < i; row++)
		b->counters[SENT_times_cut] +=
		    now_us - time_of(batch, FLOW_start, row) > UPTIME_US;
	return i;
}

int
encoder_base_send(struct encoder_base *b, struct err *err)
{
	size_t len = b->len;

	b->len = 0;
	b->messages_since++;
	b->counters[SENT_messages]++;
	return b->config.send(b->config.context, b->msg, len, err);
}

static uint64_t
value(const struct batch *batch, unsigned field, size_t row)
{
	const struct column *c = &batch->columns[field];

	return c->form == COLUMN_ABSENT || column_is_null(c, row) ? 0 : column_u64(c, row);
}

static bool
is_null(const struct batch *batch, unsigned field, size_t row)
{
	const struct column *c = &batch->columns[field];

	return c->form == COLUMN_ABSENT || column_is_null(c, row);
}

static uint32_t
address(const struct batch *batch, unsigned field, size_t row)
{
	const struct column *c = &batch->columns[field];
	struct addr a;

	if (c->form == COLUMN_ABSENT || column_is_null(c, row))
		return 0;
	a = column_addr(c, row);
	return a.is_v6 ? 0 : a.v4;
}

static uint16_t
at_most16(uint64_t v)
{
	return v > UINT16_MAX ? 0 : (uint16_t)v; /* AS_TRANS or an index would mislead */
}

static int
message_send(struct encoder_base *b, uint64_t sampling, struct err *err)
{
	unsigned records = (unsigned)((b->len - HEADER) / RECORD);
	uint8_t *msg = b->msg;

	put_be16(msg, 5);
	put_be16(msg + 2, (uint16_t)records);
	put_be32(msg + 4, (uint32_t)((b->now_us - b->boot_us) / 1000));
	put_be32(msg + 8, (uint32_t)(b->now_us / 1000000));
	/* Whole milliseconds: times relative to the uptime then are exact to one. */
	put_be32(msg + 12, (uint32_t)(b->now_us / 1000 % 1000 * 1000000));
	put_be32(msg + 16, b->sequence);
	put_be16(msg + 20, (uint16_t)b->config.domain);
	put_be16(msg + 22, (uint16_t)(sampling == 0 || sampling > 0x3fff ? 0
	    : 1 << 14 | sampling));
	b->sequence += records;
	b->counters[SENT_records] += records;
	return encoder_base_send(b, err);
}

/* is_turned: the reverse direction. */
static void
write_record(const struct encoder_base *b, const struct batch *batch, size_t row,
    bool is_turned, uint64_t packets, uint64_t bytes, uint8_t *to)
{
	uint64_t proto = value(batch, FLOW_proto, row);
	uint16_t src_port = (uint16_t)value(batch, FLOW_src_port, row);
	uint16_t dst_port = (uint16_t)value(batch, FLOW_dst_port, row);
	bool t = is_turned;

	memset(to, 0, RECORD);
	put_be32(to, address(batch, t ? FLOW_dst : FLOW_src, row));
	put_be32(to + 4, address(batch, t ? FLOW_src : FLOW_dst, row));
	put_be32(to + 8, t ? 0 : address(batch, FLOW_next_hop, row));
	put_be16(to + 12, at_most16(value(batch, t ? FLOW_egress : FLOW_ingress, row)));
	put_be16(to + 14, at_most16(value(batch, t ? FLOW_ingress : FLOW_egress, row)));
	put_be32(to + 16, (uint32_t)packets);
	put_be32(to + 20, (uint32_t)bytes);
	put_be32(to + 24,
	    (uint32_t)(((int64_t)value(batch, FLOW_start, row) - b->boot_us) / 1000));
	put_be32(to + 28,
	    (uint32_t)(((int64_t)value(batch, FLOW_end, row) - b->boot_us) / 1000));
	if (proto == 1) {
		put_be16(to + 34, (uint16_t)(value(batch, FLOW_icmp_type, row) << 8 |
		    value(batch, FLOW_icmp_code, row)));
	} else {
		put_be16(to + 32, t ? dst_port : src_port);
		put_be16(to + 34, t ? src_port : dst_port);
	}
	to[37] = (uint8_t)value(batch, t ? FLOW_reverse_tcp_flags : FLOW_tcp_flags, row);
	to[38] = (uint8_t)proto;
	to[39] = (uint8_t)value(batch, t ? FLOW_reverse_tos : FLOW_tos, row);
	put_be16(to + 40, at_most16(value(batch, t ? FLOW_dst_as : FLOW_src_as, row)));
	put_be16(to + 42, at_most16(value(batch, t ? FLOW_src_as : FLOW_dst_as, row)));
	to[44] = (uint8_t)value(batch, t ? FLOW_dst_mask : FLOW_src_mask, row);
	to[45] = (uint8_t)value(batch, t ? FLOW_src_mask : FLOW_dst_mask, row);
}

static int
write_direction(struct encoder_base *b, const struct batch *batch, size_t row,
    bool is_turned, uint64_t *sampling, struct err *err)
{
	uint64_t bytes = value(batch, is_turned ? FLOW_reverse_bytes : FLOW_bytes, row);
	uint64_t packets = value(batch, is_turned ? FLOW_reverse_packets : FLOW_packets, row);
	uint64_t largest = bytes > packets ? bytes : packets, parts, rate, i;

	parts = largest / UINT32_MAX + (largest % UINT32_MAX != 0);
	parts = parts == 0 ? 1 : parts > 1000000 ? 1000000 : parts;
	rate = value(batch, FLOW_sampling, row);
	b->counters[SENT_split] += parts - 1;
	for (i = 0; i < parts; i++) {
		if (b->len > 0 && (rate != *sampling || b->len == HEADER + RECORD * RECORDS ||
		    b->len + RECORD > b->config.datagram_bytes) &&
		    message_send(b, *sampling, err) != 0)
			return -1;
		*sampling = rate;
		if (b->len == 0)
			b->len = HEADER;
		write_record(b, batch, row, is_turned, packets / parts + (i < packets % parts),
		    bytes / parts + (i < bytes % parts), b->msg + b->len);
		b->len += RECORD;
	}
	return 0;
}

static int
encode_rows(struct encoder_base *b, const struct batch *batch, size_t first, size_t end,
    struct err *err)
{
	uint64_t sampling = 0;
	size_t row;

	for (row = first; row < end; row++) {
		if (batch->columns[FLOW_src].is_mixed || batch->columns[FLOW_dst].is_mixed) {
			struct addr src = column_addr(&batch->columns[FLOW_src], row);
			struct addr dst = column_addr(&batch->columns[FLOW_dst], row);

			if (src.is_v6 || dst.is_v6) {
				b->counters[SENT_ipv6_left_out]++;
				continue;
			}
		}
		if (write_direction(b, batch, row, false, &sampling, err) != 0)
			return -1;
		if ((!is_null(batch, FLOW_reverse_packets, row) ||
		    !is_null(batch, FLOW_reverse_bytes, row)) &&
		    write_direction(b, batch, row, true, &sampling, err) != 0)
			return -1;
	}
	return b->len == 0 ? 0 : message_send(b, sampling, err);
}

int
encode5(struct encoder_base *b, const struct batch *batch, int64_t now_us, struct err *err)
{
	size_t first, end;

	for (first = 0; first < batch->rows; first = end) {
		end = encoder_base_clock(b, batch, first, now_us);
		if (encode_rows(b, batch, first, end, err) != 0)
			return -1;
	}
	return 0;
}
