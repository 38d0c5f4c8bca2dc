/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The values of a page: plain, by dictionary, as differences, as bits. Integers narrower
 * than the format's 32 bits are narrowed, and refused if they do not fit.
 */
#include <errno.h>
#include <string.h>

#include "parquet/bitpack.h"
#include "parquet/decode.h"
#include "parquet/deltapack.h"

/* Physical values (of format_value_bytes each, anywhere) to those of memory. */
static int
convert(const struct decoder *d, const uint8_t *from, size_t n, void *to)
{
	bool is_signed = !format_is_unsigned(d->spec);
	uint32_t odd = 0;
	double *doubles = to;
	uint8_t *bytes = to;
	uint16_t *shorts = to;

	if (d->spec->type == PARQUET_FLOAT) {
		for (size_t i = 0; i < n; i++) {
			float f;

			memcpy(&f, from + i * 4, 4);
			doubles[i] = f;
		}
	} else if (d->width == 1) {
		for (size_t i = 0; i < n; i++) {
			uint32_t v = load_le32(from + i * 4);

			bytes[i] = (uint8_t)v;
			odd |= v ^ (is_signed ? (uint32_t)(int8_t)v : (uint8_t)v);
		}
	} else if (d->width == 2) {
		for (size_t i = 0; i < n; i++) {
			uint32_t v = load_le32(from + i * 4);

			shorts[i] = (uint16_t)v;
			odd |= v ^ (is_signed ? (uint32_t)(int16_t)v : (uint16_t)v);
		}
	} else if (n > 0) {
		memcpy(to, from, n * d->width);
	}
	return odd == 0
		   ? 0
		   : decode_fail(d, EILSEQ, "a value is beyond the %u bits of its type",
				 d->width * 8);
}

