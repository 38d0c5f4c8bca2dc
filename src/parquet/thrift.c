/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thrift's compact protocol. A struct is a row of fields, each a byte of id difference
 * and type followed by the value, and a zero byte; integers are zigzag varints; a boolean
 * is its field's type. The reader trusts nothing: counts are limited by the bytes that
 * are left (every element takes one), depth by THRIFT_DEPTH, and a failure stays.
 */
#include "parquet/thrift.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"

void
thrift_varint(struct text *out, uint64_t v)
{
	uint8_t *to = (uint8_t *)text_room(out, 10);
	size_t n = 0;

	while (v >= 0x80) {
		to[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	to[n++] = (uint8_t)v;
	out->len += n;
	out->data[out->len] = '\0';
}

static void
put_field(struct thrift_out *t, int id, enum thrift_type type)
{
	int16_t *last = &t->last[t->depth - 1];
	int step = id - *last;

	if (step > 0 && step <= 15) {
		text_char(t->out, (char)(step << 4 | type));
	} else {
		text_char(t->out, (char)type);
		thrift_varint(t->out, thrift_zigzag(id));
	}
	*last = (int16_t)id;
}

void
thrift_begin(struct thrift_out *t)
{
	assert(t->depth < THRIFT_DEPTH);
	t->last[t->depth++] = 0;
}

void
thrift_end(struct thrift_out *t)
{
	assert(t->depth > 0);
	text_char(t->out, 0);
	t->depth--;
}

void
thrift_put_struct(struct thrift_out *t, int id)
{
	put_field(t, id, THRIFT_STRUCT);
	thrift_begin(t);
}

void
thrift_put_bool(struct thrift_out *t, int id, bool v)
{
	put_field(t, id, v ? THRIFT_TRUE : THRIFT_FALSE);
}

void
thrift_put_i16(struct thrift_out *t, int id, int16_t v)
{
	put_field(t, id, THRIFT_I16);
	thrift_varint(t->out, thrift_zigzag(v));
}

void
thrift_put_i32(struct thrift_out *t, int id, int32_t v)
{
	put_field(t, id, THRIFT_I32);
	thrift_varint(t->out, thrift_zigzag(v));
}

void
thrift_put_i64(struct thrift_out *t, int id, int64_t v)
{
	put_field(t, id, THRIFT_I64);
	thrift_varint(t->out, thrift_zigzag(v));
}

void
thrift_put_binary(struct thrift_out *t, int id, const void *bytes, size_t n)
{
	put_field(t, id, THRIFT_BINARY);
	thrift_varint(t->out, n);
	text_bytes(t->out, bytes, n);
}

void
thrift_put_str(struct thrift_out *t, int id, const char *s)
{
	thrift_put_binary(t, id, s, strlen(s));
}

void
thrift_put_list(struct thrift_out *t, int id, enum thrift_type type, size_t n)
{
	put_field(t, id, THRIFT_LIST);
	if (n < 15) {
		text_char(t->out, (char)(n << 4 | type));
	} else {
		text_char(t->out, (char)(0xf0 | type));
		thrift_varint(t->out, n);
	}
}

void
thrift_element_i32(struct thrift_out *t, int32_t v)
{
	thrift_varint(t->out, thrift_zigzag(v));
}

void
thrift_element_str(struct thrift_out *t, const char *s)
{
	size_t n = strlen(s);

	thrift_varint(t->out, n);
	text_bytes(t->out, s, n);
}

/* ---- reading ---- */

static void
fail(struct thrift_in *t)
{
	t->c.failed = true;
	t->c.at = t->c.end;
}

uint64_t
thrift_take_varint(struct cursor *c)
{
	uint64_t v = 0;
	unsigned shift = 0;

	for (; shift < 64; shift += 7) {
		uint8_t b = cursor_u8(c);

		v |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80)
			return v;
	}
	c->failed = true;
	c->at = c->end;
	return 0;
}

void
thrift_enter(struct thrift_in *t)
{
	if (t->depth == THRIFT_DEPTH) {
		fail(t);
		return;
	}
	t->last[t->depth++] = 0;
}

bool
thrift_next(struct thrift_in *t, int *id)
{
	uint8_t b = cursor_u8(&t->c);
	int step = b >> 4;

	if (!cursor_ok(&t->c))
		return false;
	if (b == 0) {
		t->depth--;
		return false;
	}
	t->type = b & 15;
	if (step != 0)
		step += t->last[t->depth - 1];
	else
		step = (int)thrift_unzigzag(thrift_take_varint(&t->c));
	if (step < 0 || step > INT16_MAX || t->type > THRIFT_STRUCT || t->type == 0)
		fail(t);
	t->last[t->depth - 1] = (int16_t)step;
	*id = step;
	return cursor_ok(&t->c);
}

/* Element count of the list that follows; type becomes the elements'. */
static size_t
list_header(struct thrift_in *t)
{
	uint8_t b = cursor_u8(&t->c);
	uint64_t n = b >> 4;

	t->type = b & 15;
	if (n == 15)
		n = thrift_take_varint(&t->c);
	if (n > cursor_left(&t->c) || t->type > THRIFT_STRUCT || t->type == 0)
		fail(t);
	return cursor_ok(&t->c) ? n : 0;
}

static void skip_value(struct thrift_in *t, int type, int depth);

static void
skip_list(struct thrift_in *t, int depth)
{
	size_t n = list_header(t);
	int type = t->type;

	while (n-- > 0 && cursor_ok(&t->c)) {
		if (type == THRIFT_TRUE || type == THRIFT_FALSE)
			cursor_skip(&t->c, 1);
		else
			skip_value(t, type, depth + 1);
	}
}

static void
skip_map(struct thrift_in *t, int depth)
{
	uint64_t n = thrift_take_varint(&t->c);
	uint8_t types = n == 0 ? 0 : cursor_u8(&t->c);

	if (n > cursor_left(&t->c))
		fail(t);
	while (n-- > 0 && cursor_ok(&t->c)) {
		skip_value(t, types >> 4, depth + 1);
		skip_value(t, types & 15, depth + 1);
	}
}

static void
skip_value(struct thrift_in *t, int type, int depth)
{
	int id;

	if (t->depth + depth > THRIFT_DEPTH) {
		fail(t);
		return;
	}
	switch (type) {
	case THRIFT_TRUE:
	case THRIFT_FALSE:
		break;
	case THRIFT_I8:
		cursor_skip(&t->c, 1);
		break;
	case THRIFT_I16:
	case THRIFT_I32:
	case THRIFT_I64:
		(void)thrift_take_varint(&t->c);
		break;
	case THRIFT_DOUBLE:
		cursor_skip(&t->c, 8);
		break;
	case THRIFT_BINARY:
		cursor_skip(&t->c, thrift_take_varint(&t->c));
		break;
	case THRIFT_LIST:
	case THRIFT_SET:
		skip_list(t, depth);
		break;
	case THRIFT_MAP:
		skip_map(t, depth);
		break;
	case THRIFT_STRUCT:
		thrift_enter(t);
		while (thrift_next(t, &id))
			skip_value(t, t->type, depth);
		break;
	default:
		fail(t);
	}
}

void
thrift_skip(struct thrift_in *t)
{
	skip_value(t, t->type, 0);
}

bool
thrift_is_struct(struct thrift_in *t)
{
	if (t->type != THRIFT_STRUCT)
		fail(t);
	return cursor_ok(&t->c);
}

size_t
thrift_list(struct thrift_in *t, enum thrift_type expect)
{
	size_t n;

	if (t->type != THRIFT_LIST) {
		fail(t);
		return 0;
	}
	n = list_header(t);
	if (n > 0 && t->type != (int)expect)
		fail(t);
	return cursor_ok(&t->c) ? n : 0;
}

int64_t
thrift_int_element(struct thrift_in *t)
{
	return thrift_unzigzag(thrift_take_varint(&t->c));
}

int64_t
thrift_int(struct thrift_in *t)
{
	if (t->type == THRIFT_I8)
		return (int8_t)cursor_u8(&t->c);
	if (t->type < THRIFT_I16 || t->type > THRIFT_I64) {
		fail(t);
		return 0;
	}
	return thrift_int_element(t);
}

bool
thrift_bool(struct thrift_in *t)
{
	if (t->type != THRIFT_TRUE && t->type != THRIFT_FALSE)
		fail(t);
	return t->type == THRIFT_TRUE;
}

struct thrift_bytes
thrift_binary_element(struct thrift_in *t)
{
	struct thrift_bytes b = {NULL, 0};
	uint64_t n = thrift_take_varint(&t->c);
	const uint8_t *at = cursor_take(&t->c, n);

	if (at != NULL)
		b = (struct thrift_bytes){at, n};
	return b;
}

struct thrift_bytes
thrift_binary(struct thrift_in *t)
{
	if (t->type != THRIFT_BINARY)
		fail(t);
	return thrift_binary_element(t);
}
