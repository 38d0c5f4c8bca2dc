/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors as values: a code and a text. Nothing here prints; only commands do.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list args;

	if (err == NULL || err->code != 0)
		return -1;
	err->code = code != 0 ? code : EINVAL;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof err->text, fmt, args);
	va_end(args);
	return -1;
}

int
err_prefix(struct err *err, const char *fmt, ...)
{
	char rest[sizeof err->text];
	va_list args;
	size_t n;

	if (err == NULL)
		return -1;
	memcpy(rest, err->text, sizeof rest);
	va_start(args, fmt);
	vsnprintf(err->text, sizeof err->text, fmt, args);
	va_end(args);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof err->text - n, "%s", rest);
	return -1;
}

void
err_clear(struct err *err)
{
	err->code = 0;
	err->text[0] = '\0';
}
