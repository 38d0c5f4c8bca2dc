/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The settings of one direction as text: a row of link.def gives a key its type, and only
 * types have functions.
 */
#include "lab/link.h"

#include "base/err.h"
#include "base/option.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <string.h>

const struct link_row link_rows[LINK_KEYS] = {
#define LINK(id, name, type, greatest, fallback, argument, help)                         \
	{name,     LINK_TYPE_##type, offsetof(struct link_way, id),                      \
	 greatest, fallback,         argument,                                           \
	 help},
#include "lab/link.def"
#undef LINK
};

/* The suffixes of a type end with a factor of 0. */
struct suffix {
	const char *text;
	double factor;
};

/* A number with one of the suffixes; NaN if it is none. */
static double
number(const char *s, const struct suffix *suffixes)
{
	size_t digits = strspn(s, "0123456789.e+-"), i; /* no suffix has these */
	double v;

	if (digits == 0 || !parse_f64(s, digits, &v))
		return NAN;
	for (i = 0; suffixes[i].factor != 0; i++) {
		if (strcmp(s + digits, suffixes[i].text) == 0)
			return v * suffixes[i].factor;
	}
	return v == 0 && s[digits] == '\0' ? 0 : NAN;
}

static bool
set_time(const char *s, void *to, double greatest)
{
	static const struct suffix units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6},
	    {"s", 1e9},
	    {0}};
	double v = number(s, units);

	if (!(v >= 0 && v <= greatest))
		return false;
	*(link_time *)to = llround(v);
	return true;
}

static bool
set_rate(const char *s, void *to, double greatest)
{
	static const struct suffix units[] = {{"", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9},
	    {"bit", 1}, {"kbit", 1e3}, {"Mbit", 1e6}, {"Gbit", 1e9}, {0}};
	double v = number(s, units);

	if (!(v >= 0 && v <= greatest))
		return false;
	*(link_rate *)to = (link_rate)llround(v);
	return true;
}

static bool
set_share(const char *s, void *to, double greatest)
{
	static const struct suffix units[] = {{"", 1}, {"%", 0.01}, {0}};
	double v = number(s, units);

	if (!(v >= 0 && v <= greatest))
		return false;
	*(link_share *)to = v;
	return true;
}

static bool
set_real(const char *s, void *to, double greatest)
{
	static const struct suffix units[] = {{"", 1}, {0}};
	double v = number(s, units);

	if (!(v >= 0 && v <= greatest))
		return false;
	*(link_real *)to = v;
	return true;
}

static bool
set_count(const char *s, void *to, double greatest)
{
	uint64_t v;

	if (!option_number(s, &v) || (double)v > greatest)
		return false;
	*(link_count *)to = v;
	return true;
}

static bool
set_order(const char *s, void *to, double greatest)
{
	if (strcmp(s, "keep") != 0 && strcmp(s, "free") != 0)
		return false;
	*(link_order *)to = strcmp(s, "keep") == 0;
	return true;
}

static void
print_time(struct text *out, const void *from)
{
	text_printf(out, "%lldns", (long long)*(const link_time *)from);
}

static void
print_count(struct text *out, const void *from)
{
	text_u64(out, *(const link_count *)from);
}

static void
print_real(struct text *out, const void *from)
{
	text_f64(out, *(const link_real *)from);
}

static void
print_order(struct text *out, const void *from)
{
	text_str(out, *(const link_order *)from ? "keep" : "free");
}

static const struct {
	bool (*set)(const char *s, void *to, double greatest);
	void (*print)(struct text *out, const void *from);
	size_t size;
	const char *takes;
} types[] = {
	[LINK_TYPE_time] = {set_time, print_time, sizeof(link_time),
	    "a time such as 20ms, 300us or 1.5s"},
	[LINK_TYPE_rate] = {set_rate, print_count, sizeof(link_rate),
	    "a rate such as 100M or 1.5G"},
	[LINK_TYPE_share] = {set_share, print_real, sizeof(link_share),
	    "a share such as 1% or 0.01"},
	[LINK_TYPE_count] = {set_count, print_count, sizeof(link_count),
	    "a number such as 1000 or 64Ki"},
	[LINK_TYPE_real] = {set_real, print_real, sizeof(link_real),
	    "a number such as 3 or 3.5"},
	[LINK_TYPE_order] = {set_order, print_order, sizeof(link_order),
	    "keep or free"},
};

