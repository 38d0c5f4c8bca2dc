/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_SHEET_H
#define LAB_SHEET_H

#include "base/text.h"
#include "load/reader.h"
#include "model/addr.h"

/*
 * A table of a file (TSV or CSV) whose first line names its columns, read row by row. The
 * reader knows the columns by a list of its own; those of other names are read over.
 */
enum { SHEET_COLUMNS_MAX = 32 };

struct sheet {
	struct reader reader;
	const char *const *columns; /* names, NULL-terminated; borrowed */
	int at[SHEET_COLUMNS_MAX];  /* where each is; -1: not there */
	size_t width;
	int fd;
};

/* Opens the file and reads its heading. The first `needed` columns must be there. */
int sheet_open(struct sheet *sheet, const char *path, const char *const *columns,
	       unsigned needed, struct err *err);
void sheet_close(struct sheet *sheet);

/* 1 and a row, 0 at the end, -1: the error names file and line. */
int sheet_next(struct sheet *sheet, struct err *err);

bool sheet_has(const struct sheet *sheet, unsigned column);
/* A cell of the row; "" where the column is not there. Until the next row. */
struct str sheet_cell(const struct sheet *sheet, unsigned column);

/* Values of cells. *out stays as it was where the cell is empty; else an error names
 * file, line and column where it is no such value. */
int sheet_u64(const struct sheet *sheet, unsigned column, uint64_t most, uint64_t *out,
	      struct err *err);
int sheet_f64(const struct sheet *sheet, unsigned column, double *out, struct err *err);
int sheet_time(const struct sheet *sheet, unsigned column, int64_t *out_us,
	       struct err *err);
int sheet_addr(const struct sheet *sheet, unsigned column, struct addr *out,
	       struct err *err);
/* -1: the cell is not what it should be, by file, line and column. */
int sheet_fault(const struct sheet *sheet, unsigned column, const char *what,
		struct err *err);
/* Copies the cell behind pool's texts, with a 0; its offset, or 0 for an empty cell: a
 * pool begins with an empty text. */
size_t sheet_keep(const struct sheet *sheet, unsigned column, struct text *pool);

#endif
