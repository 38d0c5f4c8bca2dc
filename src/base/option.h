/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct text;

/* What an option's argument is; it is stored in the member of that C type. */
enum option_type {
	OPTION_FLAG,   /* bool; takes no argument */
	OPTION_TEXT,   /* const char * */
	OPTION_LIST,   /* struct option_list; may be given often */
	OPTION_NUMBER, /* uint64_t; suffixes k M G (1000) and Ki Mi Gi (1024) */
	OPTION_TIME,   /* int64_t microseconds; 90, 1h30m, 500ms, units ms s m h d w */
};

enum { OPTION_LIST_MAX = 32 };

struct option_list {
	const char *items[OPTION_LIST_MAX];
	size_t count;
};

/*
 * One option of a command: parsing, usage and the manual come from this row. values of a
 * command are one struct; offset is the member's.
 */
struct option_row {
	const char *name;     /* without the dashes */
	char letter;          /* 0: none */
	enum option_type type;
	size_t offset;
	const char *argument; /* its name in usage */
	const char *fallback; /* default, as one would type it; NULL: none */
	uint64_t min, max;    /* of numbers; max 0: no limit */
	const char *help;
};

/*
 * Sets defaults, then reads argv[1..]. Words that are no options go to operands[] in
 * order (room for argc); "--" ends options, "-" is an operand. Returns the number of
 * operands, or -1: the message names the option and what it takes.
 */
int options_parse(const struct option_row *rows, size_t n, int argc, char **argv,
    void *values, const char **operands, struct err *err);

/* Aligned option lines for --help. */
void options_help(struct text *out, const struct option_row *rows, size_t n);

/* "1h30m", "90", "500ms" to microseconds. */
bool option_time(const char *s, int64_t *out_us);
/* "16Mi", "2k" to a number. */
bool option_number(const char *s, uint64_t *out);

#endif
