/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The value types: how columns of each are printed and parsed. One function serves all
 * types of a look; the type table (type.def) says which.
 */
#include "model/type.h"

#include "base/text.h"
#include "model/batch.h"
#include "model/dict.h"
#include "model/enums.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME(number, id) [number] = #id,
static const char *const direction_names[] = {DIRECTION_NAMES(NAME) NULL};
static const char *const end_reason_names[] = {END_REASON_NAMES(NAME) NULL};
static const char *const span_kind_names[] = {SPAN_KIND_NAMES(NAME) NULL};
static const char *const kind_names[] = {KIND_NAMES(NAME) NULL};
static const char *const grade_names[] = {GRADE_NAMES(NAME) NULL};
#undef NAME

static const struct {
	uint8_t number;
	const char *name;
} protocols[] = {
	{6, "tcp"}, {17, "udp"}, {1, "icmp"}, {58, "icmpv6"}, {2, "igmp"}, {4, "ipip"},
	{41, "ipv6"}, {46, "rsvp"}, {47, "gre"}, {50, "esp"}, {51, "ah"}, {89, "ospf"},
	{103, "pim"}, {112, "vrrp"}, {115, "l2tp"}, {132, "sctp"}, {33, "dccp"},
	{136, "udplite"}, {88, "eigrp"},
};

/* RFC 9565: bit 0 is FIN. */
static const char flag_letters[] = "FSRPAUEC";

size_t
storage_size(enum storage storage)
{
	static const uint8_t sizes[] = {
		[STORAGE_U8] = 1, [STORAGE_U16] = 2, [STORAGE_U32] = 4, [STORAGE_U64] = 8,
		[STORAGE_I64] = 8, [STORAGE_F64] = 8,
		[STORAGE_ADDR] = sizeof(struct addr),
		[STORAGE_TEXT] = 4, [STORAGE_LIST] = 4,
	};

	return sizes[storage];
}

const char *
protocol_name(uint8_t protocol)
{
	size_t i;

	for (i = 0; i < sizeof protocols / sizeof *protocols; i++) {
		if (protocols[i].number == protocol)
			return protocols[i].name;
	}
	return NULL;
}

int
protocol_parse(const char *s, size_t n)
{
	uint64_t v;
	size_t i;

	for (i = 0; i < sizeof protocols / sizeof *protocols; i++) {
		if (strlen(protocols[i].name) == n && strncasecmp(protocols[i].name, s,
		    n) == 0)
			return protocols[i].number;
	}
	return parse_u64(s, n, &v) && v <= 255 ? (int)v : -1;
}

/* Calls `body` for each row i of from..from+n-1 that is not null and notes the ends. */
#define PRINT_ROWS(body)                                                \
	size_t i;                                                       \
                                                                        \
	for (i = from; i < from + n; i++) {                             \
		if (!column_is_null(c, i)) {                            \
			body;                                           \
		}                                                       \
		ends[i - from] = (uint32_t)out->len;                    \
	}

static void
number_print(struct text *out, const struct column *c, size_t from, size_t n,
    uint32_t *ends, enum style style)
{
	PRINT_ROWS(text_u64(out, column_u64(c, i)))
}

static void
real_print(struct text *out, const struct column *c, size_t from, size_t n,
    uint32_t *ends, enum style style)
{
	char s[32];

	PRINT_ROWS(
		double v = column_f64(c, i);

		if (style == STYLE_MACHINE)
			text_f64(out, v);
		else
			text_bytes(out, s, (size_t)snprintf(s, sizeof s, "%.4f", v));
	)
}

static void
time_print_column(struct text *out, const struct column *c, size_t from, size_t n,
    uint32_t *ends, enum style style)
{
	char s[32];

	PRINT_ROWS(text_bytes(out, s, time_print((int64_t)column_u64(c, i), style, s)))
}

static void
duration_print(struct text *out, const struct column *c, size_t from, size_t n,
    uint32_t *ends, enum style style)
{
	char s[40];

	PRINT_ROWS(
		int64_t us = (int64_t)column_u64(c, i);
		uint64_t size = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
		int len = snprintf(s, sizeof s, "%s%llu.%06u", us < 0 ? "-" : "",
		    (unsigned long long)(size / 1000000), (unsigned)(size % 1000000));

		text_bytes(out, s, (size_t)len - (style == STYLE_PEOPLE ? 3 : 0));
	)
}

static void
addr_print_column(struct text *out, const struct column *c, size_t from, size_t n,
    uint32_t *ends, enum style style)
{
	PRINT_ROWS(
		struct addr a = column_addr(c, i);

		out->len += addr_print(&a, text_room(out, ADDR_TEXT));
	)
}

