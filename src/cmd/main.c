/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir: finds the command's row, parses its options by table, runs it, prints what went
 * wrong. Only here and in the command files is anything printed or an exit status chosen.
 */
#include "base/clock.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/front.h"
#include "cmd/manual.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "cmd/command.def"
#undef COMMAND
};

enum { COMMANDS = sizeof commands / sizeof *commands };

mode_t caller_umask;

int
put_out(void *context, const char *text, size_t len, struct err *err)
{
	(void)context;
	if (fwrite(text, 1, len, stdout) == len && fflush(stdout) == 0)
		return 0;
	return err_set(err, errno, "standard output: %s", strerror(errno));
}

void
progress_show(const char *label, uint64_t done, uint64_t total)
{
	static bool is_shown;
	static uint64_t last_ms;
	uint64_t ms;

	if (label[0] == '\0') {
		if (is_shown)
			fputs("\r\x1b[K", stderr);
		is_shown = false;
		return;
	}
	ms = (uint64_t)clock_ms(CLOCK_MONOTONIC);
	if (!isatty(STDERR_FILENO) || ms - last_ms < 100)
		return;
	last_ms = ms;
	is_shown = true;
	if (total > 0)
		fprintf(stderr, "\r\x1b[K%s %.0f %%", label,
		    100.0 * (double)done / (double)total);
	else
		fprintf(stderr, "\r\x1b[K%s %llu", label, (unsigned long long)done);
}

void
say_counters(const struct counter_row *rows, const uint64_t *counters, size_t n)
{
	struct text t;

	text_init(&t);
	counters_print(&t, rows, counters, n);
	progress_show("", 0, 0);
	fputs(t.data, stderr);
	text_done(&t);
}

char *
operands_join(const char **operands, int count)
{
	struct text t;
	int i;

	text_init(&t);
	for (i = 0; i < count; i++) {
		if (i > 0)
			text_char(&t, ' ');
		text_str(&t, operands[i]);
	}
	return t.data;
}

/* What stdio holds back shows only now that the disk is full. A closed pipe had
 * enough. */
static int
flush_output(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (errno != EPIPE)
		complain("standard output: %s", strerror(errno));
	return status == EXIT_GOOD ? EXIT_TROUBLE : status;
}

static int
usage(FILE *to)
{
	const struct front *const *list;
	size_t n;
	int i;

	fputs("usage: weir COMMAND [OPTIONS] ...\n\n"
	      "Tells from flow records alone which files were downloaded on a "
	      "network.\n\n", to);
	for (i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\nUnder other names:\n\n", to);
	list = fronts(&n);
	for (i = 0; i < (int)n; i++)
		fprintf(to, "    %-16s %s\n", list[i]->name, list[i]->summary);
	fputs("\nweir COMMAND --help says more; so does man weir-COMMAND.\n", to);
	return to == stdout ? flush_output(EXIT_GOOD) : EXIT_USAGE;
}

static const struct command *
find(const char *name)
{
	int i;

	for (i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	}
	return NULL;
}

const char *
command_verb(const struct command *verb)
{
	const char *space = strchr(verb->name, ' ');

	return space == NULL ? verb->name : space + 1;
}

static const struct command *
find_verb(const struct command *command, const char *name)
{
	size_t i;

	for (i = 0; i < command->verb_count && name != NULL; i++) {
		if (strcmp(command_verb(command->verbs[i]), name) == 0)
			return command->verbs[i];
	}
	return NULL;
}

/* A command's verbs were not named rightly: says which there are. */
static int
verbs_usage(const struct command *command, const char *given)
{
	size_t i;

	if (given == NULL)
		complain("%s needs a verb; these are there:", command->name);
	else
		complain("%s has no verb '%s'; these are there:", command->name, given);
	for (i = 0; i < command->verb_count; i++)
		fprintf(stderr, "  %-10s %s\n", command_verb(command->verbs[i]),
		    command->verbs[i]->summary);
	return EXIT_USAGE;
}

/* Help and manual come before parsing, so that they work beside any other words. */
static bool
wants_help(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0)
			return true;
	}
	return false;
}

static int
print_text(struct text *t)
{
	fwrite(t->data, 1, t->len, stdout);
	text_done(t);
	return flush_output(EXIT_GOOD);
}

static bool was_bad_input;

void
note_bad_input(void)
{
	was_bad_input = true;
}

int
command_run(const struct command *command, int argc, char **argv)
{
	struct err err = {0};
	void *values = calloc(1, command->values_size + 1);
	const char **operands = calloc((size_t)argc + 1, sizeof *operands);
	int count, status;

	if (values == NULL || operands == NULL) {
		complain("out of memory");
		return EXIT_TROUBLE;
	}
	count = options_parse(command->options, command->option_count, argc, argv, values,
	    operands, &err);
	status = count < 0 ? EXIT_USAGE : command->run(values, operands, count, &err);
	progress_show("", 0, 0);
	status = flush_output(status);
	if (was_bad_input && status == EXIT_GOOD)
		status = EXIT_TROUBLE;
	if (err.code != 0) {
		complain("%s: %s", command->name, err.text);
		if (status == EXIT_GOOD)
			status = EXIT_TROUBLE;
	}
	free(values);
	free(operands);
	return status;
}

int
main(int argc, char **argv)
{
	const struct command *command, *verb;
	const struct front *front;
	struct text t;

	caller_umask = umask(027);
	signal(SIGPIPE, SIG_IGN); /* a broken pipe or file limit is an error to report */
	signal(SIGXFSZ, SIG_IGN);
	if ((front = front_find(argv[0])) != NULL)
		return front->run(argc, argv);
	if (argc < 2)
		return usage(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
		return usage(stdout);
	if (strcmp(argv[1], "--version") == 0) {
		puts("weir " WEIR_VERSION);
		return flush_output(EXIT_GOOD);
	}
	text_init(&t);
	if (strcmp(argv[1], "manual") == 0) { /* script/manual: the pages of docs/man */
		if (argc == 2) {
			manual_overview(&t, commands, COMMANDS);
			return print_text(&t);
		}
		command = find(argv[2]);
		if (command != NULL && argc > 3)
			command = find_verb(command, argv[3]);
		if (command != NULL) {
			manual_page(&t, command);
			return print_text(&t);
		}
		front = front_find(argv[2]);
		if (front != NULL) {
			manual_front(&t, front);
			return print_text(&t);
		}
		argv++;
	}
	command = find(argv[1]);
	if (command == NULL) {
		complain("there is no command '%s'", argv[1]);
		text_done(&t);
		return usage(stderr);
	}
	if (command->verbs != NULL && (verb = find_verb(command, argv[2])) != NULL) {
		command = verb;
		argc--;
		argv++;
	}
	if (wants_help(argc - 1, argv + 1)) {
		manual_help(&t, command);
		return print_text(&t);
	}
	text_done(&t);
	if (command->verbs != NULL)
		return verbs_usage(command, argv[2]);
	return command_run(command, argc - 1, argv + 1);
}
