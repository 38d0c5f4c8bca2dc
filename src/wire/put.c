/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Columns to the octets of records: the counterpart of convert.c. Rows mostly follow each
 * other.
 */
#include "wire/put.h"

#include "model/batch.h"
#include "model/flow.h"
#include "model/mark.h"

#define ROWS(value, expression)                                                     \
	for (i = 0; i < n; i++) {                                                   \
		at = to[i] + offset;                                                \
		v = (value);                                                        \
		expression;                                                         \
	}
#define KERNEL(name, type, expression)                                              \
	static void name(const struct column *c, const struct put_rows *rows,       \
	    size_t offset, int64_t boot_us)                                         \
	{                                                                           \
		const type *values = c->values;                                     \
		const uint32_t *picks = rows->picks;                                \
		uint8_t **to = rows->to, *at;                                       \
		type v;                                                             \
		size_t i, n = rows->n;                                              \
                                                                                    \
		(void)boot_us;                                                      \
		if (c->form == COLUMN_CONSTANT) {                                   \
			ROWS(values[0], expression)                                 \
		} else if (rows->is_run) {                                          \
			values += picks[0];                                         \
			ROWS(values[i], expression)                                 \
		} else {                                                            \
			ROWS(values[picks[i]], expression)                          \
		}                                                                   \
	}

static inline uint64_t
at_most(uint64_t v, uint64_t max)
{
	return v < max ? v : max;
}

