/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_CSV_H
#define CATALOG_CSV_H

#include "base/text.h"
#include "catalog/unpack.h"
#include "model/type.h"

enum { CSV_CELLS_MAX = 128, CSV_RECORD_MAX = 1 << 20 };

/* Records of a CSV file (RFC 4180): cells in quotes may hold commas, quotes as "" and
 * line ends. Separated by the first of comma, semicolon or tab that the first line
 * has. */
struct csv {
	struct unpack *in;
	char between;
	struct text space;
	struct str cells[CSV_CELLS_MAX];
	size_t count;
	uint64_t line; /* where the record began */
};

void csv_init(struct csv *csv, struct unpack *in);
void csv_done(struct csv *csv);
/* 1: cells are those of the next record, borrowed until the next call; 0: the end; -1. */
int csv_next(struct csv *csv, struct err *err);

#endif