static void
mac_print(struct text *out, const struct column *c, size_t from, size_t n, uint32_t *ends,
    enum style style)
{
	char s[18];

	PRINT_ROWS(
		uint64_t v = column_u64(c, i);

		snprintf(s, sizeof s, "%02x:%02x:%02x:%02x:%02x:%02x",
		(unsigned)(v >> 40 & 255), (unsigned)(v >> 32 & 255),
		(unsigned)(v >> 24 & 255), (unsigned)(v >> 16 & 255),
		(unsigned)(v >> 8 & 255), (unsigned)(v & 255));
		text_bytes(out, s, 17);
	)
}

static void
text_print(struct text *out, const struct column *c, size_t from, size_t n,
    uint32_t *ends, enum style style)
{
	PRINT_ROWS(
		struct str s = column_text(c, i);

		text_bytes(out, s.data, s.len);
	)
}

static void
list_print(struct text *out, const struct column *c, size_t from, size_t n,
    uint32_t *ends, enum style style)
{
	PRINT_ROWS(
		struct list list = column_list(c, i);
		uint32_t k;

		for (k = 0; k < list.count; k++) {
			if (k > 0)
				text_char(out, ' ');
			text_u64(out, list.items[k]);
		}
	)
}

static void
protocol_print(struct text *out, const struct column *c, size_t from, size_t n,
    uint32_t *ends, enum style style)
{
	PRINT_ROWS(
		uint8_t v = (uint8_t)column_u64(c, i);
		const char *name = protocol_name(v);

		if (name != NULL)
			text_str(out, name);
		else
			text_u64(out, v);
	)
}

static void
tcp_flags_print(struct text *out, const struct column *c, size_t from, size_t n,
    uint32_t *ends, enum style style)
{
	PRINT_ROWS(
		unsigned v = (unsigned)column_u64(c, i);
		int bit;

		if (v > 0xff) {
			text_printf(out, "0x%04x", v);
		} else {
			for (bit = 7; bit >= 0; bit--)
				text_char(out, v >> bit & 1 ? flag_letters[bit] : '.');
		}
	)
}

static void
name_print(struct text *out, const struct column *c, size_t from, size_t n,
    uint32_t *ends, enum style style)
{
	const char *const *names = types[c->type].names;
	size_t count = 0;

	while (names[count] != NULL)
		count++;
	PRINT_ROWS(
		uint64_t v = column_u64(c, i);

		if (v < count)
			text_str(out, names[v]);
		else
			text_u64(out, v);
	)
}

/* One integer into row `row` of a flat column; false if it does not fit. */
static bool
put_integer(struct column *c, size_t row, uint64_t v)
{
	switch (types[c->type].storage) {
	case STORAGE_U8:
		((uint8_t *)c->values)[row] = (uint8_t)v;
		return v <= UINT8_MAX;
	case STORAGE_U16:
		((uint16_t *)c->values)[row] = (uint16_t)v;
		return v <= UINT16_MAX;
	case STORAGE_U32:
		((uint32_t *)c->values)[row] = (uint32_t)v;
		return v <= UINT32_MAX;
	default:
		((uint64_t *)c->values)[row] = v;
		return true;
	}
}

/* Runs `body`, which must set `is_good`, for each cell that is not empty. */
#define PARSE_CELLS(body)                                               \
	size_t i;                                                       \
	bool is_good;                                                   \
                                                                        \
	for (i = 0; i < n; i++) {                                       \
		const char *s = cells[i].data;                          \
		size_t len = cells[i].len;                              \
                                                                        \
		if (len == 0) {                                         \
			column_set_null(c, at + i);                     \
			continue;                                       \
		}                                                       \
		if (c->valid != NULL)                                   \
			c->valid[(at + i) / 64] |= (uint64_t)1 << (at + i) % 64; \
		body;                                                   \
		if (!is_good)                                           \
			return i;                                       \
	}                                                               \
	return n;

static size_t
number_parse(struct column *c, size_t at, const struct str *cells, size_t n)
{
	uint64_t v;

	PARSE_CELLS(is_good = parse_u64(s, len, &v) && put_integer(c, at + i, v) &&
	    (c->type != TYPE_bool || v <= 1))
}

static size_t
real_parse(struct column *c, size_t at, const struct str *cells, size_t n)
{
	PARSE_CELLS(is_good = parse_f64(s, len, (double *)c->values + at + i))
}

static size_t
time_parse_column(struct column *c, size_t at, const struct str *cells, size_t n)
{
	PARSE_CELLS(is_good = time_parse(s, len, (int64_t *)c->values + at + i))
}

