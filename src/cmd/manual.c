/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Usage and manual pages from the rows of commands and options, so that neither can
 * forget an option. Text for mdoc is escaped: a backslash, and a dot or quote at a line's
 * start.
 */
#include "cmd/manual.h"

#include "base/text.h"
#include "cmd/command.h"
#include "cmd/front.h"

#include <stdio.h>
#include <string.h>

enum { HELP_COLUMNS = 80 };

static void
mdoc_text(struct text *out, const char *s)
{
	const char *start = s;

	for (; *s != '\0'; s++) {
		if ((out->len == 0 || out->data[out->len - 1] == '\n') &&
		    (*s == '.' || *s == '\''))
			text_str(out, "\\&");
		if (*s == '\\')
			text_str(out, "\\e");
		else if (*s == '-' && s[1] == '-')
			text_str(out, "\\-");
		else if (*s == ' ' && s > start && s[-1] == '.')
			text_char(out, '\n'); /* a sentence begins on a line of its own */
		else if (*s == '\n' && s[1] == '\n')
			text_str(out, "\n.Pp"); /* the second newline ends the macro */
		else
			text_char(out, *s);
	}
	if (out->len > 0 && out->data[out->len - 1] != '\n')
		text_char(out, '\n');
}

/* Literal lines, for examples and tables. */
static void
mdoc_literal(struct text *out, const char *s)
{
	text_str(out, ".Bd -literal -offset indent\n");
	for (; *s != '\0'; s++) {
		if (out->data[out->len - 1] == '\n' && (*s == '.' || *s == '\''))
			text_str(out, "\\&");
		if (*s == '\\')
			text_str(out, "\\e");
		else
			text_char(out, *s);
	}
	if (out->data[out->len - 1] != '\n')
		text_char(out, '\n');
	text_str(out, ".Ed\n");
}

/* Paragraphs broken into lines of at most HELP_COLUMNS, where words allow. */
static void
put_wrapped(struct text *out, const char *s)
{
	size_t column = 0, word;

	while (*s != '\0') {
		if (*s == '\n') {
			text_char(out, *s++);
			column = 0;
			continue;
		}
		if (*s == ' ') {
			s++;
			continue;
		}
		word = strcspn(s, " \n");
		if (column > 0 && column + 1 + word > HELP_COLUMNS) {
			text_char(out, '\n');
			column = 0;
		} else if (column > 0) {
			text_char(out, ' ');
			column++;
		}
		text_bytes(out, s, word);
		column += word;
		s += word;
	}
}

void
manual_help(struct text *out, const struct command *command)
{
	size_t i;

	text_printf(out, "usage: weir %s [OPTIONS] %s\n\n%s.\n\n", command->name,
	    command->operands, command->summary);
	if (command->option_count > 0) {
		text_str(out, "Options:\n");
		options_help(out, command->options, command->option_count);
	}
	if (command->verb_count > 0)
		text_str(out, "Verbs:\n");
	for (i = 0; i < command->verb_count; i++)
		text_printf(out, "  %-10s %s\n", command_verb(command->verbs[i]),
		    command->verbs[i]->summary);
	text_char(out, '\n');
	put_wrapped(out, command->about);
	text_char(out, '\n');
	if (command->more_help != NULL) {
		text_char(out, '\n');
		command->more_help(out);
	}
	if (command->examples != NULL)
		text_printf(out, "\nExamples:\n%s\n", command->examples);
	text_str(out,
	    "\nExit status: 0 good, 1 something went wrong or was bad in the input, "
	    "2 wrong usage.\n");
}

static void
page_head(struct text *out, const char *name, const char *summary)
{
	text_str(out,
	    ".\\\" Made from the command's table by script/manual; edit src/cmd.\n"
	    ".Dd November 23, 2026\n");
	text_printf(out, ".Dt %s 1\n.Os\n.Sh NAME\n.Nm %s\n.Nd ", name, name);
	mdoc_text(out, summary);
}

static void
page_options(struct text *out, const struct command *command)
{
	const struct option_row *row;
	size_t i;

	if (command->option_count == 0)
		return;
	text_str(out, ".Sh OPTIONS\n.Bl -tag -width Ds\n");
	for (i = 0; i < command->option_count; i++) {
		row = &command->options[i];
		text_str(out, ".It ");
		if (row->letter != 0)
			text_printf(out, "Fl %c , ", row->letter);
		text_printf(out, "Fl \\-%s", row->name);
		if (row->type != OPTION_FLAG)
			text_printf(out, " Ar %s", row->argument);
		text_char(out, '\n');
		mdoc_text(out, row->help);
		if (row->fallback != NULL && row->type != OPTION_FLAG)
			text_printf(out, "The default is %s.\n", row->fallback);
	}
	text_str(out, ".El\n");
}

