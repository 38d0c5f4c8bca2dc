/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FILTER_NODE_H
#define FILTER_NODE_H

#include "filter/filter.h"

#include <string.h>

/* Inside the folder: a parsed filter, as the parser makes it and the kernels run it. */

enum operation {
	OP_EQ,
	OP_NE,
	OP_LT,
	OP_LE,
	OP_GT,
	OP_GE,
	OP_IN,
	OP_NOT_IN,
	OP_HAS,
	OP_HAS_NOT,
	OP_NULL,
	OP_NOT_NULL,
};

enum test_how {
	TEST_RANGES,   /* the value's key is in one of the ranges */
	TEST_MASK,     /* all bits of mask are set */
	TEST_TEXT,     /* the dictionary's text passes */
	TEST_NOT_NULL, /* there is a value */
};

/* first..first + span, both ends inside, of keys. */
struct range {
	uint64_t first;
	uint64_t span;
};

struct wide_range {
	unsigned __int128 first;
	unsigned __int128 span;
};

/*
 * One comparison of one field. Values of all storages are compared by their keys,
 * unsigned numbers in the same order (key_of_i64, key_of_f64); IPv6 addresses by wide
 * ones.
 */
struct test {
	unsigned field;
	enum test_how how;
	bool is_negated;   /* true where the value is known and does not pass */
	enum operation op; /* of a TEST_TEXT: EQ (one of texts), LT.. or HAS */
	uint64_t mask;
	struct range *ranges; /* ascending, disjoint */
	size_t range_count, range_cap;
	struct wide_range *wide;
	size_t wide_count, wide_cap;
	struct str *texts;
	size_t text_count, text_cap;
	uint64_t *codes; /* scratch: which dictionary codes pass */
	size_t code_words;
};

enum node_kind { NODE_TEST, NODE_NOT, NODE_AND, NODE_OR };

struct node {
	enum node_kind kind;
	struct node *first; /* operands of NOT, AND, OR */
	struct node *next;  /* next operand of the same parent */
	struct test test;
};

struct filter {
	const struct schema *schema;
	struct node *root; /* NULL: any */
	unsigned levels;   /* scratch bitmaps that evaluation holds at once */
	char *texts;       /* the values' texts, unescaped */
	uint64_t *scratch;
	size_t scratch_words;
};

static inline uint64_t
key_of_i64(int64_t v)
{
	return (uint64_t)v ^ (uint64_t)1 << 63;
}

/* IEEE 754 order as unsigned order; -0 is 0. */
static inline uint64_t
key_of_f64(double v)
{
	uint64_t bits;

	v += 0.0;
	memcpy(&bits, &v, sizeof bits);
	return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static inline unsigned __int128
key_of_v6(const uint8_t bytes[16])
{
	unsigned __int128 v = 0;
	unsigned i;

	for (i = 0; i < 16; i++)
		v = v << 8 | bytes[i];
	return v;
}

void node_free(struct node *node);

#endif
