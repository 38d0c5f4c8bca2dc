/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What follows when the records of a set are in their columns: zeros that mean "unknown"
 * become null, times that only one element gave are completed, ports of protocols without
 * ports and ICMP types in the port fields are put right, and columns that this template
 * does not fill are null.
 */
#include "wire/run_private.h"

#include <string.h>

/* One loop for each width of value. */
#define NULL_ZEROS(type)                                          \
	for (row = from; row < to; row++) {                       \
		if (((const type *)c->values)[row] == 0)          \
			column_set_null(c, row);                  \
	}                                                         \
	break

static void
null_zeros(struct column *c, size_t from, size_t to)
{
	size_t row;

	switch (value_size(c)) {
	case 1:
		NULL_ZEROS(uint8_t);
	case 2:
		NULL_ZEROS(uint16_t);
	case 4:
		NULL_ZEROS(uint32_t);
	case 8:
		NULL_ZEROS(uint64_t);
	default:
		for (row = from; row < to; row++) {
			if (value_is_zero(c, row))
				column_set_null(c, row);
		}
	}
}

static void
take_zeros(const struct template *t, struct batch *out, size_t n, const uint64_t *filled)
{
	const struct step *step;
	unsigned i;

	for (i = 0; i < t->step_count; i++) {
		step = &t->steps[i];
		if ((step->flags & ALIAS_ZERO) && row_has(filled, step->field))
			null_zeros(&out->columns[step->field], out->rows, out->rows + n);
	}
}

static void
complete_times(struct run *run, const struct template *t, struct batch *out, size_t n,
    uint64_t *filled)
{
	bool has_start = row_has(t->carried, FLOW_start),
	    has_end = row_has(t->carried, FLOW_end);
	int64_t *start = open_column(out, FLOW_start, has_start ? 0 : n)->values;
	int64_t *end = open_column(out, FLOW_end, has_end ? 0 : n)->values;
	size_t i;

	start += out->rows;
	end += out->rows;
	for (i = 0; i < n && !has_end; i++)
		end[i] = has_start ? start[i] + run->durations_us[i] : run->export_us;
	for (i = 0; i < n && !has_start; i++)
		start[i] = end[i] - run->durations_us[i];
	for (i = 0; i < n; i++) {
		if (end[i] < start[i]) {
			end[i] = start[i];
			++*run->times_swapped;
		}
	}
	row_mark(filled, FLOW_start);
	row_mark(filled, FLOW_end);
}

/* Fields that are never null but that the template lacks: 0. */
static void
complete_required(struct batch *out, size_t n, uint64_t *filled)
{
	static const uint16_t required[] = {
	    FLOW_src, FLOW_dst, FLOW_proto, FLOW_bytes, FLOW_packets};
	struct column *c;
	unsigned i;

	for (i = 0; i < sizeof required / sizeof *required; i++) {
		if (row_has(filled, required[i])) {
			column_mark(out, required[i], out->rows, out->rows + n, true);
			continue;
		}
		c = open_column(out, required[i], n);
		memset(value_at(c, out->rows), 0, n * value_size(c));
		row_mark(filled, required[i]);
	}
}

static void
null_where_filled(struct batch *out, const uint64_t *filled, unsigned field, size_t row)
{
	if (row_has(filled, field))
		column_set_null(&out->columns[field], row);
}

static void
put_u8(struct batch *out, unsigned field, size_t row, uint8_t value)
{
	batch_put(out, field, row, &value);
}

/* Ports only where the protocol has them; ICMP's type and code from the destination port
 * where routers put them; TCP flags of TCP only. */
static void
complete_protocol(const struct template *t, struct batch *out, size_t n, uint64_t *filled)
{
	const uint8_t *proto = (const uint8_t *)out->columns[FLOW_proto].values +
	    out->rows;
	bool has_icmp = row_has(t->carried, FLOW_icmp_type);
	bool is_in_port = !has_icmp && row_has(filled, FLOW_dst_port);
	uint16_t port;
	size_t i, row;

	for (i = 0; i < n; i++) {
		row = out->rows + i;
		if (proto[i] == 6)
			;
		else
			null_where_filled(out, filled, FLOW_tcp_flags, row);
		if (proto[i] == 6 || proto[i] == 17 || proto[i] == 33 ||
		    proto[i] == 132 || proto[i] == 136) {
			null_where_filled(out, filled, FLOW_icmp_type, row);
			null_where_filled(out, filled, FLOW_icmp_code, row);
			continue;
		}
		if ((proto[i] == 1 || proto[i] == 58) && is_in_port) {
			if (!row_has(filled, FLOW_icmp_type)) {
				batch_flat(out, FLOW_icmp_type);
				batch_flat(out, FLOW_icmp_code);
				column_mark(out, FLOW_icmp_type, out->rows, out->rows + n,
				    false);
				column_mark(out, FLOW_icmp_code, out->rows, out->rows + n,
				    false);
				row_mark(filled, FLOW_icmp_type);
				row_mark(filled, FLOW_icmp_code);
			}
			port = ((uint16_t *)out->columns[FLOW_dst_port].values)[row];
			put_u8(out, FLOW_icmp_type, row, (uint8_t)(port >> 8));
			put_u8(out, FLOW_icmp_code, row, (uint8_t)port);
		} else if (proto[i] != 1 && proto[i] != 58) {
			null_where_filled(out, filled, FLOW_icmp_type, row);
			null_where_filled(out, filled, FLOW_icmp_code, row);
		}
		null_where_filled(out, filled, FLOW_src_port, row);
		null_where_filled(out, filled, FLOW_dst_port, row);
	}
}

