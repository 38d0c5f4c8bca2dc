/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include "base/counter.h"
#include "base/err.h"
#include "base/option.h"
#include "base/sandbox.h"

#include <sys/types.h>

/* Exit statuses of every command. */
enum { EXIT_GOOD = 0, EXIT_TROUBLE = 1, EXIT_USAGE = 2 };

/*
 * A command. Dispatch, usage and manual page are made from this and from its option rows.
 * run gets the values struct (values_size bytes, filled by options_parse) and the
 * operands; it returns an exit status, and err set where there is something to say.
 *
 * One with verbs has only name, summary, operands and about; each verb is a command whose
 * name is both words, "lab link".
 */
struct command {
	const char *name;
	const char *summary;   /* a line */
	const char *operands;  /* as in usage: "FILE..." or "[FILTER]" */
	const char *about;     /* paragraphs, with an empty line between */
	const char *examples;  /* lines of shell */
	const struct option_row *options;
	size_t option_count;
	size_t values_size;
	int (*run)(void *values, const char **operands, int operand_count,
	    struct err *err);
	/* enum sandbox_grant: what it may do once all is open; 0: anything */
	unsigned sandbox;
	/* Adds to --help what only the command knows, such as the fields; may be NULL. */
	void (*more_help)(struct text *out);
	const struct command *const *verbs;
	size_t verb_count;
};

#define COMMAND(name_) extern const struct command command_##name_;
#include "cmd/command.def"
#undef COMMAND

/* Parses the options of argv, whose first word is the command's name, runs the command,
 * says what went wrong; the exit status. */
int command_run(const struct command *command, int argc, char **argv);
/* The verb's own word: of "lab link" the second. */
const char *command_verb(const struct command *verb);

/* The operands joined with spaces: filters are the last words. Freed by the caller. */
char *operands_join(const char **operands, int count);

/* The text to standard output, at once; context is not looked at. */
int put_out(void *context, const char *text, size_t len, struct err *err);

/* Prints one progress line to a terminal at most ten times a second; label "" ends it. */
void progress_show(const char *label, uint64_t done, uint64_t total);

/* Those counters that are not 0, on standard error, for --counters. */
void say_counters(const struct counter_row *rows, const uint64_t *counters, size_t n);

/* The umask that this program was started with, for what runs in its name. */
extern mode_t caller_umask;

/* A message on standard error: "weir: " and the text. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Something of the input was wrong and left out, and was told: the exit status is 1 even
 * if the rest goes well. */
void note_bad_input(void);

#endif
