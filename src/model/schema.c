/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The schemas, each made from its .def file, and looking things up in one.
 */
#include "model/schema.h"

#include "base/text.h"
#include "model/finding.h"
#include "model/flow.h"

#include <string.h>

static const struct field flow_fields[] = {
#define AT(id) .offset = offsetof(struct flow, id)
#define FIELD(id_, type_, ...)                                                      \
	[FLOW_##id_] = {.id = #id_, .type = TYPE_##type_, AT(id_), .pair = FLOW_##id_, \
	    __VA_ARGS__},
#define BIFLOW(id_, type_, ...)                                                     \
	[FLOW_##id_] = {.id = #id_, .type = TYPE_##type_, AT(id_),                  \
	    .pair = FLOW_reverse_##id_, __VA_ARGS__},                               \
	[FLOW_reverse_##id_] = {.id = "reverse_" #id_, .type = TYPE_##type_,        \
	    AT(reverse_##id_), .is_reverse = true, .pair = FLOW_##id_, __VA_ARGS__},
#define DERIVED(id_, type_, operation_, a_, b_, ...)                                \
	[FLOW_##id_] = {.id = #id_, .type = TYPE_##type_, .pair = FLOW_##id_,       \
	    .derivation = DERIVE_##operation_, .operand_a = FLOW_##a_,              \
	    .operand_b = FLOW_##b_, __VA_ARGS__},
#include "model/field.def"
#undef AT
#undef FIELD
#undef BIFLOW
#undef DERIVED
};

enum {
	FLOW_STORED = 0
#define FIELD(...) +1
#define BIFLOW(...) +2
#define DERIVED(...)
#include "model/field.def"
#undef FIELD
#undef BIFLOW
#undef DERIVED
};

const struct schema flow_schema = {
	.name = "flow",
	.version = FLOW_VERSION,
	.count = FLOW_FIELDS,
	.stored = FLOW_STORED,
	.words = FLOW_WORDS,
	.row_size = sizeof(struct flow),
	.fields = flow_fields,
};

static const struct field finding_fields[] = {
#define FIELD(id_, type_, ...)                                                      \
	[FINDING_##id_] = {.id = #id_, .type = TYPE_##type_,                        \
	    .offset = offsetof(struct finding, id_), .pair = FINDING_##id_, __VA_ARGS__},
#include "model/finding.def"
#undef FIELD
};

const struct schema finding_schema = {
	.name = "finding",
	.version = FINDING_VERSION,
	.count = FINDING_FIELDS,
	.stored = FINDING_FIELDS,
	.words = FINDING_WORDS,
	.row_size = sizeof(struct finding),
	.fields = finding_fields,
};

_Static_assert((int)FLOW_FIELDS <= (int)SCHEMA_FIELDS_MAX,
    "too many flow fields for a batch");
_Static_assert((int)FINDING_FIELDS <= (int)SCHEMA_FIELDS_MAX, "too many finding fields");

int
schema_find(const struct schema *schema, const char *id, size_t n)
{
	int i;

	for (i = 0; i < schema->count; i++) {
		if (strlen(schema->fields[i].id) == n && memcmp(schema->fields[i].id, id,
		    n) == 0)
			return i;
	}
	return -1;
}

/* Levenshtein distance of two short words. */
static size_t
distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t row[65], i, k, diagonal, above, least;

	if (a_len > 64 || b_len > 64)
		return 64;
	for (k = 0; k <= b_len; k++)
		row[k] = k;
	for (i = 1; i <= a_len; i++) {
		diagonal = row[0];
		row[0] = i;
		for (k = 1; k <= b_len; k++) {
			above = row[k];
			least = above < row[k - 1] ? above : row[k - 1];
			row[k] = least + 1;
			if (diagonal + (a[i - 1] != b[k - 1]) < row[k])
				row[k] = diagonal + (a[i - 1] != b[k - 1]);
			diagonal = above;
		}
	}
	return row[b_len];
}

const char *
schema_nearest(const struct schema *schema, const char *id, size_t n)
{
	const char *best = NULL;
	size_t best_distance = n / 3 + 2, d;
	unsigned i;

	for (i = 0; i < schema->count; i++) {
		d = distance(id, n, schema->fields[i].id, strlen(schema->fields[i].id));
		if (d < best_distance) {
			best_distance = d;
			best = schema->fields[i].id;
		}
	}
	return best;
}

void
field_heading(struct text *out, const struct field *field)
{
	if (field->is_reverse)
		text_str(out, "Rev ");
	text_str(out, field->heading);
}

void
schema_help(struct text *out, const struct schema *schema)
{
	const struct field *f;
	unsigned i;

	for (i = 0; i < schema->count; i++) {
		f = &schema->fields[i];
		text_printf(out, "  %-24s %-11s %s%s\n", f->id, types[f->type].id,
		    f->help, f->is_reverse ? " (from dst to src)" : "");
	}
}
