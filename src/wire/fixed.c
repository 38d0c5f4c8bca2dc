/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NetFlow v1, v5 and v7, whose records are always the same. A block of records gets its
 * places, then the columns are written one after the other. A biflow is two records; a
 * direction with more than 2^32 - 1 octets or packets is several, which share its
 * counters evenly. IPv6 flows are left out and counted.
 */
#include "wire/encoder.h"

#include "base/err.h"
#include "model/batch.h"
#include "wire/layout.h"
#include "wire/put.h"

#include <stdlib.h>
#include <string.h>

struct fixed_part {
	uint16_t field;
	uint8_t offset, len, conversion;
};

struct fixed {
	/* octets, octets, most in a datagram */
	unsigned version, header, record, records;
	struct fixed_part parts[20];
};

enum { PACKETS_AT = 16, BYTES_AT = 20, DST_PORT_AT = 34, PARTS_MOST = 1000000 };

#define COMMON \
	{FLOW_src, 0, 4, CONVERT_ADDR4}, {FLOW_dst, 4, 4, CONVERT_ADDR4}, \
	{FLOW_next_hop, 8, 4, CONVERT_ADDR4}, {FLOW_ingress, 12, 2, CONVERT_SHORT}, \
	{FLOW_egress, 14, 2, CONVERT_SHORT}, \
	{FLOW_packets, PACKETS_AT, 4, CONVERT_UINT}, \
	{FLOW_bytes, BYTES_AT, 4, CONVERT_UINT}, {FLOW_start, 24, 4, CONVERT_UPTIME}, \
	{FLOW_end, 28, 4, CONVERT_UPTIME}, {FLOW_src_port, 32, 2, CONVERT_UINT}, \
	{FLOW_dst_port, DST_PORT_AT, 2, CONVERT_UINT}, \
	{FLOW_proto, 38, 1, CONVERT_UINT}, \
	{FLOW_tos, 39, 1, CONVERT_UINT}

#define COMMON_5_7 \
	COMMON, {FLOW_tcp_flags, 37, 1, CONVERT_LOW8}, \
	{FLOW_src_as, 40, 2, CONVERT_SHORT}, \
	{FLOW_dst_as, 42, 2, CONVERT_SHORT}, {FLOW_src_mask, 44, 1, CONVERT_UINT}, \
	{FLOW_dst_mask, 45, 1, CONVERT_UINT}

static const struct fixed versions[] = {
	{1, 16, 48, 24, {COMMON, {FLOW_tcp_flags, 40, 1, CONVERT_LOW8}}},
	{5, 24, 48, 30, {COMMON_5_7}},
	{7, 24, 52, 27, {COMMON_5_7}},
};

/* Records that have their places but not their octets. */
struct block {
	const struct fixed *fixed;
	const struct batch *batch;
	bool is_turned, is_run; /* each row is the one after that before it */
	size_t n, shares;
	uint64_t sampling; /* of the datagram at work */
	uint8_t *to[BLOCK];
	uint32_t picks[BLOCK];
	struct {
		uint32_t at, packets, bytes;
	} share[BLOCK]; /* the counters of records that share a flow */
};

static const struct fixed *
fixed_find(unsigned version)
{
	size_t i;

	for (i = 0; i < sizeof versions / sizeof *versions; i++) {
		if (versions[i].version == version)
			return &versions[i];
	}
	return NULL;
}

bool
is_fixed_version(unsigned version)
{
	return fixed_find(version) != NULL;
}

static uint64_t
value(const struct batch *batch, unsigned field, bool is_turned, size_t row)
{
	const struct column *c = layout_column(batch, field, is_turned);

	return c == NULL || column_is_null(c, row) ? 0 : column_u64(c, row);
}

static void
message_finish(struct encoder_base *b, const struct fixed *f, uint64_t sampling)
{
	unsigned records;
	uint8_t *msg = b->msg;

	if (b->len == 0)
		return;
	records = (unsigned)((b->len - f->header) / f->record);
	put_be16(msg, (uint16_t)f->version);
	put_be16(msg + 2, (uint16_t)records);
	put_be32(msg + 4, (uint32_t)((b->now_us - b->boot_us) / 1000));
	put_be32(msg + 8, (uint32_t)(b->now_us / 1000000));
	/* Whole milliseconds: times relative to the uptime then are exact to one. */
	put_be32(msg + 12, (uint32_t)(b->now_us / 1000 % 1000 * 1000000));
	if (f->version != 1) {
		put_be32(msg + 16, b->sequence);
		put_be32(msg + 20, 0);
	}
	if (f->version == 5) {
		put_be16(msg + 20, (uint16_t)b->config.domain);
		put_be16(msg + 22, (uint16_t)(sampling == 0 || sampling > 0x3fff ? 0
		    : 1 << 14 | sampling));
	}
	b->sequence += records;
	b->counters[SENT_records] += records;
	b->counters[SENT_flows] += records;
	encoder_base_finish(b, records);
}

/* RFC 792 has no ports: type and code stand for the destination port. */
static void
write_icmp(struct block *b)
{
	size_t i;
	uint8_t type;

	if (layout_column(b->batch, FLOW_icmp_type, false) == NULL)
		return;
	for (i = 0; i < b->n; i++) {
		if (value(b->batch, FLOW_proto, false, b->picks[i]) != 1)
			continue;
		type = (uint8_t)value(b->batch, FLOW_icmp_type, false, b->picks[i]);
		b->to[i][DST_PORT_AT] = b->is_turned ? icmp_answer(type) : type;
		b->to[i][DST_PORT_AT + 1] =
		    (uint8_t)value(b->batch, FLOW_icmp_code, false, b->picks[i]);
	}
}

