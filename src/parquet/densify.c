/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first step of encoding: the values of a column that are there, one behind the
 * other, integers in the 32 or 64 bits of the format. Values that lie so already are
 * borrowed.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "parquet/encode.h"
#include "parquet/gather.h"

/* Integers and doubles as uint32_t or uint64_t. from holds n values of width bytes. */
static int
densify_integers(struct parquet_encoder *e, struct column *c, const void *from, size_t n,
		 const uint64_t *present, struct err *err)
{
	unsigned width = c->in->width;
	size_t each = format_value_bytes(c->spec);
	bool is_signed = !format_is_unsigned(c->spec) && c->spec->type != PARQUET_DOUBLE;
	void *to;

	assert(width == 1 || width == 2 || width == 4 || width == 8);
	c->values = from;
	if (present == NULL && width == each && (uintptr_t)from % each == 0)
		return 0;
	if ((to = format_room(&e->dense, (n + 64) * each, false)) == NULL)
		return encode_short_of_memory(c, err);
	if (each == 4)
		c->n = gather_32(to, from, width, is_signed, present, n);
	else
		c->n = gather_64(to, from, width, is_signed, present, n);
	c->values = to;
	return 0;
}

/* Values of any fixed width that only need their gaps closed. */
static int
densify_fixed(struct parquet_encoder *e, struct column *c, struct err *err)
{
	size_t width = c->in->width;
	void *to;

	c->values = c->in->data;
	if (c->present == NULL)
		return 0;
	if ((to = format_room(&e->dense, (c->n + 1) * width, false)) == NULL)
		return encode_short_of_memory(c, err);
	gather_fixed(to, c->in->data, width, c->present, c->rows);
	c->values = to;
	return 0;
}

static int
densify_strings(struct parquet_encoder *e, struct column *c, struct err *err)
{
	const uint32_t *in = c->in->offsets;
	uint32_t *offsets;
	uint8_t *bytes;
	size_t n = 0, total = 0;

	c->offsets = in;
	c->bytes = c->in->bytes;
	if (c->present == NULL)
		return 0;
	offsets = format_room(&e->dense_offsets, (c->n + 1) * sizeof *offsets, false);
	bytes = format_room(&e->dense, (size_t)in[c->rows] - in[0] + 1, false);
	if (offsets == NULL || bytes == NULL)
		return encode_short_of_memory(c, err);
	for (size_t i = 0; i < c->rows; i++) {
		size_t len = in[i + 1] - in[i];

		if ((c->present[i / 64] >> i % 64 & 1) == 0)
			continue;
		offsets[n++] = (uint32_t)total;
		memcpy(bytes + total, c->in->bytes + in[i], len);
		total += len;
	}
	offsets[n] = (uint32_t)total;
	c->offsets = offsets;
	c->bytes = bytes;
	return 0;
}

/* Codes of fixed-width values become the values: they are coded anew by what pays. */
static int
densify_coded(struct parquet_encoder *e, struct column *c, struct err *err)
{
	const struct parquet_values *in = c->in;
	size_t width = in->width, n = 0;
	uint8_t *to = format_room(&e->remap, (c->n + 1) * width, false);

	if (to == NULL)
		return encode_short_of_memory(c, err);
	for (size_t i = 0; i < c->rows; i++) {
		if (c->present != NULL && (c->present[i / 64] >> i % 64 & 1) == 0)
			continue;
		if (in->codes[i] >= in->dict_size)
			return err_set(err, EINVAL,
				       "parquet: column %s: row %zu has code %u "
				       "of a dictionary of %u",
				       c->spec->name, i, in->codes[i], in->dict_size);
		memcpy(to + n++ * width, (const uint8_t *)in->data + in->codes[i] * width,
		       width);
	}
	c->values = to;
	if (c->spec->type == PARQUET_FLBA || c->spec->type == PARQUET_BOOLEAN)
		return 0;
	return densify_integers(e, c, to, n, NULL, err);
}

