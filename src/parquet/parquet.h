/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PARQUET_PARQUET_H
#define PARQUET_PARQUET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct text;

/*
 * Columns to and from Parquet files (github.com/apache/parquet-format, parquet.thrift).
 * Columns are described neutrally; nothing here knows what a flow is.
 *
 * Writing takes two steps, so that a journal can hold finished pages:
 * parquet_encode_group turns rows into a row-group image and its meta;
 * parquet_file_add_group copies an image into a file. Reading decodes one column of one
 * row group at a time.
 */

/* Physical types; the numbers are those of the format. */
enum parquet_type {
	PARQUET_BOOLEAN = 0, /* in memory one byte, 0 or 1 */
	PARQUET_INT32 = 1,
	PARQUET_INT64 = 2,
	PARQUET_INT96 = 3, /* never written, not readable */
	PARQUET_FLOAT = 4, /* never written; read into double */
	PARQUET_DOUBLE = 5,
	PARQUET_BYTE_ARRAY = 6,
	PARQUET_FLBA = 7, /* fixed length: type_length bytes */
};

/* What a value means. Everything is readable, those up to PARQUET_STRING are written too.
 */
enum parquet_logical {
	PARQUET_PLAIN = 0, /* no more than the physical type says */
	PARQUET_UINT_8,    /* on INT32 */
	PARQUET_UINT_16,   /* on INT32 */
	PARQUET_UINT_32,   /* on INT32 */
	PARQUET_UINT_64,   /* on INT64 */
	PARQUET_INT_8,
	PARQUET_INT_16,
	PARQUET_INT_32,
	PARQUET_INT_64,
	PARQUET_TIMESTAMP_MICROS, /* on INT64, written as adjusted to UTC */
	PARQUET_STRING,           /* on BYTE_ARRAY: UTF-8 */
	PARQUET_TIMESTAMP_MILLIS,
	PARQUET_TIMESTAMP_NANOS,
	PARQUET_JSON,
	PARQUET_UUID,
	PARQUET_OTHER, /* known to the format, not told apart here: dates, decimals, ...
			*/
};

enum parquet_codec { /* allowed, not demanded: used only where it saves 10 % */
		     PARQUET_CODEC_NONE = 0,
		     PARQUET_CODEC_ZSTD = 6,
		     PARQUET_CODEC_LZ4 = 7, /* LZ4_RAW */
};

enum {
	PARQUET_ROWS_MAX = 1 << 20, /* rows of a row group */
	PARQUET_PAGE_ROWS = 16384,  /* rows of a page, the same in every column */
	PARQUET_COLUMNS_MAX = 4096,
	PARQUET_STAT_BYTES = 64,        /* longer minima and maxima are not kept */
	PARQUET_ELEMENTS_MAX = 1 << 24, /* list elements of a row group */
	PARQUET_BYTES_MAX = 1 << 28,    /* decoded bytes of one column of one row group */
};

struct parquet_column_spec {
	const char *name;
	enum parquet_type type;
	enum parquet_logical logical;
	int type_length;    /* PARQUET_FLBA: 1..PARQUET_STAT_BYTES bytes when written */
	bool is_optional;   /* may be null */
	bool is_list;       /* an optional list of required UINT_64 on INT64 */
	bool is_unreadable; /* reader only: nested or of a type that is not decoded */
};

/*
 * The values of one column for n rows. Null rows keep a slot in data, codes and offsets,
 * whose content is ignored (the reader leaves zeros).
 *
 *	ABSENT    every row is null
 *	CONSTANT  data holds one value; byte arrays: bytes[offsets[0]..offsets[1])
 *	FLAT      data holds n values of width bytes; byte arrays: n + 1 offsets to bytes
 *	DICT      n codes < dict_size into data, or, for byte arrays, into offsets
 *	          (dict_size + 1 of them)
 *	LIST      n + 1 offsets into data, which holds uint64_t elements
 *
 * width is the size in memory of one value of data: 1, 2, 4 or 8 for integers (zero
 * extended for UINT_*, else sign extended on writing), 1 for booleans, 8 for doubles,
 * type_length for FLBA, 0 for byte arrays.
 */
enum parquet_form {
	PARQUET_ABSENT = 0,
	PARQUET_CONSTANT,
	PARQUET_FLAT,
	PARQUET_DICT,
	PARQUET_LIST,
};

struct parquet_values {
	enum parquet_form form;
	uint32_t width;
	uint32_t dict_size;
	const uint64_t *present; /* bit i of word i / 64: row i has a value; NULL: all */
	const void *data;
	const uint32_t *codes;
	const uint32_t *offsets;
	const uint8_t *bytes;
};

/* Statistics of one column chunk. Numbers are widened: zero extended for UINT_* and
 * booleans, sign extended for other integers, the bits of a double. Bytes are for FLBA
 * and byte arrays. For a list they speak of its elements. */
struct parquet_stats {
	uint64_t values; /* rows; for lists elements plus null and empty lists */
	uint64_t null_count;
	bool has_null_count;
	bool has_min_max;
	uint64_t min_number, max_number;
	uint32_t min_len, max_len;
	uint8_t min[PARQUET_STAT_BYTES], max[PARQUET_STAT_BYTES];
};

struct parquet_key_value {
	const char *key;
	const char *value; /* may be NULL */
};

/* ---- writing, step one: rows to an image ---- */

