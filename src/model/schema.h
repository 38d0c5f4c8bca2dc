/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_SCHEMA_H
#define MODEL_SCHEMA_H

#include "model/type.h"

struct text;

enum derivation { DERIVE_NONE, DERIVE_DIFF, DERIVE_PRODUCT, DERIVE_RATE };

/*
 * One field of a schema. id is its one name: C member, filter word, TSV, CSV, ndjson and
 * Parquet key. A derived field is never stored: DIFF is a - b, PRODUCT a * b (b null: a),
 * RATE 8 a / b seconds.
 */
struct field {
	const char *id;
	const char *heading;
	const char *help;
	enum type_id type;
	uint16_t offset; /* in the row struct; derived fields have none */
	uint16_t operand_a, operand_b;
	/* the same field of the other direction; itself where there is none */
	uint16_t pair;
	enum derivation derivation;
	bool is_reverse;
	bool is_required; /* never null */
};

/*
 * A list of fields. Stored fields come first, derived ones last. A row struct starts with
 * uint64_t present[words], one bit per field, then the members.
 */
struct schema {
	const char *name;
	uint32_t version; /* of the field table, kept in segments */
	uint16_t count;   /* all fields */
	uint16_t stored;  /* those that are no derivation */
	uint16_t words;
	uint16_t row_size;
	const struct field *fields;
};

enum { SCHEMA_FIELDS_MAX = 256 };

/* Index of a field by its id; -1 if there is none. */
int schema_find(const struct schema *schema, const char *id, size_t n);
/* The id that is most like a wrong one, for "did you mean"; NULL if none is near. */
const char *schema_nearest(const struct schema *schema, const char *id, size_t n);
/* Heading of a column: for reverse fields "Rev " and that of the forward one. */
void field_heading(struct text *out, const struct field *field);
/* A help line per field: id, type, help. For --help and the manual. */
void schema_help(struct text *out, const struct schema *schema);

static inline void
row_mark(uint64_t *present, unsigned field)
{
	present[field / 64] |= (uint64_t)1 << field % 64;
}

static inline void
row_unmark(uint64_t *present, unsigned field)
{
	present[field / 64] &= ~((uint64_t)1 << field % 64);
}

static inline bool
row_has(const uint64_t *present, unsigned field)
{
	return present[field / 64] >> field % 64 & 1;
}

/*
 * A schema is made from a .def file of FIELD, BIFLOW and DERIVED rows by defining these
 * three and including it: members, enum, and table rows.
 */
#define MEMBER_FIELD(id, type, ...) ctype_##type id;
#define MEMBER_BIFLOW(id, type, ...) \
	ctype_##type id;             \
	ctype_##type reverse_##id;

#endif