/* The caller's codes, renumbered by first use among these rows. */
static int
densify_string_codes(struct parquet_encoder *e, struct column *c, struct err *err)
{
	const struct parquet_values *in = c->in;
	uint32_t size = in->dict_size;
	uint32_t *renumber = format_room(&e->remap, (size + 1ul) * 4, false);
	uint32_t *entries = format_room(&e->entries, (size + 1ul) * 4, false);
	uint32_t *codes = format_room(&e->codes, (c->n + 1) * 4, false);
	uint32_t distinct = 0;
	size_t n = 0;

	if (renumber == NULL || entries == NULL || codes == NULL)
		return encode_short_of_memory(c, err);
	memset(renumber, 0xff, (size_t)size * 4);
	for (size_t i = 0; i < c->rows; i++) {
		uint32_t code = in->codes[i];

		if (c->present != NULL && (c->present[i / 64] >> i % 64 & 1) == 0)
			continue;
		if (code >= size)
			return err_set(err, EINVAL,
				       "parquet: column %s: row %zu has code %u "
				       "of a dictionary of %u",
				       c->spec->name, i, code, size);
		if (renumber[code] == UINT32_MAX) {
			renumber[code] = distinct;
			entries[distinct++] = code;
		}
		codes[n++] = renumber[code];
	}
	c->offsets = in->offsets;
	c->bytes = in->bytes;
	c->codes = codes;
	c->entries = entries;
	c->distinct = distinct;
	c->has_codes = true;
	return 0;
}

/* Elements of the lists that are there. */
static int
densify_list(struct parquet_encoder *e, struct column *c, struct err *err)
{
	const uint32_t *offsets = c->in->offsets;
	const uint64_t *elements = c->in->data;
	uint64_t *to;
	size_t n = 0;

	for (size_t i = 0; i < c->rows; i++)
		if (offsets[i] > offsets[i + 1] ||
		    offsets[i + 1] - offsets[0] > PARQUET_ELEMENTS_MAX)
			return err_set(err, EINVAL,
				       "parquet: column %s: row %zu: list of "
				       "elements %u to %u; a row group takes %d elements",
				       c->spec->name, i, offsets[i], offsets[i + 1],
				       PARQUET_ELEMENTS_MAX);
	c->values = elements + offsets[0];
	c->n = offsets[c->rows] - offsets[0];
	if (c->present == NULL)
		return 0;
	if ((to = format_room(&e->dense, (c->n + 1) * sizeof *to, false)) == NULL)
		return encode_short_of_memory(c, err);
	for (size_t i = 0; i < c->rows; i++) {
		if ((c->present[i / 64] >> i % 64 & 1) == 0)
			continue;
		for (size_t k = offsets[i]; k < offsets[i + 1]; k++)
			to[n++] = elements[k];
	}
	c->values = to;
	c->n = n;
	return 0;
}

int
densify(struct parquet_encoder *e, struct column *c, struct err *err)
{
	const struct parquet_values *in = c->in;
	enum parquet_type type = c->spec->type;
	size_t n = c->rows;

	if (c->spec->is_list)
		return densify_list(e, c, err);
	assert(type != PARQUET_BOOLEAN || in->width == 1);
	if (in->form == PARQUET_DICT)
		return type == PARQUET_BYTE_ARRAY ? densify_string_codes(e, c, err)
						  : densify_coded(e, c, err);
	if (in->form == PARQUET_CONSTANT) {
		c->is_constant = true;
		c->values = in->data;
		c->offsets = in->offsets;
		c->bytes = in->bytes;
		if (format_is_number(c->spec) && type != PARQUET_BOOLEAN) {
			size_t dense = c->n;
			int r = densify_integers(e, c, in->data, 1, NULL, err);

			c->n = dense;
			return r;
		}
		return 0;
	}
	if (type == PARQUET_BYTE_ARRAY)
		return densify_strings(e, c, err);
	if (type == PARQUET_FLBA || type == PARQUET_BOOLEAN)
		return densify_fixed(e, c, err);
	return densify_integers(e, c, in->data, n, c->present, err);
}
