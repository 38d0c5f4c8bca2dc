/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Batches to datagrams. Each row gets the set of export.def's groups of which it has a
 * value; rows with the same set share a template, made when first needed. The rows of a
 * batch are sorted by that set, and each set is written column by column, a datagram's
 * worth of records at a time. In uniflow formats a biflow is two records, the second one
 * with source and destination exchanged. NetFlow v5 has its own writer, encode5.c.
 */
#include "wire/encoder.h"

#include "base/err.h"
#include "model/batch.h"
#include "wire/put.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct counter_row sent_counter_rows[SENT_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "wire/sent.def"
#undef COUNTER
};

enum group {
	GROUP_BASE, GROUP_V4, GROUP_V6, GROUP_PORTS, GROUP_TOS, GROUP_TCP, GROUP_ICMP4, GROUP_ICMP6,
	GROUP_END, GROUP_INITIATOR, GROUP_INTERFACES, GROUP_LINK, GROUP_ROUTE, GROUP_ROUTE4,
	GROUP_ROUTE6, GROUP_HOP4, GROUP_HOP6, GROUP_NATSRC4, GROUP_NATSRC6,
	GROUP_NATDST4, GROUP_NATDST6, GROUP_NATPORTS,
	GROUP_SAMPLING, GROUP_TTL, GROUP_FRAGMENTS, GROUP_CONNECTION, GROUP_EVIDENCE,
	GROUP_FINGERPRINT, GROUP_MARKS, GROUP_EXTRA, GROUP_NULLS, GROUPS,
	GROUP_REVERSE = 32, /* added to a group: that of its reverse fields */
};

_Static_assert(GROUPS <= GROUP_REVERSE, "a bit for each group and its reverse");

enum { V9 = 1, IPFIX = 2, OWN = 4 };

struct export {
	uint8_t group;
	uint8_t conversion;
	uint8_t where;
	uint16_t field;
	uint16_t element;
	uint16_t len;
	uint32_t pen;
};

