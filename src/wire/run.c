/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a copy plan over the records of a set. Records of fixed length go column by
 * column: each step converts all of them at once. Records of variable length go one by
 * one through the same steps. What follows holds for both: zeros that mean "unknown"
 * become null, times that only one element gave are completed, ports of protocols without
 * ports and ICMP types in the port fields are put right, and columns that this template
 * does not fill are null.
 */
#include "wire/run.h"

#include "base/cursor.h"
#include "model/batch.h"

#include <assert.h>
#include <string.h>

static size_t
value_size(const struct column *c)
{
	enum storage storage = types[c->type].storage;

	return storage == STORAGE_ADDR && !c->is_mixed ? 4 : storage_size(storage);
}

static void *
value_at(const struct column *c, size_t row)
{
	return (char *)c->values + row * value_size(c);
}

static bool
value_is_zero(const struct column *c, size_t row)
{
	static const struct addr none;
	const uint8_t *p = value_at(c, row);

	if (types[c->type].storage == STORAGE_ADDR && c->is_mixed)
		return memcmp(p + 4, (const uint8_t *)&none + 4, sizeof none - 4) == 0;
	return memcmp(p, &none, value_size(c)) == 0;
}

/* A column with room for the rows of this run, in which they count as valid. */
static struct column *
open_column(struct batch *out, unsigned field, size_t n)
{
	struct column *c = batch_flat(out, field);

	column_mark(out, field, out->rows, out->rows + n, true);
	return c;
}

static bool
source_is_zero(const uint8_t *src, size_t stride, size_t n, size_t len)
{
	size_t i, j;

	for (i = 0; i < n; i++, src += stride) {
		for (j = 0; j < len; j++) {
			if (src[j] != 0)
				return false;
		}
	}
	return true;
}

static void
convert_addresses(const struct run *run, const struct step *step, const uint8_t *src,
    size_t stride, size_t n, struct column *c, size_t row)
{
	struct addr *to;
	size_t i;

	if (step->conversion == CONVERT_ADDR6)
		column_mix(c, row);
	if (step->conversion == CONVERT_ADDR6 || !c->is_mixed) {
		step->convert(run, src, stride, n, step->len, value_at(c, row));
		return;
	}
	to = value_at(c, row);
	for (i = 0; i < n; i++, src += stride)
		addr_set_v4(&to[i], load_be32(src));
}

/* The second choice: fills rows in which the first one had 0. */
static void
convert_else(const struct run *run, const struct step *step, const uint8_t *src,
    size_t stride, size_t n, size_t len, struct batch *out, size_t row)
{
	struct column *c = &out->columns[step->field];
	size_t i;

	for (i = 0; i < n; i++, src += stride) {
		if (!value_is_zero(c, row + i) || source_is_zero(src, 0, 1, len))
			continue;
		if (step->conversion == CONVERT_ADDR6) {
			column_mix(c, row + n);
			((struct addr *)c->values)[row + i] = addr_v6(src);
		} else if (step->conversion == CONVERT_ADDR4) {
			convert_addresses(run, step, src, 0, 1, c, row + i);
		} else {
			step->convert(run, src, 0, 1, len, value_at(c, row + i));
		}
	}
}

static void
put_text(struct batch *out, unsigned field, size_t row, const uint8_t *src, size_t len)
{
	struct str s = {(const char *)src, (uint32_t)len};

	while (s.len > 0 && s.data[s.len - 1] == '\0')
		s.len--;
	batch_put(out, field, row, &s);
}

static void
put_list(struct batch *out, unsigned field, size_t row, const uint8_t *src, size_t len)
{
	uint64_t items[RECORD_MAX / 8 + 1];
	struct list list = {items, (uint32_t)(len / 8)};
	uint32_t i;

	for (i = 0; i < list.count; i++)
		items[i] = load_be64(src + i * 8);
	batch_put(out, field, row, &list);
}

static void
take_nulls(const struct template *t, const uint8_t *bits, size_t stride, size_t n,
    size_t len, struct batch *out, size_t row)
{
	const struct step *step;
	struct column *c;
	unsigned i;
	size_t j;

	if (source_is_zero(bits, stride, n, len))
		return;
	for (i = 0; i < t->step_count; i++) {
		step = &t->steps[i];
		if (step->conversion >= CONVERT_FIELDS || step->index >= len * 8 ||
		    flow_schema.fields[step->field].is_required)
			continue;
		c = &out->columns[step->field];
		for (j = 0; j < n; j++) {
			if (bits[j * stride + step->index / 8] >> step->index % 8 & 1)
				column_set_null(c, row + j);
		}
	}
}

/* Steps that fill no column, or not by a kernel. */
static void
run_other(struct run *run, const struct template *t, const struct step *step,
    const uint8_t *src, size_t stride, size_t n, size_t len, struct batch *out, size_t at)
{
	size_t i;

	if (step->conversion == CONVERT_NULLS) {
		take_nulls(t, src, stride, n, len, out, out->rows + at);
		return;
	}
	for (i = 0; i < n; i++, src += stride) {
		switch (step->conversion) {
		case CONVERT_TEXT:
			put_text(out, step->field, out->rows + at + i, src, len);
			break;
		case CONVERT_LIST:
			put_list(out, step->field, out->rows + at + i, src, len);
			break;
		case CONVERT_SAMPLER:
			run->sampler_ids[at + i] = (int64_t)(load_be(src,
			    len) & INT64_MAX);
			break;
		case CONVERT_DURATION_MILLI:
			run->durations_us[at + i] =
			    (int64_t)(load_be(src, len) & UINT32_MAX) * 1000;
			break;
		case CONVERT_DURATION_MICRO:
			run->durations_us[at + i] = (int64_t)(load_be(src,
			    len) & UINT32_MAX);
			break;
		}
	}
}

