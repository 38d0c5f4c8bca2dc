/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PARQUET_READER_H
#define PARQUET_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parquet/parquet.h"
#include "parquet/thrift.h"

struct err;

/* What the footer says of a column chunk; nothing of it is checked before it is read. */
struct reader_chunk {
	int64_t data_offset, dictionary_offset, bytes, values;
	int32_t type, codec;
	bool is_elsewhere; /* in another file, or encrypted */
	bool has_null_count;
	uint64_t null_count;
	struct thrift_bytes min, max; /* in the footer; at is NULL if absent */
};

struct reader_group {
	uint32_t rows;
	struct reader_chunk *chunks;
};

struct parquet_reader {
	char *name;
	int fd; /* -1: in memory */
	const uint8_t *memory;
	uint64_t bytes;        /* of the file */
	uint64_t footer_start; /* its offset; chunks lie before it */
	uint8_t *footer;
	uint64_t rows;
	struct parquet_column_spec *columns;
	size_t n_columns;
	struct reader_group *groups;
	size_t n_groups;
	struct parquet_key_value *pairs;
	size_t n_pairs;
	char *created_by;
};

/* footer.c: fills columns, groups, pairs. What was made stays in the reader on failure.
 */
int footer_parse(struct parquet_reader *reader, size_t n, struct err *err);

/* n bytes at offset into to, which are known to lie within the file. */
int reader_pread(const struct parquet_reader *reader, void *to, size_t n, uint64_t offset,
		 struct err *err);

#endif
