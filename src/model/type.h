/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_TYPE_H
#define MODEL_TYPE_H

#include "model/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct column;
struct text;

/* Members of rows that point elsewhere; borrowed, not 0-terminated. */
struct str {
	const char *data;
	uint32_t len;
};

static inline bool
str_equals(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* The same for a text that ends with a zero. */
static inline bool
str_is(struct str s, const char *text)
{
	return str_equals(s, (struct str){text, (uint32_t)strlen(text)});
}

struct list {
	const uint64_t *items;
	uint32_t count;
};

/* The C type of a row member, by type name (model/type.def). */
typedef uint8_t ctype_bool, ctype_u8, ctype_protocol, ctype_direction, ctype_end_reason,
    ctype_span_kind, ctype_kind, ctype_grade;
typedef uint16_t ctype_u16, ctype_tcp_flags;
typedef uint32_t ctype_u32;
typedef uint64_t ctype_u64, ctype_mac;
typedef int64_t ctype_time, ctype_duration;
typedef double ctype_f64, ctype_probability;
typedef struct addr ctype_addr;
typedef struct str ctype_text;
typedef struct list ctype_list_u64;

/* How a column of the type lies in memory; kernels switch on this, not on the type. */
enum storage {
	STORAGE_U8,
	STORAGE_U16,
	STORAGE_U32,
	STORAGE_U64,
	STORAGE_I64,
	STORAGE_F64,
	/* uint32_t[] while all are IPv4, else struct addr[] (column.is_mixed) */
	STORAGE_ADDR,
	STORAGE_TEXT, /* uint32_t codes into column.dict */
	STORAGE_LIST, /* uint32_t offsets[n + 1] into column.items */
};

enum type_id {
#define TYPE(id, ...) TYPE_##id,
#include "model/type.def"
#undef TYPE
	TYPES
};

enum style {
	STYLE_PEOPLE,  /* 2026-11-23 10:05:12.345, names for numbers */
	STYLE_MACHINE, /* 2026-11-23T10:05:12.345678Z, seconds with six decimals */
};

/*
 * A value type. Its functions work on a column of n values, never on one.
 *
 * print: appends the texts of rows from..from+n-1 to out, one behind the other; ends[i]
 * is out's length after the i-th. A null prints nothing. parse: cells[0..n-1] become rows
 * at..at+n-1 of a flat column with room; an empty cell is null. Returns n, or the index
 * of the first cell that is no such value.
 */
struct type {
	const char *id;
	const char *help;        /* what a value looks like, for usage and messages */
	/* of an enum's numbers, NULL-terminated; NULL: no enum */
	const char *const *names;
	enum storage storage;
	uint8_t width;           /* usual width of the text in a table */
	bool is_number;          /* JSON number; right-aligned in tables */
	bool is_ordered;         /* < and > mean something */
	void (*print)(struct text *out, const struct column *c, size_t from, size_t n,
	    uint32_t *ends, enum style style);
	size_t (*parse)(struct column *c, size_t at, const struct str *cells, size_t n);
};

extern const struct type types[TYPES];

/* Bytes per value in a column: of the u32 code or offset for text and lists. */
size_t storage_size(enum storage storage);

/* Makes row null in a flat column: for parse functions. */
void column_set_null(struct column *c, size_t row);

/* ISO 8601 (date, or date and time, optional fraction, Z or +hh:mm, default UTC) or epoch
 * seconds with a fraction, to microseconds. Numbers too large for seconds are milli-,
 * micro- or nanoseconds. */
bool time_parse(const char *s, size_t n, int64_t *out_us);
/* Writes at most 32 bytes with the 0; returns the length. */
size_t time_print(int64_t us, enum style style, char out[32]);

/* "tcp" or "6" to 6; -1 if neither. */
int protocol_parse(const char *s, size_t n);
/* NULL where the number has no name here. */
const char *protocol_name(uint8_t protocol);

#endif
