/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir catalog show: the files of catalogues that a filter picks, in any order.
 */
#include "cmd/catalog.h"

#include "base/memory.h"
#include "catalog/catalog.h"
#include "filter/filter.h"
#include "model/batch.h"
#include "model/catalogue.h"
#include "model/sink.h"
#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct catalog *
catalog_open(const char *const *paths, size_t count, struct err *err)
{
	struct catalog *catalog = catalog_new();
	size_t i;

	for (i = 0; i < count; i++) {
		if (catalog_read(catalog, paths[i], err) != 0) {
			catalog_free(catalog);
			return NULL;
		}
	}
	catalog_seal(catalog);
	return catalog;
}

/* What orders files: a field's member, and whether the greatest comes first. */
struct sorting {
	const struct catalog *catalog;
	const struct field *field;
	unsigned number;
	bool is_falling;
};

static int
parse_sort(const char *text, struct sorting *out, struct err *err)
{
	size_t n;
	int field;

	if (text == NULL)
		return 0;
	out->is_falling = text[0] == '-';
	text += out->is_falling;
	n = strlen(text);
	if ((field = schema_find(&catalogue_schema, text, n)) < 0)
		return err_set(err, EINVAL, "--sort takes a field, or -FIELD for the greatest "
		    "first, not '%s'", text);
	out->field = &catalogue_schema.fields[field];
	out->number = (unsigned)field;
	return 0;
}

static int
compare_texts(const struct str *a, const struct str *b)
{
	size_t least = a->len < b->len ? a->len : b->len;
	int by = least > 0 ? memcmp(a->data, b->data, least) : 0;

	return by != 0 ? by : (a->len > b->len) - (a->len < b->len);
}

/* Nulls come first; equals keep the order of size. */
static int
compare_files(const void *pa, const void *pb, void *arg)
{
	const struct sorting *s = arg;
	uint32_t fa = *(const uint32_t *)pa, fb = *(const uint32_t *)pb;
	struct catalogue a, b;
	const char *ma, *mb;
	int by = 0;

	catalog_row(s->catalog, fa, &a);
	catalog_row(s->catalog, fb, &b);
	ma = (const char *)&a + s->field->offset;
	mb = (const char *)&b + s->field->offset;
	if (row_has(a.present, s->number) != row_has(b.present, s->number)) {
		by = row_has(a.present, s->number) ? 1 : -1;
	} else if (s->field->type == TYPE_text) {
		by = compare_texts((const void *)ma, (const void *)mb);
	} else if (s->field->type == TYPE_time) {
		int64_t x = *(const int64_t *)(const void *)ma,
			y = *(const int64_t *)(const void *)mb;

		by = (x > y) - (x < y);
	} else if (s->field->type == TYPE_u32) {
		uint32_t x = *(const uint32_t *)(const void *)ma,
			 y = *(const uint32_t *)(const void *)mb;

		by = (x > y) - (x < y);
	} else {
		uint64_t x = *(const uint64_t *)(const void *)ma,
			 y = *(const uint64_t *)(const void *)mb;

		by = (x > y) - (x < y);
	}
	if (by == 0)
		return (fa > fb) - (fa < fb);
	return s->is_falling ? -by : by;
}

static uint32_t *
make_order(const struct catalog *catalog, struct sorting *sorting)
{
	size_t n = catalog_count(catalog), i;
	uint32_t *order = must(malloc((n + 1) * sizeof *order));

	for (i = 0; i < n; i++)
		order[i] = (uint32_t)i;
	sorting->catalog = catalog;
	if (sorting->field != NULL)
		qsort_r(order, n, sizeof *order, compare_files, sorting);
	return order;
}

/* Pushes the rows of a batch that pass, at most *left. */
static int
push_some(struct batch *batch, struct batch *picked, struct filter *filter, uint64_t *left,
    struct sink *sink, struct err *err)
{
	uint64_t alive[(BATCH_ROWS + 63) / 64];
	uint32_t picks[BATCH_ROWS];
	size_t i, n = 0;

	filter_select(filter, batch, alive);
	for (i = 0; i < batch->rows && n < *left; i++) {
		if (alive[i / 64] >> i % 64 & 1)
			picks[n++] = (uint32_t)i;
	}
	*left -= n;
	if (n == 0)
		return 0;
	batch_clear(picked);
	batch_append_rows(picked, batch, picks, n);
	return sink_push(sink, picked, err);
}

static int
show_rows(const struct catalog *catalog, const uint32_t *order, struct filter *filter,
    uint64_t limit, struct sink *sink, struct err *err)
{
	struct batch *batch = batch_new(&catalogue_schema, BATCH_ROWS);
	struct batch *picked = batch_new(&catalogue_schema, BATCH_ROWS);
	size_t i, n = catalog_count(catalog);
	uint64_t left = limit > 0 ? limit : UINT64_MAX;
	struct catalogue row;
	int ret = 0;

	for (i = 0; i < n && ret == 0 && left > 0; i++) {
		catalog_row(catalog, order[i], &row);
		batch_append(batch, &row);
		if (batch_is_full(batch) || i + 1 == n) {
			ret = push_some(batch, picked, filter, &left, sink, err);
			batch_clear(batch);
		}
	}
	batch_free(batch);
	batch_free(picked);
	return ret;
}

int
catalog_show(const struct catalog_values *v, const char **operands, int count,
    struct err *err)
{
	const char *paths[OPTION_LIST_MAX + 1];
	struct sorting sorting = {0};
	struct catalog *catalog = NULL;
	struct filter *filter = NULL;
	struct sink *sink = NULL;
	uint32_t *order = NULL;
	char *text = NULL;
	int status = EXIT_USAGE;
	size_t n;

	if (count < 1) {
		err_set(err, EINVAL, "show CATALOG [FILTER] needs a catalogue");
		return EXIT_USAGE;
	}
	paths[0] = operands[0];
	for (n = 0; n < v->more.count; n++)
		paths[n + 1] = v->more.items[n];
	text = operands_join(operands + 1, count - 1);
	if ((filter = filter_parse(&catalogue_schema, text, err)) == NULL ||
	    parse_sort(v->sort, &sorting, err) != 0)
		goto done;
	status = EXIT_TROUBLE;
	if ((catalog = catalog_open(paths, n + 1, err)) == NULL)
		goto done;
	order = make_order(catalog, &sorting);
	if (output_open(&catalogue_schema, v->format, v->output, v->fields, &sink, err) != 0)
		goto done;
	status = show_rows(catalog, order, filter, v->limit, sink, err) == 0 ? EXIT_GOOD
									     : EXIT_TROUBLE;
	if (sink_close(sink, err) != 0)
		status = EXIT_TROUBLE;
	if (err->code == EPIPE)
		err_clear(err);
done:
	free(order);
	filter_free(filter);
	free(text);
	catalog_free(catalog);
	return status;
}
