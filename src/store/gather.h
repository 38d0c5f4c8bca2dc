/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_GATHER_H
#define STORE_GATHER_H

#include <stddef.h>

struct batch;

/* Appends rows at..at+n-1 of from, of the same schema, for which there must be room; a
 * column at a time, as batch_append_rows would do a value at a time. */
void gather_rows(struct batch *to, const struct batch *from, size_t at, size_t n);

#endif
