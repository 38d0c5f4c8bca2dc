/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PARQUET_PAGECODEC_H
#define PARQUET_PAGECODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parquet/parquet.h"

struct text;

/* Compression of single pages. */
struct pagecodec {
	enum parquet_codec codec;
	void *zstd; /* ZSTD_CCtx, made at the first use */
};

void pagecodec_done(struct pagecodec *p);

/* Appends the compressed bytes to out and returns their number; 0 on failure. */
size_t pagecodec_put(struct pagecodec *p, const void *in, size_t n, struct text *out);

/* Whether a part of in compresses by 10 %. scratch is cut back to its former length. */
bool pagecodec_pays(struct pagecodec *p, const void *in, size_t n, struct text *scratch);

/* Fills out with exactly n bytes, or returns false. codec is the format's number. */
bool pagecodec_get(int codec, const uint8_t *in, size_t n_in, uint8_t *out, size_t n);
bool pagecodec_is_known(int codec);
const char *pagecodec_name(int codec);

#endif
