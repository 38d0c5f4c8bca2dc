/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_WORDS_H
#define LAB_WORDS_H

#include "base/text.h"

/* A command line that grows word by word. */
struct words {
	struct text bytes; /* the words, each with its 0 */
	size_t count;
	const char **argv; /* made by words_argv */
};

void words_init(struct words *words);
void words_done(struct words *words);
/* printf's notation. */
void words_add(struct words *words, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), nonnull(2)));
/* Words with blanks between them, as they stand. */
void words_split(struct words *words, const char *list);
/* NULL at the end; borrowed until the next call. */
const char *const *words_argv(struct words *words);

#endif
