/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_MANUAL_H
#define CMD_MANUAL_H

#include <stddef.h>

struct command;
struct front;
struct text;

/* What --help prints. */
void manual_help(struct text *out, const struct command *command);
/* The manual page of a command, in mdoc. */
void manual_page(struct text *out, const struct command *command);
/* That of a program that takes an older one's command line. */
void manual_front(struct text *out, const struct front *front);
/* weir(1): what it is and which commands there are. */
void manual_overview(struct text *out, const struct command *const *commands, size_t n);

#endif
