/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir catalog diff and leak: two catalogues side by side, and files of one side by side.
 */
#include "cmd/catalog.h"

#include "catalog/catalog.h"
#include "catalog/diff.h"
#include "catalog/leak.h"
#include "model/batch.h"
#include "model/sink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Rows of one schema on their way out, a batch at a time. */
struct outlet {
	struct sink *sink;
	struct batch *batch;
	uint64_t left;
	size_t rows;
};

static int
outlet_open(struct outlet *o, const struct schema *schema, const struct catalog_values *v,
    struct err *err)
{
	*o = (struct outlet){.left = v->limit > 0 ? v->limit : UINT64_MAX};
	if (output_open(schema, v->format, v->output, v->fields, &o->sink, err) != 0)
		return -1;
	o->batch = batch_new(schema, BATCH_ROWS);
	return 0;
}

static int
outlet_put(struct outlet *o, const void *row, struct err *err)
{
	int ret = 0;

	o->rows++;
	if (o->left == 0)
		return 0;
	o->left--;
	batch_append(o->batch, row);
	if (batch_is_full(o->batch)) {
		ret = sink_push(o->sink, o->batch, err);
		batch_clear(o->batch);
	}
	return ret;
}

/* ret: what became of the rows so far. An exit status. */
static int
outlet_close(struct outlet *o, int ret, struct err *err)
{
	if (ret == 0 && o->batch->rows > 0)
		ret = sink_push(o->sink, o->batch, err);
	batch_free(o->batch);
	if (sink_close(o->sink, err) != 0)
		ret = -1;
	if (err->code == EPIPE)
		err_clear(err);
	return ret == 0 ? EXIT_GOOD : EXIT_TROUBLE;
}

static int
put_change(void *arg, const struct change *change, struct err *err)
{
	return outlet_put(arg, change, err);
}

int
verb_diff(const struct catalog_values *v, const char **operands, int count,
    struct err *err)
{
	struct catalog *old = NULL, *new = NULL;
	struct outlet outlet;
	int status = EXIT_TROUBLE;

	if (count != 2) {
		err_set(err, EINVAL, "diff OLD NEW takes two catalogues");
		return EXIT_USAGE;
	}
	if ((old = catalog_open(operands, 1, err)) == NULL ||
	    (new = catalog_open(operands + 1, 1, err)) == NULL ||
	    outlet_open(&outlet, &change_schema, v, err) != 0)
		goto done;
	status = outlet_close(&outlet, catalog_diff(old, new, put_change, &outlet, err),
	    err);
done:
	catalog_free(old);
	catalog_free(new);
	return status;
}

static struct str
text_of(const struct catalog *catalog, uint32_t number)
{
	const char *s = catalog_text(catalog, number);

	return (struct str){s, (uint32_t)strlen(s)};
}

static void
leak_row_of(const struct catalog *catalog, const struct leak *leak, uint32_t file,
    size_t at, struct leak_file *out)
{
	const struct catalog_file *f = &catalog_files(catalog)[file];
	unsigned i;

	*out = (struct leak_file){.name = text_of(catalog, f->name),
	    .version = text_of(catalog, f->version), .arch = text_of(catalog, f->arch),
	    .suite = text_of(catalog, f->suite), .size = f->size,
	    .path_len = f->path_len};
	for (i = 0; i < LEAK_GRADES; i++)
		out->grades[i] = leak->counts[i][at];
	for (i = 0; i < LEAK_FIELDS; i++)
		row_mark(out->present, i);
	if (f->path_len == 0)
		out->present[0] &= ~((uint64_t)1 << LEAK_FIELD_path_len);
}

static int
leak_files(const struct chosen *chosen, const struct leak *leak, struct outlet *outlet,
    struct err *err)
{
	struct leak_file row;
	size_t i;

	for (i = 0; i < chosen->n; i++) {
		leak_row_of(chosen->catalog, leak, chosen->picks[i], i, &row);
		if (outlet_put(outlet, &row, err) != 0)
			return -1;
	}
	return 0;
}

static int
leak_sums(const struct chosen *chosen, const struct leak *leak, struct outlet *outlet,
    struct err *err)
{
	struct leak_summary row;
	size_t i;
	int is_unique;

	for (is_unique = 0; is_unique < 2; is_unique++) {
		for (i = 0; i < leak_set_count; i++) {
			if (leak_summarize(leak, chosen->catalog, chosen->picks,
			    &leak_sets[i], is_unique, &row) && outlet_put(outlet, &row,
			    err) != 0)
				return -1;
		}
	}
	return 0;
}

int
verb_leak(const struct catalog_values *v, const char **operands, int count,
    struct err *err)
{
	struct chosen chosen;
	struct leak leak = {0};
	struct outlet outlet;
	int status = chosen_read(&chosen, v, operands, count, err);

	if (status != EXIT_GOOD)
		goto done;
	status = EXIT_TROUBLE;
	leak_count(&leak, chosen.catalog, chosen.picks, chosen.n, v->mss);
	if (outlet_open(&outlet, v->wants_summary ? &leak_summary_schema : &leak_schema,
	    v, err) != 0)
		goto done;
	status = outlet_close(&outlet,
	    (v->wants_summary ? leak_sums : leak_files)(&chosen, &leak, &outlet, err),
	    err);
done:
	leak_done(&leak);
	chosen_free(&chosen);
	return status;
}