static void
block_write(struct encoder_base *e, struct block *b)
{
	struct put_rows rows = {b->picks, b->to, b->n, b->is_run};
	const struct fixed_part *p;
	const struct column *c;
	size_t i;

	if (b->n == 0)
		return;
	for (p = b->fixed->parts; p->len > 0; p++) {
		c = layout_column(b->batch, p->field, b->is_turned);
		if (c != NULL) /* the places are zeros */
			put_column(c, p->conversion, p->len, &rows, p->offset,
			    e->boot_us);
	}
	write_icmp(b);
	for (i = 0; i < b->shares; i++) {
		put_be32(b->to[b->share[i].at] + PACKETS_AT, b->share[i].packets);
		put_be32(b->to[b->share[i].at] + BYTES_AT, b->share[i].bytes);
	}
	b->n = b->shares = 0;
}

/* A place for one more record, in a datagram with the same sampling interval. */
static int
place(struct encoder_base *e, struct block *b, uint32_t row, uint64_t sampling,
    struct err *err)
{
	const struct fixed *f = b->fixed;

	if (e->len > 0 && (sampling != b->sampling ||
	    e->len == f->header + f->record * f->records ||
	    e->len + f->record > e->config.datagram_bytes)) {
		message_finish(e, f, b->sampling);
		if (encoder_base_is_full(e)) {
			block_write(e, b);
			if (encoder_base_flush(e, err) != 0)
				return -1;
		}
	}
	if (b->n == BLOCK)
		block_write(e, b);
	if (e->len == 0)
		e->len = f->header;
	b->sampling = sampling;
	b->is_run = b->n == 0 || (b->is_run && row == b->picks[b->n - 1] + 1);
	b->picks[b->n] = row;
	b->to[b->n] = e->msg + e->len;
	memset(e->msg + e->len, 0, f->record);
	e->len += f->record;
	b->n++;
	return 0;
}

/* The records of a flow with large counters. */
static int
place_shares(struct encoder_base *e, struct block *b, uint32_t row, uint64_t sampling,
    struct err *err)
{
	uint64_t bytes = value(b->batch, FLOW_bytes, b->is_turned, row);
	uint64_t packets = value(b->batch, FLOW_packets, b->is_turned, row);
	uint64_t largest = bytes > packets ? bytes : packets, parts, i;

	parts = largest / UINT32_MAX + (largest % UINT32_MAX != 0);
	if (parts > PARTS_MOST)
		parts = PARTS_MOST;
	for (i = 0; i < parts; i++) {
		if (place(e, b, row, sampling, err) != 0)
			return -1;
		b->share[b->shares].at = (uint32_t)b->n - 1;
		b->share[b->shares].packets =
		    (uint32_t)(packets / parts + (i < packets % parts));
		b->share[b->shares].bytes = (uint32_t)(bytes / parts +
		    (i < bytes % parts));
		b->shares++;
	}
	e->counters[SENT_split] += parts - 1;
	return 0;
}

/* Values of a counter for reading many: mask is 0 where one stands for all rows. */
struct counter_view {
	const uint64_t *values;
	size_t mask;
};

static struct counter_view
view(const struct batch *batch, unsigned field, bool is_turned)
{
	static const uint64_t none;
	const struct column *c = layout_column(batch, field, is_turned);

	if (c == NULL)
		return (struct counter_view){&none, 0};
	return (struct counter_view){c->values,
	    c->form == COLUMN_CONSTANT ? 0 : SIZE_MAX};
}

static bool
is_ipv6(const struct batch *batch, size_t row)
{
	const struct column *src = &batch->columns[FLOW_src],
	    *dst = &batch->columns[FLOW_dst];

	if (!src->is_mixed && !dst->is_mixed)
		return false;
	return column_addr(src, row).is_v6 || column_addr(dst, row).is_v6;
}

static int
encode_direction(struct encoder_base *e, struct block *b, size_t first, size_t end,
    struct err *err)
{
	const struct batch *batch = b->batch;
	struct counter_view bytes = view(batch, FLOW_bytes, b->is_turned);
	struct counter_view packets = view(batch, FLOW_packets, b->is_turned);
	bool is_sampled = layout_column(batch, FLOW_sampling, false) != NULL;
	uint64_t sampling = 0;
	size_t row;
	int failed;

	for (row = first; row < end; row++) {
		if (is_ipv6(batch, row)) {
			e->counters[SENT_ipv6_left_out] += !b->is_turned;
			continue;
		}
		if ((b->is_turned && !put_has_reverse(batch, row)) ||
		    put_is_empty(batch, row, b->is_turned, false))
			continue;
		if (is_sampled)
			sampling = value(batch, FLOW_sampling, false, row);
		if ((bytes.values[row & bytes.mask] |
		    packets.values[row & packets.mask]) > UINT32_MAX)
			failed = place_shares(e, b, (uint32_t)row, sampling, err);
		else
			failed = place(e, b, (uint32_t)row, sampling, err);
		if (failed)
			return -1;
	}
	block_write(e, b);
	return 0;
}

int
encode_fixed(struct encoder_base *e, const struct batch *batch, size_t from, size_t rows,
    int64_t now_us, struct err *err)
{
	struct block b = {.fixed = fixed_find(e->config.version), .batch = batch};
	size_t first, end;

	for (first = from; first < rows; first = end) {
		end = encoder_base_clock(e, batch, first, rows, now_us);
		b.is_turned = false;
		if (encode_direction(e, &b, first, end, err) != 0)
			return -1;
		b.is_turned = true;
		if (encode_direction(e, &b, first, end, err) != 0)
			return -1;
		message_finish(e, b.fixed, b.sampling);
		if (encoder_base_is_full(e) && encoder_base_flush(e, err) != 0)
			return -1;
	}
	return 0;
}
