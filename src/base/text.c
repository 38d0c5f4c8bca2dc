/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A growing string and the few conversions that every printer and parser here needs.
 */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
text_init(struct text *t)
{
	*t = (struct text){0};
	text_room(t, 64);
	t->data[0] = '\0';
}

void
text_done(struct text *t)
{
	free(t->data);
	*t = (struct text){0};
}

void
text_clear(struct text *t)
{
	t->len = 0;
	if (t->data != NULL)
		t->data[0] = '\0';
}

char *
text_room(struct text *t, size_t n)
{
	size_t cap = t->cap;

	if (t->len + n + 1 > cap) {
		if (cap < 64)
			cap = 64;
		while (cap < t->len + n + 1)
			cap *= 2;
		if ((t->data = realloc(t->data, cap)) == NULL) {
			fputs("weir: out of memory\n", stderr);
			abort();
		}
		t->cap = cap;
	}
	return t->data + t->len;
}

void
text_bytes(struct text *t, const void *bytes, size_t n)
{
	char *to = text_room(t, n);

	if (n > 0)
		memcpy(to, bytes, n);
	to[n] = '\0';
	t->len += n;
}

void
text_str(struct text *t, const char *s)
{
	text_bytes(t, s, strlen(s));
}

void
text_char(struct text *t, char c)
{
	text_bytes(t, &c, 1);
}

void
text_u64(struct text *t, uint64_t v)
{
	char digits[20];
	size_t i = sizeof digits;

	do
		digits[--i] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	text_bytes(t, digits + i, sizeof digits - i);
}

void
text_i64(struct text *t, int64_t v)
{
	if (v < 0)
		text_char(t, '-');
	text_u64(t, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void
text_f64(struct text *t, double v)
{
	char s[40];
	int digits;

	if (!isfinite(v))
		return;
	for (digits = 6; digits < 17; digits++) {
		snprintf(s, sizeof s, "%.*g", digits, v);
		if (strtod(s, NULL) == v)
			break;
	}
	snprintf(s, sizeof s, "%.*g", digits, v);
	text_str(t, s);
}

void
text_printf(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	text_room(t, (size_t)n + 1);
	va_start(args, fmt);
	vsnprintf(t->data + t->len, (size_t)n + 1, fmt, args);
	va_end(args);
	t->len += (size_t)n;
}

/* Length of the valid UTF-8 sequence at s, 0 if there is none (RFC 3629). */
static size_t
utf8_len(const unsigned char *s, size_t n)
{
	static const unsigned low[5] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned v;
	size_t len, i;

	if (s[0] < 0x80)
		return 1;
	len = s[0] >= 0xf0 && s[0] < 0xf8 ? 4 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
	    : s[0] >= 0xc0 && s[0] < 0xe0 ? 2 : 0;
	if (len == 0 || len > n)
		return 0;
	v = s[0] & (0xff >> (len + 1));
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (s[i] & 0x3f);
	}
	return v < low[len] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000) ? 0 : len;
}

void
text_json(struct text *t, const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t i, len;

	text_char(t, '"');
	for (i = 0; i < n; i += len) {
		len = utf8_len(u + i, n - i);
		if (len == 0) {
			text_str(t, "\xef\xbf\xbd");
			len = 1;
		} else if (u[i] == '"' || u[i] == '\\') {
			text_char(t, '\\');
			text_char(t, s[i]);
		} else if (u[i] == '\n') {
			text_str(t, "\\n");
		} else if (u[i] == '\t') {
			text_str(t, "\\t");
		} else if (u[i] < 0x20 || u[i] == 0x7f) {
			text_printf(t, "\\u%04x", u[i]);
		} else {
			text_bytes(t, s + i, len);
		}
	}
	text_char(t, '"');
}

void
text_tsv(struct text *t, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		switch (s[i]) {
		case '\t': text_str(t, "\\t"); break;
		case '\n': text_str(t, "\\n"); break;
		case '\r': text_str(t, "\\r"); break;
		case '\\': text_str(t, "\\\\"); break;
		default: text_char(t, s[i]);
		}
	}
}

void
text_html(struct text *t, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		switch (s[i]) {
		case '&': text_str(t, "&amp;"); break;
		case '<': text_str(t, "&lt;"); break;
		case '>': text_str(t, "&gt;"); break;
		case '"': text_str(t, "&quot;"); break;
		case '\'': text_str(t, "&#39;"); break;
		default: text_char(t, s[i]);
		}
	}
}

bool
parse_u64(const char *s, size_t n, uint64_t *out)
{
	uint64_t v = 0;
	size_t i;

	if (n == 0)
		return false;
	for (i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v))
			return false;
	}
	*out = v;
	return true;
}

bool
parse_i64(const char *s, size_t n, int64_t *out)
{
	bool is_negative = n > 0 && s[0] == '-';
	uint64_t v;

	if (!parse_u64(s + is_negative, n - is_negative, &v) ||
	    v > (uint64_t)INT64_MAX + is_negative)
		return false;
	*out = is_negative ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

bool
parse_f64(const char *s, size_t n, double *out)
{
	char copy[64], *end;
	double v;

	if (n == 0 || n >= sizeof copy || isspace((unsigned char)s[0]))
		return false;
	memcpy(copy, s, n);
	copy[n] = '\0';
	v = strtod(copy, &end);
	if (end != copy + n || !isfinite(v))
		return false;
	*out = v;
	return true;
}