static size_t
duration_parse(struct column *c, size_t at, const struct str *cells, size_t n)
{
	PARSE_CELLS(is_good = (len < 5 || s[4] != '-') &&
	    time_parse(s, len, (int64_t *)c->values + at + i))
}

static size_t
addr_parse_column(struct column *c, size_t at, const struct str *cells, size_t n)
{
	struct addr a;

	PARSE_CELLS(
		is_good = addr_parse(s, len, &a);
		if (is_good && a.is_v6 && !c->is_mixed)
			column_mix(c, at + i);
		if (is_good && c->is_mixed)
			((struct addr *)c->values)[at + i] = a;
		else if (is_good)
			((uint32_t *)c->values)[at + i] = a.v4;
	)
}

static size_t
mac_parse(struct column *c, size_t at, const struct str *cells, size_t n)
{
	unsigned b[6];
	char copy[18];
	int used;

	PARSE_CELLS(
		is_good = len == 17;
		if (is_good) {
			memcpy(copy, s, 17);
			copy[17] = '\0';
			is_good = sscanf(copy, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1],
			&b[2], &b[3], &b[4], &b[5], &used) == 6 && used == 17;
		}
		if (is_good)
			((uint64_t *)c->values)[at + i] = (uint64_t)b[0] << 40 |
			    (uint64_t)b[1] << 32 | (uint64_t)b[2] << 24 |
			    (uint64_t)b[3] << 16 |
			    (uint64_t)b[4] << 8 | b[5];
	)
}

static size_t
text_parse(struct column *c, size_t at, const struct str *cells, size_t n)
{
	PARSE_CELLS(
		((uint32_t *)c->values)[at + i] = dict_code(c->dict, s, len);
		is_good = true;
	)
}

static size_t
list_parse(struct column *c, size_t at, const struct str *cells, size_t n)
{
	uint32_t *offsets = c->values;
	const char *p;
	uint64_t v;

	c->items_len = offsets[at];
	PARSE_CELLS(
		const char *end = s + len;

		is_good = true;
		while (s < end && is_good) {
			for (p = s; p < end && *p != ' '; p++)
				;
			is_good = parse_u64(s, (size_t)(p - s), &v);
			column_item(c, v);
			s = p < end ? p + 1 : p;
		}
		offsets[at + i + 1] = (uint32_t)c->items_len;
	)
}

static size_t
protocol_parse_column(struct column *c, size_t at, const struct str *cells, size_t n)
{
	int v;

	PARSE_CELLS(
		v = protocol_parse(s, len);
		is_good = v >= 0;
		((uint8_t *)c->values)[at + i] = (uint8_t)v;
	)
}

static size_t
tcp_flags_parse(struct column *c, size_t at, const struct str *cells, size_t n)
{
	const char *letter;
	uint64_t v;
	size_t k;

	PARSE_CELLS(
		if (len > 2 && s[0] == '0' && s[1] == 'x') {
			char *end;
			char copy[8] = {0};

			is_good = len <= 6;
			memcpy(copy, s, is_good ? len : 2);
			v = strtoul(copy, &end, 16);
			is_good = is_good && *end == '\0';
		} else if (parse_u64(s, len, &v)) {
			is_good = v <= UINT16_MAX;
		} else {
			is_good = true;
			for (v = 0, k = 0; k < len && is_good; k++) {
				if (s[k] == '.')
					continue;
				letter = strchr(flag_letters, s[k] & ~0x20);
				is_good = s[k] != '\0' && letter != NULL &&
				*letter != '\0';
				if (is_good)
					v |= (uint64_t)1 << (letter - flag_letters);
			}
		}
		((uint16_t *)c->values)[at + i] = (uint16_t)v;
	)
}

static size_t
name_parse(struct column *c, size_t at, const struct str *cells, size_t n)
{
	const char *const *names = types[c->type].names;
	uint64_t v;

	PARSE_CELLS(
		is_good = false;
		for (v = 0; names[v] != NULL && !is_good; v += !is_good)
			is_good = strlen(names[v]) == len && memcmp(names[v], s,
			len) == 0;
		is_good = is_good || (parse_u64(s, len, &v) && v <= UINT8_MAX);
		((uint8_t *)c->values)[at + i] = (uint8_t)v;
	)
}

#define time_print time_print_column
#define addr_print addr_print_column
#define time_parse time_parse_column
#define addr_parse addr_parse_column
#define protocol_parse protocol_parse_column
const struct type types[TYPES] = {
#define TYPE(name_, storage_, stem, ...)                                            \
	[TYPE_##name_] = {.id = #name_, .storage = STORAGE_##storage_,              \
	    .print = stem##_print, .parse = stem##_parse, __VA_ARGS__},
#include "model/type.def"
#undef TYPE
};
