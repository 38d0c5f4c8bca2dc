/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_NOTE_H
#define LAB_NOTE_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct text;

/*
 * Small files of a data set that are written anew as a whole: under another name, then
 * renamed, so that who reads never sees half of one. run.tsv is one of them, with lines
 * KEY, tab, VALUE.
 */
int note_write(const char *folder, const char *name, const struct text *text,
    struct err *err);
/* The whole file, appended; an empty text and 0 if it is not there. */
int note_read(const char *folder, const char *name, struct text *out, struct err *err);
/* The value of a key in such lines, copied; "" if there is none. */
void note_value(const struct text *lines, const char *key, char *out, unsigned size);
/* The same as a number; 0 if there is none. */
uint64_t note_number(const struct text *lines, const char *key);

/* Gets a line without its end; it is 0-terminated behind that. */
typedef int note_line(void *to, const char *line, size_t len, struct err *err);
/* Whole lines of a log from an offset on; what has no end yet is still being written. The
 * file may be missing. An error of each is given its place. */
int note_lines(const char *path, long from, note_line *each, void *to, struct err *err);

#endif
