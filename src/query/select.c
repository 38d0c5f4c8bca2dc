/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scan and select: a batch that passes whole is handed on as it is, one that does not
 * pass at all is dropped, of any other the living rows are copied.
 */
#include "query/select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "model/batch.h"
#include "model/sink.h"

int
selection_open(struct selection *s, const struct query_config *config, struct err *err)
{
	*s = (struct selection){.config = config};
	s->alive = calloc(BATCH_ROWS / 64, sizeof *s->alive);
	s->picks = calloc(BATCH_ROWS, sizeof *s->picks);
	if (s->alive == NULL || s->picks == NULL) {
		err_set(err, ENOMEM, "query: out of memory");
		goto fail;
	}
	if (store_scan_open(config->dir, &config->scan, &s->scan, err) != 0)
		goto fail;
	s->raw = batch_new(config->scan.schema, BATCH_ROWS);
	s->picked = batch_new(config->scan.schema, BATCH_ROWS);
	return 0;

fail:
	selection_close(s);
	return -1;
}

static size_t
list_living(const struct selection *s)
{
	size_t n = 0;

	for (size_t w = 0; w < (s->raw->rows + 63) / 64; w++)
		for (uint64_t bits = s->alive[w]; bits != 0; bits &= bits - 1)
			s->picks[n++] =
			    (uint32_t)(w * 64 + (size_t)__builtin_ctzll(bits));
	return n;
}

static void
derive_needed(const struct query_config *config, struct batch *batch)
{
	const struct schema *schema = config->scan.schema;

	for (unsigned f = schema->stored;
	     config->scan.needed != NULL && f < schema->count; f++)
		if (row_has(config->scan.needed, f))
			batch_derive(batch, f);
}

int
selection_next(struct selection *s, struct batch **out, struct err *err)
{
	int more;

	while ((more = store_scan_next(s->scan, s->raw, err)) > 0) {
		size_t rows = s->raw->rows, n;

		*out = s->raw;
		if (s->config->select == NULL)
			return 1;
		memset(s->alive, 0xff, (rows + 63) / 64 * 8);
		if (rows % 64 != 0)
			s->alive[rows / 64] = ((uint64_t)1 << rows % 64) - 1;
		if (s->config->select(s->config->select_arg, s->raw, s->alive, err) != 0)
			return -1;
		n = list_living(s);
		if (n == 0)
			continue;
		if (n == rows)
			return 1;
		batch_clear(s->picked);
		batch_append_rows(s->picked, s->raw, s->picks, n);
		derive_needed(s->config, s->picked);
		*out = s->picked;
		return 1;
	}
	return more;
}

void
selection_close(struct selection *s)
{
	store_scan_close(s->scan);
	batch_free(s->raw);
	batch_free(s->picked);
	free(s->alive);
	free(s->picks);
	*s = (struct selection){0};
}

int
query_run(const struct query_config *config, struct sink *sink,
	  struct query_result *result, struct err *err)
{
	struct selection s;
	struct batch *batch;
	uint64_t rows = 0;
	int more;

	if (result != NULL)
		*result = (struct query_result){0};
	if (selection_open(&s, config, err) != 0)
		return -1;
	while ((more = selection_next(&s, &batch, err)) > 0) {
		if (config->limit_rows != 0 && batch->rows > config->limit_rows - rows)
			batch_cut(batch, config->limit_rows - rows);
		rows += batch->rows;
		if (sink_push(sink, batch, err) != 0) {
			more = -1;
			break;
		}
		if (config->limit_rows != 0 && rows == config->limit_rows) {
			more = 0;
			break;
		}
	}
	if (result != NULL) {
		result->rows = rows;
		memcpy(result->counters, store_scan_counters(s.scan),
		       sizeof result->counters);
	}
	selection_close(&s);
	return more;
}
