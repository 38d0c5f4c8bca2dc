/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_LAYOUT_H
#define STORE_LAYOUT_H

#include "model/schema.h"
#include "parquet/parquet.h"

struct err;

/*
 * How the stored fields of a schema lie in Parquet columns. Every field is one column of
 * its name, an address two: NAME_ipv4 and NAME_ipv6, of which exactly one is set. All
 * columns may be null on disk.
 */
struct layout {
	const struct schema *schema;
	size_t count; /* columns */
	struct parquet_column_spec *columns;
	uint16_t *first; /* of each stored field, the index of its first column */
	char *names;
};

int layout_new(struct layout **out, const struct schema *schema, struct err *err);
void layout_free(struct layout *layout);

/* True if these columns are those of the layout, in order. */
bool layout_equals(const struct layout *layout, const struct parquet_column_spec *columns,
		   size_t count);

#endif