/* _ and - are the same. */
static bool
is_key(const char *name, const char *key, size_t len)
{
	size_t i;

	for (i = 0; i < len && name[i] != '\0'; i++) {
		if (name[i] != key[i] && !(name[i] == '-' && key[i] == '_'))
			return false;
	}
	return i == len && name[i] == '\0';
}

static int
set(struct link_way *way, const char *key, size_t len, const char *value, struct err *err)
{
	const struct link_row *row;
	struct text known;
	size_t i;

	for (i = 0; i < LINK_KEYS; i++) {
		row = &link_rows[i];
		if (!is_key(row->name, key, len))
			continue;
		if (types[row->type].set(value, (char *)way + row->offset, row->greatest))
			return 0;
		text_init(&known);
		text_f64(&known, row->greatest / (row->type == LINK_TYPE_time ? 1e9 : 1));
		err_set(err, EINVAL, "%.*s takes %s%s%s%s, not '%s'", (int)len, key,
		    types[row->type].takes,
		    row->type == LINK_TYPE_order ? "" : ", up to ",
		    row->type == LINK_TYPE_order ? "" : known.data,
		    row->type == LINK_TYPE_time ? " s" : "", value);
		text_done(&known);
		return -1;
	}
	text_init(&known);
	for (i = 0; i < LINK_KEYS; i++)
		text_printf(&known, "%s%s", i > 0 ? ", " : "", link_rows[i].name);
	err_set(err, EINVAL, "a link has no '%.*s', but %s", (int)(len < 40 ? len : 40),
	    key, known.data);
	text_done(&known);
	return -1;
}

int
link_way_set(struct link_way *way, const char *key, const char *value, struct err *err)
{
	return set(way, key, strlen(key), value, err);
}

void
link_way_default(struct link_way *way)
{
	size_t i;

	*way = (struct link_way){0};
	for (i = 0; i < LINK_KEYS; i++)
		(void)link_way_set(way, link_rows[i].name, link_rows[i].fallback, NULL);
}

int
link_way_parse(struct link_way *way, const char *text, struct err *err)
{
	struct link_way w = *way;
	size_t key, len;
	char value[64];

	while (*text != '\0') {
		len = strcspn(text, ",");
		key = strcspn(text, "=,");
		if (text[key] != '=')
			return err_set(err, EINVAL,
			    "'%.*s' should be KEY=VALUE, as delay=20ms",
			    (int)(len < 80 ? len : 80), text);
		if (len - key > sizeof value)
			return err_set(err, EINVAL, "%.*s has too long a value",
			    (int)(key < 40 ? key : 40), text);
		memcpy(value, text + key + 1, len - key - 1);
		value[len - key - 1] = '\0';
		if (set(&w, text, key, value, err) != 0)
			return -1;
		text += len + (text[len] == ',');
	}
	*way = w;
	return 0;
}

int
link_way_check(const struct link_way *way, struct err *err)
{
	if (way->rate > 0 && way->queue == 0)
		return err_set(err, EINVAL,
		    "queue: a rate needs one of at least 1 frame");
	if (way->rate > 0 && way->rate < 1000)
		return err_set(err, EINVAL, "rate: at least 1000 bit/s");
	if (way->burst > 0 && way->burst < 1)
		return err_set(err, EINVAL, "burst: at least 1 frame, or 0 for none");
	/* Between two bursts there is at least one frame that arrives. */
	if (way->burst > 0 && way->loss < 1 && way->loss > way->burst / (way->burst + 1))
		return err_set(err, EINVAL,
		    "loss: with bursts of %g frames at most %g, or 1", way->burst,
		    way->burst / (way->burst + 1));
	return 0;
}

void
link_way_print(const struct link_way *way, struct text *out)
{
	struct link_way usual;
	const struct link_row *row;
	size_t i, start = out->len;

	link_way_default(&usual);
	for (i = 0; i < LINK_KEYS; i++) {
		row = &link_rows[i];
		if (memcmp((const char *)way + row->offset,
			   (const char *)&usual + row->offset,
			   types[row->type].size) == 0)
			continue;
		if (out->len > start)
			text_char(out, ',');
		text_printf(out, "%s=", row->name);
		types[row->type].print(out, (const char *)way + row->offset);
	}
}
