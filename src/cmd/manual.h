/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_MANUAL_H
#define CMD_MANUAL_H

#include <stddef.h>

struct command;
struct text;

/* What --help prints. */
void manual_help(struct text *out, const struct command *command);
/* The manual page of a command, in mdoc. */
void manual_page(struct text *out, const struct command *command);
/* weir(1): what it is and which commands there are. */
void manual_overview(struct text *out, const struct command *const *commands, size_t n);

#endif
