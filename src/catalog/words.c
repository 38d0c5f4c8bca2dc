/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The small texts of lists: sizes with units, dates in several looks, URLs, base names.
 */
#include "catalog/builder.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

struct str
base_name(const char *path)
{
	static const char *const endings[] = {".gz", ".xz", ".zst", ".lz4", ".tsv",
					      ".json", ".tar", ".db", ".txt", ".csv"};
	const char *at = strrchr(path, '/');
	size_t n, i, len;

	at = at != NULL ? at + 1 : path;
	n = strlen(at);
	for (i = 0; i < sizeof endings / sizeof *endings; i++) {
		len = strlen(endings[i]);
		if (n > len && memcmp(at + n - len, endings[i], len) == 0) {
			n -= len;
			i = (size_t)-1; /* .tar.gz has two */
		}
	}
	return (struct str){at, (uint32_t)n};
}

void
depends_add(struct text *depends, const char *name, size_t n)
{
	if (n == 0)
		return;
	if (depends->len > 0)
		text_char(depends, ' ');
	text_bytes(depends, name, n);
}

bool
is_url(const char *input)
{
	return strncmp(input, "http://", 7) == 0 || strncmp(input, "https://", 8) == 0;
}

/* Takes the last part and "." and ".." off a path that is being built. */
static void
put_path(struct text *out, size_t root, const char *path)
{
	size_t n;

	while (*path != '\0') {
		n = strcspn(path, "/?#");
		if (n == 2 && memcmp(path, "..", 2) == 0 && path[2] != '.') {
			if (out->len > root)
				out->len--; /* the slash */
			while (out->len > root && out->data[out->len - 1] != '/')
				out->len--;
			path += 2 + (path[2] == '/');
			continue;
		}
		if (n == 1 && *path == '.') {
			path += 1 + (path[1] == '/');
			continue;
		}
		if (path[n] != '/') {
			text_str(out, path);
			return;
		}
		text_bytes(out, path, n + 1);
		path += n + 1;
	}
	out->data[out->len] = '\0';
}

void
url_join(struct text *out, const char *base, const char *url)
{
	const char *host = strstr(base, "://"), *path, *end;
	size_t root;

	if (is_url(url) || host == NULL) {
		text_str(out, url);
		return;
	}
	if (strncmp(url, "//", 2) == 0) {
		text_bytes(out, base, (size_t)(host + 1 - base));
		text_str(out, url);
		return;
	}
	path = host + 3 + strcspn(host + 3, "/?#");
	text_bytes(out, base, (size_t)(path - base));
	text_char(out, '/');
	root = out->len;
	if (*url != '/' && *path == '/') {
		end = path + strcspn(path, "?#");
		while (end > path && end[-1] != '/')
			end--;
		text_bytes(out, path + 1, end > path ? (size_t)(end - path - 1) : 0);
	}
	put_path(out, root, url + (*url == '/'));
}

static bool
is_word(const char *s, size_t n, const char *word)
{
	return strlen(word) == n && strncasecmp(s, word, n) == 0;
}

/* What a unit's letter and ending stand for; false if it is none. is_fixed: the same to
 * everybody. */
static bool
unit_parse(const char *s, size_t n, unsigned *power, bool *is_fixed, bool *is_binary)
{
	static const char letters[] = "KMGT";
	const char *letter;

	*power = 0;
	*is_fixed = true;
	*is_binary = false;
	if (n == 0 || is_word(s, n, "b") || is_word(s, n, "byte") ||
	    is_word(s, n, "bytes"))
		return true;
	letter = strchr(letters, *s & ~0x20);
	if (letter == NULL || *letter == '\0')
		return false;
	*power = (unsigned)(letter - letters) + 1;
	s++, n--;
	*is_binary = is_word(s, n, "ib") || is_word(s, n, "i");
	*is_fixed = *is_binary;
	return *is_binary || n == 0 || is_word(s, n, "b");
}

