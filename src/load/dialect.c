/* SPDX-License-Identifier: BSD-2-Clause */
#include "load/dialect.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum {
#define DIALECT(id, ...) DIALECT_##id,
#define NAME(heading, field, form)
#include "load/dialect.def"
#undef DIALECT
#undef NAME
	DIALECTS
};

static const struct dialect dialects[DIALECTS] = {
#define DIALECT(id, program, opening, delimiter, heading, ending, icmp) \
	{#id, program, opening, delimiter, heading, ending, ICMP_##icmp},
#define NAME(heading, field, form)
#include "load/dialect.def"
#undef DIALECT
#undef NAME
};

static void
as_is(struct text *out, struct str cell, const struct reader *r,
      const struct dialect_clock *clock)
{
	text_bytes(out, cell.data, cell.len);
}

static bool
is_word(struct str cell, const char *word)
{
	return strlen(word) == cell.len && memcmp(cell.data, word, cell.len) == 0;
}

static bool
is_absent(struct str cell)
{
	return is_word(cell, "-") || is_word(cell, "(empty)");
}

static void
unless_absent(struct text *out, struct str cell, const struct reader *r,
	      const struct dialect_clock *clock)
{
	if (!is_absent(cell))
		as_is(out, cell, r, clock);
}

/* Noughts of numbers, addresses of both families and MAC addresses. */
static void
unless_zero(struct text *out, struct str cell, const struct reader *r,
	    const struct dialect_clock *clock)
{
	size_t i;

	for (i = 0; i < cell.len && strchr("0.:", cell.data[i]) != NULL; i++)
		;
	if (i < cell.len)
		unless_absent(out, cell, r, clock);
}

/* A record without TCP has none, which is not the same as no flag. */
static void
flags(struct text *out, struct str cell, const struct reader *r,
      const struct dialect_clock *clock)
{
	size_t i;

	for (i = 0; i < cell.len && strchr(". ", cell.data[i]) != NULL; i++)
		;
	for (; i < cell.len; i++) {
		if (cell.data[i] != ' ')
			text_char(out, cell.data[i]);
	}
}

/* ICMP's type and code may stand as "8.0". */
static void
port(struct text *out, struct str cell, const struct reader *r,
     const struct dialect_clock *clock)
{
	const char *dot = memchr(cell.data, '.', cell.len);
	size_t n = dot == NULL ? 0 : (size_t)(dot - cell.data);
	uint64_t type, code;

	if (dot != NULL && parse_u64(cell.data, n, &type) && type <= UINT8_MAX &&
	    parse_u64(dot + 1, cell.len - n - 1, &code) && code <= UINT8_MAX)
		text_u64(out, type << 8 | code);
	else
		as_is(out, cell, r, clock);
}

static void
protocol(struct text *out, struct str cell, const struct reader *r,
	 const struct dialect_clock *clock)
{
	static const struct {
		const char *word;
		unsigned number;
	} words[] = {{"ICMP6", 58}, {"UDPLt", 136}, {"L2TP", 115}, {"EGP", 8},
		     {"EIGRP", 88}};
	size_t i;

	for (i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (is_word(cell, words[i].word)) {
			text_u64(out, words[i].number);
			return;
		}
	}
	as_is(out, cell, r, clock);
}

/* A date with strokes: 2016/04/07T18:23:31.405. */
static void
slashes(struct text *out, struct str cell, const struct reader *r,
	const struct dialect_clock *clock)
{
	size_t i;

	for (i = 0; i < cell.len; i++)
		text_char(out, cell.data[i] == '/' ? '-' : cell.data[i]);
}

static bool
number_at(const struct reader *r, int cell, uint64_t *out)
{
	struct str s;

	if (cell < 0 || (size_t)cell >= r->count)
		return false;
	s = reader_cell(r, (size_t)cell);
	return parse_u64(s.data, s.len, out);
}

/* Milliseconds of a router's uptime; it showed `uptime` when it was that time. */
static void
uptime(struct text *out, struct str cell, const struct reader *r,
       const struct dialect_clock *clock)
{
	uint64_t seconds, nanoseconds = 0, now, at;
	int64_t us;

	if (!parse_u64(cell.data, cell.len, &at) ||
	    !number_at(r, clock->seconds, &seconds) ||
	    !number_at(r, clock->uptime, &now) || seconds > UINT32_MAX ||
	    (clock->nanoseconds >= 0 &&
	     !number_at(r, clock->nanoseconds, &nanoseconds)) ||
	    nanoseconds >= 1000000000) {
		text_str(out, "not known");
		return;
	}
	/* The uptime goes round every 49.7 days. */
	us = (int64_t)seconds * 1000000 + (int64_t)(nanoseconds / 1000) +
	     (int64_t)(int32_t)((uint32_t)at - (uint32_t)now) * 1000;
	if (us < 0) {
		text_str(out, "before 1970");
		return;
	}
	text_printf(out, "%llu.%06llu", (unsigned long long)us / 1000000,
		    (unsigned long long)us % 1000000);
}

static const struct dialect_name names[] = {
#define DIALECT(id, ...) {.dialect = &dialects[DIALECT_##id]},
#define NAME(heading, field, form) {NULL, heading, FLOW_##field, form},
#include "load/dialect.def"
#undef DIALECT
#undef NAME
};
enum { NAMES = sizeof names / sizeof names[0] };

const struct dialect *
dialect_at(size_t i)
{
	return i < DIALECTS ? &dialects[i] : NULL;
}

const struct dialect *
dialect_find(const char *line, size_t n)
{
	size_t i, len;

	while (n > 0 && *line == ' ')
		line++, n--;
	for (i = 0; i < DIALECTS; i++) {
		len = strlen(dialects[i].opening);
		if (n >= len && memcmp(line, dialects[i].opening, len) == 0)
			return &dialects[i];
	}
	return NULL;
}

const struct dialect_name *
dialect_name(const struct dialect *d, struct str heading,
	     const struct dialect_name *after)
{
	size_t i = 0;

	if (after != NULL) {
		i = (size_t)(after - names) + 1;
	} else {
		while (names[i].dialect != d)
			i++;
		i++;
	}
	for (; i < NAMES && names[i].dialect == NULL; i++) {
		if (is_word(heading, names[i].heading))
			return &names[i];
	}
	return NULL;
}

void
dialect_clock_note(struct dialect_clock *clock, struct str heading, size_t cell)
{
	if (is_word(heading, "#:unix_secs"))
		clock->seconds = (int)cell;
	else if (is_word(heading, "unix_nsecs"))
		clock->nanoseconds = (int)cell;
	else if (is_word(heading, "sysuptime"))
		clock->uptime = (int)cell;
}

bool
dialect_is_nothing(struct str src)
{
	return is_absent(src);
}

void
dialect_ports(const struct dialect *d, struct flow *f)
{
	enum { ICMP = 1, TCP = 6, UDP = 17, DCCP = 33, ICMPV6 = 58, SCTP = 132 };
	enum { UDP_LITE = 136 };

	switch (f->proto) {
	case TCP: case UDP: case DCCP: case SCTP: case UDP_LITE:
		return;
	case ICMP: case ICMPV6:
		if (d->icmp == ICMP_nowhere || !flow_has(f, dst_port))
			break;
		if (d->icmp == ICMP_ports && flow_has(f, src_port)) {
			flow_set(f, icmp_type, (uint8_t)f->src_port);
			flow_set(f, icmp_code, (uint8_t)f->dst_port);
		} else if (d->icmp == ICMP_dst_port) {
			flow_set(f, icmp_type, (uint8_t)(f->dst_port >> 8));
			flow_set(f, icmp_code, (uint8_t)f->dst_port);
		}
		break;
	default:
		break;
	}
	flow_unset(f, src_port);
	flow_unset(f, dst_port);
}
