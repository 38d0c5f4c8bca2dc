/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PARQUET_THRIFT_H
#define PARQUET_THRIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

struct text;

/* Thrift's compact protocol (thrift-compact-protocol.md), as much as Parquet uses. */
enum thrift_type {
	THRIFT_TRUE = 1,
	THRIFT_FALSE = 2,
	THRIFT_I8 = 3,
	THRIFT_I16 = 4,
	THRIFT_I32 = 5,
	THRIFT_I64 = 6,
	THRIFT_DOUBLE = 7,
	THRIFT_BINARY = 8,
	THRIFT_LIST = 9,
	THRIFT_SET = 10,
	THRIFT_MAP = 11,
	THRIFT_STRUCT = 12,
};

enum {
	THRIFT_DEPTH = 16,
};

/* ---- writing: thrift_begin opens the outermost struct or a list element ---- */
struct thrift_out {
	struct text *out;
	int depth;
	int16_t last[THRIFT_DEPTH];
};

void thrift_begin(struct thrift_out *t);
void thrift_end(struct thrift_out *t);
void thrift_put_struct(struct thrift_out *t, int id); /* ends with thrift_end */
void thrift_put_bool(struct thrift_out *t, int id, bool v);
void thrift_put_i16(struct thrift_out *t, int id, int16_t v);
void thrift_put_i32(struct thrift_out *t, int id, int32_t v);
void thrift_put_i64(struct thrift_out *t, int id, int64_t v);
void thrift_put_binary(struct thrift_out *t, int id, const void *bytes, size_t n);
void thrift_put_str(struct thrift_out *t, int id, const char *s);
/* n elements must follow, each by thrift_begin/end or by an element function. */
void thrift_put_list(struct thrift_out *t, int id, enum thrift_type type, size_t n);
void thrift_element_i32(struct thrift_out *t, int32_t v);
void thrift_element_str(struct thrift_out *t, const char *s);

void thrift_varint(struct text *out, uint64_t v);

static inline uint64_t
thrift_zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static inline int64_t
thrift_unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

/*
 * ---- reading: sticky failure, as a cursor ----
 *
 *	thrift_enter(&t);
 *	while (thrift_next(&t, &id))
 *		switch (id) {
 *		case 1: x = thrift_int(&t); break;
 *		default: thrift_skip(&t);
 *		}
 *
 * thrift_next leaves the struct by itself at its end. A value of another type than asked
 * for fails. Every turn consumes bytes, so loops end; depth is limited to THRIFT_DEPTH.
 */
struct thrift_in {
	struct cursor c;
	int depth;
	int type; /* of the field that thrift_next found */
	int16_t last[THRIFT_DEPTH];
};

struct thrift_bytes {
	const uint8_t *at;
	size_t n;
};

void thrift_enter(struct thrift_in *t);
bool thrift_next(struct thrift_in *t, int *id);
void thrift_skip(struct thrift_in *t);
/* The field as a struct or list; false (and failed) if it is none. */
bool thrift_is_struct(struct thrift_in *t);
/* Number of elements; type is set to the elements'. Never more than bytes are left. */
size_t thrift_list(struct thrift_in *t, enum thrift_type expect);
int64_t thrift_int(struct thrift_in *t);
int64_t thrift_int_element(struct thrift_in *t);
bool thrift_bool(struct thrift_in *t);
struct thrift_bytes thrift_binary(struct thrift_in *t);
struct thrift_bytes thrift_binary_element(struct thrift_in *t);

uint64_t thrift_take_varint(struct cursor *c);

#endif
