/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FILTER_LEX_H
#define FILTER_LEX_H

#include <stdbool.h>
#include <stddef.h>

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_QUOTED, /* text is what stands between the quotes, escapes and all */
	TOKEN_SIGN,   /* operators, brackets, comma */
	TOKEN_BAD,    /* a quote without end, a control character */
};

struct token {
	enum token_kind kind;
	const char *text;
	size_t len;
	size_t at; /* offset in the filter's text */
};

/* Where in a filter's text; copy it to come back. Its token is the one not yet taken. */
struct lexer {
	const char *text;
	size_t at; /* behind the token */
	struct token token;
};

void lexer_init(struct lexer *lexer, const char *text);
void lexer_next(struct lexer *lexer);
/* A word or sign that reads so; a quoted one never does. */
bool token_is(const struct token *token, const char *text);

#endif