/* Exporters of biflows write 0 for a direction in which nothing came: that is a
 * uniflow. */
static void
complete_reverse(const struct template *t, struct batch *out, size_t n, uint64_t *filled)
{
	const struct column *bytes = &out->columns[FLOW_reverse_bytes];
	const struct column *packets = &out->columns[FLOW_reverse_packets];
	bool has_bytes = row_has(filled, FLOW_reverse_bytes);
	bool has_packets = row_has(filled, FLOW_reverse_packets);
	unsigned field;
	size_t row;

	if (!has_bytes && !has_packets)
		return;
	for (row = out->rows; row < out->rows + n; row++) {
		if ((has_bytes && !value_is_zero(bytes, row)) ||
		    (has_packets && !value_is_zero(packets, row)))
			continue;
		for (field = 0; field < flow_schema.stored; field++) {
			if (flow_schema.fields[field].is_reverse)
				null_where_filled(out, filled, field, row);
		}
	}
}

static uint32_t
sampler_rate(const struct samplers *s, int64_t id)
{
	unsigned i;

	for (i = 0; s != NULL && i < s->count; i++) {
		if (s->ids[i] == id)
			return s->rates[i];
	}
	return 0;
}

static void
complete_sampling(const struct run *run, const struct template *t, struct batch *out,
    size_t n, uint64_t *filled)
{
	uint32_t rate, *values;
	bool is_by_record = row_has(filled, FLOW_sampling);
	size_t i;

	if (is_by_record || (run->sampling == 0 && !t->has_sampler))
		return;
	values = (uint32_t *)open_column(out, FLOW_sampling, n)->values + out->rows;
	row_mark(filled, FLOW_sampling);
	for (i = 0; i < n; i++) {
		rate = t->has_sampler ? sampler_rate(run->samplers, run->sampler_ids[i])
		    : 0;
		if (rate == 0)
			rate = t->has_sampler && run->sampler_ids[i] == 0 ? 0
			    : run->sampling;
		values[i] = rate;
		if (rate == 0)
			column_set_null(&out->columns[FLOW_sampling], out->rows + i);
	}
}

/* One value for all rows of the run: a constant column as long as it stays the same. */
static void
fill(struct batch *out, unsigned field, size_t n, const void *member, size_t size,
    uint64_t *filled)
{
	struct column *c = &out->columns[field];
	struct addr addr;
	size_t i;

	row_mark(filled, field);
	if (out->rows == 0) {
		batch_constant(out, field, member);
		return;
	}
	if (c->form == COLUMN_CONSTANT) {
		if (types[c->type].storage == STORAGE_ADDR) {
			addr = column_addr(c, 0);
			if (memcmp(&addr, member, sizeof addr) == 0)
				return;
		} else if (memcmp(c->values, member, size) == 0) {
			return;
		}
	}
	c = batch_flat(out, field);
	if (types[c->type].storage == STORAGE_ADDR) {
		for (i = 0; i < n; i++)
			batch_put(out, field, out->rows + i, member);
		return;
	}
	column_mark(out, field, out->rows, out->rows + n, true);
	values_repeat((char *)c->values + out->rows * size, member, size, n);
}

static void
null_others(struct batch *out, size_t n, const uint64_t *filled)
{
	uint64_t bits;
	unsigned w, field;

	for (w = 0; w < FLOW_WORDS; w++) {
		for (bits = out->active[w] & ~filled[w]; bits != 0; bits &= bits - 1) {
			field = w * 64 + (unsigned)__builtin_ctzll(bits);
			batch_flat(out, field);
			column_mark(out, field, out->rows, out->rows + n, false);
		}
	}
}

void
run_complete(struct run *run, const struct template *t, struct batch *out, size_t n,
    uint64_t *filled)
{
	take_zeros(t, out, n, filled);
	complete_times(run, t, out, n, filled);
	complete_required(out, n, filled);
	if (!t->has_nulls) {
		complete_protocol(t, out, n, filled);
		complete_reverse(t, out, n, filled);
	}
	complete_sampling(run, t, out, n, filled);
	fill(out, FLOW_exporter, n, &run->exporter, sizeof run->exporter, filled);
	fill(out, FLOW_domain, n, &run->domain, sizeof run->domain, filled);
	fill(out, FLOW_received, n, &run->received_us, sizeof run->received_us, filled);
	null_others(out, n, filled);
}
