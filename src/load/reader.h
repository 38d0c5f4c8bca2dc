/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LOAD_READER_H
#define LOAD_READER_H

#include "base/text.h"
#include "model/type.h"

struct err;

enum { READER_CELLS_MAX = 512, READER_SHOWN = 48 };

/*
 * A delimited text file as records of cells. fd is borrowed; -1 reads from memory alone.
 * A record's cells lie in `cells` behind each other, cell i ending at ends[i]; they stay
 * until the next reader_next.
 */
struct reader {
	const char *name;
	int fd;
	char *buffer;     /* LOAD_LINE_MAX and a block; NULL for memory */
	const char *data; /* what is unread: buffer or memory */
	size_t at, len;
	bool is_end; /* nothing comes behind data */
	bool is_csv; /* quotes; else with escapes, if the delimiter is a tab */
	char delimiter;
	uint64_t line; /* of the record's first line, from 1 */
	uint64_t next_line;
	struct text cells;
	size_t ends[READER_CELLS_MAX];
	size_t count;
	const char *problem; /* what is wrong with the record, NULL: nothing */
};

void reader_init(struct reader *r, const char *name, int fd);
void reader_init_memory(struct reader *r, const char *name, const void *bytes, size_t n);
void reader_done(struct reader *r);

/* 1: a record (or a problem), 0: the end, -1: a read error. Blank lines are stepped over.
 */
int reader_next(struct reader *r, struct err *err);

/* Decides between TSV and CSV by the first line; before the first reader_next. */
int reader_detect(struct reader *r, struct err *err);
/* After that: the first line and its length, and cutting at another delimiter. */
const char *reader_first(const struct reader *r, size_t *n);
void reader_cut_at(struct reader *r, char delimiter);

/* A cell for a message: cut, and nothing that steers a terminal. */
const char *reader_shown(struct str s, char out[READER_SHOWN]);

static inline struct str
reader_cell(const struct reader *r, size_t i)
{
	size_t from = i == 0 ? 0 : r->ends[i - 1];

	return (struct str){r->cells.data + from, (uint32_t)(r->ends[i] - from)};
}

#endif
