/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_UNPACKER_H
#define STORE_UNPACKER_H

#include <stddef.h>
#include <stdint.h>

struct batch;
struct err;
struct layout;
struct parquet_reader;

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
