/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_LAYOUT_H
#define STORE_LAYOUT_H

#include "model/schema.h"
#include "parquet/parquet.h"

struct batch;
struct err;

/*
 * How the stored fields of a schema lie in Parquet columns. Every field is one column of
 * its name, an address two: NAME_ipv4 and NAME_ipv6, of which exactly one is set. All
 * columns may be null on disk.
 */
struct layout {
	const struct schema *schema;
	size_t count; /* columns */
	struct parquet_column_spec *columns;
	uint16_t *first; /* of each stored field, the index of its first column */
	char *names;
};

int layout_new(struct layout **out, const struct schema *schema, struct err *err);
void layout_free(struct layout *layout);

/* True if these columns are those of the layout, in order. */
bool layout_equals(const struct layout *layout, const struct parquet_column_spec *columns,
		   size_t count);

/* Batches to values for parquet_encode_group; keeps its memory from batch to batch. */
struct packer;

int packer_new(struct packer **out, const struct layout *layout, struct err *err);
void packer_free(struct packer *packer);
/* The values borrow from batch and packer until either is used again. */
const struct parquet_values *packer_values(struct packer *packer,
					   const struct batch *batch);

/*
 * Row groups to batches. Columns are found by name: those that a file of an older version
 * lacks are absent, those that are unknown here are ignored.
 */
struct unpacker;

int unpacker_new(struct unpacker **out, const struct layout *layout, struct err *err);
void unpacker_free(struct unpacker *unpacker);
/* Decodes the fields whose bits are set in needed (schema->words words; NULL: all) of one
 * row group. */
int unpacker_load(struct unpacker *unpacker, struct parquet_reader *reader, size_t group,
		  const uint64_t *needed, struct err *err);
/* Rows from..from+n-1 of the loaded group, from a multiple of 64, into batch, which is
 * cleared first and must have room for n. */
void unpacker_rows(struct unpacker *unpacker, size_t from, size_t n, struct batch *batch);

#endif