/* at: rows of this run that stand before this one. */
static void
run_step(struct run *run, const struct template *t, const struct step *step,
    const uint8_t *src, size_t stride, size_t n, size_t len, struct batch *out, size_t at)
{
	struct column *c;
	size_t row = out->rows + at;

	if (step->convert == NULL) {
		run_other(run, t, step, src, stride, n, len, out, at);
		return;
	}
	c = &out->columns[step->field];
	if (step->flags & ALIAS_ELSE)
		convert_else(run, step, src, stride, n, len, out, row);
	else if (step->conversion == CONVERT_ADDR4 || step->conversion == CONVERT_ADDR6)
		convert_addresses(run, step, src, stride, n, c, row);
	else
		step->convert(run, src, stride, n, len, value_at(c, row));
}

static void
run_fixed(struct run *run, const struct template *t, const uint8_t *src, size_t n,
    struct batch *out, uint64_t *filled)
{
	const struct step *step;
	size_t stride = t->record_len;
	unsigned i;

	for (i = 0; i < t->step_count; i++) {
		step = &t->steps[i];
		if (step->conversion < CONVERT_FIELDS) {
			/* All unknown, as AS numbers often are: no column for it. */
			if (step->flags == ALIAS_ZERO &&
			    out->columns[step->field].form == COLUMN_ABSENT &&
			    source_is_zero(src + step->offset, stride, n, step->len) &&
			    (i + 1 == t->step_count || step[1].field != step->field))
				continue;
			if (!row_has(filled, step->field))
				open_column(out, step->field, n);
			row_mark(filled, step->field);
		}
		run_step(run, t, step, src + step->offset, stride, n, step->len, out, 0);
	}
}

/* One record's fields from the first of variable length on. */
static void
run_tail(struct run *run, const struct template *t, const uint8_t **at,
    const uint16_t *len, struct batch *out, size_t i)
{
	const struct step *step;
	unsigned j;

	for (j = 0; j < t->step_count; j++) {
		step = &t->steps[j];
		if (step->index < t->head_fields)
			continue;
		if (step->len != ELEMENT_VARIABLE ||
		    (len[step->index] != ELEMENT_VARIABLE &&
		    template_length_fits(step->conversion, len[step->index])))
			run_step(run, t, step, at[step->index], 0, 1, len[step->index],
			    out, i);
		else if (step->conversion < CONVERT_FIELDS && !(step->flags & ALIAS_ELSE))
			column_set_null(&out->columns[step->field], out->rows + i);
	}
}

/* The heads, which all have the same length, are laid together and go column by column
 * like fixed records; the tails record by record, before them, because the step for nulls
 * comes last. */
static void
run_variable(struct run *run, const struct template *t, const uint8_t *src, size_t n,
    struct batch *out, uint64_t *filled)
{
	const uint8_t *at[TEMPLATE_FIELDS];
	uint16_t len[TEMPLATE_FIELDS];
	const struct step *step;
	size_t i, record_len;
	unsigned j;

	for (j = 0; j < t->step_count; j++) {
		step = &t->steps[j];
		if (step->conversion < CONVERT_FIELDS && !row_has(filled, step->field)) {
			open_column(out, step->field, n);
			row_mark(filled, step->field);
		}
	}
	for (i = 0; i < n; i++) {
		record_len = template_walk(t, src, RECORD_MAX, at, len);
		assert(record_len > 0 && (i + 1) * t->head_len <= sizeof run->heads);
		memcpy(run->heads + i * t->head_len, src, t->head_len);
		run_tail(run, t, at, len, out, i);
		src += record_len;
	}
	for (j = 0; j < t->step_count; j++) {
		step = &t->steps[j];
		if (step->index < t->head_fields)
			run_step(run, t, step, run->heads + step->offset, t->head_len, n,
			    step->len, out, 0);
	}
}

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
	for (i = 0; i < n; i++)
		memcpy((char *)c->values + (out->rows + i) * size, member, size);
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
run_records(struct run *run, const struct template *t, const uint8_t *src, size_t n,
    struct batch *out)
{
	uint64_t filled[FLOW_WORDS] = {0};

	assert(n <= RUN_ROWS && out->rows + n <= out->cap);
	if (!row_has(t->carried, FLOW_start) || !row_has(t->carried, FLOW_end))
		memset(run->durations_us, 0, n * sizeof *run->durations_us);
	if (t->has_sampler)
		memset(run->sampler_ids, 0, n * sizeof *run->sampler_ids);
	if (t->is_fixed)
		run_fixed(run, t, src, n, out, filled);
	else
		run_variable(run, t, src, n, out, filled);
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
	out->rows += n;
}
