/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which template a row gets: the groups of export.def of which it has a value make a set,
 * and each set that occurs has a layout, made when it is first seen.
 */
#include "wire/layout.h"

#include "model/batch.h"
#include "model/flow.h"
#include "wire/put.h"
#include "wire/template.h"

#include <assert.h>
#include <stdlib.h>

/* Those with fields that have a reverse come first. */
enum group {
	GROUP_BASE, GROUP_TOS, GROUP_TCP, GROUP_TTL, GROUP_SAMPLING, GROUP_SEQUENCE,
	GROUP_INITIAL, GROUP_EVIDENCE, GROUP_RETRANSMITTED, GROUP_FINGERPRINT,
	GROUPS_BOTH,
	GROUP_V4 = GROUPS_BOTH, GROUP_V6, GROUP_PORTS, GROUP_ICMP4, GROUP_ICMP6,
	GROUP_END, GROUP_INITIATOR, GROUP_INTERFACES, GROUP_VLAN, GROUP_SEGMENT,
	GROUP_LINK, GROUP_MPLS, GROUP_ROUTE4, GROUP_ROUTE6, GROUP_HOP4, GROUP_HOP6,
	GROUP_NATSRC4, GROUP_NATSRC6, GROUP_NATDST4, GROUP_NATDST6, GROUP_NATPORTS,
	GROUP_FRAGMENTS, GROUP_CONNECTION, GROUP_HANDSHAKE, GROUP_MARKS, GROUP_EXTRA,
	GROUP_NULLS, GROUPS,
	GROUP_REVERSE = GROUPS, /* added to a group: that of its reverse fields */
};

_Static_assert(GROUP_REVERSE + GROUPS_BOTH <= 64, "a bit for each group and its reverse");

/*
 * Groups that some meters never fill: left out until a row has a value, and from then on
 * in all rows that have the other group, so that there are not twice as many templates.
 */
static const struct {
	uint8_t group, other;
} lates[] = {
	{GROUP_HANDSHAKE, GROUP_CONNECTION},
	{GROUP_RETRANSMITTED, GROUP_EVIDENCE},
	{GROUP_RETRANSMITTED + GROUP_REVERSE, GROUP_EVIDENCE + GROUP_REVERSE},
};

enum { V9 = EXPORT_V9, IPFIX = EXPORT_IPFIX, OWN = EXPORT_OWN, UPTIMES = EXPORT_UPTIMES,
	WHOLE = EXPORT_WHOLE, MILLIS = EXPORT_MILLIS, MICROS = EXPORT_MICROS,
	NANOS = EXPORT_NANOS };

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

enum { EXPORTS = sizeof exports / sizeof *exports };

static uint64_t
group_bit(unsigned group)
{
	return (uint64_t)1 << group;
}

