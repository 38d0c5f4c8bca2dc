/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of the filter language: operators, and what stands for fields. Of rows that
 * fit, the one of most words is taken ("not in" before "not"), so their order is free.
 */
#include "filter/word.h"

#include <string.h>

#include "base/text.h"
#include "filter/filter.h"

static const struct operator_row operators[] = {
#define OPERATOR(text, op, on, ...) {text, OP_##op, on, __VA_ARGS__},
#include "filter/operator.def"
#undef OPERATOR
};

static const struct {
	const char *words;
	const char *fields[2];
} sugars[] = {
#define SUGAR(words, field, other) {words, {field, other}},
#define ADDRESS_WORD(word)
#include "filter/sugar.def"
#undef SUGAR
#undef ADDRESS_WORD
};

static const char *const address_words[] = {
#define SUGAR(words, field, other)
#define ADDRESS_WORD(word) word,
#include "filter/sugar.def"
#undef SUGAR
#undef ADDRESS_WORD
};

enum {
	OPERATORS = sizeof operators / sizeof operators[0],
	SUGARS = sizeof sugars / sizeof sugars[0],
	ADDRESS_WORDS = sizeof address_words / sizeof address_words[0],
};

bool
word_take(struct lexer *lexer, const char *words)
{
	struct lexer ahead = *lexer;
	char word[16];
	size_t n;

	for (;; words += n + 1) {
		n = strcspn(words, " ");
		memcpy(word, words, n);
		word[n] = '\0';
		if (!token_is(&ahead.token, word))
			return false;
		lexer_next(&ahead);
		if (words[n] == '\0') {
			*lexer = ahead;
			return true;
		}
	}
}

const struct operator_row *
word_take_operator(struct lexer *lexer)
{
	struct lexer best = *lexer, ahead;
	const struct operator_row *row = NULL;

	for (size_t i = 0; i < OPERATORS; i++) {
		ahead = *lexer;
		if (word_take(&ahead, operators[i].text) &&
		    ahead.token.at > best.token.at) {
			best = ahead;
			row = &operators[i];
		}
	}
	*lexer = best;
	return row;
}

bool
word_operator_fits(const struct operator_row *row, const struct type *type)
{
	switch (row->on) {
	case ON_VALUES:
		return type->storage != STORAGE_LIST;
	case ON_ORDERED:
		return type->is_ordered;
	case ON_PARTS:
		return type->storage == STORAGE_TEXT || type == &types[TYPE_tcp_flags];
	case ON_ALL:
		return true;
	}
	return false;
}

/* A row of sugar.def whose fields this schema has; how many, 0 if it has them not. */
static unsigned
sugar_fields(const struct schema *schema, size_t row, unsigned fields[2])
{
	unsigned n = 0;
	int field;

	while (n < 2 && sugars[row].fields[n] != NULL) {
		field = schema_find(schema, sugars[row].fields[n],
		    strlen(sugars[row].fields[n]));
		if (field < 0)
			return 0;
		fields[n++] = (unsigned)field;
	}
	return n;
}

unsigned
word_take_fields(struct lexer *lexer, const struct schema *schema, unsigned fields[2])
{
	struct lexer best = *lexer, ahead;
	unsigned found[2] = {0}, n = 0, some;

	for (size_t i = 0; i < SUGARS; i++) {
		ahead = *lexer;
		if (word_take(&ahead, sugars[i].words) &&
		    ahead.token.at > best.token.at &&
		    (some = sugar_fields(schema, i, found)) > 0) {
			best = ahead;
			n = some;
			memcpy(fields, found, sizeof found);
		}
	}
	*lexer = best;
	return n;
}

void
word_skip_address(struct lexer *lexer)
{
	for (size_t i = 0; i < ADDRESS_WORDS; i++)
		if (word_take(lexer, address_words[i]))
			return;
}

static void
help_sugar(struct text *out, const struct schema *schema)
{
	unsigned fields[2], n;

	for (size_t i = 0; i < SUGARS; i++) {
		if ((n = sugar_fields(schema, i, fields)) == 0)
			continue;
		text_printf(out, "  %-12s %s", sugars[i].words, sugars[i].fields[0]);
		if (n > 1)
			text_printf(out, " or %s", sugars[i].fields[1]);
		text_char(out, '\n');
	}
}

void
filter_help(struct text *out, const struct schema *schema)
{
	text_str(out,
	    "A filter is comparisons joined by not, and, or (! && ||) and parentheses:\n"
	    "  FIELD OPERATOR VALUE, or FIELD VALUE for equal (TCP flags: all of these "
	    "set).\n"
	    "Numbers take k M G T and Ki Mi Gi Ti, durations us ms s m h d, addresses "
	    "prefixes\n"
	    "(10/8); text with blanks stands in quotes. A comparison with null is "
	    "false.\n"
	    "Operators:\n");
	for (size_t i = 0; i < OPERATORS; i++)
		text_printf(out, "  %-12s %s\n", operators[i].text,
		    operators[i].help != NULL ? operators[i].help : "the same");
	text_str(out, "Words that stand for fields:\n");
	help_sugar(out, schema);
	text_str(out, "Fields:\n");
	schema_help(out, schema);
}
