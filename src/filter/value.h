/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FILTER_VALUE_H
#define FILTER_VALUE_H

#include "filter/node.h"

struct batch;

/*
 * Adds the value that s spells, for the field of test, to the test's set: the keys that
 * compare with it as op says. scratch is a batch of the schema whose row 0 is free.
 * Returns NULL, or what is wrong: words that stay, to be read after "'s' is ".
 */
const char *value_add(struct test *test, const struct schema *schema, enum operation op,
		      struct str s, struct batch *scratch);

/* Sorts and joins the ranges once all values are in. */
void value_finish(struct test *test);

/* What a value of the field looks like, for a message. */
const char *value_help(const struct field *field);

#endif
