/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LOAD_DIALECT_H
#define LOAD_DIALECT_H

#include "load/reader.h"
#include "model/flow.h"

#include <stdbool.h>

struct text;

/*
 * Tables of flows as other programs print them (dialect.def): other names of columns,
 * other words for what is not known, times by an uptime clock.
 */
enum icmp_place {
	ICMP_nowhere,
	ICMP_dst_port, /* 256 x type + code, as in NetFlow */
	ICMP_ports,    /* src_port is the type, dst_port the code */
};

struct dialect {
	const char *id;
	const char *program;
	const char *opening; /* how the first line begins */
	char delimiter;
	/* first cell of the line of names and none of them, or NULL */
	const char *heading;
	const char *ending;  /* first cell of the line behind the last row; or NULL */
	enum icmp_place icmp;
};

/* Where cells are that others are understood by; -1: nowhere. */
struct dialect_clock {
	int seconds, nanoseconds, uptime;
};

/* Appends what a cell says in the words of the type of its field. */
typedef void dialect_form(struct text *out, struct str cell, const struct reader *r,
			  const struct dialect_clock *clock);

struct dialect_name {
	const struct dialect *dialect;
	const char *heading;
	unsigned field; /* FLOW_* */
	dialect_form *form;
};

/* The dialect whose first line is this, NULL if none. */
const struct dialect *dialect_find(const char *line, size_t n);

/* Dialect i of all, NULL behind the last. */
const struct dialect *dialect_at(size_t i);

/* The next row behind `after` (NULL: the first) for a column of this name, or NULL. */
const struct dialect_name *dialect_name(const struct dialect *d, struct str heading,
					const struct dialect_name *after);

/* Notes where the cells of a clock are; to be called with each name of the heading. */
void dialect_clock_note(struct dialect_clock *clock, struct str heading, size_t cell);

/* Whether a row's source says that there was no flow. */
bool dialect_is_nothing(struct str src);

/* Mends ports of a row whose protocol has none; ICMP's type and code are taken of
 * them. */
void dialect_ports(const struct dialect *d, struct flow *f);

#endif
