/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_NOTE_H
#define LAB_NOTE_H

#include <stdint.h>

struct err;
struct text;

/*
 * Small files of a data set that are written anew as a whole: under another name, then renamed,
 * so that who reads never sees half of one. run.tsv is one of them, with lines KEY, tab, VALUE.
 */
int note_write(const char *folder, const char *name, const struct text *text, struct err *err);
/* The whole file, appended; an empty text and 0 if it is not there. */
int note_read(const char *folder, const char *name, struct text *out, struct err *err);
/* The value of a key in such lines, copied; "" if there is none. */
void note_value(const struct text *lines, const char *key, char *out, unsigned size);
/* The same as a number; 0 if there is none. */
uint64_t note_number(const struct text *lines, const char *key);

#endif
