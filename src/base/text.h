/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A growing byte string. Allocation failure aborts the process: there is no useful way on
 * for a printer without memory. data is always 0-terminated after text_init.
 */
struct text {
	char *data;
	size_t len;
	size_t cap;
};

void text_init(struct text *t);
void text_done(struct text *t);
void text_clear(struct text *t);

/* Room for n more bytes (plus the final 0); returns where they go. Add to len
 * yourself. */
char *text_room(struct text *t, size_t n);

void text_bytes(struct text *t, const void *bytes, size_t n);
void text_str(struct text *t, const char *s);
void text_char(struct text *t, char c);
void text_u64(struct text *t, uint64_t v);
void text_i64(struct text *t, int64_t v);
/* shortest that reads back; nan prints nothing */
void text_f64(struct text *t, double v);
/* as printf's %.*g, of a number that is finite */
void text_real(struct text *t, double v, int digits);
void text_printf(struct text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), nonnull));

/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void text_json(struct text *t, const char *s, size_t n);

/* A cell of TSV: tab, newline, carriage return and \ as \t \n \r \\. */
void text_tsv(struct text *t, const char *s, size_t n);

/* & < > " ' as entities: safe as HTML text and in a quoted attribute. */
void text_html(struct text *t, const char *s, size_t n);

/* Strict numbers: whole string, no sign for unsigned, no white space. False if not
 * one. */
bool parse_u64(const char *s, size_t n, uint64_t *out);
bool parse_i64(const char *s, size_t n, int64_t *out);
bool parse_f64(const char *s, size_t n, double *out);

#endif
