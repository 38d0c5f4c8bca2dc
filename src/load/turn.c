/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A flow seen from the other side. What belongs together is found from the schema: x and
 * reverse_x are pairs, and so are ids that differ in src and dst (src_port, nat_dst,
 * ...).
 */
#include "load/turn.h"

#include "model/service.h"

#include <string.h>

bool
turn_is_from_server(const struct flow *flow)
{
	if (!flow_has(flow, src_port) || !flow_has(flow, dst_port))
		return false;
	/* Who wrote both directions into a row had a reason to put src first. */
	if (flow_has(flow, reverse_bytes) && flow_or(flow, bytes, 0) > 0)
		return service_side(flow->src_port, flow->dst_port) < 0;
	return service_side_guess(flow->src_port, flow->dst_port) < 0;
}

/* The field that stands for the same of the other side; itself where there is none. */
static unsigned
partner_of(unsigned field)
{
	const struct field *f = &flow_schema.fields[field];
	const char *at;
	char id[64];
	size_t n = strlen(f->id), where;
	int other;

	if (f->pair != field)
		return f->pair;
	if (n >= sizeof id ||
	    ((at = strstr(f->id, "src")) == NULL && (at = strstr(f->id, "dst")) == NULL))
		return field;
	memcpy(id, f->id, n);
	where = (size_t)(at - f->id);
	memcpy(id + where, *at == 's' ? "dst" : "src", 3);
	other = schema_find(&flow_schema, id, n);
	return other < 0 || flow_schema.fields[other].type != f->type ? field
								      : (unsigned)other;
}

/* Made once; the same whoever makes it. */
static const uint16_t *
partners(void)
{
	static uint16_t table[FLOW_FIELDS];
	static bool is_made;
	unsigned i;

	if (!is_made) {
		for (i = 0; i < flow_schema.stored; i++)
			table[i] = (uint16_t)partner_of(i);
		is_made = true;
	}
	return table;
}

static size_t
member_size(unsigned field)
{
	switch (types[flow_schema.fields[field].type].storage) {
	case STORAGE_TEXT:
		return sizeof(struct str);
	case STORAGE_LIST:
		return sizeof(struct list);
	default:
		return storage_size(types[flow_schema.fields[field].type].storage);
	}
}

/* Field `to` of one flow becomes field `from` of another. */
static void
copy(struct flow *flow, unsigned to, const struct flow *other, unsigned from)
{
	flow->present[to / 64] &= ~((uint64_t)1 << to % 64);
	if (!row_has(other->present, from))
		return;
	memcpy((char *)flow + flow_schema.fields[to].offset,
	       (const char *)other + flow_schema.fields[from].offset, member_size(to));
	row_mark(flow->present, to);
}

void
turn_round(struct flow *flow)
{
	const uint16_t *partner = partners();
	struct flow before = *flow;
	unsigned i;

	for (i = 0; i < flow_schema.stored; i++) {
		if (partner[i] != i)
			copy(flow, i, &before, partner[i]);
	}
}

void
turn_join(struct flow *forward, const struct flow *reverse)
{
	struct flow other = *reverse;
	unsigned i;

	turn_round(&other);
	for (i = 0; i < flow_schema.stored; i++) {
		if (flow_schema.fields[i].is_reverse || !row_has(forward->present, i))
			copy(forward, i, &other, i);
	}
	if (other.start < forward->start)
		forward->start = other.start;
	if (other.end > forward->end)
		forward->end = other.end;
}
