/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values in a filter: what the reader wrote becomes a range of keys. Numbers, durations
 * and addresses have a writing of their own here (units, prefixes); all other types are
 * read by their own parser of the type table.
 */
#include "filter/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/batch.h"

typedef unsigned __int128 u128;

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit number_units[] = {
    {"", 1},
    {"k", 1000},
    {"K", 1000},
    {"M", 1000000},
    {"G", 1000000000},
    {"T", 1000000000000},
    {"Ki", 1ull << 10},
    {"Mi", 1ull << 20},
    {"Gi", 1ull << 30},
    {"Ti", 1ull << 40},
    {NULL, 0},
};
static const struct unit time_units[] = {
    {"", 1000000},   {"us", 1},         {"ms", 1000},       {"s", 1000000},
    {"m", 60000000}, {"h", 3600000000}, {"d", 86400000000}, {NULL, 0},
};

static void *
grow(void *items, size_t count, size_t *cap, size_t size)
{
	if (count < *cap)
		return items;
	*cap = *cap == 0 ? 4 : *cap * 2;
	if ((items = realloc(items, *cap * size)) == NULL) {
		fputs("weir: out of memory\n", stderr);
		abort();
	}
	return items;
}

static void
add_range(struct test *t, uint64_t first, uint64_t last)
{
	t->ranges = grow(t->ranges, t->range_count, &t->range_cap, sizeof *t->ranges);
	t->ranges[t->range_count++] = (struct range){first, last - first};
}

static void
add_wide(struct test *t, u128 first, u128 last)
{
	t->wide = grow(t->wide, t->wide_count, &t->wide_cap, sizeof *t->wide);
	t->wide[t->wide_count++] = (struct wide_range){first, last - first};
}

static void
add_text(struct test *t, struct str s)
{
	t->texts = grow(t->texts, t->text_count, &t->text_cap, sizeof *t->texts);
	t->texts[t->text_count++] = s;
}

/* Keys that stand to key as op says; greatest is the largest key there is. */
static void
add_keys(struct test *t, enum operation op, uint64_t key, uint64_t greatest)
{
	switch (op) {
	case OP_LT:
		if (key > 0)
			add_range(t, 0, key - 1);
		break;
	case OP_LE:
		add_range(t, 0, key);
		break;
	case OP_GT:
		if (key < greatest)
			add_range(t, key + 1, greatest);
		break;
	case OP_GE:
		add_range(t, key, greatest);
		break;
	default:
		add_range(t, key, key);
	}
}

/*
 * Digits, perhaps a point and more of them, a unit: value times factor. Fails where the
 * result is no whole number or above 2^64 - 1.
 */
static bool
scaled(struct str s, const struct unit *units, uint64_t *out)
{
	u128 whole = 0, part = 0, scale = 1;
	uint32_t i = 0, digits = 0;

	for (; i < s.len && s.data[i] >= '0' && s.data[i] <= '9'; i++, digits++) {
		whole = whole * 10 + (unsigned)(s.data[i] - '0');
		if (whole > UINT64_MAX)
			return false;
	}
	if (i < s.len && s.data[i] == '.') {
		for (i++; i < s.len && s.data[i] >= '0' && s.data[i] <= '9';
		     i++, digits++) {
			part = part * 10 + (unsigned)(s.data[i] - '0');
			if ((scale *= 10) > 1000000000000)
				return false;
		}
	}
	if (digits == 0)
		return false;
	for (; units->name != NULL; units++) {
		if (strlen(units->name) == s.len - i &&
		    memcmp(units->name, s.data + i, s.len - i) == 0)
			break;
	}
	if (units->name == NULL || part * units->factor % scale != 0)
		return false;
	whole = whole * units->factor + part * units->factor / scale;
	*out = (uint64_t)whole;
	return whole <= UINT64_MAX;
}

static uint64_t
number_max(enum type_id type)
{
	static const uint64_t most[] = {
	    [STORAGE_U8] = UINT8_MAX,
	    [STORAGE_U16] = UINT16_MAX,
	    [STORAGE_U32] = UINT32_MAX,
	    [STORAGE_U64] = UINT64_MAX,
	};

	return type == TYPE_bool ? 1 : most[types[type].storage];
}

static bool
duration_value(struct str s, int64_t *out)
{
	bool is_negative = s.len > 0 && s.data[0] == '-';
	uint64_t us;

	s.data += is_negative;
	s.len -= is_negative;
	if (!scaled(s, time_units, &us) || us > INT64_MAX)
		return false;
	*out = is_negative ? -(int64_t)us : (int64_t)us;
	return true;
}

/* 10, 10.1, 10.1.2 or 10.1.2.3: the octets that a prefix leaves out are 0. */
static bool
short_v4(const char *s, size_t n, struct addr *out)
{
	char whole[64];
	size_t dots = 0, i;

	if (n == 0 || n > 15)
		return false;
	memcpy(whole, s, n);
	for (i = 0; i < n; i++)
		dots += s[i] == '.';
	for (; dots < 3; dots++, n += 2)
		memcpy(whole + n, ".0", 2);
	return addr_parse(whole, n, out);
}

