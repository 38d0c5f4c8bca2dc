/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PARQUET_DELTAPACK_H
#define PARQUET_DELTAPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

struct text;

/* DELTA_BINARY_PACKED (parquet-format, Encodings.md) for 32 and 64 bit integers. */
void deltapack_put32(struct text *out, const uint32_t *v, size_t n);
void deltapack_put64(struct text *out, const uint64_t *v, size_t n);

/* About how many bytes put would take, judged by a few blocks spread over v. */
size_t deltapack_estimate32(const uint32_t *v, size_t n);
size_t deltapack_estimate64(const uint64_t *v, size_t n);

/* Exactly n values, or false. */
bool deltapack_get32(struct cursor *c, uint32_t *out, size_t n);
bool deltapack_get64(struct cursor *c, uint64_t *out, size_t n);

#endif
