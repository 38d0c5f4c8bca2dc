/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PARQUET_FOOTER_H
#define PARQUET_FOOTER_H

#include "parquet/reader.h"

/* What the two files that read the footer share. */

static inline int32_t
take_i32(struct thrift_in *t)
{
	int64_t v = thrift_int(t);

	return v < INT32_MIN || v > INT32_MAX ? INT32_MIN : (int32_t)v;
}

/* schema.c: fills the reader's columns. */
int footer_take_schema(struct parquet_reader *reader, struct thrift_in *t,
    struct err *err);

/* footer.c: a copy, to be freed; NULL without memory. */
char *footer_string(struct thrift_bytes b);
/* Says what is wrong and where. Returns -1. */
int footer_damaged(const struct parquet_reader *reader, const struct thrift_in *t,
    const char *what, struct err *err);

#endif
