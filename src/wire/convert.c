/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernels of copy plans: n values, stride octets apart, to the values of a column.
 * One macro makes those for numbers, per width of the source and of the column; a number
 * too large for its column becomes the column's largest.
 */
#include "wire/run.h"

#include "base/cursor.h"

#define KERNEL(name, type, expression)                                                 \
	static void name(const struct run *run, const uint8_t *src, size_t stride,     \
	    size_t n, size_t len, void *out)                                           \
	{                                                                              \
		type *to = out;                                                        \
		size_t i;                                                              \
                                                                                       \
		(void)run;                                                             \
		(void)len;                                                             \
		for (i = 0; i < n; i++, src += stride)                                 \
			to[i] = (type)(expression);                                    \
	}

static inline uint64_t
at_most(uint64_t v, uint64_t max)
{
	return v < max ? v : max;
}

#define NUMBERS(width, max)                                                            \
	KERNEL(u8_to_##width, uint##width##_t, at_most(src[0], max))                   \
	KERNEL(u16_to_##width, uint##width##_t, at_most(load_be16(src), max))          \
	KERNEL(u32_to_##width, uint##width##_t, at_most(load_be32(src), max))          \
	KERNEL(u64_to_##width, uint##width##_t, at_most(load_be64(src), max))          \
	KERNEL(any_to_##width, uint##width##_t, at_most(load_be(src, len), max))

NUMBERS(8, UINT8_MAX)
NUMBERS(16, UINT16_MAX)
NUMBERS(32, UINT32_MAX)
NUMBERS(64, UINT64_MAX)

#define NUMBER_ROW(width) \
	{u8_to_##width, u16_to_##width, u32_to_##width, u64_to_##width, any_to_##width}
static convert_fn *const numbers[4][5] = {
    NUMBER_ROW(8), NUMBER_ROW(16), NUMBER_ROW(32), NUMBER_ROW(64)};

/* Times beyond the year 9999 are that. */
static const uint64_t SECONDS_MAX = 253402300799u;

static inline int64_t
from_seconds(uint64_t s)
{
	return (int64_t)at_most(s, SECONDS_MAX) * 1000000;
}

static inline int64_t
from_milli(uint64_t ms)
{
	return (int64_t)at_most(ms, SECONDS_MAX * 1000) * 1000;
}

/* RFC 5905, 6: seconds without the top bit are those after 2036. */
static inline int64_t
from_ntp(const uint8_t *src)
{
	uint64_t s = load_be32(src), fraction = load_be32(src + 4);

	s += s < 0x80000000u ? (uint64_t)1 << 32 : 0;
	return (int64_t)(s - 2208988800u) * 1000000 +
	    (int64_t)((fraction * 1000000 + 0x80000000u) >> 32);
}

/* 8 octets that do not fit 4 are milliseconds since 1970: some routers send those. */
static inline int64_t
from_uptime(const struct run *run, uint64_t ms)
{
	if (ms > UINT32_MAX)
		return from_milli(ms);
	return run->base_us + (int64_t)(int32_t)((uint32_t)ms - run->base_ms) * 1000;
}

KERNEL(high8, uint8_t, src[0])
KERNEL(low8, uint8_t, src[1])
KERNEL(addr4, uint32_t, load_be32(src))
KERNEL(mac, uint64_t, load_be(src, 6))
KERNEL(label, uint32_t, load_be(src, 3) >> 4)
KERNEL(seconds, int64_t, from_seconds(load_be(src, len)))
KERNEL(milli, int64_t, from_milli(load_be(src, len)))
KERNEL(ntp, int64_t, from_ntp(src))
KERNEL(uptime32, int64_t, from_uptime(run, load_be32(src)))
KERNEL(uptime, int64_t, from_uptime(run, load_be(src, len)))
KERNEL(delta, int64_t, run->export_us - (int64_t)at_most(load_be(src, len), UINT32_MAX))

static void
addr6(const struct run *run, const uint8_t *src, size_t stride, size_t n, size_t len,
    void *out)
{
	struct addr *to = out;
	size_t i;

	(void)run;
	(void)len;
	for (i = 0; i < n; i++, src += stride)
		to[i] = addr_v6(src);
}

convert_fn *
convert_find(enum conversion conversion, enum storage storage, size_t len)
{
	static const unsigned char column_of_len[9] = {4, 0, 1, 4, 2, 4, 4, 4, 3};

	switch (conversion) {
	case CONVERT_UINT:
		return numbers[storage == STORAGE_U8 ? 0 : storage == STORAGE_U16 ? 1
		    : storage == STORAGE_U32 ? 2 : 3][len > 8 ? 4 : column_of_len[len]];
	case CONVERT_HIGH8:
		return high8;
	case CONVERT_LOW8:
		return low8;
	case CONVERT_ADDR4:
		return addr4;
	case CONVERT_ADDR6:
		return addr6;
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
		return len == 4 ? uptime32 : uptime;
	case CONVERT_DELTA:
		return delta;
	default:
		return NULL;
	}
}
