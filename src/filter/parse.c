/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filter language by recursive descent: or, and, not, parentheses, comparisons.
 * Checks types on the way, so that a filter that parses runs. The first thing wrong is
 * reported with a caret under its place.
 */
#include "filter/node.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "filter/lex.h"
#include "filter/value.h"
#include "filter/word.h"
#include "model/batch.h"

struct parser {
	const struct schema *schema;
	struct lexer lexer;
	struct batch *scratch; /* for values that a type parses */
	struct err *err;
	unsigned depth;
	size_t tests, values;
	char *copy; /* where the next value's text goes */
};

/* The fields a comparison is about. */
struct subject {
	unsigned fields[2];
	unsigned n;
	size_t at;
};

static struct node *parse_or(struct parser *p);

void
node_free(struct node *node)
{
	struct node *next;

	for (; node != NULL; node = next) {
		next = node->next;
		node_free(node->first);
		free(node->test.ranges);
		free(node->test.wide);
		free(node->test.texts);
		free(node->test.codes);
		free(node);
	}
}

/* The words, the filter's text around `at`, and a caret below. Returns NULL. */
__attribute__((format(printf, 3, 4))) static struct node *
wrong(struct parser *p, size_t at, const char *fmt, ...)
{
	enum { BEFORE = 50, WINDOW = 76 };
	const char *text = p->lexer.text;
	size_t from = at > BEFORE ? at - BEFORE : 0, len = strnlen(text + from, WINDOW),
	       i;
	char words[512], line[WINDOW + 1];
	va_list args;

	va_start(args, fmt);
	vsnprintf(words, sizeof words, fmt, args);
	va_end(args);
	for (i = 0; i < len; i++)
		line[i] = iscntrl((unsigned char)text[from + i]) ? '?' : text[from + i];
	line[len] = '\0';
	err_set(p->err, EINVAL, "filter: %s\n  %s\n  %*s^", words, line, (int)(at - from),
		"");
	return NULL;
}

static int
shown(const struct token *t)
{
	return t->len > 60 ? 60 : (int)t->len;
}

static struct node *
wrong_token(struct parser *p, const char *expected)
{
	const struct token *t = &p->lexer.token;

	if (t->kind == TOKEN_END)
		return wrong(p, t->at, "it ends where %s should follow", expected);
	if (t->kind == TOKEN_BAD && (*t->text == '"' || *t->text == '\''))
		return wrong(p, t->at, "this quote has no end");
	if (t->kind == TOKEN_BAD)
		return wrong(p, t->at, "a control character; leave it out");
	return wrong(p, t->at, "'%.*s' where %s should stand", shown(t), t->text,
		     expected);
}

static struct node *
node_new(struct parser *p, enum node_kind kind, struct node *first)
{
	struct node *node = calloc(1, sizeof *node);

	if (node == NULL) {
		node_free(first);
		err_set(p->err, ENOMEM, "filter: out of memory");
		return NULL;
	}
	node->kind = kind;
	node->first = first;
	return node;
}

static bool
take_either(struct parser *p, const char *word, const char *sign)
{
	return word_take(&p->lexer, word) || word_take(&p->lexer, sign);
}

static void
wrong_field(struct parser *p, const struct token *t)
{
	const char *near = schema_nearest(p->schema, t->text, t->len > 64 ? 64 : t->len);

	if (protocol_parse(t->text, t->len) >= 0 && !isdigit((unsigned char)*t->text) &&
	    schema_find(p->schema, "proto", 5) >= 0)
		wrong(p, t->at, "'%.*s' is a protocol: write 'proto %.*s'", shown(t),
		    t->text, shown(t), t->text);
	else if (near != NULL)
		wrong(p, t->at, "unknown field '%.*s': did you mean '%s'?", shown(t),
		    t->text, near);
	else
		wrong(p, t->at, "unknown field '%.*s'; --help lists the fields", shown(t),
		    t->text);
}

static bool
take_subject(struct parser *p, struct subject *out)
{
	const struct token *t = &p->lexer.token;
	int field;

	*out = (struct subject){.at = t->at};
	if (t->kind != TOKEN_WORD) {
		wrong_token(p, "a field's name");
		return false;
	}
	if ((out->n = word_take_fields(&p->lexer, p->schema, out->fields)) == 0) {
		if ((field = schema_find(p->schema, t->text, t->len)) < 0) {
			wrong_field(p, t);
			return false;
		}
		out->fields[out->n++] = (unsigned)field;
		lexer_next(&p->lexer);
	}
	if (types[p->schema->fields[out->fields[0]].type].storage == STORAGE_ADDR)
		word_skip_address(&p->lexer);
	return true;
}

