/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a filter over a batch. Every node narrows a bitmap of rows that are still alive,
 * so `and` hands later columns fewer rows, and 64 dead rows cost one test. Loops over
 * columns are made by macro per storage; texts are tested once per dictionary code,
 * constants once.
 */
#include "filter/node.h"

#include <stdio.h>
#include <stdlib.h>

#include "model/batch.h"
#include "model/dict.h"

/* Whether a key is in one of n ranges, ascending and disjoint. */
#define DEFINE_SEARCH(name, range_type, key_type)                                        \
	static bool name(const struct range_type *ranges, size_t n, key_type key)        \
	{                                                                                \
		size_t low = 0, high = n, middle;                                        \
                                                                                         \
		while (low < high) {                                                     \
			middle = (low + high) / 2;                                       \
			if (ranges[middle].first <= key)                                 \
				low = middle + 1;                                        \
			else                                                             \
				high = middle;                                           \
		}                                                                        \
		return low > 0 && key - ranges[low - 1].first <= ranges[low - 1].span;   \
	}

DEFINE_SEARCH(in_ranges, range, uint64_t)
DEFINE_SEARCH(in_wide, wide_range, unsigned __int128)

/* Narrows alive by `pass`, an expression of row i, in words that have a row left. */
#define NARROW(pass)                                                                     \
	for (w = 0; w < words; w++) {                                                    \
		size_t from = w * 64, n = rows - from < 64 ? rows - from : 64, j;        \
		uint64_t bits = 0;                                                       \
                                                                                         \
		if (alive[w] == 0)                                                       \
			continue;                                                        \
		for (j = 0; j < n; j++) {                                                \
			size_t i = from + j;                                             \
                                                                                         \
			bits |= (uint64_t)(pass) << j;                                   \
		}                                                                        \
		alive[w] &= t->is_negated ? ~bits : bits;                                \
	}

/* A kernel of one storage: one range, a mask, or any number of ranges. */
#define DEFINE_KERNEL(name, value_type, KEY)                                             \
	static void name(const struct test *t, const struct column *c, size_t rows,      \
			 uint64_t *alive)                                                \
	{                                                                                \
		const value_type *values = c->values;                                    \
		size_t words = (rows + 63) / 64, w;                                      \
                                                                                         \
		if (t->how == TEST_MASK) {                                               \
			const uint64_t mask = t->mask;                                   \
                                                                                         \
			NARROW((KEY(values[i]) & mask) == mask)                          \
		} else if (t->range_count == 1) {                                        \
			const struct range range = t->ranges[0];                         \
                                                                                         \
			NARROW(KEY(values[i]) - range.first <= range.span)               \
		} else {                                                                 \
			NARROW(in_ranges(t->ranges, t->range_count, KEY(values[i])))     \
		}                                                                        \
	}

#define KEY_OF_UNSIGNED(v) ((uint64_t)(v))

DEFINE_KERNEL(narrow_u8, uint8_t, KEY_OF_UNSIGNED)
DEFINE_KERNEL(narrow_u16, uint16_t, KEY_OF_UNSIGNED)
DEFINE_KERNEL(narrow_u32, uint32_t, KEY_OF_UNSIGNED)
DEFINE_KERNEL(narrow_u64, uint64_t, KEY_OF_UNSIGNED)
DEFINE_KERNEL(narrow_i64, int64_t, key_of_i64)
DEFINE_KERNEL(narrow_f64, double, key_of_f64)

static bool
addr_passes(const struct test *t, const struct addr *a)
{
	return a->is_v6 ? in_wide(t->wide, t->wide_count, key_of_v6(a->v6))
			: in_ranges(t->ranges, t->range_count, a->v4);
}

static void
narrow_addr(const struct test *t, const struct column *c, size_t rows, uint64_t *alive)
{
	const struct addr *values = c->values;
	size_t words = (rows + 63) / 64, w;

	if (!c->is_mixed) {
		narrow_u32(t, c, rows, alive);
		return;
	}
	NARROW(addr_passes(t, &values[i]))
}