static long double
unit_bytes(unsigned power, bool is_binary)
{
	long double bytes = 1;

	while (power-- > 0)
		bytes *= is_binary ? 1024 : 1000;
	return bytes;
}

/* Digits, a fraction, and separators of thousands: a comma before three digits is one. */
static size_t
number_parse(const char *s, size_t n, long double *value, unsigned *decimals)
{
	bool is_fraction = false;
	long double scale = 1;
	size_t i, digits = 0;

	*value = 0;
	*decimals = 0;
	for (i = 0; i < n && digits < 20; i++) {
		if (s[i] >= '0' && s[i] <= '9') {
			*value = *value * 10 + (s[i] - '0');
			digits++;
			if (is_fraction)
				scale *= 10, ++*decimals;
			continue;
		}
		if (digits == 0 || is_fraction || i + 1 >= n || s[i + 1] < '0' ||
		    s[i + 1] > '9' || (s[i] != '.' && s[i] != ','))
			break;
		if (s[i] == ',' && strspn(s + i + 1, "0123456789") == 3)
			continue;
		is_fraction = true;
	}
	*value /= scale;
	return digits > 0 ? i : 0;
}

bool
size_parse(const char *text, size_t n, enum units units, uint64_t *size, uint64_t *slack)
{
	char copy[64];
	const char *s = copy;
	long double value, half, low, high;
	unsigned decimals, power, i;
	bool is_fixed, is_binary;
	size_t used;

	while (n > 0 && (*text == ' ' || *text == '\t'))
		text++, n--;
	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	if (n == 0 || n >= sizeof copy || memchr(text, '\0', n) != NULL)
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	*slack = 0;
	if (parse_u64(s, n, size))
		return *size <= INT64_MAX;
	used = number_parse(s, n, &value, &decimals);
	if (used == 0)
		return false;
	s += used, n -= used;
	while (n > 0 && *s == ' ')
		s++, n--;
	if (!unit_parse(s, n, &power, &is_fixed, &is_binary) ||
	    (power == 0 && decimals > 0) || value > 9e18L)
		return false;
	if (power == 0) {
		*size = (uint64_t)value;
		return true;
	}
	/* Half a unit of the last digit, and what servers drop when they divide by
	 * steps. */
	for (half = 0.5L, i = 0; i < decimals; i++)
		half /= 10;
	half += 1.0L / 1024;
	if (!is_fixed)
		is_binary = units != UNITS_DECIMAL;
	low = (value - half) * unit_bytes(power,
	    is_binary && (is_fixed || units != UNITS_EITHER));
	high = (value + half) * unit_bytes(power, is_binary);
	if (low < 0)
		low = 0;
	if (high > 9.2e18L)
		return false;
	*size = (uint64_t)((low + high) / 2);
	*slack = (uint64_t)((high - low) / 2) + 1;
	return true;
}

bool
date_parse(const char *s, size_t n, int64_t *out_us)
{
	static const char *const looks[] = {
	    "%a, %d %b %Y %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%d-%b-%Y %H:%M",
	    "%Y-%m-%d %H:%M",	      "%a %b %d %H:%M:%S %Y", "%m/%d/%Y",
	};
	char copy[64];
	struct tm tm;
	const char *end;
	size_t i;

	while (n > 0 && (*s == ' ' || *s == '\t'))
		s++, n--;
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	if (n == 0 || n >= sizeof copy || memchr(s, '\0', n) != NULL)
		return false;
	if (time_parse(s, n, out_us))
		return true;
	memcpy(copy, s, n);
	copy[n] = '\0';
	for (i = 0; i < sizeof looks / sizeof *looks; i++) {
		tm = (struct tm){0};
		if ((end = strptime(copy, looks[i], &tm)) == NULL)
			continue;
		end += *end == ' ';
		if (*end == '\0' || strcmp(end, "GMT") == 0 || strcmp(end, "UTC") == 0 ||
		    strcmp(end, "+0000") == 0) {
			*out_us = (int64_t)timegm(&tm) * 1000000;
			return true;
		}
	}
	return false;
}
