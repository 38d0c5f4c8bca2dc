/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_BATCH_H
#define MODEL_BATCH_H

#include "model/schema.h"

struct dict;

enum column_form {
	COLUMN_ABSENT,   /* every row is null; costs nothing */
	COLUMN_CONSTANT, /* values[0] stands for every row; never null */
	COLUMN_FLAT,     /* one value per row */
};

/*
 * The values of one field for the rows of a batch, by the field's storage (model/type.h).
 * valid is a bitmap of cap bits, or NULL when no row is null; a null row's value is 0.
 * Lists and text may be FLAT or ABSENT only for lists, also CONSTANT for text.
 */
struct column {
	enum type_id type;
	enum column_form form;
	bool is_mixed; /* addresses: values are struct addr, else uint32_t IPv4 */
	void *values;
	void *space;           /* where values lies */
	uint64_t *valid;
	uint64_t *valid_space; /* where valid lives when it is not NULL */
	struct dict *dict;     /* text */
	uint64_t *items;       /* lists */
	size_t items_len, items_cap;
	size_t cap;            /* rows there is room for */
};

/*
 * Rows of one schema as columns; up to cap rows. Reused: clear keeps the memory. All
 * allocation happens in batch_new and when a column is first used or grows.
 */
struct batch {
	const struct schema *schema;
	size_t rows;
	size_t cap;
	struct column *columns; /* schema->count of them */
	uint64_t active[SCHEMA_FIELDS_MAX / 64]; /* columns that are not absent */
};

enum { BATCH_ROWS = 8192 };

/* aborts without memory */
struct batch *batch_new(const struct schema *schema, size_t cap);
void batch_free(struct batch *batch);
void batch_clear(struct batch *batch);
/* Two batches of one schema and cap change rows and memory: how a batch goes from a
 * thread to another without a copy. Pointers into them, to columns too, point into the
 * other then. */
void batch_swap(struct batch *a, struct batch *b);

static inline bool
batch_is_full(const struct batch *batch)
{
	return batch->rows == batch->cap;
}

/* Appends a row struct of the batch's schema; the batch must not be full. Copies. */
void batch_append(struct batch *batch, const void *row);
/* Fills a row struct from row i; text and lists stay borrowed until batch_clear. */
void batch_row(const struct batch *batch, size_t i, void *row);
/* Appends rows picks[0..n-1] of from, a batch of the same schema. */
void batch_append_rows(struct batch *batch, const struct batch *from,
    const uint32_t *picks, size_t n);

/* Computes a derived column from its operands; does nothing for a stored field. */
void batch_derive(struct batch *batch, unsigned field);

/*
 * For code that fills columns itself (decoders, parsers, the Parquet reader): makes the
 * column flat with room for cap rows; rows that were there keep their meaning.
 */
struct column *batch_flat(struct batch *batch, unsigned field);
/*
 * For code that fills many columns of an empty batch: makes the column flat with all rows
 * to come null. The caller writes values and sets their bits in valid; what stands in the
 * rows that stay null does not matter. batch_settle then zeroes these, closes columns in
 * which no row has a value, and drops the bitmap of those without nulls.
 */
struct column *batch_open(struct batch *batch, unsigned field);
void batch_settle(struct batch *batch);
/* After the caller wrote rows of flat columns itself: marks rows from..to-1 of a field
 * null or valid. */
void column_mark(struct batch *batch, unsigned field, size_t from, size_t to,
    bool is_valid);
/* value n times into to. */
void values_repeat(void *to, const void *value, size_t size, size_t n);
/* Makes the whole column one value, given as a row struct's member. */
void batch_constant(struct batch *batch, unsigned field, const void *member);
/* Turns an address column's first rows values into struct addr ones. */
void column_mix(struct column *c, size_t rows);
/* Adds an item behind a list column's last; the caller sets the row's offset. */
void column_item(struct column *c, uint64_t item);
/* One value, given as a row struct's member, into a flat column's row (which counts as
 * valid afterwards); grows lists, adds to the dictionary. */
void batch_put(struct batch *batch, unsigned field, size_t row, const void *member);
/* Cuts the batch back to its first n rows, when a half-decoded set fails. */
void batch_cut(struct batch *batch, size_t n);

bool column_is_null(const struct column *c, size_t row);
/* An address wherever it lies; the row must not be null. */
struct addr column_addr(const struct column *c, size_t row);
struct str column_text(const struct column *c, size_t row);
struct list column_list(const struct column *c, size_t row);
/* An unsigned or signed integer column's value, widened (signed ones as two's
 * complement). */
uint64_t column_u64(const struct column *c, size_t row);
double column_f64(const struct column *c, size_t row);

#endif
