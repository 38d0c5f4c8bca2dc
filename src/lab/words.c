/* SPDX-License-Identifier: BSD-2-Clause */
/* Command lines. */
#include "lab/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
words_init(struct words *words)
{
	*words = (struct words){0};
	text_init(&words->bytes);
}

void
words_done(struct words *words)
{
	text_done(&words->bytes);
	free(words->argv);
	*words = (struct words){0};
}

void
words_add(struct words *words, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0)
		abort();
	va_start(args, fmt);
	vsnprintf(text_room(&words->bytes, (size_t)n + 1), (size_t)n + 1, fmt, args);
	va_end(args);
	words->bytes.len += (size_t)n + 1;
	words->count++;
}

void
words_split(struct words *words, const char *list)
{
	size_t len;

	for (; *list != '\0'; list += len) {
		list += strspn(list, " ");
		if ((len = strcspn(list, " ")) > 0)
			words_add(words, "%.*s", (int)len, list);
	}
}

const char *const *
words_argv(struct words *words)
{
	const char *at = words->bytes.data;
	size_t i;

	free(words->argv);
	if ((words->argv = calloc(words->count + 1, sizeof *words->argv)) == NULL)
		abort(); /* as text does */
	for (i = 0; i < words->count; i++) {
		words->argv[i] = at;
		at += strlen(at) + 1;
	}
	return words->argv;
}
