/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data pages of lists: a repetition level of 0 opens a row, a definition level says
 * whether it is null (0), empty (1) or has an element (2).
 */
#include <errno.h>

#include "base/err.h"
#include "parquet/bitpack.h"
#include "parquet/decode.h"

/* Opens rows and counts elements; *n becomes the number of elements of the page. */
static int
take_list_levels(struct decoder *d, const uint32_t *repetition,
		 const uint32_t *definition, size_t entries, size_t *n)
{
	uint32_t *offsets = d->out->memory[M_OFFSETS].at;
	size_t elements = d->elements;

	for (size_t i = 0; i < entries; i++) {
		if (definition[i] > 2 || (repetition[i] == 1 && definition[i] < 2))
			return decode_fail(d, EILSEQ, "damaged levels");
		if (repetition[i] == 0) {
			if (d->done == d->rows)
				return decode_fail(
				    d, EILSEQ, "more lists than the %u rows", d->rows);
			if (definition[i] > 0)
				decode_set_bits(d->present, d->done, 1);
			d->done++;
		} else if (d->done == 0) {
			return decode_fail(d, EILSEQ, "the first list has no start");
		}
		elements += definition[i] == 2;
		offsets[d->done] = (uint32_t)elements;
	}
	*n = elements - d->elements;
	return 0;
}

int
list_take_page(struct decoder *d, const struct page_header *h, struct cursor *c)
{
	size_t entries = (size_t)h->values, n;
	struct cursor repetition, definition;
	uint32_t *levels;
	uint64_t *data;

	if (h->values < 0 || entries > (size_t)d->chunk->values - d->entries)
		return decode_fail(
		    d, EILSEQ, "%lld values in the page, %zu left in the column chunk",
		    (long long)h->values, (size_t)d->chunk->values - d->entries);
	if (decode_take_levels(d, h, h->repetition_encoding, h->repetition_bytes, c,
			&repetition) < 0 ||
	    decode_take_levels(d, h, h->definition_encoding, h->definition_bytes, c,
			&definition) < 0)
		return -1;
	if ((levels = decode_room(d, M_LEVELS, (entries + 1) * 8, false)) == NULL)
		return -1;
	if (!bitpack_hybrid_get(&repetition, levels, entries, 1) ||
	    !bitpack_hybrid_get(&definition, levels + entries, entries, 2))
		return decode_fail(d, EILSEQ, "damaged levels");
	if (take_list_levels(d, levels, levels + entries, entries, &n) < 0)
		return -1;
	if ((data = decode_room(d, M_DATA, (d->elements + n + 1) * 8, true)) == NULL)
		return -1;
	if (n > 0 && value_take_fixed(d, c, h->encoding, n, data + d->elements) < 0)
		return -1;
	d->elements += n;
	d->entries += entries;
	return 0;
}

int
list_begin(struct decoder *d)
{
	uint32_t *offsets = decode_room(d, M_OFFSETS, (d->rows + 1ul) * 4, false);

	if (d->chunk->values > PARQUET_ELEMENTS_MAX + (int64_t)d->rows)
		return decode_fail(d, EFBIG,
				   "%lld list elements in one row group; the limit is %d",
				   (long long)d->chunk->values, PARQUET_ELEMENTS_MAX);
	if (offsets == NULL || decode_need_present(d, false) < 0)
		return -1;
	offsets[0] = 0;
	return 0;
}
