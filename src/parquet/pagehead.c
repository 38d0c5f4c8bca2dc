/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages from outside: the Thrift header in front of each, and the decompression of its
 * body within the limits of a column chunk.
 */
#include <errno.h>
#include <string.h>

#include "parquet/decode.h"
#include "parquet/pagecodec.h"
#include "parquet/thrift.h"

/* DataPageHeader (5), DictionaryPageHeader (7) and DataPageHeaderV2 (8) of
 * parquet.thrift. */
static void
take_kind_header(struct thrift_in *t, struct page_header *h, int kind)
{
	bool is_v1 = kind == 5, is_v2 = kind == 8;
	int id;

	if (!thrift_is_struct(t))
		return;
	thrift_enter(t);
	while (thrift_next(t, &id)) {
		if (id == 1)
			h->values = thrift_int(t);
		else if (id == (is_v2 ? 4 : 2))
			h->encoding = (int32_t)thrift_int(t);
		else if (id == 3 && is_v1)
			h->definition_encoding = (int32_t)thrift_int(t);
		else if (id == 4 && is_v1)
			h->repetition_encoding = (int32_t)thrift_int(t);
		else if (id == 5 && is_v2)
			h->definition_bytes = thrift_int(t);
		else if (id == 6 && is_v2)
			h->repetition_bytes = thrift_int(t);
		else if (id == 7 && is_v2)
			h->is_compressed = thrift_bool(t);
		else
			thrift_skip(t);
	}
}

bool
page_take_header(struct cursor *c, struct page_header *h)
{
	struct thrift_in t = {.c = *c};
	int64_t plain = -1, bytes = -1;
	bool has_body = false;
	int id;

	*h = (struct page_header){.type = -1,
				  .values = -1,
				  .encoding = -1,
				  .definition_encoding = ENCODING_RLE,
				  .repetition_encoding = ENCODING_RLE,
				  .is_compressed = true};
	thrift_enter(&t);
	while (thrift_next(&t, &id)) {
		switch (id) {
		case 1:
			h->type = (int32_t)thrift_int(&t);
			break;
		case 2:
			plain = thrift_int(&t);
			break;
		case 3:
			bytes = thrift_int(&t);
			break;
		case 4:
			h->crc = (uint32_t)thrift_int(&t);
			h->has_crc = true;
			break;
		case 5:
		case 7:
		case 8:
			take_kind_header(&t, h, id);
			has_body = true;
			break;
		default:
			thrift_skip(&t);
		}
	}
	*c = t.c;
	h->plain_bytes = (int32_t)plain;
	h->bytes = (int32_t)bytes;
	return cursor_ok(&t.c) && plain >= 0 && plain <= INT32_MAX && bytes >= 0 &&
	       bytes <= INT32_MAX && (has_body || h->type == PAGE_INDEX);
}

/* The bytes of a page after decompression; V2 pages have plain levels in front. */
int
page_unpack(struct decoder *d, const struct page_header *h, struct cursor *body)
{
	size_t front = 0, n = (size_t)h->plain_bytes, n_in = cursor_left(body);
	uint8_t *to;

	d->decoded += n;
	if (d->decoded > PARQUET_BYTES_MAX)
		return decode_fail(d, EFBIG,
				   "more than %d decoded bytes in one column chunk",
				   PARQUET_BYTES_MAX);
	if (h->type == PAGE_DATA_V2) {
		if (h->definition_bytes < 0 || h->repetition_bytes < 0 ||
		    h->definition_bytes > h->bytes || h->repetition_bytes > h->bytes ||
		    h->definition_bytes + h->repetition_bytes > h->bytes ||
		    h->definition_bytes + h->repetition_bytes > h->plain_bytes)
			return decode_fail(d, EILSEQ, "page ends within its levels");
		front = (size_t)(h->definition_bytes + h->repetition_bytes);
	}
	if (d->chunk->codec == PARQUET_CODEC_NONE || !h->is_compressed ||
	    (h->type == PAGE_DATA_V2 && n == front))
		return 0;
	if ((to = decode_room(d, M_PAGE, n + 1, false)) == NULL)
		return -1;
	if (front > 0)
		memcpy(to, body->at, front);
	if ((n > front || n_in > front) &&
	    !pagecodec_get(d->chunk->codec, body->at + front, n_in - front, to + front,
			   n - front))
		return decode_fail(d, EILSEQ, "page cannot be decompressed (%s)",
				   pagecodec_name(d->chunk->codec));
	*body = cursor_over(to, n);
	return 0;
}
