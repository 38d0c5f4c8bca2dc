/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Batches to datagrams of NetFlow v9 and IPFIX. The rows of a batch are sorted by their
 * layout (layout.h). A block of records gets its places first, over several datagrams,
 * then the columns are written into those one after the other. In uniflow formats a
 * biflow is two records, the second one with source and destination exchanged. NetFlow
 * v1, v5 and v7 have their own writer, fixed.c.
 */
#include "wire/message.h"

#include "base/err.h"
#include "base/hash.h"
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

enum { VARIABLE_MAX = 8 };

/* Records that have their places but not their octets. */
struct block {
	const struct layout *layout;
	const struct batch *batch;
	bool is_turned;
	const uint32_t *picks; /* they ascend */
	size_t n;
	bool has_cut; /* a record's texts or marks do not fit as they are */
	uint8_t *to[BLOCK];
};

/* The rows of export.def that hold. */
static unsigned
where_of(const struct wire_encode_config *c)
{
	static const unsigned times[] = {[WIRE_TIMES_SECONDS] = EXPORT_WHOLE,
	    [WIRE_TIMES_MILLI] = EXPORT_MILLIS, [WIRE_TIMES_MICRO] = EXPORT_MICROS,
	    [WIRE_TIMES_NANO] = EXPORT_NANOS};
	bool is_chosen = c->times != WIRE_TIMES_DEFAULT;

	if (c->version == 9)
		return EXPORT_V9 | (is_chosen ? times[c->times] : EXPORT_UPTIMES);
	if (c->is_plain)
		return EXPORT_IPFIX | (is_chosen ? times[c->times] : EXPORT_MILLIS);
	return EXPORT_IPFIX | EXPORT_OWN |
	    (is_chosen ? times[c->times] : EXPORT_MILLIS | EXPORT_MICROS);
}

struct wire_encoder *
wire_encoder_new(const struct wire_encode_config *config)
{
	struct wire_encoder *e;

	if (config->version != 9 && config->version != 10 &&
	    !is_fixed_version(config->version))
		return NULL;
	if ((e = calloc(1, sizeof *e)) == NULL || encoder_base_init(&e->base,
	    config) != 0) {
		free(e);
		return NULL;
	}
	e->layouts.where = where_of(config);
	e->layouts.is_biflow = e->base.config.is_biflow;
	e->layouts.pen = e->base.config.pen;
	e->is_announce_due = true;
	return e;
}

void
wire_encoder_free(struct wire_encoder *e)
{
	if (e == NULL)
		return;
	layouts_done(&e->layouts);
	free(e->groups);
	free(e->which);
	free(e->picks);
	encoder_base_done(&e->base);
	free(e);
}

const uint64_t *
wire_encoder_counters(const struct wire_encoder *e)
{
	return e->base.counters;
}

/* Octets of a record that is alone in its datagram. */
static size_t
record_most(const struct wire_encoder *e)
{
	return e->base.config.longest_bytes - header_len(e) - 4;
}

/* The place of a layout's variable fields in a record, within bounds. */
struct variable {
	size_t most[VARIABLE_MAX]; /* octets of each field's value */
	size_t len;                /* of all with their lengths */
	bool is_cut;
};

/* What the variable fields of a row take, in a record that must not be longer than room.
 * What is cut comes off the last ones first. */
static void
measure_variable(const struct block *b, size_t row, size_t room, struct variable *out)
{
	const struct layout *l = b->layout;
	const struct part *p = l->parts + l->part_count - l->variable_count;
	size_t len = l->fixed_len, excess;
	unsigned i;

	for (i = 0; i < l->variable_count; i++) {
		out->most[i] = put_variable_len(layout_column(b->batch, p[i].field,
		    b->is_turned), row);
		len += out->most[i] + (out->most[i] < 255 ? 1 : 3);
	}
	out->is_cut = len > room;
	for (i = l->variable_count; i-- > 0 && len > room;) {
		excess = (len - room + 7) / 8 * 8; /* an item of a list */
		excess = excess < out->most[i] ? excess : out->most[i];
		len -= out->most[i] + (out->most[i] < 255 ? 1 : 3);
		out->most[i] -= excess;
		len += out->most[i] + (out->most[i] < 255 ? 1 : 3);
	}
	out->len = len - l->fixed_len;
}

