/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Findings and truth of weir evaluate, parted by the first 0 byte: either an error that
 * says something, or verdicts that add up.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "evaluate/evaluate.h"
#include "evaluate/tables.h"
#include "model/batch.h"
#include "model/sink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t rows;

static int
check(struct sink *sink, struct batch *batch, struct err *err)
{
	struct score s;
	size_t i;

	rows += batch->rows;
	for (i = 0; batch->schema == &score_schema && i < batch->rows; i++) {
		batch_row(batch, i, &s);
		assert(s.right + s.wrong + s.unnamed == s.downloads);
		assert(s.low <= s.accuracy + 1e-6 && s.accuracy <= s.high + 1e-6);
		assert(s.absent <= s.unnamed && s.sure_wrong <= s.sure);
	}
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, 0, size);
	struct evaluate_text findings = {"findings", data, 0}, truth = {"truth", "", 0};
	struct evaluate_config config = {.split = "0.5"};
	struct sink sink = {.push = check};
	struct evaluation *e;
	struct err err = {0};

	if (size == 0)
		return 0;
	findings.n = end != NULL ? (size_t)(end - data) : size;
	if (end != NULL) {
		truth.bytes = end + 1;
		truth.n = size - findings.n - 1;
	}
	if (evaluate_text(&findings, &truth, &config, &e, &err) != 0) {
		assert(err.code != 0);
		return 0;
	}
	rows = 0;
	assert(evaluation_scores(e, &sink, &err) == 0 && rows > 0);
	assert(evaluation_bins(e, &sink, &err) == 0);
	rows = 0;
	assert(evaluation_misses(e, &sink, &err) == 0);
	assert(rows <= evaluation_counters(e)[EVALUATE_truths]);
	evaluation_free(e);
	return 0;
}
