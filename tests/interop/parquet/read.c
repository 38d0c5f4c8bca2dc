/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a Parquet file of another program with our reader and prints a line of JSON per
 * column: how many values and nulls, the sum of numbers and of the bytes of strings, or
 * the error. foreign.mjs compares.
 *
 *	interop-parquet-read FILE
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "parquet/parquet.h"

struct sums {
	uint64_t count, nulls, bytes, rows;
	uint64_t sum; /* of integers, modulo 2^64 */
	double real;
};

static uint64_t
load(const struct parquet_column_spec *spec, const void *data, uint32_t width, size_t i)
{
	const uint8_t *at = (const uint8_t *)data + i * width;
	uint64_t v = 0;
	int shift = 64 - (int)width * 8;
	bool is_unsigned =
	    spec->logical >= PARQUET_UINT_8 && spec->logical <= PARQUET_UINT_64;

	memcpy(&v, at, width < 8 ? width : 8);
	if (!is_unsigned && spec->type != PARQUET_BOOLEAN && shift > 0)
		v = (uint64_t)((int64_t)(v << shift) >> shift);
	return v;
}

static void
add_value(struct sums *s, const struct parquet_column_spec *spec,
	  const struct parquet_values *v, size_t row)
{
	size_t i = v->form == PARQUET_CONSTANT ? 0
		   : v->form == PARQUET_DICT   ? v->codes[row]
					       : row;
	double real;
	uint64_t number;

	if (v->form == PARQUET_LIST) {
		for (size_t k = v->offsets[row]; k < v->offsets[row + 1]; k++) {
			s->sum += load(spec, v->data, 8, k);
			s->count++;
		}
		return;
	}
	s->count++;
	if (spec->type == PARQUET_BYTE_ARRAY) {
		for (size_t k = v->offsets[i]; k < v->offsets[i + 1]; k++)
			s->bytes += v->bytes[k];
		return;
	}
	number = load(spec, v->data, v->width, i);
	memcpy(&real, &number, 8);
	if (spec->type == PARQUET_DOUBLE || spec->type == PARQUET_FLOAT)
		s->real += real;
	else
		s->sum += number;
}

static int
sum_column(struct parquet_reader *r, size_t column, struct parquet_buffer *b,
	   struct sums *s, struct err *err)
{
	const struct parquet_column_spec *spec = parquet_reader_column(r, column);

	for (size_t g = 0; g < parquet_reader_groups(r); g++) {
		const struct parquet_values *v = &b->values;

		if (parquet_read_column(r, g, column, b, err) < 0)
			return -1;
		for (size_t i = 0; i < b->rows; i++) {
			if (v->form == PARQUET_ABSENT ||
			    (v->present != NULL &&
			     (v->present[i / 64] >> i % 64 & 1) == 0))
				s->nulls++;
			else
				add_value(s, spec, v, i);
		}
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct parquet_buffer buffer = {0};
	struct parquet_reader *r;
	struct err err = {0};
	struct text out;

	if (argc != 2) {
		fprintf(stderr, "usage: interop-parquet-read FILE\n");
		return 2;
	}
	if (parquet_reader_open(&r, argv[1], &err) < 0) {
		fprintf(stderr, "interop-parquet-read: %s\n", err.text);
		return 1;
	}
	text_init(&out);
	for (size_t c = 0; c < parquet_reader_columns(r); c++) {
		const struct parquet_column_spec *spec = parquet_reader_column(r, c);
		struct sums s = {0};

		err_clear(&err);
		text_str(&out, "{\"name\":");
		text_json(&out, spec->name, strlen(spec->name));
		if (sum_column(r, c, &buffer, &s, &err) < 0) {
			text_str(&out, ",\"error\":");
			text_json(&out, err.text, strlen(err.text));
		} else {
			text_printf(&out,
				    ",\"count\":%" PRIu64 ",\"nulls\":%" PRIu64
				    ",\"sum\":\"%" PRIu64 "\",\"bytes\":%" PRIu64
				    ",\"real\":%.17g",
				    s.count, s.nulls, s.sum, s.bytes, s.real);
		}
		text_str(&out, "}\n");
	}
	fputs(out.data, stdout);
	text_done(&out);
	parquet_buffer_done(&buffer);
	parquet_reader_close(r);
	return 0;
}
