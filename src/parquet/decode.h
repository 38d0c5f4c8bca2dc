/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PARQUET_DECODE_H
#define PARQUET_DECODE_H

#include "base/cursor.h"
#include "parquet/format.h"
#include "parquet/reader.h"

/* What the steps of decoding a column chunk share. */

/* What parquet_buffer.memory holds. */
enum {
	M_DATA,
	M_PRESENT,
	M_CODES,
	M_OFFSETS,
	M_BYTES,
	M_CHUNK,
	M_PAGE,
	M_LEVELS,
	M_WORK,
	M_DICTIONARY, /* values, or the offsets of byte arrays */
	M_DICTIONARY_BYTES,
};

struct page_header {
	int32_t type, plain_bytes, bytes;
	bool has_crc;
	uint32_t crc;
	int64_t values, nulls, rows;
	int32_t encoding, definition_encoding, repetition_encoding;
	int64_t definition_bytes, repetition_bytes;
	bool is_compressed;
};

struct decoder {
	const struct parquet_reader *reader;
	const struct reader_chunk *chunk;
	const struct parquet_column_spec *spec;
	struct parquet_buffer *out;
	struct err *err;
	size_t group;
	uint64_t chunk_offset; /* in the file */
	const uint8_t *chunk_start;
	uint64_t page_offset; /* in the file */
	uint64_t decoded;     /* bytes of all pages so far */
	uint32_t rows;
	uint32_t width; /* of a value in memory; 0: byte array */
	enum parquet_form form;
	uint64_t *present; /* NULL: no null so far (or all) */
	size_t done;       /* rows; for lists those begun */
	size_t entries;    /* levels of lists */
	size_t elements;
	size_t bytes; /* of flat byte arrays */
	bool has_dictionary;
	uint32_t dict_size;
};

/* Sets the error with file, offset, row group and column in front. Returns -1. */
int decode_fail(const struct decoder *d, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* At least n bytes of the result's memory of that use, or NULL and an error. */
void *decode_room(const struct decoder *d, int which, size_t n, bool keep);

/* decode.c: marks rows from..from+n-1 as present. */
void decode_set_bits(uint64_t *words, size_t from, size_t n);
/* Makes d->present, in which the rows before this page are present or not. */
int decode_need_present(struct decoder *d, bool is_set);
/* The levels of a page: those of V1 stand behind their length, V2's header tells it. */
int decode_take_levels(const struct decoder *d, const struct page_header *h, int encoding,
    int64_t v2_bytes, struct cursor *c, struct cursor *levels);

/* flatpage.c, listpage.c: a data page whose bytes are unpacked in c. */
int flat_take_page(struct decoder *d, const struct page_header *h, struct cursor *c);
int list_take_page(struct decoder *d, const struct page_header *h, struct cursor *c);
int list_begin(struct decoder *d);

/* pagehead.c: the page's header, and its bytes after decompression in body. */
bool page_take_header(struct cursor *c, struct page_header *h);
int page_unpack(struct decoder *d, const struct page_header *h, struct cursor *body);

/* value.c: the dictionary; n dense values of fixed width to to; n codes, each in
 * range. */
int value_take_dictionary(struct decoder *d, const struct page_header *h,
			  struct cursor *c);
int value_take_fixed(struct decoder *d, struct cursor *c, int encoding, size_t n,
		     void *to);
uint32_t *value_take_codes(struct decoder *d, struct cursor *c, size_t n,
			   uint32_t *codes);
int value_refuse_encoding(const struct decoder *d, int encoding);
bool value_is_coded(int encoding);

#endif
