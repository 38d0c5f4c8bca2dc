/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LZ4_RAW (an LZ4 block without a frame) and ZSTD, page by page. A short piece from the
 * middle of a column tells whether the rest is worth the time; LZ4 gives up on noise by
 * itself, but packed columns are noise more often than not.
 */
#include "parquet/pagecodec.h"

#include <limits.h>
#include <lz4.h>
#include <zstd.h>

#include "base/text.h"

enum {
	SAMPLE = 8192,
	ZSTD_LEVEL = 3,
};

void
pagecodec_done(struct pagecodec *p)
{
	ZSTD_freeCCtx(p->zstd);
	p->zstd = NULL;
}

size_t
pagecodec_put(struct pagecodec *p, const void *in, size_t n, struct text *out)
{
	size_t room, got = 0;
	char *to;

	if (p->codec == PARQUET_CODEC_LZ4 && n <= LZ4_MAX_INPUT_SIZE) {
		room = (size_t)LZ4_compressBound((int)n);
		to = text_room(out, room);
		got = (size_t)LZ4_compress_default(in, to, (int)n, (int)room);
	} else if (p->codec == PARQUET_CODEC_ZSTD) {
		if (p->zstd == NULL)
			p->zstd = ZSTD_createCCtx();
		room = ZSTD_compressBound(n);
		to = text_room(out, room);
		if (p->zstd != NULL)
			got = ZSTD_compressCCtx(p->zstd, to, room, in, n, ZSTD_LEVEL);
		if (ZSTD_isError(got))
			got = 0;
	}
	out->len += got;
	return got;
}

bool
pagecodec_pays(struct pagecodec *p, const void *in, size_t n, struct text *scratch)
{
	const uint8_t *from = in;
	size_t mark = scratch->len, got;

	if (p->codec == PARQUET_CODEC_NONE || n < 64)
		return false;
	if (n > SAMPLE) {
		from += (n - SAMPLE) / 2;
		n = SAMPLE;
	}
	got = pagecodec_put(p, from, n, scratch);
	scratch->len = mark;
	return got > 0 && got < n - n / 10;
}

bool
pagecodec_get(int codec, const uint8_t *in, size_t n_in, uint8_t *out, size_t n)
{
	size_t got;

	if (n > PARQUET_BYTES_MAX || n_in > INT_MAX)
		return false;
	if (codec == PARQUET_CODEC_LZ4)
		return LZ4_decompress_safe((const char *)in, (char *)out, (int)n_in,
					   (int)n) == (int)n;
	if (codec != PARQUET_CODEC_ZSTD)
		return false;
	got = ZSTD_decompress(out, n, in, n_in);
	return !ZSTD_isError(got) && got == n;
}

static const char *const names[] = {"UNCOMPRESSED", "SNAPPY", "GZIP", "LZO",
				    "BROTLI",       "LZ4",    "ZSTD", "LZ4_RAW"};

bool
pagecodec_is_known(int codec)
{
	return codec == PARQUET_CODEC_NONE || codec == PARQUET_CODEC_ZSTD ||
	       codec == PARQUET_CODEC_LZ4;
}

const char *
pagecodec_name(int codec)
{
	if (codec < 0 || codec >= (int)(sizeof names / sizeof *names))
		return "of an unknown number";
	return names[codec];
}
