/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_FRONT_H
#define CMD_FRONT_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct option_row;
struct text;

/*
 * Programs that take the command lines of older ones: weir is run under their name (the
 * installed links) and translates. A row is an option of the old program.
 */
struct front_row {
	char letter;
	const char *argument; /* NULL: takes none */
	const char *option;   /* of the command that it becomes; NULL: of none */
	const char *help;     /* what it does here */
};

struct front {
	const char *name;     /* weir-softflowd */
	const char *old;      /* softflowd: weir answers to this name too */
	const char *summary;
	const char *operands;
	const char *about, *differences, *examples; /* for the manual page */
	const char *command;  /* of weir that it becomes */
	const struct front_row *rows;
	size_t row_count;
	int (*run)(int argc, char **argv); /* returns the exit status */
};

extern const struct front front_softflowd, front_softflowctl;

/* By the last part of a program's path, or of the old name; NULL if there is none. */
const struct front *front_find(const char *program);
const struct front *const *fronts(size_t *count);

/* The command line that softflowd's options stand for; args[0] is "meter". */
struct front_words {
	char **words;
	size_t count, cap;
};
void front_words_done(struct front_words *words);

/* What a translation decided that no word says. */
struct front_result {
	bool is_help;      /* -h: print the usage */
	bool is_gauged;    /* -g: say at the end how much processor time it took */
	struct text *notes; /* lines: what was asked for and means something else here */
};

/*
 * Translates softflowd's command line. -1: err has the message for one line; is_usage
 * says whether the old program would print its usage too.
 */
int front_softflowd_translate(int argc, char **argv, struct front_words *out,
    struct front_result *result, bool *is_usage, struct err *err);

#endif