struct parquet_encoder;
struct parquet_group_meta;

/* Keeps its working memory from group to group. Borrows columns (and their names) until
 * parquet_encoder_free. One thread at a time. Specs that cannot be written are an error.
 */
int parquet_encoder_new(struct parquet_encoder **out,
			const struct parquet_column_spec *columns, size_t n_columns,
			enum parquet_codec codec, struct err *err);
void parquet_encoder_free(struct parquet_encoder *encoder);

struct parquet_group_meta *parquet_group_meta_new(void);
void parquet_group_meta_free(struct parquet_group_meta *meta);

/*
 * Appends the image of rows (1..PARQUET_ROWS_MAX) rows to image and sets *meta (its
 * former content is dropped). values has one entry per column. Fails only for values that
 * do not suit the spec (a null in a required column, too many bytes) or for want of
 * memory; image is then cut back to its former length.
 */
int parquet_encode_group(struct parquet_encoder *encoder,
			 const struct parquet_values *values, uint32_t rows,
			 struct text *image, struct parquet_group_meta *meta,
			 struct err *err);

/* Meta as bytes, for a journal, and back. get trusts nothing: it checks every number
 * against the columns and the image length, and sets *meta only on success. */
void parquet_group_meta_put(const struct parquet_group_meta *meta, struct text *out);
int parquet_group_meta_get(const void *bytes, size_t n,
			   const struct parquet_column_spec *columns, size_t n_columns,
			   struct parquet_group_meta *meta, struct err *err);

uint32_t parquet_group_meta_rows(const struct parquet_group_meta *meta);
uint64_t parquet_group_meta_image_bytes(const struct parquet_group_meta *meta);
const struct parquet_stats *
parquet_group_meta_stats(const struct parquet_group_meta *meta, size_t column);

/* ---- writing, step two: images to a file ---- */

struct parquet_file;

/* Writes at fd's position, forward only (a pipe will do). name is for messages. Borrows
 * columns and fd until parquet_file_free, which closes nothing. */
int parquet_file_begin(struct parquet_file **out, int fd, const char *name,
		       const struct parquet_column_spec *columns, size_t n_columns,
		       struct err *err);
int parquet_file_add_group(struct parquet_file *file, const void *image,
			   size_t image_bytes, const struct parquet_group_meta *meta,
			   struct err *err);
/* Writes the footer. Syncing is the caller's affair. */
int parquet_file_finish(struct parquet_file *file, const struct parquet_key_value *pairs,
			size_t n_pairs, struct err *err);
uint64_t parquet_file_bytes(const struct parquet_file *file); /* written so far */
void parquet_file_free(struct parquet_file *file);

/* ---- reading ---- */

struct parquet_reader;

/* Reads with pread(2). The reader owns the descriptor it opens. */
int parquet_reader_open(struct parquet_reader **out, const char *path, struct err *err);
/* A file opened elsewhere (openat); closed by parquet_reader_close, also on failure. */
int parquet_reader_open_fd(struct parquet_reader **out, int fd, const char *name,
			   struct err *err);
/* A whole file in memory, borrowed until parquet_reader_close. */
int parquet_reader_open_memory(struct parquet_reader **out, const void *bytes, size_t n,
			       const char *name, struct err *err);
void parquet_reader_close(struct parquet_reader *reader);

uint64_t parquet_reader_rows(const struct parquet_reader *reader);
size_t parquet_reader_groups(const struct parquet_reader *reader);
uint32_t parquet_reader_group_rows(const struct parquet_reader *reader, size_t group);

size_t parquet_reader_columns(const struct parquet_reader *reader);
/* A nested leaf that is not a list as described above is named with dots, is_unreadable.
 */
const struct parquet_column_spec *
parquet_reader_column(const struct parquet_reader *reader, size_t column);
/* The index of the column of that name, or -1. */
int parquet_reader_find(const struct parquet_reader *reader, const char *name);

/* The value of a key of the footer, or NULL. */
const char *parquet_reader_value(const struct parquet_reader *reader, const char *key);
size_t parquet_reader_pairs(const struct parquet_reader *reader,
			    const struct parquet_key_value **out);
const char *
parquet_reader_created_by(const struct parquet_reader *reader); /* may be "" */

/* What the footer says; absent or malformed statistics have the has_ members false. */
void parquet_reader_stats(const struct parquet_reader *reader, size_t group,
			  size_t column, struct parquet_stats *out);

/*
 * One decoded column of one row group; reuse it for the next, its memory is kept.
 * values points into it until the next read or parquet_buffer_done. Zero-initialise.
 * Forms: ABSENT where every row is null; CONSTANT where numbers, booleans or FLBA are all
 * present and equal in a dictionary of one; DICT for byte arrays whose chunk is wholly
 * dictionary-coded; LIST; else FLAT. width is 1, 2, 4 or 8 as UINT_8..UINT_64 and INT_8..
 * say, else that of the physical type (FLOAT is widened to double).
 */
struct parquet_buffer {
	struct parquet_values values;
	uint32_t rows;
	struct parquet_memory {
		void *at;
		size_t cap;
	} memory[12];
};

int parquet_read_column(struct parquet_reader *reader, size_t group, size_t column,
			struct parquet_buffer *out, struct err *err);
void parquet_buffer_done(struct parquet_buffer *buffer);

#endif