static int
text_compare(struct str a, struct str b)
{
	uint32_t n = a.len < b.len ? a.len : b.len;
	int order = n == 0 ? 0 : memcmp(a.data, b.data, n);

	return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

static bool
text_passes(const struct test *t, struct str s)
{
	size_t i;

	switch (t->op) {
	case OP_LT:
		return text_compare(s, t->texts[0]) < 0;
	case OP_LE:
		return text_compare(s, t->texts[0]) <= 0;
	case OP_GT:
		return text_compare(s, t->texts[0]) > 0;
	case OP_GE:
		return text_compare(s, t->texts[0]) >= 0;
	case OP_HAS:
		return t->texts[0].len == 0 ||
		       memmem(s.data, s.len, t->texts[0].data, t->texts[0].len) != NULL;
	default:
		for (i = 0; i < t->text_count; i++) {
			if (text_compare(s, t->texts[i]) == 0)
				return true;
		}
		return false;
	}
}

/* Zeroed words, kept from call to call; aborts without memory, as batches do. */
static void
provide(uint64_t **words, size_t *have, size_t need)
{
	if (*have < need) {
		free(*words);
		*words = malloc(need * sizeof **words);
		*have = need;
	}
	if (*words == NULL) {
		fputs("weir: out of memory\n", stderr);
		abort();
	}
	memset(*words, 0, need * sizeof **words);
}

/* Equality looks the texts up; the rest reads every text of the dictionary once. */
static void
mark_codes(struct test *t, const struct dict *dict)
{
	size_t count = dict_count(dict), i;
	uint32_t code;

	provide(&t->codes, &t->code_words, count / 64 + 1);
	if (t->op == OP_EQ) {
		for (i = 0; i < t->text_count; i++) {
			code = dict_find(dict, t->texts[i].data, t->texts[i].len);
			if (code != UINT32_MAX)
				row_mark(t->codes, code);
		}
		return;
	}
	for (i = 0; i < count; i++) {
		if (text_passes(t, dict_get(dict, (uint32_t)i)))
			row_mark(t->codes, (unsigned)i);
	}
}

static void
narrow_text(struct test *t, const struct column *c, size_t rows, uint64_t *alive)
{
	const uint32_t *values = c->values;
	size_t words = (rows + 63) / 64, w;

	mark_codes(t, c->dict);
	NARROW(row_has(t->codes, values[i]))
}

static void
keep_valid(const struct column *c, size_t words, uint64_t *alive)
{
	size_t w;

	for (w = 0; c->valid != NULL && w < words; w++)
		alive[w] &= c->valid[w];
}

static void
narrow_values(struct test *t, const struct column *c, size_t rows, uint64_t *alive)
{
	switch (types[c->type].storage) {
	case STORAGE_U8:
		narrow_u8(t, c, rows, alive);
		break;
	case STORAGE_U16:
		narrow_u16(t, c, rows, alive);
		break;
	case STORAGE_U32:
		narrow_u32(t, c, rows, alive);
		break;
	case STORAGE_U64:
		narrow_u64(t, c, rows, alive);
		break;
	case STORAGE_I64:
		narrow_i64(t, c, rows, alive);
		break;
	case STORAGE_F64:
		narrow_f64(t, c, rows, alive);
		break;
	case STORAGE_ADDR:
		narrow_addr(t, c, rows, alive);
		break;
	case STORAGE_TEXT:
		narrow_text(t, c, rows, alive);
		break;
	case STORAGE_LIST:
		break; /* the parser allows no comparison */
	}
}

static void
narrow_null(const struct test *t, const struct column *c, size_t words, uint64_t *alive)
{
	size_t w;

	if (t->is_negated && c->form == COLUMN_FLAT && c->valid != NULL) {
		for (w = 0; w < words; w++)
			alive[w] &= ~c->valid[w];
	} else if (t->is_negated != (c->form == COLUMN_ABSENT)) {
		memset(alive, 0, words * sizeof *alive);
	} else if (!t->is_negated && c->form == COLUMN_FLAT) {
		keep_valid(c, words, alive);
	}
}

static void
narrow_test(struct test *t, struct batch *batch, uint64_t *alive)
{
	size_t words = (batch->rows + 63) / 64;
	const struct column *c = &batch->columns[t->field];
	uint64_t one = 1;

	batch_derive(batch, t->field);
	if (t->how == TEST_NOT_NULL) {
		narrow_null(t, c, words, alive);
	} else if (c->form == COLUMN_ABSENT) {
		memset(alive, 0, words * sizeof *alive);
	} else if (c->form == COLUMN_CONSTANT) {
		narrow_values(t, c, 1, &one);
		if ((one & 1) == 0)
			memset(alive, 0, words * sizeof *alive);
	} else {
		keep_valid(c, words, alive);
		narrow_values(t, c, batch->rows, alive);
	}
}

/* Clears the bits of rows that do not pass. scratch: node levels times words. */
static void
narrow(struct node *node, struct batch *batch, uint64_t *alive, uint64_t *scratch)
{
	size_t words = (batch->rows + 63) / 64, w;
	struct node *child;
	uint64_t *left = scratch, *turn = scratch + words;

	switch (node->kind) {
	case NODE_TEST:
		narrow_test(&node->test, batch, alive);
		break;
	case NODE_AND:
		for (child = node->first; child != NULL; child = child->next)
			narrow(child, batch, alive, scratch);
		break;
	case NODE_NOT:
		memcpy(left, alive, words * sizeof *left);
		narrow(node->first, batch, left, scratch + words);
		for (w = 0; w < words; w++)
			alive[w] &= ~left[w];
		break;
	case NODE_OR: /* left: not yet accepted */
		memcpy(left, alive, words * sizeof *left);
		for (child = node->first; child != NULL; child = child->next) {
			memcpy(turn, left, words * sizeof *turn);
			narrow(child, batch, turn, scratch + 2 * words);
			for (w = 0; w < words; w++)
				left[w] &= ~turn[w];
		}
		for (w = 0; w < words; w++)
			alive[w] &= ~left[w];
		break;
	}
}

size_t
filter_select(struct filter *filter, struct batch *batch, uint64_t *alive)
{
	size_t words = (batch->rows + 63) / 64, w, n = 0;

	memset(alive, 0xff, words * sizeof *alive);
	if (batch->rows % 64 != 0)
		alive[words - 1] = ((uint64_t)1 << batch->rows % 64) - 1;
	if (filter->root != NULL) {
		provide(&filter->scratch, &filter->scratch_words,
			filter->levels * words + 1);
		narrow(filter->root, batch, alive, filter->scratch);
	}
	for (w = 0; w < words; w++)
		n += (size_t)__builtin_popcountll(alive[w]);
	return n;
}

bool
filter_is_any(const struct filter *filter)
{
	const struct node *root = filter->root;

	return root == NULL || (root->kind == NODE_AND && root->first == NULL);
}

static void
mark_fields(const struct schema *schema, const struct node *node, uint64_t *fields)
{
	const struct field *field;

	for (; node != NULL; node = node->next) {
		mark_fields(schema, node->first, fields);
		if (node->kind != NODE_TEST)
			continue;
		field = &schema->fields[node->test.field];
		if (field->derivation == DERIVE_NONE) {
			row_mark(fields, node->test.field);
		} else {
			row_mark(fields, field->operand_a);
			row_mark(fields, field->operand_b);
		}
	}
}

void
filter_fields(const struct filter *filter, uint64_t fields[SCHEMA_FIELDS_MAX / 64])
{
	mark_fields(filter->schema, filter->root, fields);
}
