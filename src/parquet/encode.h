/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PARQUET_ENCODE_H
#define PARQUET_ENCODE_H

#include "base/text.h"
#include "parquet/dictionary.h"
#include "parquet/format.h"
#include "parquet/pagecodec.h"

/* What the steps of encoding share: encode.c, densify.c, choose.c. */
struct err;

enum {
	PAGES_MAX = PARQUET_ROWS_MAX / PARQUET_PAGE_ROWS + 1,
};

struct page {
	size_t end;       /* in the payload; it begins where the one before ends */
	uint32_t entries; /* values and nulls */
	uint8_t encoding;
};

struct parquet_encoder {
	const struct parquet_column_spec *columns;
	size_t n_columns;
	struct dictionary dictionary;
	struct pagecodec codec;
	struct parquet_memory dense, dense_offsets, codes, entries, remap, levels;
	struct text payload;
	struct text scratch;
	struct page pages[PAGES_MAX + 1];
	size_t n_pages;
};

/* One column of the group under way. */
struct column {
	const struct parquet_column_spec *spec;
	const struct parquet_values *in;
	uint32_t rows;
	const uint64_t *present; /* NULL: all; never all bits set */
	size_t n;                /* dense values */
	bool is_constant;        /* all dense values equal values[0] */
	const void *values;      /* dense; a byte array's offsets and bytes are below */
	const uint32_t *offsets;
	const uint8_t *bytes;
	uint8_t encoding;
	uint32_t distinct; /* dictionary entries; 0: no dictionary */
	uint32_t *codes;   /* per dense value; NULL where constant */
	void *entries;     /* integers themselves, else indexes of values */
	bool has_codes;    /* the caller gave a dictionary of byte strings */
	struct parquet_stats *stats;
};

struct slice {
	const uint8_t *at;
	size_t n;
};

static inline struct slice
encode_slice(const struct column *c, size_t i)
{
	size_t fixed = (size_t)c->spec->type_length;

	if (c->spec->type == PARQUET_FLBA)
		return (struct slice){(const uint8_t *)c->values + i * fixed, fixed};
	return (struct slice){c->bytes + c->offsets[i],
			      c->offsets[i + 1] - c->offsets[i]};
}

/* densify.c: c->values and its kin, from c->in; c->n may shrink to what is there. */
int densify(struct parquet_encoder *e, struct column *c, struct err *err);

/* choose.c: c->encoding with its dictionary and codes, and the least and greatest value.
 */
int choose_encoding(struct parquet_encoder *e, struct column *c, struct err *err);

int encode_short_of_memory(const struct column *c, struct err *err);

#endif
