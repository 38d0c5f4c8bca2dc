/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compiles a template to a copy plan. Each element is looked up in alias.def; of the
 * elements that carry the same field the best ranked one gets the step, and one ELSE
 * element a second step that fills the rows where the first had 0. Elements that carry
 * nothing get no step, so decoding never looks at them.
 */
#include "wire/template.h"

#include "model/flow.h"
#include "wire/section.h"

#include <stdlib.h>
#include <string.h>

struct choice {
	const struct alias *best, *other;
	uint16_t best_index, other_index;
};

bool
template_length_fits(enum conversion conversion, unsigned len)
{
	if (len == ELEMENT_VARIABLE)
		return true; /* checked in each record */
	switch (conversion) {
	case CONVERT_HIGH8:
	case CONVERT_LOW8:
		return len == 2;
	case CONVERT_ADDR4:
		return len == 4;
	case CONVERT_ADDR6:
		return len == 16;
	case CONVERT_MAC:
		return len == 6;
	case CONVERT_LABEL:
		return len == 3 || len == 4;
	case CONVERT_NTP:
		return len == 8;
	case CONVERT_TEXT:
	case CONVERT_LIST:
		return true;
	case CONVERT_NULLS:
		return len >= 1 && len <= NULLS_BYTES;
	default:
		return len >= 1 && len <= 8;
	}
}

/* The field of an alias as this template element carries it; FLOW_FIELDS if it does
 * not. */
static unsigned
carried_field(const struct alias *a, const struct template_field *f)
{
	bool is_reverse = false;
	unsigned element = f->element, pair;

	if (f->pen == PEN_OWN) {
		is_reverse = element & OWN_REVERSE;
		element &= ~(unsigned)OWN_REVERSE;
	} else if (f->pen == PEN_REVERSE) {
		is_reverse = true;
	}
	if (a->element != element ||
	    a->pen != (f->pen == PEN_REVERSE ? PEN_IANA : f->pen))
		return FLOW_FIELDS;
	if (!is_reverse || a->conversion >= CONVERT_FIELDS)
		return is_reverse ? FLOW_FIELDS : a->field;
	pair = flow_schema.fields[a->field].pair;
	return pair == a->field || !flow_schema.fields[pair].is_reverse ? FLOW_FIELDS
	    : pair;
}

static void
choose(struct choice *c, const struct alias *a, unsigned index)
{
	if (c->best == NULL || a->rank > c->best->rank) {
		if (c->best != NULL && c->best->flags & ALIAS_ELSE) {
			c->other = c->best;
			c->other_index = c->best_index;
		}
		c->best = a;
		c->best_index = (uint16_t)index;
	} else if (a->flags & ALIAS_ELSE && c->other == NULL && a != c->best) {
		c->other = a;
		c->other_index = (uint16_t)index;
	}
}

static void
add_step(struct template *t, const uint16_t *offsets, unsigned field,
    const struct alias *a, unsigned index, unsigned flags)
{
	unsigned len = t->fields[index].len;
	struct step *step = &t->steps[t->step_count++];

	*step = (struct step){(uint16_t)field, (uint16_t)index, offsets[index],
	    (uint16_t)len, a->conversion, (uint8_t)flags, NULL};
	if (a->conversion < CONVERT_FIELDS) {
		step->convert = convert_find(a->conversion,
		    types[flow_schema.fields[field].type].storage,
		    len == ELEMENT_VARIABLE ? 0 : len);
		row_mark(t->carried, field);
	}
	t->has_uptime |= a->conversion == CONVERT_UPTIME;
	t->has_sampler |= a->conversion == CONVERT_SAMPLER;
}

