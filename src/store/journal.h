/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "base/text.h"
#include "parquet/parquet.h"
#include "store/layout.h"

struct err;

/*
 * A journal file: a header that describes the columns, then records, each a finished
 * row-group image with its meta. Numbers are big-endian.
 *
 *	header  "WEIRJRN1", u32 length of what follows, u32 CRC of it; text schema, u32
 *	        version, u32 columns; per column: text name, u8 type, u8 logical, u8
 *	        type_length, u8 flags (1 optional, 2 list). text: u16 length, bytes
 *	record  "WREC", u32 rows, u32 meta bytes, u64 image bytes, u32 CRC of meta and
 *	        image, u32 CRC of the 24 bytes before; meta; image
 */
enum { JOURNAL_RECORD_HEADER = 28 };

struct journal_writer {
	int fd;
	char *path;
	uint64_t bytes; /* up to the last whole record */
	uint64_t rows;
	uint32_t records;
	struct text head;
};

/* Creates the file (it must not exist) and writes the header. */
int journal_create(struct journal_writer **out, const char *path,
		   const struct layout *layout, struct err *err);
/* Appends a record with write(2). On failure the file is cut back to its last record. */
int journal_append(struct journal_writer *journal, const struct parquet_group_meta *meta,
		   const struct text *image, struct err *err);
int journal_sync(struct journal_writer *journal, struct err *err);
/* Keeps the file; may be NULL. */
void journal_writer_free(struct journal_writer *journal);

enum journal_event {
	JOURNAL_END,
	JOURNAL_RECORD,  /* meta and image hold one row group */
	JOURNAL_DAMAGED, /* damage_at, damage_bytes: no whole record there */
};

struct journal_reader {
	int fd;
	char *path;
	uint64_t at, size;
	struct parquet_column_spec *columns;
	size_t count;
	char schema[64];
	uint32_t version;
	char *names;
	struct parquet_group_meta *meta;
	struct text image;
	uint64_t record_at;
	uint64_t damage_at, damage_bytes;
	bool is_torn; /* the damage is an unfinished last record: it was not acknowledged
		       */
};

/*
 * Reads a journal, written to by others or not; what is appended later is not seen. A
 * file with a broken header has no columns and yields one JOURNAL_DAMAGED. fd is owned,
 * also on failure.
 */
int journal_open(struct journal_reader **out, int fd, const char *path, struct err *err);
int journal_next(struct journal_reader *journal, enum journal_event *event,
		 struct err *err);
void journal_close(struct journal_reader *journal);

/* The last record as a Parquet file of one row group, in memory. */
int journal_record_reader(struct journal_reader *journal, struct parquet_reader **out,
			  struct err *err);

#endif
