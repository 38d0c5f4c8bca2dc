/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FILTER_WORD_H
#define FILTER_WORD_H

#include "filter/lex.h"
#include "filter/node.h"

/* Inside the folder: the tables operator.def and sugar.def, against what comes next. */

enum operator_on { ON_VALUES, ON_ORDERED, ON_PARTS, ON_ALL };

struct operator_row {
	const char *text;
	enum operation op;
	enum operator_on on;
	const char *help;
};

/* If the next tokens are these words (separated by one blank), steps over them. */
bool word_take(struct lexer *lexer, const char *words);

/* The operator that stands next, of most words; NULL, nothing taken, if there is none. */
const struct operator_row *word_take_operator(struct lexer *lexer);
/* Whether it is for values of this type. */
bool word_operator_fits(const struct operator_row *row, const struct type *type);

/* The fields that words of sugar.def stand for; 0, nothing taken, if there are none. */
unsigned word_take_fields(struct lexer *lexer, const struct schema *schema,
    unsigned fields[2]);
/* Words that may stand behind an address field and say nothing ("net"). */
void word_skip_address(struct lexer *lexer);

#endif
