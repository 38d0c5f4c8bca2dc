/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_LAB_MADE_H
#define CMD_LAB_MADE_H

#include <stdbool.h>

struct err;
struct lab_step;
struct text;

/*
 * What a step's file is made of, as text: this program by the hash of its own file, the
 * words of the command, and all that it reads by content: sizes and hashes of files, of a
 * folder also their names below it. Paths in words are replaced by what they stand for.
 * So neither where the data lies nor when it was copied there makes a difference.
 */
void lab_made_describe(const struct lab_step *step, struct text *out);

/* Whether the step's file is there and FILE.made says that it was made of this. */
bool lab_made_is(const struct lab_step *step, const struct text *made);
/* FILE.made from now on. */
int lab_made_keep(const struct lab_step *step, const struct text *made, struct err *err);
void lab_made_forget(const struct lab_step *step);

#endif