/* A bit for each field of a record, set where it is null. */
static void
write_nulls(struct block *b)
{
	static const uint64_t bit = 1;
	uint64_t bits[BLOCK][NULLS_BYTES / 8] = {0}, mark;
	const struct layout *l = b->layout;
	const struct column *c;
	unsigned i, word, at;
	size_t j;

	for (i = 0; i < l->part_count; i++) {
		c = layout_column(b->batch, l->parts[i].field, b->is_turned);
		if (c != NULL && (c->form == COLUMN_CONSTANT || c->valid == NULL))
			continue;
		word = l->parts[i].index / 64;
		at = l->parts[i].index % 64;
		for (j = 0; j < b->n; j++) {
			mark = c == NULL ? bit
			    : ~c->valid[b->picks[j] / 64] >> b->picks[j] % 64 & 1;
			bits[j][word] |= mark << at;
		}
	}
	for (j = 0; j < b->n; j++) {
		bits[j][0] = htole64(bits[j][0]);
		bits[j][1] = htole64(bits[j][1]);
		memcpy(b->to[j], bits[j], l->nulls_len);
	}
}

static void
write_variable(struct wire_encoder *e, struct block *b)
{
	const struct layout *l = b->layout;
	const struct part *p = l->parts + l->part_count - l->variable_count;
	struct variable v;
	unsigned i;
	size_t j;
	uint8_t *at;

	for (i = 0; i < l->variable_count; i++)
		v.most[i] = SIZE_MAX;
	for (j = 0; j < b->n; j++) {
		at = b->to[j] + l->fixed_len;
		if (b->has_cut)
			measure_variable(b, b->picks[j], record_most(e), &v);
		for (i = 0; i < l->variable_count; i++)
			at = put_variable(layout_column(b->batch, p[i].field,
			    b->is_turned), p[i].conversion, b->picks[j], v.most[i], at,
			    &e->base.counters[SENT_texts_cut]);
	}
}

/* Writes the records that have places, if any, and empties the block. */
static void
block_write(struct wire_encoder *e, struct block *b)
{
	const struct layout *l = b->layout;
	struct put_rows rows = {b->picks, b->to, b->n,
		b->n > 0 && b->picks[b->n - 1] - b->picks[0] == b->n - 1};
	const struct column *c;
	const struct part *p;
	unsigned i;

	if (b->n > 0 && l->nulls_len > 0)
		write_nulls(b);
	for (i = 0; b->n > 0 && i < (unsigned)l->part_count - l->variable_count; i++) {
		p = &l->parts[i];
		c = layout_column(b->batch, p->field, b->is_turned);
		if (c == NULL) {
			put_zeros(&rows, p->offset, p->len);
			continue;
		}
		put_column(c, p->conversion, p->len, &rows, p->offset, e->base.boot_us);
		if (p->is_most_known)
			put_known_direction(&rows, p->offset);
		if (p->conversion == CONVERT_LABEL)
			put_label_ends(b->batch, p->field, &rows, p->offset);
		if (p->field == FLOW_icmp_type && b->is_turned)
			put_icmp_answer(&rows, p->offset);
	}
	if (l->variable_count > 0)
		write_variable(e, b);
	b->picks += b->n;
	b->n = 0;
	b->has_cut = false;
}

/* Gives places to as many of n more rows as fit the datagram, in a data set; returns how
 * many. */