/* "weir-lab-link" of "lab link". */
static void
page_name(char *out, size_t n, const struct command *command)
{
	char *space;

	snprintf(out, n, "weir-%s", command->name);
	if ((space = strchr(out, ' ')) != NULL)
		*space = '-';
}

static void
page_verbs(struct text *out, const struct command *command)
{
	char name[64];
	size_t i;

	if (command->verb_count == 0)
		return;
	text_str(out, ".Sh VERBS\n.Bl -tag -width reference\n");
	for (i = 0; i < command->verb_count; i++) {
		page_name(name, sizeof name, command->verbs[i]);
		text_printf(out, ".It Xr %s 1\n", name);
		mdoc_text(out, command->verbs[i]->summary);
	}
	text_str(out, ".El\n");
}

void
manual_page(struct text *out, const struct command *command)
{
	struct text more;
	char name[64];

	page_name(name, sizeof name, command);
	page_head(out, name, command->summary);
	text_printf(out, ".Sh SYNOPSIS\n.Nm weir %s\n.Op Ar OPTIONS\n.Ar %s\n"
	    ".Sh DESCRIPTION\n", command->name, command->operands[0] != '\0'
	    ? command->operands : "\\&");
	mdoc_text(out, command->about);
	page_options(out, command);
	page_verbs(out, command);
	if (command->more_help != NULL) {
		text_init(&more);
		command->more_help(&more);
		text_str(out, ".Sh FIELDS AND WORDS\n");
		mdoc_literal(out, more.data);
		text_done(&more);
	}
	text_str(out, ".Sh EXIT STATUS\n0 good; 1 something went wrong or was bad in the "
	    "input;\n2 wrong usage.\n");
	if (command->examples != NULL) {
		text_str(out, ".Sh EXAMPLES\n");
		mdoc_literal(out, command->examples);
	}
	text_str(out, ".Sh SEE ALSO\n.Xr weir 1\n");
}

void
manual_front(struct text *out, const struct front *front)
{
	const struct front_row *row;

	page_head(out, front->name, front->summary);
	text_printf(out, ".Sh SYNOPSIS\n.Nm\n.Ar %s\n.Sh DESCRIPTION\n", front->operands);
	mdoc_text(out, front->about);
	text_str(out, ".Sh OPTIONS\n.Bl -tag -width Ds\n");
	for (row = front->rows; row < front->rows + front->row_count; row++) {
		text_printf(out, ".It Fl %c", row->letter);
		if (row->argument != NULL)
			text_printf(out, " Ar %s", row->argument);
		text_char(out, '\n');
		mdoc_text(out, row->help);
		if (row->option != NULL)
			text_printf(out, "As\n.Fl \\-%s\nof\n.Xr weir-%s 1 .\n",
			    row->option, front->command);
	}
	text_str(out, ".El\n.Sh DIFFERENCES\n");
	mdoc_text(out, front->differences);
	text_str(out, ".Sh EXAMPLES\n");
	mdoc_literal(out, front->examples);
	text_printf(out, ".Sh SEE ALSO\n.Xr weir-%s 1\n", front->command);
}

void
manual_overview(struct text *out, const struct command *const *commands, size_t n)
{
	const struct front *const *list;
	size_t i;

	page_head(out, "weir", "which files were downloaded, from flow records alone");
	text_str(out, ".Sh SYNOPSIS\n.Nm weir\n.Ar COMMAND\n.Op Ar OPTIONS\n"
	    ".Sh DESCRIPTION\nThe commands, along the path of the data:\n"
	    ".Bl -tag -width inventory\n");
	for (i = 0; i < n; i++) {
		text_printf(out, ".It Xr weir-%s 1\n", commands[i]->name);
		mdoc_text(out, commands[i]->summary);
	}
	text_str(out, ".El\n.Pp\nUnder other names:\n.Bl -tag -width inventory\n");
	list = fronts(&n);
	for (i = 0; i < n; i++) {
		text_printf(out, ".It Xr %s 1\n", list[i]->name);
		mdoc_text(out, list[i]->summary);
	}
	text_str(out, ".El\n");
}