#define NUMBERS(width)                                                              \
	KERNEL(u##width##_8, uint##width##_t, *at = (uint8_t)at_most(v, 255))       \
	KERNEL(u##width##_16, uint##width##_t, put_be16(at, \
	    (uint16_t)at_most(v, 65535))) \
	KERNEL(u##width##_32, uint##width##_t, put_be32(at, \
	    (uint32_t)at_most(v, UINT32_MAX))) \
	KERNEL(u##width##_64, uint##width##_t, put_be64(at, v))

NUMBERS(8)
NUMBERS(16)
NUMBERS(32)
NUMBERS(64)

typedef void put_fn(const struct column *c, const struct put_rows *rows, size_t offset,
    int64_t boot_us);

#define NUMBER_ROW(width) {u##width##_8, u##width##_16, u##width##_32, u##width##_64}
static put_fn *const numbers[4][4] = {
    NUMBER_ROW(8), NUMBER_ROW(16), NUMBER_ROW(32), NUMBER_ROW(64)};

static inline void
put_mac(uint8_t *at, uint64_t v)
{
	v = __builtin_bswap64(v << 16);
	memcpy(at, &v, 6);
}

static inline void
put_label(uint8_t *at, uint32_t v)
{
	put_be16(at, (uint16_t)(v >> 4));
	at[2] = (uint8_t)(v << 4 | 1); /* bottom of stack */
}

static inline int64_t
floor_divide(int64_t v, int64_t by)
{
	return v / by - (v % by < 0);
}

/* The clock of a datagram begins before its flows do. */
static inline uint32_t
uptime_of(int64_t us, int64_t boot_us)
{
	return us < boot_us ? 0 : (uint32_t)((uint64_t)(us - boot_us) / 1000);
}

/* RFC 7011, 6.1.9: 21 bits of fraction are enough for microseconds. */
static inline void
put_ntp(uint8_t *at, int64_t us)
{
	int64_t s = floor_divide(us, 1000000);
	uint64_t fraction = (uint64_t)(us - s * 1000000);

	put_be32(at, (uint32_t)(s + 2208988800));
	put_be32(at + 4, (uint32_t)(((fraction << 21) + 500000) / 1000000) << 11);
}

KERNEL(byte, uint8_t, *at = v)
KERNEL(low_byte, uint16_t, *at = (uint8_t)v)
KERNEL(short16, uint16_t, put_be16(at, v))
KERNEL(short32, uint32_t, put_be16(at, v > UINT16_MAX ? 0 : (uint16_t)v))
KERNEL(mac, uint64_t, put_mac(at, v))
KERNEL(label, uint32_t, put_label(at, v))
KERNEL(seconds, int64_t, put_be32(at, (uint32_t)floor_divide(v, 1000000)))
KERNEL(milli, int64_t, put_be64(at, (uint64_t)floor_divide(v, 1000)))
KERNEL(ntp, int64_t, put_ntp(at, v))
KERNEL(uptime, int64_t, put_be32(at, uptime_of(v, boot_us)))
KERNEL(addr4, uint32_t, put_be32(at, v))
KERNEL(addr4_mixed, struct addr, put_be32(at, v.is_v6 ? 0 : v.v4))
KERNEL(addr6, struct addr,
    v.is_v6 ? (void)memcpy(at, v.v6, 16)
    : (memset(at, 0, 10), memset(at + 10, 0xff, 2), put_be32(at + 12, v.v4)))
KERNEL(addr6_narrow, uint32_t,
    (memset(at, 0, 10), memset(at + 10, 0xff, 2), put_be32(at + 12, v)))

static put_fn *
find(const struct column *c, enum conversion conversion, size_t len)
{
	enum storage storage = types[c->type].storage;

	switch (conversion) {
	case CONVERT_HIGH8:
	case CONVERT_LOW8:
		return storage == STORAGE_U16 ? low_byte : byte;
	case CONVERT_SHORT:
		return storage == STORAGE_U16 ? short16 : short32;
	case CONVERT_ADDR4:
		return c->is_mixed ? addr4_mixed : addr4;
	case CONVERT_ADDR6:
		return c->is_mixed ? addr6 : addr6_narrow;
	case CONVERT_MAC:
		return mac;
	case CONVERT_LABEL:
		return label;
	case CONVERT_SECONDS:
		return seconds;
	case CONVERT_MILLI:
		return milli;
	case CONVERT_NTP:
		return ntp;
	case CONVERT_UPTIME:
		return uptime;
	default:
		return numbers[storage == STORAGE_U8 ? 0 : storage == STORAGE_U16 ? 1
		    : storage == STORAGE_U32 ? 2 : 3]
		    [len == 1 ? 0 : len == 2 ? 1 : len == 4 ? 2 : 3];
	}
}

void
put_column(const struct column *c, enum conversion conversion, size_t len,
    const struct put_rows *rows, size_t offset, int64_t boot_us)
{
	find(c, conversion, len)(c, rows, offset, boot_us);
}

void
put_zeros(const struct put_rows *rows, size_t offset, size_t len)
{
	size_t i;

	for (i = 0; i < rows->n; i++)
		memset(rows->to[i] + offset, 0, len);
}

void
put_known_direction(const struct put_rows *rows, size_t offset)
{
	size_t i;

	for (i = 0; i < rows->n; i++) {
		if (rows->to[i][offset] > 3)
			rows->to[i][offset] = 1;
	}
}

static inline bool
is_null(const struct column *c, size_t row)
{
	return c->form == COLUMN_ABSENT || column_is_null(c, row);
}

static inline bool
is_zero(const struct column *c, size_t row)
{
	return is_null(c, row) || column_u64(c, row) == 0;
}

bool
put_has_reverse(const struct batch *batch, size_t row)
{
	return !is_null(&batch->columns[FLOW_reverse_bytes], row) ||
	    !is_null(&batch->columns[FLOW_reverse_packets], row);
}

bool
put_is_empty(const struct batch *batch, size_t row, bool is_turned, bool has_own)
{
	const struct column *c = batch->columns;

	if (!is_zero(&c[is_turned ? FLOW_reverse_packets : FLOW_packets], row) ||
	    !is_zero(&c[is_turned ? FLOW_reverse_bytes : FLOW_bytes], row))
		return false;
	if (has_own && (!is_zero(&c[is_turned ? FLOW_reverse_outside_packets
	    : FLOW_outside_packets], row) ||
	    !is_zero(&c[is_turned ? FLOW_reverse_span : FLOW_span], row)))
		return false;
	return is_turned || put_has_reverse(batch, row) ||
	    !is_null(&c[FLOW_sampling], row);
}

uint8_t
icmp_answer(uint8_t type)
{
	static const uint8_t pairs[][2] = {
#define ANSWER(protocol, request, answer) {request, answer}, {answer, request},
#include "model/icmp.def"
#undef ANSWER
	};
	size_t i;

	for (i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		if (pairs[i][0] == type)
			return pairs[i][1];
	}
	return type;
}

void
put_label_ends(const struct batch *batch, unsigned field, const struct put_rows *rows,
    size_t offset)
{
	const struct column *c = &batch->columns[field], *below = c + 1;
	size_t i;

	for (i = 0; i < rows->n; i++) {
		if (is_null(c, rows->picks[i]))
			memset(rows->to[i] + offset, 0, 3);
		else if (field < FLOW_mpls_label10 && !is_null(below, rows->picks[i]))
			rows->to[i][offset + 2] &= (uint8_t)~1;
	}
}

void
put_icmp_answer(const struct put_rows *rows, size_t offset)
{
	size_t i;

	for (i = 0; i < rows->n; i++)
		rows->to[i][offset] = icmp_answer(rows->to[i][offset]);
}

static size_t
octets_of(const struct column *c, size_t row, size_t *whole)
{
	bool is_list;
	size_t most;

	*whole = 0;
	if (c == NULL || column_is_null(c, row))
		return 0;
	is_list = types[c->type].storage == STORAGE_LIST;
	most = is_list ? LIST_MOST : TEXT_MOST;
	*whole = is_list ? (size_t)column_list(c, row).count * 8 : column_text(c,
	    row).len;
	return *whole < most ? *whole : most;
}

size_t
put_variable_len(const struct column *c, size_t row)
{
	size_t whole;

	return octets_of(c, row, &whole);
}

uint8_t *
put_variable(const struct column *c, enum conversion conversion, size_t row, size_t most,
    uint8_t *to, uint64_t *cut)
{
	size_t whole, n = octets_of(c, row, &whole), i;
	struct list list;

	n = n < most ? n : most;

	if (n < 255) {
		*to++ = (uint8_t)n;
	} else {
		*to++ = 255;
		put_be16(to, (uint16_t)n);
		to += 2;
	}
	*cut += n < whole;
	if (n == 0)
		return to;
	if (conversion == CONVERT_TEXT) {
		memcpy(to, column_text(c, row).data, n);
		return to + n;
	}
	list = column_list(c, row);
	for (i = 0; i < n / 8; i++, to += 8)
		put_be64(to, list.items[i]);
	if (n < whole) /* the last one tells how many are missing */
		put_be64(to - 8, mark_pack(MARK_LOST, (whole - n) / 8 + 1,
		    mark_offset(list.items[n / 8 - 1])));
	return to;
}
