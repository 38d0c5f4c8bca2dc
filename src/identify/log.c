/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server's log as labels. The format is a list of variables, each followed by the
 * literal text up to the next one; a variable's value ends where that text first comes.
 */
#include "identify/labels.h"

#include "base/err.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "catalog/unpack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TOKENS_MAX = 64, FORMAT_MAX = 1000, NAME_MAX_BYTES = 4096 };

enum variable {
	VAR_OTHER,
	VAR_CLIENT,
	VAR_CLIENT_PORT,
	VAR_SERVER,
	VAR_SERVER_PORT,
	VAR_TIME,       /* epoch seconds or ISO 8601 */
	VAR_LOCAL_TIME, /* 23/Nov/2026:10:05:12 +0000 */
	VAR_REQUEST,    /* GET /path HTTP/1.1 */
	VAR_PATH,
	VAR_STATUS,
	VAR_BYTES,
	VAR_TOOK, /* seconds */
};

static const struct {
	const char *name;
	enum variable variable;
} variables[] = {
    {"remote_addr", VAR_CLIENT},
    {"remote_port", VAR_CLIENT_PORT},
    {"server_addr", VAR_SERVER},
    {"server_port", VAR_SERVER_PORT},
    {"msec", VAR_TIME},
    {"time_iso8601", VAR_TIME},
    {"time_local", VAR_LOCAL_TIME},
    {"request", VAR_REQUEST},
    {"request_uri", VAR_PATH},
    {"uri", VAR_PATH},
    {"status", VAR_STATUS},
    {"body_bytes_sent", VAR_BYTES},
    {"request_time", VAR_TOOK},
};

struct token {
	enum variable variable;
	const char *after; /* the literal behind it */
	size_t after_len;
};

struct format {
	struct token tokens[TOKENS_MAX];
	size_t count;
	const char *before; /* the literal in front of the first */
	size_t before_len;
};

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static enum variable
variable_of(const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < sizeof variables / sizeof *variables; i++)
		if (strlen(variables[i].name) == n && memcmp(variables[i].name, name,
		    n) == 0)
			return variables[i].variable;
	return VAR_OTHER;
}

static bool
has(const struct format *f, enum variable a, enum variable b)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		if (f->tokens[i].variable == a || f->tokens[i].variable == b)
			return true;
	return false;
}

static int
format_parse(const char *text, struct format *out, struct err *err)
{
	const char *at = strchr(text, '$'), *end;

	*out = (struct format){.before = text};
	out->before_len = at == NULL ? 0 : (size_t)(at - text);
	for (; at != NULL && *at == '$';
	    at = end + out->tokens[out->count - 1].after_len) {
		if (out->count == TOKENS_MAX)
			return err_set(err, EINVAL, "log format: more than %d variables",
			    TOKENS_MAX);
		for (end = at + 1; is_name_char(*end); end++)
			;
		out->tokens[out->count++] = (struct token){
		    variable_of(at + 1, (size_t)(end - at - 1)), end, strcspn(end, "$")};
		if (*end == '$')
			return err_set(err, EINVAL,
			    "log format '%s': nothing stands between two variables",
			    text);
	}
	if (!has(out, VAR_CLIENT, VAR_CLIENT) || !has(out, VAR_REQUEST, VAR_PATH) ||
	    !has(out, VAR_TIME, VAR_LOCAL_TIME))
		return err_set(err, EINVAL,
		    "log format '%s': it needs $remote_addr, one of "
		    "$request, $request_uri and $uri, and one of $msec, $time_iso8601 "
		    "and "
		    "$time_local", text);
	return 0;
}

