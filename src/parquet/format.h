/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PARQUET_FORMAT_H
#define PARQUET_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parquet/parquet.h"

/*
 * Numbers of parquet.thrift (apache/parquet-format) and the records that the files of
 * this folder share. All of Parquet is little-endian, and so is every machine we support.
 */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "parquet needs little-endian");

enum format_encoding {
	ENCODING_PLAIN = 0,
	ENCODING_PLAIN_DICTIONARY = 2,
	ENCODING_RLE = 3,
	ENCODING_BIT_PACKED = 4,
	ENCODING_DELTA_BINARY_PACKED = 5,
	ENCODING_RLE_DICTIONARY = 8,
	ENCODINGS = 10,
};

enum format_page {
	PAGE_DATA = 0,
	PAGE_INDEX = 1,
	PAGE_DICTIONARY = 2,
	PAGE_DATA_V2 = 3,
};

enum format_repetition {
	REPETITION_REQUIRED = 0,
	REPETITION_OPTIONAL = 1,
	REPETITION_REPEATED = 2,
};

/* A column chunk of a row-group image; offsets count from the start of the image. */
struct format_chunk {
	uint8_t codec;
	uint16_t encodings; /* bit per enum format_encoding */
	uint64_t values;
	uint64_t offset;
	uint64_t dictionary_bytes; /* 0: none; the data pages follow it */
	uint64_t compressed_bytes; /* with page headers */
	uint64_t uncompressed_bytes;
	struct parquet_stats stats;
};

struct parquet_group_meta {
	uint32_t rows;
	size_t n_columns;
	uint64_t image_bytes;
	struct format_chunk *chunks;
};

/* Bytes of a plain value of fixed length, 0 for byte arrays and booleans. */
static inline uint32_t
format_value_bytes(const struct parquet_column_spec *spec)
{
	switch (spec->type) {
	case PARQUET_INT32:
	case PARQUET_FLOAT:
		return 4;
	case PARQUET_INT64:
	case PARQUET_DOUBLE:
		return 8;
	case PARQUET_FLBA:
		return (uint32_t)spec->type_length;
	default:
		return 0;
	}
}

static inline bool
format_is_unsigned(const struct parquet_column_spec *spec)
{
	return spec->logical >= PARQUET_UINT_8 && spec->logical <= PARQUET_UINT_64;
}

/* Whether minimum and maximum are a number rather than bytes. */
static inline bool
format_is_number(const struct parquet_column_spec *spec)
{
	return spec->type != PARQUET_BYTE_ARRAY && spec->type != PARQUET_FLBA;
}

/* Bytes of a number as statistics store it. */
static inline uint32_t
format_number_bytes(const struct parquet_column_spec *spec)
{
	return spec->type == PARQUET_BOOLEAN ? 1 : format_value_bytes(spec);
}

/* 0, or -1 where the writer cannot write such a column. */
struct err;
int format_check_specs(const struct parquet_column_spec *columns, size_t n_columns,
		       struct err *err);
/* Makes room for n chunks, all zero. */
int format_meta_reset(struct parquet_group_meta *meta, size_t n_columns, struct err *err);

/* At least n bytes at m, or NULL; content is kept where keep is set. */
void *format_room(struct parquet_memory *m, size_t n, bool keep);

#endif
