/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a copy plan over the records of a set. Records of fixed length go column by
 * column: each step converts all of them at once. Records of variable length go one by
 * one through the same steps. What follows holds for both (complete.c).
 */
#include "wire/run_private.h"

#include "base/cursor.h"

#include <assert.h>
#include <string.h>

static bool
source_is_zero(const uint8_t *src, size_t stride, size_t n, size_t len)
{
	size_t i, j;

	if (len == 2 || len == 4) { /* numbers of interfaces, systems, ports; addresses */
		for (i = 0; i < n; i++, src += stride) {
			if ((len == 2 ? load_be16(src) : load_be32(src)) != 0)
				return false;
		}
		return true;
	}
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
	run_complete(run, t, out, n, filled);
	out->rows += n;
}