static const struct export exports[] = {
#define EXPORT(group, field, pen, element, len, conversion, where) \
	{GROUP_##group, CONVERT_##conversion, where, FLOW_##field, element, len, pen},
#include "wire/export.def"
#undef EXPORT
};

enum {
	EXPORTS = sizeof exports / sizeof *exports,
	LAYOUTS_MAX = 256,
	LAYOUTS_WIDE = 16, /* of those, kept for layouts with all groups */
	RECORDS_MAX = 512, /* of one set */
	VARIABLE_MAX = 8,
};

static uint64_t
group_bit(unsigned group)
{
	return (uint64_t)1 << group;
}

/* One field of a layout: where in the record, from which column, how. */
struct part {
	uint16_t field; /* as the forward direction has it */
	uint16_t offset;
	uint16_t len;
	uint8_t conversion;
	uint16_t index; /* of the template's field */
	bool is_most_known; /* 239 knows fewer ways than we */
};

/* A template of ours and the plan to write its records. */
struct layout {
	uint64_t groups;
	uint16_t id;
	bool is_sent;
	uint16_t nulls_len; /* of the bitmap that stands first; 0: none */
	uint16_t field_count, part_count, variable_count;
	uint16_t fixed_len; /* of the record, its variable fields left out */
	uint16_t template_len;
	uint8_t *template; /* a template record as it is sent */
	struct part parts[2 * EXPORTS]; /* the variable ones last */
};

struct wire_encoder {
	struct encoder_base base; /* first */
	struct layout *layouts[LAYOUTS_MAX];
	unsigned layout_count;
	uint64_t *groups;     /* per row and direction, of the batch at work */
	uint32_t *picks;
	size_t rows_cap;
	unsigned records_in_message; /* templates too in v9 */
	unsigned data_in_message;
	unsigned where;
};

static bool
is_ipfix(const struct wire_encoder *e)
{
	return e->base.config.version == 10;
}

struct wire_encoder *
wire_encoder_new(const struct wire_encode_config *config)
{
	struct wire_encoder *e;

	if (config->version != 5 && config->version != 9 && config->version != 10)
		return NULL;
	if ((e = calloc(1, sizeof *e)) == NULL || encoder_base_init(&e->base, config) != 0) {
		free(e);
		return NULL;
	}
	e->where = config->version == 9 ? V9 : config->is_plain ? IPFIX : IPFIX | OWN;
	return e;
}

void
wire_encoder_free(struct wire_encoder *e)
{
	unsigned i;

	if (e == NULL)
		return;
	for (i = 0; i < e->layout_count; i++) {
		free(e->layouts[i]->template);
		free(e->layouts[i]);
	}
	free(e->groups);
	free(e->picks);
	free(e->base.msg);
	free(e);
}

const uint64_t *
wire_encoder_counters(const struct wire_encoder *e)
{
	return e->base.counters;
}

void
wire_encoder_refresh(struct wire_encoder *e)
{
	unsigned i;

	for (i = 0; i < e->layout_count; i++)
		e->layouts[i]->is_sent = false;
	e->base.messages_since = 0;
	e->base.refreshed_us = e->base.now_us;
}

/* The field to take where the record goes the other way; FLOW_FIELDS: none. */
static unsigned
turned(unsigned field)
{
	static const uint16_t pairs[][2] = {
	    {FLOW_src, FLOW_dst}, {FLOW_src_port, FLOW_dst_port},
	    {FLOW_src_as, FLOW_dst_as}, {FLOW_src_mask, FLOW_dst_mask},
	    {FLOW_src_mac, FLOW_dst_mac}, {FLOW_ingress, FLOW_egress},
	    {FLOW_nat_src, FLOW_nat_dst}, {FLOW_nat_src_port, FLOW_nat_dst_port},
	    {FLOW_next_hop, FLOW_FIELDS}, {FLOW_marks, FLOW_FIELDS},
	    {FLOW_biflow_direction, FLOW_FIELDS}, {FLOW_extra, FLOW_FIELDS}};
	unsigned i;

	for (i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		if (pairs[i][0] == field)
			return pairs[i][1];
		if (pairs[i][1] == field)
			return pairs[i][0];
	}
	return flow_schema.fields[field].pair;
}

/* The column of a field in a direction; NULL where there is none. */
static const struct column *
column_of(const struct batch *batch, unsigned field, bool is_turned)
{
	const struct column *c;

	if (is_turned)
		field = turned(field);
	if (field >= FLOW_FIELDS)
		return NULL;
	c = &batch->columns[field];
	return c->form == COLUMN_ABSENT ? NULL : c;
}

static bool
has_reverse(const struct export *x)
{
	unsigned pair = flow_schema.fields[x->field].pair;

	return pair != x->field && flow_schema.fields[pair].is_reverse;
}

static void
layout_add(struct wire_encoder *e, struct layout *l, const struct export *x,
    bool is_reverse)
{
	struct part *p = &l->parts[l->part_count++];
	uint8_t *to = l->template + l->template_len;
	uint32_t pen = x->pen == PEN_OWN ? e->base.config.pen : 0;
	unsigned element = x->element;

	*p = (struct part){.field = x->field, .len = x->len, .conversion = x->conversion};
	if (is_reverse)
		p->field = flow_schema.fields[x->field].pair;
	p->is_most_known = x->element == 239;
	if (x->element == 0) {
		p->offset = (uint16_t)(l->fixed_len - 1);
		p->index = (uint16_t)(l->field_count - 1);
		return;
	}
	p->offset = l->fixed_len;
	p->index = l->field_count++;
	if (x->len == ELEMENT_VARIABLE)
		l->variable_count++;
	else
		l->fixed_len += x->len;
	if (is_reverse && pen != 0)
		element |= OWN_REVERSE;
	else if (is_reverse)
		pen = PEN_REVERSE;
	put_be16(to, (uint16_t)(element | (pen != 0 ? 0x8000 : 0)));
	put_be16(to + 2, x->len);
	l->template_len += 4;
	if (pen != 0) {
		put_be32(to + 4, pen);
		l->template_len += 4;
	}
}

static bool
export_applies(const struct wire_encoder *e, const struct export *x)
{
	if (x->where & e->where)
		return x->element != 239 || e->base.config.is_biflow;
	return false;
}

static bool
is_in_layout(const struct wire_encoder *e, const struct export *x, uint64_t groups,
    bool is_reverse)
{
	if (!export_applies(e, x) || (is_reverse && !has_reverse(x)))
		return false;
	return groups >> (x->group + (is_reverse ? GROUP_REVERSE : 0)) & 1;
}

static struct layout *
layout_new(struct wire_encoder *e, uint64_t groups)
{
	struct layout *l = calloc(1, sizeof *l);
	const struct export *x;
	unsigned forward = 0, reverse = 0;

	if (l == NULL || (l->template = calloc(1, 8 * (2 * EXPORTS + 2))) == NULL) {
		free(l);
		return NULL;
	}
	l->groups = groups;
	l->id = (uint16_t)(256 + e->layout_count);
	l->template_len = 4;
	for (x = exports; x < exports + EXPORTS; x++) {
		forward += is_in_layout(e, x, groups, false);
		reverse += is_in_layout(e, x, groups, true);
	}
	if (groups & group_bit(GROUP_NULLS)) {
		/* A bit for each field, this one included. */
		struct export nulls = {0, CONVERT_NULLS, 0, FLOW_start, 1,
		    (uint16_t)((forward + reverse + 1 + 7) / 8), PEN_OWN};

		assert(nulls.len <= NULLS_BYTES);
		l->nulls_len = nulls.len;
		layout_add(e, l, &nulls, false);
		l->part_count = 0; /* written by itself, at offset 0 */
	}
	for (x = exports; x < exports + EXPORTS; x++) {
		if (is_in_layout(e, x, groups, false))
			layout_add(e, l, x, false);
		if (is_in_layout(e, x, groups, true))
			layout_add(e, l, x, true);
	}
	put_be16(l->template, l->id);
	put_be16(l->template + 2, l->field_count);
	return l;
}

/* All groups but those of the other address family: what a row gets that comes when there
 * are too many layouts. Sixteen of these cover everything. */
static uint64_t
widened(const struct wire_encoder *e, uint64_t groups)
{
	static const uint8_t pairs[][2] = {{GROUP_HOP4, GROUP_HOP6}, {GROUP_NATSRC4, GROUP_NATSRC6},
	    {GROUP_NATDST4, GROUP_NATDST6}, {GROUP_V4, GROUP_V6}, {GROUP_ICMP4, GROUP_ICMP6}, {GROUP_ROUTE4, GROUP_ROUTE6}};
	uint64_t wide = group_bit(GROUPS) - 1, six;
	unsigned i;

	for (i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		six = groups & group_bit(i > 3 ? GROUP_V6 : pairs[i][1]);
		wide &= ~group_bit(pairs[i][six == 0 ? 1 : 0]);
	}
	if (!(e->where & OWN))
		wide &= ~group_bit(GROUP_NULLS);
	return e->base.config.is_biflow ? wide | wide << GROUP_REVERSE : wide;
}

static struct layout *
layout_get(struct wire_encoder *e, uint64_t groups)
{
	struct layout *l;
	unsigned i;

	if (e->layout_count >= LAYOUTS_MAX - LAYOUTS_WIDE) {
		for (i = 0; i < e->layout_count && e->layouts[i]->groups != groups; i++)
			;
		if (i == e->layout_count)
			groups = widened(e, groups);
	}

	for (i = 0; i < e->layout_count; i++) {
		if (e->layouts[i]->groups == groups)
			return e->layouts[i];
	}
	if (e->layout_count == LAYOUTS_MAX || (l = layout_new(e, groups)) == NULL)
		return NULL;
	e->layouts[e->layout_count++] = l;
	return l;
}

/* Rows in which a field has a value get set. */
static void
mark_groups(const struct column *c, size_t rows, uint64_t set, uint64_t *groups)
{
	size_t i;

	if (c == NULL)
		return;
	if (c->form == COLUMN_CONSTANT || c->valid == NULL) {
		for (i = 0; i < rows; i++)
			groups[i] |= set;
		return;
	}
	for (i = 0; i < rows; i++)
		groups[i] |= set & (0 - (c->valid[i / 64] >> i % 64 & 1));
}

/* Which of two groups an address belongs to, where it is not null. One IPv6 address makes
 * the pair IPv6; the other one then goes as ::ffff:a.b.c.d. */
static void
mark_family(const struct column *c, size_t rows, unsigned v4, unsigned v6, uint64_t *groups)
{
	uint64_t is_v4 = group_bit(v4), is_v6 = group_bit(v6);
	size_t i;

	if (c == NULL || !c->is_mixed)
		return;
	for (i = 0; i < rows; i++) {
		if (!column_is_null(c, i) && column_addr(c, i).is_v6)
			groups[i] = (groups[i] & ~is_v4) | is_v6;
	}
}

static void
find_groups(struct wire_encoder *e, const struct batch *batch, bool is_turned,
    uint64_t *groups)
{
	const uint64_t sixes = group_bit(GROUP_V6) | group_bit(GROUP_HOP6) |
	    group_bit(GROUP_NATSRC6) | group_bit(GROUP_NATDST6);
	const struct export *x;
	size_t i, rows = batch->rows;

	for (i = 0; i < rows; i++)
		groups[i] = group_bit(GROUP_BASE) |
		    (e->where & OWN ? group_bit(GROUP_NULLS) : 0);
	for (x = exports; x < exports + EXPORTS; x++) {
		if (!export_applies(e, x))
			continue;
		mark_groups(column_of(batch, x->field, is_turned), rows, group_bit(x->group),
		    groups);
		if (e->base.config.is_biflow && has_reverse(x))
			mark_groups(column_of(batch, flow_schema.fields[x->field].pair, false),
			    rows, group_bit(x->group + GROUP_REVERSE), groups);
	}
	for (i = 0; i < rows; i++)
		groups[i] &= ~sixes;
	mark_family(column_of(batch, FLOW_src, is_turned), rows, GROUP_V4, GROUP_V6, groups);
	mark_family(column_of(batch, FLOW_dst, is_turned), rows, GROUP_V4, GROUP_V6, groups);
	mark_family(column_of(batch, FLOW_next_hop, is_turned), rows, GROUP_HOP4, GROUP_HOP6,
	    groups);
	mark_family(column_of(batch, FLOW_nat_dst, is_turned), rows, GROUP_NATDST4,
	    GROUP_NATDST6, groups);
	mark_family(column_of(batch, FLOW_nat_src, is_turned), rows, GROUP_NATSRC4,
	    GROUP_NATSRC6, groups);
	for (i = 0; i < rows; i++)
		groups[i] &= groups[i] & group_bit(GROUP_V6)
		    ? ~(group_bit(GROUP_ICMP4) | group_bit(GROUP_ROUTE4))
		    : ~(group_bit(GROUP_ICMP6) | group_bit(GROUP_ROUTE6));
}

static size_t
header_len(const struct wire_encoder *e)
{
	return is_ipfix(e) ? 16 : 20;
}

static int
message_send(struct wire_encoder *e, struct err *err)
{
	struct encoder_base *b = &e->base;
	uint32_t seconds = (uint32_t)(b->now_us / 1000000);
	uint8_t *msg = b->msg;

	if (b->len <= header_len(e))
		return 0;
	put_be16(msg, (uint16_t)b->config.version);
	if (is_ipfix(e)) {
		put_be16(msg + 2, (uint16_t)b->len);
		put_be32(msg + 4, seconds);
		put_be32(msg + 8, b->sequence);
		put_be32(msg + 12, b->config.domain);
		b->sequence += e->data_in_message;
	} else {
		put_be16(msg + 2, (uint16_t)e->records_in_message);
		put_be32(msg + 4, (uint32_t)((int64_t)seconds * 1000 - b->boot_us / 1000));
		put_be32(msg + 8, seconds);
		put_be32(msg + 12, b->sequence++);
		put_be32(msg + 16, b->config.domain);
	}
	e->records_in_message = e->data_in_message = 0;
	return encoder_base_send(b, err);
}

static void
message_start(struct wire_encoder *e)
{
	if (e->base.len == 0)
		e->base.len = header_len(e);
}

static size_t
left(const struct wire_encoder *e)
{
	return e->base.config.datagram_bytes - e->base.len;
}

static void
write_template(struct wire_encoder *e, struct layout *l)
{
	uint8_t *to = e->base.msg + e->base.len;

	put_be16(to, is_ipfix(e) ? 2 : 0);
	put_be16(to + 2, (uint16_t)(l->template_len + 4));
	memcpy(to + 4, l->template, l->template_len);
	e->base.len += l->template_len + 4u;
	e->records_in_message++;
	e->base.counters[SENT_templates]++;
	l->is_sent = true;
}

/* Octets that the variable fields of a row take. */
static size_t
variable_len(const struct layout *l, const struct batch *batch, bool is_turned, size_t row)
{
	const struct part *p = l->parts + l->part_count - l->variable_count;
	size_t len = 0;
	unsigned i;

	for (i = 0; i < l->variable_count; i++)
		len += put_variable_len(column_of(batch, p[i].field, is_turned), row);
	return len;
}

static void
write_nulls(const struct layout *l, const struct batch *batch, bool is_turned,
    const uint32_t *picks, size_t n, uint8_t **to)
{
	const struct column *c;
	unsigned i, index;
	size_t j;

	for (j = 0; j < n; j++)
		memset(to[j], 0, l->nulls_len);
	for (i = 0; i < l->part_count; i++) {
		c = column_of(batch, l->parts[i].field, is_turned);
		index = l->parts[i].index;
		if (c != NULL && (c->form == COLUMN_CONSTANT || c->valid == NULL))
			continue;
		for (j = 0; j < n; j++) {
			if (c == NULL || column_is_null(c, picks[j]))
				to[j][index / 8] |= (uint8_t)(1 << index % 8);
		}
	}
}

static void
write_records(struct wire_encoder *e, const struct layout *l, const struct batch *batch,
    bool is_turned, const uint32_t *picks, size_t n, uint8_t **to)
{
	unsigned i, variable = l->part_count - l->variable_count;
	const struct part *p;
	size_t j;
	uint8_t *at;

	if (l->nulls_len > 0)
		write_nulls(l, batch, is_turned, picks, n, to);
	for (i = 0; i < variable; i++) {
		p = &l->parts[i];
		put_column(column_of(batch, p->field, is_turned), p->conversion, p->len, picks,
		    n, to, p->offset, e->base.boot_us);
		if (p->is_most_known)
			put_known_direction(to, p->offset, n);
	}
	for (j = 0; j < n && l->variable_count > 0; j++) {
		at = to[j] + l->fixed_len;
		for (i = variable; i < l->part_count; i++)
			at = put_variable(column_of(batch, l->parts[i].field, is_turned),
			    l->parts[i].conversion, picks[j], at,
			    &e->base.counters[SENT_texts_cut]);
	}
}

/* As many rows as fit the datagram, into a data set; returns how many. */
static size_t
write_set(struct wire_encoder *e, const struct layout *l, const struct batch *batch,
    bool is_turned, const uint32_t *picks, size_t n)
{
	uint8_t *to[RECORDS_MAX], *set = e->base.msg + e->base.len;
	size_t i, room = left(e), len = 4, record;

	for (i = 0; i < n && i < RECORDS_MAX; i++) {
		record = l->fixed_len;
		if (l->variable_count > 0)
			record += variable_len(l, batch, is_turned, picks[i]);
		/* One long record may make a datagram of its own, however long. */
		if (len + record > room && (i > 0 || e->base.len > header_len(e)))
			break;
		to[i] = set + len;
		len += record;
	}
	if (i == 0)
		return 0;
	write_records(e, l, batch, is_turned, picks, i, to);
	while (!is_ipfix(e) && len % 4 != 0 && len < room)
		set[len++] = 0; /* RFC 3954, 5.3 */
	put_be16(set, l->id);
	put_be16(set + 2, (uint16_t)len);
	e->base.len += len;
	e->records_in_message += (unsigned)i;
	e->data_in_message += (unsigned)i;
	e->base.counters[SENT_records] += i;
	return i;
}

static int
write_rows(struct wire_encoder *e, struct layout *l, const struct batch *batch,
    bool is_turned, const uint32_t *picks, size_t n, struct err *err)
{
	size_t done;

	while (n > 0) {
		message_start(e);
		if (!l->is_sent) {
			if (left(e) < l->template_len + 4u + 64u &&
			    message_send(e, err) != 0)
				return -1;
			message_start(e);
			assert(left(e) >= l->template_len + 4u);
			write_template(e, l);
		}
		done = write_set(e, l, batch, is_turned, picks, n);
		if (done == 0 && message_send(e, err) != 0)
			return -1;
		picks += done;
		n -= done;
	}
	return 0;
}

/* Rows with the same groups as row `first` become picks, and done: their groups are 0. */
static size_t
pick(struct wire_encoder *e, size_t first, size_t rows)
{
	uint64_t *groups = e->groups, now = groups[first];
	size_t i, n = 0;

	for (i = first; i < rows; i++) {
		e->picks[n] = (uint32_t)i;
		n += groups[i] == now;
		groups[i] = groups[i] == now ? 0 : groups[i];
	}
	return n;
}

static int
encode_rows(struct wire_encoder *e, const struct batch *batch, bool is_turned, size_t first,
    size_t end, struct err *err)
{
	struct layout *l;
	size_t i, n;

	for (i = first; i < end; i++) {
		if (e->groups[i] == 0)
			continue;
		if ((l = layout_get(e, e->groups[i])) == NULL)
			return err_set(err, ENOMEM, "encoder: too many kinds of records");
		n = pick(e, i, end);
		if (write_rows(e, l, batch, is_turned, e->picks, n, err) != 0)
			return -1;
	}
	return 0;
}

/* All rows; a new datagram wherever the clock has to be set anew. */
static int
encode_direction(struct wire_encoder *e, const struct batch *batch, bool is_turned,
    int64_t now_us, struct err *err)
{
	struct encoder_base *b = &e->base;
	size_t first, end;

	for (first = 0; first < batch->rows; first = end) {
		end = encoder_base_clock(b, batch, first, now_us);
		if (b->messages_since >= b->config.refresh_messages ||
		    b->now_us - b->refreshed_us >= b->config.refresh_us)
			wire_encoder_refresh(e);
		if (encode_rows(e, batch, is_turned, first, end, err) != 0)
			return -1;
		if ((first > 0 || end < batch->rows) && message_send(e, err) != 0)
			return -1;
	}
	return 0;
}

/* The rows that have the reverse direction at all keep their groups. */
static void
drop_uniflows(const struct batch *batch, uint64_t *groups)
{
	const struct column *bytes = &batch->columns[FLOW_reverse_bytes];
	const struct column *packets = &batch->columns[FLOW_reverse_packets];
	size_t i;

	for (i = 0; i < batch->rows; i++) {
		if ((bytes->form == COLUMN_ABSENT || column_is_null(bytes, i)) &&
		    (packets->form == COLUMN_ABSENT || column_is_null(packets, i)))
			groups[i] = 0;
	}
}

int
wire_encode(struct wire_encoder *e, const struct batch *batch, int64_t now_us,
    struct err *err)
{
	assert(batch->schema == &flow_schema);
	if (batch->rows == 0)
		return 0;
	if (e->base.config.version == 5)
		return encode5(&e->base, batch, now_us, err);
	if (batch->rows > e->rows_cap) {
		free(e->groups);
		free(e->picks);
		e->groups = malloc(batch->cap * sizeof *e->groups);
		e->picks = malloc((batch->cap + 1) * sizeof *e->picks);
		e->rows_cap = batch->cap;
		if (e->groups == NULL || e->picks == NULL) {
			e->rows_cap = 0;
			return err_set(err, ENOMEM, "encoder: out of memory");
		}
	}
	find_groups(e, batch, false, e->groups);
	if (encode_direction(e, batch, false, now_us, err) != 0)
		return -1;
	if (!e->base.config.is_biflow) {
		find_groups(e, batch, true, e->groups);
		drop_uniflows(batch, e->groups);
		if (encode_direction(e, batch, true, now_us, err) != 0)
			return -1;
	}
	return message_send(e, err);
}
