/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A growing string and the few conversions that every printer and parser here needs.
 */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
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
	char *to = text_room(t, 1);

	to[0] = c;
	to[1] = '\0';
	t->len++;
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

/* Powers of ten that a long double holds exactly everywhere. */
static const long double power[] = {
    1e0L,  1e1L,  1e2L,	 1e3L,	1e4L,  1e5L,  1e6L,  1e7L,  1e8L,  1e9L,  1e10L,
    1e11L, 1e12L, 1e13L, 1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L, 1e20L, 1e21L};
/* From 1e-4 on %g needs no exponent, and below 1e6 none with six digits. */
static const double PLAIN_LEAST = 1e-4, PLAIN_MOST = 1e6;
/* How near to a half a product of 17 digits must not be, to be rounded for sure. */
static const long double UNSURE = 1 / 64.0L, UNSURE_ULP = 1 / 256.0L;

/*
 * The digits of v, PLAIN_LEAST <= v < PLAIN_MOST, rounded to so many: v is about out /
 * 10^scale. False where the long double does not tell.
 */
static bool
round_digits(double v, int digits, uint64_t *out, int *scale)
{
	int exponent = 0;
	long double m, part;

	if (LDBL_MANT_DIG < 64) /* here a product has no digits beyond v's own */
		return false;
	while (v < 1 && (long double)v * power[-exponent] < 1)
		exponent--;
	while (v >= 1 && (long double)v >= power[exponent + 1])
		exponent++;
	*scale = digits - 1 - exponent;
	m = (long double)v;
	m = *scale >= 0 ? m * power[*scale] : m / power[-*scale];
	*out = (uint64_t)m;
	part = m - (long double)*out;
	if (part > 0.5L - UNSURE && part < 0.5L + UNSURE)
		return false;
	*out += part > 0.5L;
	/* Rounded up to the next power. */
	if ((long double)*out < power[digits])
		return true;
	*out /= 10;
	--*scale;
	return digits > exponent + 1;
}

/* Whether m / 10^scale reads back as v: 1, 0, or -1 where that is too near to call. */
static int
reads_back(uint64_t m, int scale, double v)
{
	long double apart = (long double)m / power[scale] - (long double)v, up, down;

	up = ((long double)nextafter(v, INFINITY) - (long double)v) / 2;
	down = ((long double)v - (long double)nextafter(v, 0)) / 2;
	apart = apart < 0 ? -apart : apart;
	if (apart < (1 - UNSURE_ULP) * down)
		return 1;
	return apart > (1 + UNSURE_ULP) * up ? 0 : -1;
}

/* m / 10^scale, scale >= 0, without zeros at the end. */
static void
put_digits(struct text *t, uint64_t m, int scale)
{
	char s[48];
	size_t i = sizeof s;

	for (; scale > 0 && m % 10 == 0; scale--)
		m /= 10;
	for (; m > 0 || scale >= 0; scale--) {
		s[--i] = (char)('0' + m % 10);
		m /= 10;
		if (scale == 1)
			s[--i] = '.';
	}
	text_bytes(t, s + i, sizeof s - i);
}

void
text_real(struct text *t, double v, int digits)
{
	char s[48];
	uint64_t m;
	int scale;

	if (v >= PLAIN_LEAST && v < PLAIN_MOST && digits <= 17 &&
	    round_digits(v, digits, &m, &scale) && scale >= 0) {
		put_digits(t, m, scale);
		return;
	}
	text_bytes(t, s, (size_t)snprintf(s, sizeof s, "%.*g", digits, v));
}

/* Fifteen digits can always be told apart: where they read back fewer do not, but for
 * zeros at the end. Of large numbers these make an exponent, so that fewer are tried. */
void
text_f64(struct text *t, double v)
{
	int digits, scale, back,
	    least = fabs(v) < DBL_MIN || fabs(v) >= PLAIN_MOST ? 6 : DBL_DIG;
	char s[40];
	uint64_t m;

	if (!isfinite(v))
		return;
	if (v == 0 && !signbit(v)) {
		text_char(t, '0');
		return;
	}
	for (digits = least; v >= PLAIN_LEAST && v < PLAIN_MOST && digits <= 17;
	     digits++) {
		if (!round_digits(v, digits, &m, &scale) ||
		    (back = reads_back(m, scale, v)) < 0)
			break;
		if (back == 0)
			continue;
		put_digits(t, m, scale);
		return;
	}
	for (digits = least; digits < 17; digits++) {
		snprintf(s, sizeof s, "%.*g", digits, v);
		if (strtod(s, NULL) == v)
			break;
	}
	text_bytes(t, s, (size_t)snprintf(s, sizeof s, "%.*g", digits, v));
}

void
text_printf(struct text *t, const char *fmt, ...)
{
	size_t left = t->cap - t->len;
	va_list args;
	int n;

	/* Mostly there is room enough. */
	va_start(args, fmt);
	n = vsnprintf(left > 0 ? t->data + t->len : NULL, left, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= left) {
		text_room(t, (size_t)n + 1);
		va_start(args, fmt);
		vsnprintf(t->data + t->len, (size_t)n + 1, fmt, args);
		va_end(args);
	}
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

/* What a byte is written as in TSV; NULL: itself. */
static const char *
tsv_escape(char c)
{
	switch (c) {
	case '\t': return "\\t";
	case '\n': return "\\n";
	case '\r': return "\\r";
	case '\\': return "\\\\";
	default: return NULL;
	}
}

void
text_tsv(struct text *t, const char *s, size_t n)
{
	size_t i, done = 0;

	for (i = 0; i < n; i++) {
		if ((unsigned char)s[i] > '\r' && s[i] != '\\')
			continue;
		if (tsv_escape(s[i]) == NULL)
			continue;
		text_bytes(t, s + done, i - done);
		text_str(t, tsv_escape(s[i]));
		done = i + 1;
	}
	text_bytes(t, s + done, n - done);
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
