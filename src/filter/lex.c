/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cuts a filter's text into words, quoted texts and signs. A word is anything up to a
 * blank or a sign, so that addresses, prefixes, times and version numbers are words.
 */
#include "filter/lex.h"

#include <string.h>

static const char signs[] = "()[],=!<>~&|";
static const char *const pairs[] = {"==", "!=", "<=", ">=", "<>", "!~", "&&", "||"};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

static bool
is_word(char c)
{
	return !is_control(c) && c != ' ' && c != '"' && c != '\'' &&
	       strchr(signs, c) == NULL;
}

static size_t
sign_len(const char *s)
{
	size_t i;

	for (i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		if (s[0] == pairs[i][0] && s[1] == pairs[i][1])
			return 2;
	}
	return 1;
}

/* Behind the closing quote; 0 if there is none. */
static size_t
quoted_len(const char *s)
{
	size_t i;

	for (i = 1; s[i] != '\0' && s[i] != s[0]; i++)
		i += s[i] == '\\' && s[i + 1] != '\0';
	return s[i] == '\0' ? 0 : i + 1;
}

void
lexer_next(struct lexer *lexer)
{
	const char *s;
	struct token *t = &lexer->token;

	while (is_blank(lexer->text[lexer->at]))
		lexer->at++;
	s = lexer->text + lexer->at;
	*t = (struct token){TOKEN_BAD, s, 1, lexer->at};
	if (*s == '\0') {
		t->kind = TOKEN_END;
		t->len = 0;
	} else if (*s == '"' || *s == '\'') {
		if ((t->len = quoted_len(s)) == 0)
			return;
		lexer->at += t->len;
		t->kind = TOKEN_QUOTED;
		t->text++;
		t->len -= 2;
		return;
	} else if (is_word(*s)) {
		t->kind = TOKEN_WORD;
		while (s[t->len] != '\0' && is_word(s[t->len]))
			t->len++;
	} else if (!is_control(*s)) {
		t->kind = TOKEN_SIGN;
		t->len = sign_len(s);
	} else {
		return;
	}
	lexer->at += t->len;
}

void
lexer_init(struct lexer *lexer, const char *text)
{
	*lexer = (struct lexer){.text = text};
	lexer_next(lexer);
}

bool
token_is(const struct token *token, const char *text)
{
	return (token->kind == TOKEN_WORD || token->kind == TOKEN_SIGN) &&
	       strlen(text) == token->len && memcmp(token->text, text, token->len) == 0;
}