/* The text of a value; escapes of a quoted one are taken out. */
static struct str
token_value(struct parser *p, const struct token *t)
{
	char *from = p->copy;
	size_t i;

	for (i = 0; i < t->len; i++) {
		if (t->kind == TOKEN_QUOTED && t->text[i] == '\\' && i + 1 < t->len)
			i++;
		*p->copy++ = t->text[i];
	}
	return (struct str){from, (uint32_t)(p->copy - from)};
}

static bool
take_value(struct parser *p, struct test *test, enum operation op)
{
	struct token t = p->lexer.token;
	const char *problem;

	if (t.kind != TOKEN_WORD && t.kind != TOKEN_QUOTED) {
		wrong_token(p, "a value");
		return false;
	}
	if (++p->values > FILTER_VALUES_MAX) {
		wrong(p, t.at, "more than %d values", FILTER_VALUES_MAX);
		return false;
	}
	problem = value_add(test, p->schema, op, token_value(p, &t), p->scratch);
	if (problem != NULL && *problem == '\0')
		wrong(p, t.at, "'%.*s' does not fit %s, which takes %s", shown(&t),
		      t.text, p->schema->fields[test->field].id,
		      value_help(&p->schema->fields[test->field]));
	else if (problem != NULL)
		wrong(p, t.at, "'%.*s' is %s", shown(&t), t.text, problem);
	else
		lexer_next(&p->lexer);
	return problem == NULL;
}

static bool
take_set(struct parser *p, struct test *test)
{
	if (!word_take(&p->lexer, "[")) {
		wrong_token(p, "a list such as [80, 443]");
		return false;
	}
	for (;;) {
		if (!take_value(p, test, OP_EQ))
			return false;
		if (word_take(&p->lexer, "]"))
			return true;
		if (!word_take(&p->lexer, ",")) {
			wrong_token(p, "',' or ']'");
			return false;
		}
	}
}

static bool
is_negated(enum operation op)
{
	return op == OP_NE || op == OP_NOT_IN || op == OP_HAS_NOT || op == OP_NULL;
}

/* What follows the operator, as a test of one field. */
static bool
take_operand(struct parser *p, struct test *test, enum operation op)
{
	bool is_done = true;

	test->is_negated = is_negated(op);
	switch (op) {
	case OP_NULL:
	case OP_NOT_NULL:
		test->how = TEST_NOT_NULL;
		break;
	case OP_IN:
	case OP_NOT_IN:
		is_done = take_set(p, test);
		break;
	case OP_NE:
		is_done = take_value(p, test, OP_EQ);
		break;
	case OP_HAS_NOT:
		is_done = take_value(p, test, OP_HAS);
		break;
	default:
		is_done = take_value(p, test, op);
	}
	value_finish(test);
	return is_done;
}

/* FIELD VALUE, FIELD [VALUES]: the operator that goes without saying. */
static bool
silent_operator(struct parser *p, const struct type *type, enum operation *out)
{
	const struct token *t = &p->lexer.token;

	if (token_is(t, "[")) {
		*out = OP_IN;
		return type->storage != STORAGE_LIST;
	}
	if (t->kind != TOKEN_QUOTED && (t->kind != TOKEN_WORD || token_is(t, "and") ||
					token_is(t, "or") || token_is(t, "not")))
		return false;
	*out = type == &types[TYPE_tcp_flags] ? OP_HAS : OP_EQ;
	return type->storage != STORAGE_LIST;
}

static struct node *
test_new(struct parser *p, unsigned field)
{
	struct node *node = node_new(p, NODE_TEST, NULL);

	if (node != NULL)
		node->test.field = field;
	return node;
}

/* `coalesced` alone: a 0 or 1 that is 1. */
static struct node *
bool_test(struct parser *p, const struct subject *s)
{
	struct node *node = test_new(p, s->fields[0]);

	if (node != NULL) {
		value_add(&node->test, p->schema, OP_EQ, (struct str){"1", 1},
			  p->scratch);
		value_finish(&node->test);
	}
	return node;
}

