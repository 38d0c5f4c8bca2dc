/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LOAD_HEADING_H
#define LOAD_HEADING_H

#include "load/dialect.h"
#include "load/reader.h"

#include <stdbool.h>
#include <stddef.h>

struct err;

/* A column that is taken, and the cell that it comes from. */
struct taken {
	unsigned field; /* FLOW_* */
	size_t cell;
	dialect_form *form; /* NULL: the cell as it is */
};

/* What the line of names says of the lines behind it. */
struct heading {
	const struct dialect *dialect; /* NULL: our own names */
	struct dialect_clock clock;
	size_t cells; /* of a line */
	struct taken columns[READER_CELLS_MAX];
	size_t count;
	size_t src; /* the column of src */
	bool has_end, has_duration, has_packets;
};

/*
 * Reads a file up to its line of names. start, src, dst, proto and bytes must be among
 * them, none may be there twice; unknown ones are an error or read over.
 */
int heading_read(struct heading *h, struct reader *r, bool ignores_unknown,
		 struct err *err);

/* Whether a record is a comment of the dialect, or its end: no row. */
bool heading_is_comment(const struct heading *h, const struct reader *r);
bool heading_is_ending(const struct heading *h, const struct reader *r);

#endif