static const char *
add_prefix(struct test *t, struct str s, const char *slash)
{
	size_t len = (size_t)(slash - s.data);
	uint64_t bits;
	struct addr a;
	u128 mask, key;

	if (!parse_u64(slash + 1, s.len - len - 1, &bits) ||
	    (!addr_parse(s.data, len, &a) && !short_v4(s.data, len, &a)))
		return "no prefix such as 10/8 or 2001:db8::/32";
	if (bits > (a.is_v6 ? 128 : 32))
		return a.is_v6 ? "longer than /128" : "longer than /32";
	if (a.is_v6) {
		mask = bits == 128 ? 0 : ~(u128)0 >> bits;
		key = key_of_v6(a.v6) & ~mask;
		add_wide(t, key, key | mask);
	} else {
		mask = (u128)UINT32_MAX >> bits;
		key = a.v4 & (uint32_t)~mask;
		add_range(t, (uint64_t)key, (uint64_t)(key | mask));
	}
	return NULL;
}

/* All of IPv4 comes before all of IPv6 (addr_compare). */
static void
add_addr(struct test *t, enum operation op, const struct addr *a)
{
	const u128 most = ~(u128)0;
	u128 key;

	if (!a->is_v6) {
		add_keys(t, op, a->v4, UINT32_MAX);
		if (op == OP_GT || op == OP_GE)
			add_wide(t, 0, most);
		return;
	}
	key = key_of_v6(a->v6);
	if (op == OP_LT || op == OP_LE)
		add_range(t, 0, UINT32_MAX);
	if (op == OP_LE)
		add_wide(t, 0, key);
	else if (op == OP_LT && key > 0)
		add_wide(t, 0, key - 1);
	else if (op == OP_GE)
		add_wide(t, key, most);
	else if (op == OP_GT && key < most)
		add_wide(t, key + 1, most);
	else if (op == OP_EQ)
		add_wide(t, key, key);
}

static const char *
addr_value(struct test *t, enum operation op, struct str s)
{
	const char *slash = memchr(s.data, '/', s.len);
	struct addr a;

	if (slash != NULL)
		return op == OP_EQ
			   ? add_prefix(t, s, slash)
			   : "a prefix, which =, != and in take and < and > do not";
	if (!addr_parse(s.data, s.len, &a))
		return "no address or prefix";
	add_addr(t, op, &a);
	return NULL;
}

/* By the type's own parser, into row 0 of a scratch batch. */
static const char *
parsed_value(struct test *t, enum operation op, struct str s, struct column *c)
{
	const struct type *type = &types[c->type];
	uint64_t v;
	double real;

	if (s.len == 0 || type->parse(c, 0, &s, 1) != 1)
		return "";
	if (type->storage == STORAGE_F64) {
		real = column_f64(c, 0);
		add_keys(t, op, key_of_f64(real), key_of_f64(INFINITY));
		return NULL;
	}
	v = column_u64(c, 0);
	if (op == OP_HAS) {
		t->how = TEST_MASK;
		t->mask = v;
	} else if (type->storage == STORAGE_I64) {
		add_keys(t, op, key_of_i64((int64_t)v), UINT64_MAX);
	} else {
		add_keys(t, op, v, UINT64_MAX);
	}
	return NULL;
}

const char *
value_add(struct test *t, const struct schema *schema, enum operation op, struct str s,
	  struct batch *scratch)
{
	enum type_id type = schema->fields[t->field].type;
	const struct type *row = &types[type];
	uint64_t number;
	int64_t us;

	t->how = row->storage == STORAGE_TEXT ? TEST_TEXT : TEST_RANGES;
	t->op = op;
	if (row->storage == STORAGE_TEXT) {
		add_text(t, s);
	} else if (row->storage == STORAGE_ADDR) {
		return addr_value(t, op, s);
	} else if (type == TYPE_duration) {
		if (!duration_value(s, &us))
			return "no duration such as 5s, 250ms or 1.5h";
		add_keys(t, op, key_of_i64(us), UINT64_MAX);
	} else if (row->is_number && row->storage != STORAGE_F64) {
		if (!scaled(s, number_units, &number) || number > number_max(type))
			return "";
		add_keys(t, op, number, UINT64_MAX);
	} else {
		return parsed_value(t, op, s, batch_flat(scratch, t->field));
	}
	return NULL;
}

const char *
value_help(const struct field *field)
{
	return types[field->type].help;
}

static int
range_order(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static int
wide_order(const void *a, const void *b)
{
	const struct wide_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Sorted ranges that overlap become one, so that a search finds the only one that fits.
 */
#define JOIN(items, count)                                                               \
	do {                                                                             \
		size_t i_, kept_ = 0;                                                    \
                                                                                         \
		for (i_ = 1; i_ < (count); i_++) {                                       \
			if ((items)[i_].first - (items)[kept_].first >                   \
			    (items)[kept_].span)                                         \
				(items)[++kept_] = (items)[i_];                          \
			else if ((items)[i_].first - (items)[kept_].first +              \
				     (items)[i_].span >                                  \
				 (items)[kept_].span)                                    \
				(items)[kept_].span = (items)[i_].span +                 \
						      (items)[i_].first -                \
						      (items)[kept_].first;              \
		}                                                                        \
		if ((count) > 0)                                                         \
			(count) = kept_ + 1;                                             \
	} while (0)

void
value_finish(struct test *t)
{
	if (t->range_count > 1)
		qsort(t->ranges, t->range_count, sizeof *t->ranges, range_order);
	if (t->wide_count > 1)
		qsort(t->wide, t->wide_count, sizeof *t->wide, wide_order);
	JOIN(t->ranges, t->range_count);
	JOIN(t->wide, t->wide_count);
}