static void
compile(struct template *t)
{
	struct choice choices[FLOW_FIELDS] = {0};
	uint16_t offsets[TEMPLATE_FIELDS];
	unsigned i, j, field, offset = 0, nulls = t->field_count;
	bool is_known;

	for (i = 0; i < t->field_count; i++) {
		offsets[i] = (uint16_t)offset;
		offset += t->fields[i].len == ELEMENT_VARIABLE ? 0 : t->fields[i].len;
		if (t->fields[i].pen == PEN_OWN && t->fields[i].element == 1 &&
		    t->fields[i].len <= NULLS_BYTES && t->fields[i].len > 0)
			nulls = i;
	}
	t->has_nulls = nulls < t->field_count;
	for (i = 0; i < t->field_count; i++) {
		is_known = false;
		for (j = 0; j < alias_count; j++) {
			const struct alias *a = &aliases[j];

			if ((field = carried_field(a, &t->fields[i])) == FLOW_FIELDS)
				continue;
			is_known = true;
			if (!template_length_fits(a->conversion, t->fields[i].len))
				continue;
			if (a->conversion < CONVERT_FIELDS)
				choose(&choices[field], a, i);
			else if (a->conversion != CONVERT_NULLS && t->step_count < 8)
				add_step(t, offsets, 0, a, i, 0);
		}
		t->unknown += !is_known && t->fields[i].element != 210;
	}
	for (field = 0; field < FLOW_FIELDS; field++) {
		const struct choice *c = &choices[field];

		if (c->best == NULL)
			continue;
		add_step(t, offsets, field, c->best, c->best_index,
		    t->has_nulls ? 0 : c->best->flags & ALIAS_ZERO);
		if (c->other != NULL && !t->has_nulls)
			add_step(t, offsets, field, c->other, c->other_index,
			    ALIAS_ELSE | (c->other->flags & ALIAS_ZERO));
		if (c->other != NULL) /* its steps must keep their order */
			t->head_fields = t->head_len = 0;
	}
	if (t->has_nulls) { /* last: it takes back what the others wrote */
		static const struct alias row = {.conversion = CONVERT_NULLS};

		add_step(t, offsets, 0, &row, nulls, 0);
	}
	t->is_flow = row_has(t->carried, FLOW_src) || row_has(t->carried, FLOW_dst);
}

struct template *
template_new(uint16_t id, const struct template_field *fields, unsigned count,
    unsigned scope_count, bool is_options)
{
	struct template *t;
	size_t bytes, fields_bytes = count * sizeof *fields, len = 0;
	unsigned i, head_fields;
	size_t head_len = 0;
	bool is_fixed = true;

	if (count == 0 || count > TEMPLATE_FIELDS)
		return NULL;
	for (i = 0; i < count && fields[i].len != ELEMENT_VARIABLE; i++)
		head_len += fields[i].len;
	head_fields = i;
	for (i = 0; i < count; i++) {
		is_fixed &= fields[i].len != ELEMENT_VARIABLE;
		len += fields[i].len == ELEMENT_VARIABLE ? 1 : fields[i].len;
	}
	if (len == 0 || len > RECORD_MAX)
		return NULL;
	/* A field has at most two steps; eight more fill none. */
	bytes = sizeof *t + fields_bytes + 8 +
	    (is_options ? 0 : (2 * FLOW_FIELDS + 9) * sizeof(struct step));
	if ((t = calloc(1, bytes)) == NULL)
		return NULL;
	t->id = id;
	t->field_count = (uint16_t)count;
	t->scope_count = (uint16_t)scope_count;
	t->record_len = (uint16_t)len;
	t->head_fields = (uint16_t)head_fields;
	t->head_len = (uint16_t)head_len;
	t->is_options = is_options;
	t->is_fixed = is_fixed;
	t->is_section = !is_options && section_is_in(fields, count);
	t->steps = (struct step *)((char *)(t + 1) + (fields_bytes + 7) / 8 * 8);
	memcpy(t->fields, fields, fields_bytes);
	if (!is_options) {
		compile(t);
		bytes -= (2 * FLOW_FIELDS + 9 - t->step_count) * sizeof(struct step);
		t = realloc(t, bytes); /* shrinks */
		t->steps = (struct step *)((char *)(t + 1) + (fields_bytes + 7) / 8 * 8);
	}
	t->bytes = bytes;
	return t;
}

bool
template_equals(const struct template *t, const struct template_field *fields,
    unsigned count, unsigned scope_count, bool is_options)
{
	return t->field_count == count && t->scope_count == scope_count &&
	    t->is_options == is_options &&
	    memcmp(t->fields, fields, count * sizeof *fields) == 0;
}

size_t
template_walk(const struct template *t, const uint8_t *src, size_t left,
    const uint8_t **at, uint16_t *len)
{
	const uint8_t *p = src, *end = src + left;
	size_t n;
	unsigned i;

	if (left < t->record_len)
		return 0;
	if (t->is_fixed && at == NULL)
		return t->record_len;
	for (i = 0; i < t->field_count; i++) {
		n = t->fields[i].len;
		if (n == ELEMENT_VARIABLE) {
			if (p == end)
				return 0;
			n = *p++;
			if (n == 255) {
				if (end - p < 2)
					return 0;
				n = (size_t)(p[0] << 8 | p[1]);
				p += 2;
			}
		}
		if ((size_t)(end - p) < n)
			return 0;
		if (at != NULL) {
			at[i] = p;
			len[i] = (uint16_t)n;
		}
		p += n;
	}
	return (size_t)(p - src);
}