static size_t
place_set(struct wire_encoder *e, struct block *b, size_t n)
{
	const struct layout *l = b->layout;
	uint8_t *set = e->base.msg + e->base.len;
	size_t i, room = message_left(e), len = 4, record = l->fixed_len;
	struct variable v;

	n = n < BLOCK - b->n ? n : BLOCK - b->n;
	for (i = 0; i < n; i++) {
		if (l->variable_count > 0) {
			measure_variable(b, b->picks[b->n], record_most(e), &v);
			record = l->fixed_len + v.len;
			b->has_cut |= v.is_cut;
		}
		/* One long record may make a datagram of its own, however long. */
		if (len + record > room && (i > 0 || e->base.len > header_len(e)))
			break;
		b->to[b->n++] = set + len;
		len += record;
	}
	if (i == 0)
		return 0;
	while (!is_ipfix(e) && len % 4 != 0 && len < room)
		set[len++] = 0; /* RFC 3954, 5.3 */
	put_be16(set, l->id);
	put_be16(set + 2, (uint16_t)len);
	e->base.len += len;
	e->records_in_message += (unsigned)i;
	e->data_in_message += (unsigned)i;
	e->flows_in_message += (unsigned)i;
	e->base.counters[SENT_records] += i;
	return i;
}

/* The template of the rows to come, if it has to be sent, in a datagram with room for
 * it. */
static void
introduce(struct wire_encoder *e, struct layout *l)
{
	message_start(e);
	if (l->is_sent)
		return;
	if (message_left(e) < l->template_len + 4u + 64u && e->base.len > header_len(e)) {
		message_finish(e);
		return;
	}
	assert(message_left(e) >= l->template_len + 4u);
	e->base.len += message_template(e, l, e->base.msg + e->base.len);
	e->records_in_message++;
	e->base.counters[SENT_templates]++;
	l->is_sent = true;
}

static int
write_rows(struct wire_encoder *e, struct layout *l, const struct batch *batch,
    bool is_turned, const uint32_t *picks, size_t n, struct err *err)
{
	struct block b = {.layout = l, .batch = batch, .is_turned = is_turned,
	    .picks = picks};
	size_t done;

	while (n > 0) {
		if (encoder_base_is_full(&e->base) && e->base.len == 0) {
			block_write(e, &b);
			if (encoder_base_flush(&e->base, err) != 0)
				return -1;
		}
		introduce(e, l);
		if (!l->is_sent)
			continue;
		done = place_set(e, &b, n);
		n -= done;
		if (b.n == BLOCK)
			block_write(e, &b);
		else if (n > 0)
			message_finish(e);
	}
	block_write(e, &b);
	return 0;
}

/* Rows from first..end-1 by layout into picks: those of layout i stand in front of
 * ends[i]. */
static int
sort_rows(struct wire_encoder *e, size_t first, size_t end, uint32_t ends[LAYOUTS_MAX],
    struct err *err)
{
	uint32_t counts[LAYOUTS_MAX] = {0}, sum = 0;
	uint64_t groups;
	size_t row, next;
	unsigned i;
	int index = 0;

	for (row = first; row < end; row = next) {
		groups = e->groups[row];
		for (next = row + 1; next < end && e->groups[next] == groups; next++)
			;
		if (groups == 0)
			continue;
		if ((index = layouts_get(&e->layouts, groups)) < 0)
			return err_set(err, ENOMEM, "encoder: out of memory");
		counts[index] += (uint32_t)(next - row);
		while (row < next)
			e->which[row++] = (uint16_t)index;
	}
	for (i = 0; i < e->layouts.count; i++) {
		ends[i] = sum;
		sum += counts[i];
	}
	for (row = first; row < end; row++) {
		if (e->groups[row] != 0)
			e->picks[ends[e->which[row]]++] = (uint32_t)row;
	}
	return 0;
}

static int
encode_rows(struct wire_encoder *e, const struct batch *batch, bool is_turned,
    size_t first, size_t end, struct err *err)
{
	uint32_t ends[LAYOUTS_MAX], begin = 0;
	unsigned i;

	if (sort_rows(e, first, end, ends, err) != 0)
		return -1;
	for (i = 0; i < e->layouts.count; begin = ends[i++]) {
		if (ends[i] > begin && write_rows(e, e->layouts.all[i], batch, is_turned,
		    e->picks + begin, ends[i] - begin, err) != 0)
			return -1;
	}
	return 0;
}

