/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole file in memory through the Parquet reader: the footer, all that it answers, and
 * every column of every row group. Built with FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION,
 * page checksums are not verified, so that damage reaches the decoders.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "parquet/parquet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Touches what a caller would. */
static uint64_t
sum_column(const struct parquet_buffer *b)
{
	const struct parquet_values *v = &b->values;
	const uint8_t *data = v->data;
	uint64_t sum = (uint64_t)v->form;

	for (size_t i = 0; i < b->rows; i++) {
		if (v->present != NULL)
			sum += v->present[i / 64] >> i % 64 & 1;
		if (v->form == PARQUET_DICT)
			sum += v->offsets[v->codes[i] + 1] - v->offsets[v->codes[i]];
		if (v->form == PARQUET_FLAT && v->width > 0)
			sum += data[i * v->width] + data[(i + 1) * v->width - 1];
		if ((v->form == PARQUET_FLAT && v->width == 0) || v->form == PARQUET_LIST)
			sum += v->offsets[i + 1] - v->offsets[i];
	}
	if (v->form == PARQUET_LIST && v->offsets[b->rows] > 0)
		sum += data[v->offsets[b->rows] * 8ul - 1];
	if (v->form == PARQUET_FLAT && v->width == 0 && v->offsets[b->rows] > 0)
		sum += v->bytes[v->offsets[b->rows] - 1];
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parquet_reader *reader;
	struct parquet_buffer buffer = {0};
	struct parquet_stats stats;
	volatile uint64_t sum = 0;
	struct err err = {0};

	if (parquet_reader_open_memory(&reader, data, size, "input", &err) < 0)
		return 0;
	for (size_t g = 0; g < parquet_reader_groups(reader); g++) {
		for (size_t c = 0; c < parquet_reader_columns(reader); c++) {
			err_clear(&err);
			parquet_reader_stats(reader, g, c, &stats);
			if (parquet_read_column(reader, g, c, &buffer, &err) == 0)
				sum += sum_column(&buffer);
		}
	}
	(void)sum;
	parquet_buffer_done(&buffer);
	parquet_reader_close(reader);
	return 0;
}
