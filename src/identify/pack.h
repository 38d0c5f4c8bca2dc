/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_PACK_H
#define IDENTIFY_PACK_H

#include "base/cursor.h"
#include "base/text.h"

/* Numbers of a model file: big-endian, as base/cursor.h reads them. */

static inline void
pack_u32(struct text *out, uint32_t v)
{
	uint32_t be = __builtin_bswap32(v);

	text_bytes(out, &be, sizeof be);
}

static inline void
pack_u64(struct text *out, uint64_t v)
{
	uint64_t be = __builtin_bswap64(v);

	text_bytes(out, &be, sizeof be);
}

static inline void
pack_f64(struct text *out, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof bits);
	pack_u64(out, bits);
}

static inline double
unpack_f64(struct cursor *in)
{
	uint64_t bits = cursor_be64(in);
	double v;

	memcpy(&v, &bits, sizeof v);
	return v;
}

#endif
