/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Batches to the values of Parquet columns. Most columns of a batch are handed to the
 * encoder as they lie; only mixed addresses are split into their two leaves and
 * dictionaries of text laid out as offsets and bytes.
 */
#include "store/packer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "model/batch.h"
#include "model/dict.h"
#include "store/layout.h"

/* Scratch of one field: the leaves of mixed addresses, or a dictionary's text. */
struct scratch {
	void *at[4];
	size_t cap[4];
};

struct packer {
	const struct layout *layout;
	struct parquet_values *values;
	struct scratch *scratch;
};

static void *
scratch_room(struct scratch *s, size_t i, size_t bytes)
{
	if (s->cap[i] < bytes) {
		free(s->at[i]);
		if ((s->at[i] = malloc(bytes)) == NULL)
			abort(); /* as text and batch do: see base/text.h */
		s->cap[i] = bytes;
	}
	return s->at[i];
}

int
packer_new(struct packer **out, const struct layout *layout, struct err *err)
{
	struct packer *p = calloc(1, sizeof *p);

	if (p != NULL) {
		p->layout = layout;
		p->values = calloc(layout->count + 1, sizeof *p->values);
		p->scratch = calloc(layout->schema->stored + 1, sizeof *p->scratch);
	}
	if (p == NULL || p->values == NULL || p->scratch == NULL) {
		packer_free(p);
		return err_set(err, ENOMEM, "store: out of memory");
	}
	*out = p;
	return 0;
}

void
packer_free(struct packer *p)
{
	if (p == NULL)
		return;
	for (size_t f = 0; p->scratch != NULL && f < p->layout->schema->stored; f++)
		for (size_t i = 0; i < 4; i++)
			free(p->scratch[f].at[i]);
	free(p->scratch);
	free(p->values);
	free(p);
}

static void
pack_mixed(struct scratch *s, const struct column *c, size_t rows,
	   struct parquet_values *v)
{
	const struct addr *addrs = c->values;
	size_t words = (rows + 63) / 64;
	uint32_t *v4 = scratch_room(s, 0, (rows + 1) * sizeof *v4);
	uint8_t(*v6)[16] = scratch_room(s, 1, (rows + 1) * 16);
	uint64_t *has_v4 = scratch_room(s, 2, (words + 1) * 8);
	uint64_t *has_v6 = scratch_room(s, 3, (words + 1) * 8);

	memset(has_v4, 0, words * 8);
	memset(has_v6, 0, words * 8);
	memset(v4, 0, rows * sizeof *v4);
	memset(v6, 0, rows * 16);
	for (size_t i = 0; i < rows; i++) {
		uint64_t bit = (uint64_t)1 << i % 64;

		if (c->valid != NULL && (c->valid[i / 64] & bit) == 0)
			continue;
		if (addrs[i].is_v6) {
			has_v6[i / 64] |= bit;
			memcpy(v6[i], addrs[i].v6, 16);
		} else {
			has_v4[i / 64] |= bit;
			v4[i] = addrs[i].v4;
		}
	}
	v[0] = (struct parquet_values){
	    .form = PARQUET_FLAT, .width = 4, .present = has_v4, .data = v4};
	v[1] = (struct parquet_values){
	    .form = PARQUET_FLAT, .width = 16, .present = has_v6, .data = v6};
}

static void
pack_addr(struct scratch *s, const struct column *c, size_t rows,
	  struct parquet_values *v)
{
	const struct addr *a = c->values;

	v[1].form = PARQUET_ABSENT;
	v[0].form = c->form == COLUMN_CONSTANT ? PARQUET_CONSTANT : PARQUET_FLAT;
	v[0].width = 4;
	v[0].data = c->values;
	v[0].present = c->form == COLUMN_CONSTANT ? NULL : c->valid;
	if (!c->is_mixed)
		return;
	if (c->form == COLUMN_FLAT) {
		pack_mixed(s, c, rows, v);
	} else if (a->is_v6) {
		v[0].form = PARQUET_ABSENT;
		v[1].form = PARQUET_CONSTANT;
		v[1].width = 16;
		v[1].data = a->v6;
	} else {
		v[0].data = &a->v4;
	}
}

static void
pack_text(struct scratch *s, const struct column *c, struct parquet_values *v)
{
	bool is_constant = c->form == COLUMN_CONSTANT;
	size_t n = is_constant ? 1 : dict_count(c->dict), bytes = 0;
	const uint32_t *codes = c->values;
	uint32_t *offsets;
	char *at;

	if (n == 0) {
		v->form = PARQUET_ABSENT;
		return;
	}
	offsets = scratch_room(s, 0, (n + 1) * sizeof *offsets);
	for (size_t i = 0; i < n; i++)
		bytes += dict_get(c->dict, is_constant ? codes[0] : (uint32_t)i).len;
	at = scratch_room(s, 1, bytes + 1);
	v->bytes = (const uint8_t *)at;
	offsets[0] = 0;
	for (size_t i = 0; i < n; i++) {
		struct str t = dict_get(c->dict, is_constant ? codes[0] : (uint32_t)i);

		if (t.len > 0)
			memcpy(at + offsets[i], t.data, t.len);
		offsets[i + 1] = offsets[i] + t.len;
	}
	v->form = is_constant ? PARQUET_CONSTANT : PARQUET_DICT;
	v->dict_size = is_constant ? 0 : (uint32_t)n;
	v->codes = is_constant ? NULL : codes;
	v->offsets = offsets;
	v->present = is_constant ? NULL : c->valid;
}

const struct parquet_values *
packer_values(struct packer *p, const struct batch *batch)
{
	const struct layout *l = p->layout;

	memset(p->values, 0, l->count * sizeof *p->values);
	for (size_t f = 0; f < l->schema->stored; f++) {
		const struct column *c = &batch->columns[f];
		enum storage storage = types[l->schema->fields[f].type].storage;
		struct parquet_values *v = &p->values[l->first[f]];

		if (c->form == COLUMN_ABSENT)
			continue;
		if (storage == STORAGE_ADDR) {
			pack_addr(&p->scratch[f], c, batch->rows, v);
		} else if (storage == STORAGE_TEXT) {
			pack_text(&p->scratch[f], c, v);
		} else if (storage == STORAGE_LIST) {
			static const uint64_t none;

			v->form = PARQUET_LIST;
			v->width = 8;
			v->offsets = c->values;
			v->data = c->items != NULL ? c->items : &none;
			v->present = c->valid;
		} else {
			bool is_constant = c->form == COLUMN_CONSTANT;

			v->form = is_constant ? PARQUET_CONSTANT : PARQUET_FLAT;
			v->width = (uint32_t)storage_size(storage);
			v->data = c->values;
			v->present = is_constant ? NULL : c->valid;
		}
	}
	return p->values;
}