/* Dictionary codes of n values, each in range, in memory[which]. */
uint32_t *
value_take_codes(struct decoder *d, struct cursor *c, size_t n, uint32_t *codes)
{
	unsigned width = cursor_u8(c);
	uint32_t most = 0;

	if (!d->has_dictionary) {
		decode_fail(d, EILSEQ, "dictionary codes without a dictionary");
		return NULL;
	}
	if (!cursor_ok(c) || width > 32 || !bitpack_hybrid_get(c, codes, n, width)) {
		decode_fail(d, EILSEQ, "damaged dictionary codes");
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		most = codes[i] > most ? codes[i] : most;
	if (n > 0 && most >= d->dict_size) {
		decode_fail(d, EILSEQ, "code %u in a dictionary of %u", most,
			    d->dict_size);
		return NULL;
	}
	return codes;
}

#define LOOKUP(T)                                                                        \
	do {                                                                             \
		const T *entries = dictionary;                                           \
		T *values = to;                                                          \
                                                                                         \
		for (size_t i = 0; i < n; i++)                                           \
			values[i] = entries[codes[i]];                                   \
	} while (0)

static int
take_coded(struct decoder *d, struct cursor *c, size_t n, void *to)
{
	uint32_t *codes = decode_room(d, M_WORK, (n + 1) * 4, false);
	const void *dictionary = d->out->memory[M_DICTIONARY].at;

	if (codes == NULL || value_take_codes(d, c, n, codes) == NULL)
		return -1;
	switch (d->width) {
	case 1:
		LOOKUP(uint8_t);
		break;
	case 2:
		LOOKUP(uint16_t);
		break;
	case 4:
		LOOKUP(uint32_t);
		break;
	case 8:
		LOOKUP(uint64_t);
		break;
	default:
		for (size_t i = 0; i < n; i++)
			memcpy((uint8_t *)to + i * d->width,
			       (const uint8_t *)dictionary + (size_t)codes[i] * d->width,
			       d->width);
	}
	return 0;
}

static int
take_delta(struct decoder *d, struct cursor *c, size_t n, void *to)
{
	uint32_t *work;

	if (d->spec->type == PARQUET_INT64)
		return deltapack_get64(c, to, n)
			   ? 0
			   : decode_fail(d, EILSEQ, "damaged DELTA_BINARY_PACKED values");
	if ((work = decode_room(d, M_WORK, (n + 1) * 4, false)) == NULL)
		return -1;
	if (!deltapack_get32(c, work, n))
		return decode_fail(d, EILSEQ, "damaged DELTA_BINARY_PACKED values");
	return convert(d, (const uint8_t *)work, n, to);
}

static int
take_booleans(struct decoder *d, struct cursor *c, int encoding, size_t n, uint8_t *to)
{
	const uint8_t *from;
	uint32_t *work;
	struct cursor runs;

	if (encoding == ENCODING_PLAIN) {
		if ((from = cursor_take(c, (n + 7) / 8)) == NULL)
			return decode_fail(d, EILSEQ, "page ends within its values");
		for (size_t i = 0; i < n; i++)
			to[i] = from[i / 8] >> i % 8 & 1;
		return 0;
	}
	from = cursor_take(c, 4);
	runs = cursor_sub(c, from == NULL ? 1 : load_le32(from));
	if ((work = decode_room(d, M_WORK, (n + 1) * 4, false)) == NULL)
		return -1;
	if (!bitpack_hybrid_get(&runs, work, n, 1))
		return decode_fail(d, EILSEQ, "damaged RLE values");
	for (size_t i = 0; i < n; i++)
		to[i] = work[i] & 1;
	return 0;
}

int
value_refuse_encoding(const struct decoder *d, int encoding)
{
	static const char *const names[] = {[ENCODING_BIT_PACKED] = "BIT_PACKED",
					    [6] = "DELTA_LENGTH_BYTE_ARRAY",
					    [7] = "DELTA_BYTE_ARRAY",
					    [9] = "BYTE_STREAM_SPLIT",
					    [ENCODING_RLE] = "RLE",
					    [ENCODING_DELTA_BINARY_PACKED] =
						"DELTA_BINARY_PACKED"};
	const char *name = encoding < 0 || encoding >= ENCODINGS ? NULL : names[encoding];

	return decode_fail(d, ENOTSUP,
			   "encoding %s (%d) is not read for this type; write the file "
			   "with PLAIN or dictionary encoding",
			   name == NULL ? "unknown" : name, encoding);
}

bool
value_is_coded(int encoding)
{
	return encoding == ENCODING_PLAIN_DICTIONARY ||
	       encoding == ENCODING_RLE_DICTIONARY;
}

/* n dense values to to. */
int
value_take_fixed(struct decoder *d, struct cursor *c, int encoding, size_t n, void *to)
{
	const uint8_t *from;

	if (d->spec->type == PARQUET_BOOLEAN) {
		if (encoding != ENCODING_PLAIN && encoding != ENCODING_RLE)
			return value_refuse_encoding(d, encoding);
		return take_booleans(d, c, encoding, n, to);
	}
	if (value_is_coded(encoding))
		return take_coded(d, c, n, to);
	if (encoding == ENCODING_DELTA_BINARY_PACKED &&
	    (d->spec->type == PARQUET_INT32 || d->spec->type == PARQUET_INT64))
		return take_delta(d, c, n, to);
	if (encoding != ENCODING_PLAIN)
		return value_refuse_encoding(d, encoding);
	if ((from = cursor_take(c, n * format_value_bytes(d->spec))) == NULL)
		return decode_fail(d, EILSEQ, "page ends within its values");
	return convert(d, from, n, to);
}

/* ---- dictionary pages ---- */

static int
take_string_dictionary(struct decoder *d, struct cursor *c, size_t n)
{
	uint32_t *offsets = decode_room(d, M_DICTIONARY, (n + 1) * 4, false);
	uint8_t *bytes = decode_room(d, M_DICTIONARY_BYTES, cursor_left(c) + 1, false);
	size_t total = 0;

	if (offsets == NULL || bytes == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = cursor_take(c, 4);
		size_t len = p == NULL ? 0 : load_le32(p);
		const uint8_t *from = cursor_take(c, len);

		if (from == NULL)
			return decode_fail(d, EILSEQ, "dictionary ends within value %zu",
					   i);
		offsets[i] = (uint32_t)total;
		if (len > 0)
			memcpy(bytes + total, from, len);
		total += len;
	}
	offsets[n] = (uint32_t)total;
	return 0;
}

int
value_take_dictionary(struct decoder *d, const struct page_header *h, struct cursor *c)
{
	size_t n = (size_t)h->values;
	size_t least = d->width == 0 ? 4 : format_value_bytes(d->spec);
	void *to;

	if (d->has_dictionary || d->done > 0 || d->spec->type == PARQUET_BOOLEAN)
		return decode_fail(d, EILSEQ, "misplaced dictionary");
	if (h->encoding != ENCODING_PLAIN && h->encoding != ENCODING_PLAIN_DICTIONARY)
		return value_refuse_encoding(d, h->encoding);
	if (h->values < 0 || n > PARQUET_ELEMENTS_MAX || n > cursor_left(c) / least)
		return decode_fail(d, EILSEQ, "dictionary of %lld values in %zu bytes",
				   (long long)h->values, cursor_left(c));
	d->dict_size = (uint32_t)n;
	if (d->width == 0) {
		if (take_string_dictionary(d, c, n) < 0)
			return -1;
	} else {
		if ((to = decode_room(d, M_DICTIONARY, (n + 1) * (d->width + 4ul),
				      false)) == NULL ||
		    value_take_fixed(d, c, ENCODING_PLAIN, n, to) < 0)
			return -1;
	}
	d->has_dictionary = true;
	return 0;
}