/* 23/Nov/2026:10:05:12 +0000 */
static bool
parse_local_time(const char *s, size_t n, int64_t *out_us)
{
	char copy[32], sign, month[4] = "", *at;
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm = {0};
	int hours, minutes, used = 0;
	int64_t seconds;

	if (n >= sizeof copy)
		return false;
	memcpy(copy, s, n);
	copy[n] = '\0';
	if (sscanf(copy, "%2d/%3[A-Za-z]/%4d:%2d:%2d:%2d %c%2d%2d%n", &tm.tm_mday, month,
	    &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &sign, &hours, &minutes,
	    &used) != 9 || (size_t)used != n || (sign != '+' && sign != '-'))
		return false;
	at = strstr(months, month);
	if (strlen(month) != 3 || at == NULL || (at - months) % 3 != 0 ||
	    tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 ||
	    tm.tm_sec > 60 || tm.tm_year < 1970)
		return false;
	tm.tm_mon = (int)(at - months) / 3;
	tm.tm_year -= 1900;
	seconds = timegm(&tm) - (sign == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
	*out_us = seconds * 1000000;
	return true;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The last part of a path, without query, %xx decoded. */
static bool
set_name(struct label *label, const char *path, size_t n)
{
	char name[NAME_MAX_BYTES];
	const char *query = memchr(path, '?', n), *slash;
	size_t i, len = 0;

	if (label->name != NULL)
		return true;
	if (query != NULL)
		n = (size_t)(query - path);
	if ((slash = memrchr(path, '/', n)) != NULL) {
		n -= (size_t)(slash + 1 - path);
		path = slash + 1;
	}
	if (n == 0 || n > sizeof name)
		return false;
	for (i = 0; i < n; i++) {
		int high, low;

		if (path[i] == '%' && i + 2 < n && (high = hex_value(path[i + 1])) >= 0 &&
		    (low = hex_value(path[i + 2])) >= 0 && high * 16 + low >= 0x20) {
			name[len++] = (char)(high * 16 + low);
			i += 2;
		} else {
			name[len++] = path[i];
		}
	}
	return label_set(label, LABEL_name, name, len);
}

/* What a log's line says, before it is a label. */
struct line {
	struct label *label;
	double took;
	bool is_whole, is_named;
};

static bool
take(struct line *line, enum variable variable, const char *cell, size_t n)
{
	const char *space;

	switch (variable) {
	case VAR_CLIENT:
		return label_set(line->label, LABEL_client, cell, n) && n > 0;
	case VAR_CLIENT_PORT:
		return label_set(line->label, LABEL_client_port, cell, n);
	case VAR_SERVER:
		return label_set(line->label, LABEL_server, cell, n);
	case VAR_SERVER_PORT:
		return label_set(line->label, LABEL_server_port, cell, n);
	case VAR_TIME:
		return label_set(line->label, LABEL_end, cell, n) && n > 0;
	case VAR_LOCAL_TIME:
		line->label->has[LABEL_end] = true;
		return parse_local_time(cell, n, &line->label->end_us);
	case VAR_STATUS:
		line->is_whole = n == 3 && memcmp(cell, "200", 3) == 0;
		return true;
	case VAR_BYTES:
		return label_set(line->label, LABEL_size, cell, n);
	case VAR_TOOK:
		return parse_f64(cell, n, &line->took) && line->took >= 0 &&
		    line->took < 1e9;
	case VAR_REQUEST:
		/* METHOD SP path SP version; others, as scanners send, are no
		 * download. */
		if (n < 5 || memcmp(cell, "GET ", 4) != 0)
			return true;
		cell += 4;
		n -= 4;
		space = memchr(cell, ' ', n);
		line->is_named = set_name(line->label, cell,
		    space != NULL ? (size_t)(space - cell) : n);
		return true;
	case VAR_PATH:
		line->is_named = set_name(line->label, cell, n);
		return true;
	default:
		return true;
	}
}

/* 0, or -1 where the line has not the format's look. */
static int
read_log_line(const struct format *f, const char *text, size_t n, struct line *line)
{
	const char *at = text, *end = text + n, *stop;
	size_t i;

	if (n < f->before_len || memcmp(text, f->before, f->before_len) != 0)
		return -1;
	at += f->before_len;
	for (i = 0; i < f->count; i++) {
		const struct token *t = &f->tokens[i];
		bool is_last = i + 1 == f->count;

		if (t->after_len == 0 && is_last)
			stop = end;
		else if (is_last) /* the rest, which ends in the literal */
			stop = (size_t)(end - at) >= t->after_len ? end - t->after_len
			    : NULL;
		else
			stop = memmem(at, (size_t)(end - at), t->after, t->after_len);
		if (stop == NULL || memcmp(stop, t->after, t->after_len) != 0 ||
		    !take(line, t->variable, at, (size_t)(stop - at)))
			return -1;
		at = stop + t->after_len;
	}
	return at == end ? 0 : -1;
}

int
labels_read_log_lines(struct labels *l, struct unpack *in, const char *text,
    struct err *err)
{
	struct format format;
	const char *line;
	size_t len;
	int more;

	if (strlen(text) > FORMAT_MAX)
		return err_set(err, EINVAL, "log format: longer than %d bytes",
		    FORMAT_MAX);
	if (format_parse(text, &format, err) != 0)
		return -1;
	while ((more = unpack_line(in, &line, &len, err)) > 0) {
		struct line one = {.is_whole = true};

		if (len == 0)
			continue;
		if ((one.label = labels_add(l, in, err)) == NULL)
			return -1;
		if (read_log_line(&format, line, len, &one) != 0)
			return labels_wrong(in, err, "not as the log format says "
			    "(--log-format):", line, len);
		if (one.is_whole && one.is_named) {
			if (one.took > 0 && one.label->end_us > 0) {
				one.label->has[LABEL_start] = true;
				one.label->start_us =
				    one.label->end_us - (int64_t)(one.took * 1e6);
			}
			continue;
		}
		free(one.label->name);
		l->count--;
		l->other++;
	}
	return more;
}

int
labels_read_log(struct labels *l, const char *path, const char *format, struct err *err)
{
	struct unpack *in;
	int ret;

	if (unpack_open(path, CATALOG_BYTES_MAX, &in, err) < 0)
		return -1;
	ret = labels_read_log_lines(l, in, format, err);
	unpack_close(in);
	return ret;
}