void
layouts_done(struct layouts *s)
{
	unsigned i;

	for (i = 0; i < s->count; i++) {
		free(s->all[i]->template);
		free(s->all[i]->parts);
		free(s->all[i]);
	}
	s->count = 0;
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

const struct column *
layout_column(const struct batch *batch, unsigned field, bool is_turned)
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
layout_add(struct layouts *s, struct layout *l, const struct export *x,
    bool is_reverse)
{
	struct part *p = &l->parts[l->part_count++];
	uint8_t *to = l->template + l->template_len;
	uint32_t pen = x->pen == PEN_OWN ? s->pen : 0;
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
export_applies(const struct layouts *s, const struct export *x)
{
	if (x->where & s->where)
		return x->element != 239 || s->is_biflow;
	return false;
}

static bool
is_in_layout(const struct layouts *s, const struct export *x, uint64_t groups,
    bool is_reverse)
{
	if (!export_applies(s, x) || (is_reverse && !has_reverse(x)))
		return false;
	assert(!is_reverse || x->group < GROUPS_BOTH);
	return groups >> (x->group + (is_reverse ? GROUP_REVERSE : 0)) & 1;
}

static struct layout *
layout_new(struct layouts *s, uint64_t groups)
{
	struct layout *l = calloc(1, sizeof *l);
	const struct export *x;
	unsigned forward = 0, reverse = 0;

	if (l == NULL)
		return NULL;
	l->template = calloc(1, 8 * (2 * EXPORTS + 2));
	l->parts = calloc(2 * EXPORTS, sizeof *l->parts);
	if (l->template == NULL || l->parts == NULL) {
		free(l->template);
		free(l->parts);
		free(l);
		return NULL;
	}
	l->groups = groups;
	l->id = (uint16_t)(256 + s->count);
	l->template_len = 4;
	for (x = exports; x < exports + EXPORTS; x++) {
		forward += is_in_layout(s, x, groups, false);
		reverse += is_in_layout(s, x, groups, true);
	}
	if (groups & group_bit(GROUP_NULLS)) {
		/* A bit for each field, this one included. */
		struct export nulls = {0, CONVERT_NULLS, 0, FLOW_start, 1,
		    (uint16_t)((forward + reverse + 1 + 7) / 8), PEN_OWN};

		assert(nulls.len <= NULLS_BYTES);
		l->nulls_len = nulls.len;
		layout_add(s, l, &nulls, false);
		l->part_count = 0; /* written by itself, at offset 0 */
	}
	for (x = exports; x < exports + EXPORTS; x++) {
		if (is_in_layout(s, x, groups, false))
			layout_add(s, l, x, false);
		if (is_in_layout(s, x, groups, true))
			layout_add(s, l, x, true);
	}
	put_be16(l->template, l->id);
	put_be16(l->template + 2, l->field_count);
	return l;
}

/* All groups but those of the other address family: what a row gets that comes when there
 * are too many layouts. Sixteen of these cover everything. */
static uint64_t
widened(const struct layouts *s, uint64_t groups)
{
	static const uint8_t pairs[][2] = {{GROUP_HOP4, GROUP_HOP6},
	    {GROUP_NATSRC4, GROUP_NATSRC6},
	    {GROUP_NATDST4, GROUP_NATDST6}, {GROUP_V4, GROUP_V6},
	    {GROUP_ICMP4, GROUP_ICMP6}, {GROUP_ROUTE4, GROUP_ROUTE6}};
	uint64_t wide = group_bit(GROUPS) - 1, six;
	unsigned i;

	for (i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		six = groups & group_bit(i > 3 ? GROUP_V6 : pairs[i][1]);
		wide &= ~group_bit(pairs[i][six == 0 ? 1 : 0]);
	}
	if (!(s->where & OWN))
		wide &= ~group_bit(GROUP_NULLS);
	return s->is_biflow ? wide | (group_bit(GROUPS_BOTH) - 1) << GROUP_REVERSE : wide;
}

uint64_t
layout_keys(const struct layout *l, const uint16_t *fields, unsigned n)
{
	uint64_t keys = 0;

	for (const struct part *p = l->parts; p < l->parts + l->part_count; p++)
		for (unsigned i = 0; i < n; i++)
			if (p->field == fields[i] && p->index < 64)
				keys |= (uint64_t)1 << p->index;
	return keys;
}

int
layouts_get(struct layouts *s, uint64_t groups)
{
	uint16_t *cached = &s->cache[groups * 0x9e3779b97f4a7c15u >> 58];
	struct layout *l;
	unsigned i;

	if (*cached < s->count && s->all[*cached]->groups == groups)
		return *cached;
	for (i = 0; i < s->count && s->all[i]->groups != groups; i++)
		;
	if (i == s->count && s->count >= LAYOUTS_MAX - LAYOUTS_WIDE) {
		groups = widened(s, groups);
		for (i = 0; i < s->count && s->all[i]->groups != groups; i++)
			;
	}
	if (i == s->count) {
		if (i == LAYOUTS_MAX || (l = layout_new(s, groups)) == NULL)
			return -1;
		s->all[s->count++] = l;
	}
	*cached = (uint16_t)i;
	return (int)i;
}

/* Rows in which a field has a value get set; where that is all rows, *all does. */
static void
mark_groups(const struct column *c, size_t rows, uint64_t set, uint64_t *groups,
    uint64_t *all)
{
	uint64_t valid;
	size_t i, j, n;

	if (c == NULL || (*all & set) == set)
		return;
	if (c->form == COLUMN_CONSTANT || c->valid == NULL) {
		*all |= set;
		return;
	}
	for (i = 0; i < rows; i += 64) {
		valid = c->valid[i / 64];
		n = rows - i < 64 ? rows - i : 64;
		if (valid == 0)
			continue;
		for (j = 0; j < n; j++)
			groups[i + j] |= set & (0 - (valid >> j & 1));
	}
}

/* Which of two groups an address belongs to, where it is not null. One IPv6 address makes
 * the pair IPv6; the other one then goes as ::ffff:a.b.c.d. */
static void
mark_family(const struct column *c, size_t rows, unsigned v4, unsigned v6,
    uint64_t *groups)
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

/* Groups of which there is a value from now on. */
static void
mark_lates(struct layouts *s, uint64_t *groups, size_t rows)
{
	uint64_t some = 0, late, other;
	size_t i, k;

	for (i = 0; i < rows; i++)
		some |= groups[i];
	for (k = 0; k < sizeof lates / sizeof *lates; k++) {
		late = group_bit(lates[k].group);
		other = group_bit(lates[k].other);
		s->late |= some & late;
		if (!(s->late & late) || !(some & other))
			continue;
		for (i = 0; i < rows; i++)
			groups[i] |= groups[i] & other ? late : 0;
	}
}

void
layouts_groups(struct layouts *s, const struct batch *batch, bool is_turned,
    uint64_t *groups)
{
	static const struct {
		uint16_t field;
		uint8_t v4, v6;
	} families[] = {{FLOW_src, GROUP_V4, GROUP_V6}, {FLOW_dst, GROUP_V4, GROUP_V6},
	    {FLOW_next_hop, GROUP_HOP4, GROUP_HOP6},
	    {FLOW_nat_dst, GROUP_NATDST4, GROUP_NATDST6},
	    {FLOW_nat_src, GROUP_NATSRC4, GROUP_NATSRC6}};
	const uint64_t sixes = group_bit(GROUP_V6) | group_bit(GROUP_HOP6) |
	    group_bit(GROUP_NATSRC6) | group_bit(GROUP_NATDST6);
	const uint64_t not_v4 = ~(group_bit(GROUP_ICMP6) | group_bit(GROUP_ROUTE6));
	const uint64_t not_v6 = ~(group_bit(GROUP_ICMP4) | group_bit(GROUP_ROUTE4));
	uint64_t all = group_bit(GROUP_BASE) | (s->where & OWN ? group_bit(GROUP_NULLS)
	    : 0);
	const struct export *x;
	size_t i, rows = batch->rows;

	memset(groups, 0, rows * sizeof *groups);
	for (x = exports; x < exports + EXPORTS; x++) {
		if (!export_applies(s, x))
			continue;
		mark_groups(layout_column(batch, x->field, is_turned), rows,
		    group_bit(x->group), groups, &all);
		if (s->is_biflow && has_reverse(x))
			mark_groups(layout_column(batch,
			    flow_schema.fields[x->field].pair, false), rows,
			    group_bit(x->group + GROUP_REVERSE), groups, &all);
	}
	for (i = 0; i < rows; i++)
		groups[i] = (groups[i] | all) & ~sixes;
	for (i = 0; i < sizeof families / sizeof *families; i++)
		mark_family(layout_column(batch, families[i].field, is_turned), rows,
		    families[i].v4, families[i].v6, groups);
	for (i = 0; i < rows; i++)
		groups[i] &= groups[i] & group_bit(GROUP_V6) ? not_v6 : not_v4;
	if (s->where & OWN)
		mark_lates(s, groups, rows);
}