/* All rows; a new datagram wherever the clock has to be set anew. */
static int
encode_direction(struct wire_encoder *e, const struct batch *batch, bool is_turned,
    size_t from, size_t rows, int64_t now_us, struct err *err)
{
	struct encoder_base *b = &e->base;
	size_t first, end;

	for (first = from; first < rows; first = end) {
		end = encoder_base_clock(b, batch, first, rows, now_us);
		if (message_keep_time(e, err) != 0)
			return -1;
		if (encode_rows(e, batch, is_turned, first, end, err) != 0)
			return -1;
		if (first > from || end < rows)
			message_finish(e);
	}
	return 0;
}

/* The packets of each row where all rows tell them, else NULL. */
static const uint64_t *
packets_of(const struct batch *batch, unsigned field)
{
	const struct column *c = &batch->columns[field];

	return c->form == COLUMN_FLAT && c->valid == NULL ? c->values : NULL;
}

/* Rows that have no record of a direction lose their groups. Returns how many are left
 * that had none of the first direction. */
static size_t
drop_empty(const struct wire_encoder *e, const struct batch *batch, bool is_turned,
    size_t from, size_t end)
{
	bool has_own = (e->layouts.where & EXPORT_OWN) != 0;
	const uint64_t *there = packets_of(batch, FLOW_packets),
		       *back = packets_of(batch, FLOW_reverse_packets);
	size_t i, left = 0;

	for (i = from; i < end; i++) {
		/* Most rows have packets in both directions. */
		if (there != NULL && there[i] != 0 &&
		    (!is_turned || (back != NULL && back[i] != 0)))
			left += !is_turned;
		else if ((is_turned && !put_has_reverse(batch, i)) ||
		    put_is_empty(batch, i, is_turned, has_own))
			e->groups[i] = 0;
		else
			left += !is_turned || put_is_empty(batch, i, false, has_own);
	}
	return left;
}

static int
make_room(struct wire_encoder *e, const struct batch *batch, struct err *err)
{
	if (batch->cap <= e->rows_cap)
		return 0;
	free(e->groups);
	free(e->which);
	free(e->picks);
	e->groups = malloc(batch->cap * sizeof *e->groups);
	e->which = malloc(batch->cap * sizeof *e->which);
	e->picks = malloc(batch->cap * sizeof *e->picks);
	e->rows_cap = 0;
	if (e->groups == NULL || e->which == NULL || e->picks == NULL)
		return err_set(err, ENOMEM, "encoder: out of memory");
	e->rows_cap = batch->cap;
	return 0;
}

int
wire_encode_rows(struct wire_encoder *e, const struct batch *batch, size_t from,
    size_t end, int64_t now_us, struct err *err)
{
	assert(batch->schema == &flow_schema && end <= batch->rows);
	if (from == end)
		return 0;
	e->base.bounds = (struct encoder_bounds){0};
	if (is_fixed_version(e->base.config.version)) {
		if (encode_fixed(&e->base, batch, from, end, now_us, err) != 0)
			return -1;
		return encoder_base_flush(&e->base, err);
	}
	if (make_room(e, batch, err) != 0)
		return -1;
	layouts_groups(&e->layouts, batch, false, e->groups);
	e->base.counters[SENT_flows] += e->base.config.is_biflow ? end - from
	    : drop_empty(e, batch, false, from, end);
	if (encode_direction(e, batch, false, from, end, now_us, err) != 0)
		return -1;
	if (!e->base.config.is_biflow) {
		layouts_groups(&e->layouts, batch, true, e->groups);
		e->base.counters[SENT_flows] += drop_empty(e, batch, true, from, end);
		if (encode_direction(e, batch, true, from, end, now_us, err) != 0)
			return -1;
	}
	message_finish(e);
	if (message_tell_keys(e, err) != 0)
		return -1;
	return encoder_base_flush(&e->base, err);
}

int
wire_encode(struct wire_encoder *e, const struct batch *batch, int64_t now_us,
    struct err *err)
{
	return wire_encode_rows(e, batch, 0, batch->rows, now_us, err);
}