static struct node *
parse_comparison(struct parser *p)
{
	const struct operator_row *row;
	const struct type *type;
	struct node *first = NULL, **end = &first, *node;
	struct subject s;
	struct lexer operand;
	enum operation op;
	size_t at;
	unsigned i;

	if (!take_subject(p, &s))
		return NULL;
	if ((p->tests += s.n) > FILTER_TESTS_MAX)
		return wrong(p, s.at, "more than %d comparisons", FILTER_TESTS_MAX);
	type = &types[p->schema->fields[s.fields[0]].type];
	at = p->lexer.token.at;
	if ((row = word_take_operator(&p->lexer)) != NULL) {
		op = row->op;
		if (!word_operator_fits(row, type))
			return wrong(p, at, "'%s' does not work on %s (%s)", row->text,
				     p->schema->fields[s.fields[0]].id, type->help);
	} else if (!silent_operator(p, type, &op)) {
		return type == &types[TYPE_bool]
			   ? bool_test(p, &s)
			   : wrong_token(p, "an operator such as = or a value");
	}
	operand = p->lexer;
	for (i = 0; i < s.n; i++, end = &node->next) {
		p->lexer = operand;
		if ((node = *end = test_new(p, s.fields[i])) == NULL ||
		    !take_operand(p, &node->test, op)) {
			node_free(first);
			return NULL;
		}
	}
	return s.n == 1 ? first : node_new(p, is_negated(op) ? NODE_AND : NODE_OR, first);
}

static struct node *
parse_not(struct parser *p)
{
	struct node *node = NULL;
	size_t at = p->lexer.token.at;

	if (++p->depth > FILTER_DEPTH_MAX)
		return wrong(p, at, "nested more than %d deep", FILTER_DEPTH_MAX);
	if (take_either(p, "not", "!")) {
		if ((node = parse_not(p)) != NULL)
			node = node_new(p, NODE_NOT, node);
	} else if (word_take(&p->lexer, "(")) {
		node = parse_or(p);
		if (node != NULL && !word_take(&p->lexer, ")")) {
			node_free(node);
			node = wrong_token(p, "'and', 'or' or ')'");
		}
	} else if (word_take(&p->lexer, "any")) {
		node = node_new(p, NODE_AND, NULL);
	} else {
		node = parse_comparison(p);
	}
	p->depth--;
	return node;
}

/* Operands between words of one kind; a single one stands for itself. */
static struct node *
parse_chain(struct parser *p, enum node_kind kind, const char *word, const char *sign,
	    struct node *(*operand)(struct parser *))
{
	struct node *first = operand(p), *last = first;

	while (last != NULL && take_either(p, word, sign)) {
		if ((last->next = operand(p)) == NULL) {
			node_free(first);
			return NULL;
		}
		last = last->next;
	}
	return first == last ? first : node_new(p, kind, first);
}

static struct node *
parse_and(struct parser *p)
{
	return parse_chain(p, NODE_AND, "and", "&&", parse_not);
}

static struct node *
parse_or(struct parser *p)
{
	return parse_chain(p, NODE_OR, "or", "||", parse_and);
}

static unsigned
levels_of(const struct node *node)
{
	const struct node *child;
	unsigned most = 0, below;

	for (child = node->first; child != NULL; child = child->next) {
		below = levels_of(child);
		most = below > most ? below : most;
	}
	return most + (node->kind == NODE_OR ? 2 : node->kind == NODE_NOT);
}

static int
parse_text(struct filter *filter, struct parser *p)
{
	if (p->lexer.token.kind == TOKEN_END)
		return 0;
	if ((filter->root = parse_or(p)) == NULL)
		return -1;
	if (p->lexer.token.kind != TOKEN_END) {
		wrong_token(p, "'and' or 'or'");
		return -1;
	}
	filter->levels = levels_of(filter->root);
	return 0;
}

struct filter *
filter_parse(const struct schema *schema, const char *text, struct err *err)
{
	struct parser p = {.schema = schema, .err = err};
	struct filter *filter;
	size_t len = strnlen(text, FILTER_TEXT_MAX + 1);

	if (len > FILTER_TEXT_MAX) {
		err_set(err, E2BIG, "filter: longer than %d bytes", FILTER_TEXT_MAX);
		return NULL;
	}
	/* A value is read once for each of at most two fields: two copies suffice. */
	if ((filter = calloc(1, sizeof *filter)) == NULL ||
	    (filter->texts = malloc(2 * len + 1)) == NULL) {
		free(filter);
		err_set(err, ENOMEM, "filter: out of memory");
		return NULL;
	}
	filter->schema = schema;
	p.copy = filter->texts;
	p.scratch = batch_new(schema, 1);
	lexer_init(&p.lexer, text);
	if (parse_text(filter, &p) != 0) {
		filter_free(filter);
		filter = NULL;
	}
	batch_free(p.scratch);
	return filter;
}

void
filter_free(struct filter *filter)
{
	if (filter == NULL)
		return;
	node_free(filter->root);
	free(filter->texts);
	free(filter->scratch);
	free(filter);
}
