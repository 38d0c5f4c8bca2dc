/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TSV and CSV: the first byte chooses the options, the rest is the file. Every line is
 * either a row, half of one, or a counted wrong line.
 */
#include <assert.h>
#include <stdint.h>

#include "base/err.h"
#include "load/load.h"
#include "model/batch.h"
#include "model/sink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t pushed;

static int
count(struct sink *sink, struct batch *batch, struct err *err)
{
	pushed += batch->rows;
	return 0;
}

static void
hear(void *arg, const char *text)
{
	assert(text[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sink sink = {.push = count};
	struct load_stats stats = {0};
	struct load_config config = {.report = hear};
	const uint64_t *counters = stats.counters;
	struct err err = {0};

	if (size == 0)
		return 0;
	config.no_turn = data[0] & 1;
	config.no_join = data[0] & 2;
	config.ignores_unknown = data[0] & 4;
	pushed = 0;
	if (load_memory("fuzz", data + 1, size - 1, &config, &sink, &stats, &err) == 0) {
		assert(pushed == counters[LOAD_rows]);
		assert(counters[LOAD_lines] == counters[LOAD_bad_lines] +
						   counters[LOAD_no_flows] +
						   counters[LOAD_rows] +
						   counters[LOAD_joined]);
	} else {
		assert(err.code != 0);
	}
	return 0;
}
