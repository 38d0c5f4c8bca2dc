/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir catalog show: the files of catalogues that a filter picks, in any order.
 */
#include "cmd/catalog.h"

#include "base/memory.h"
#include "catalog/catalog.h"
#include "catalog/leak.h"
#include "filter/filter.h"
#include "model/batch.h"
#include "model/catalogue.h"
#include "model/sink.h"
#include "model/statistics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
say_left_out(const struct catalog *catalog)
{
	const char *line, *end;
	size_t lines = catalog_left_out(catalog, &line);

	if (lines == 0)
		return;
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1)
		complain("%.*s", (int)(end - line), line);
	complain("catalogues: %zu wrong lines were left out", lines);
	note_bad_input();
}

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
	say_left_out(catalog);
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
		return err_set(err, EINVAL,
		    "--sort takes a field, or -FIELD for the greatest "
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

/* Which files pass, in batches. */
static void
pick_files(struct chosen *chosen, struct filter *filter)
{
	struct batch *batch = batch_new(&catalogue_schema, BATCH_ROWS);
	uint64_t alive[(BATCH_ROWS + 63) / 64];
	size_t n = catalog_count(chosen->catalog), from = 0, i, k;
	struct catalogue row;

	for (i = 0; i < n; i++) {
		catalog_row(chosen->catalog, i, &row);
		batch_append(batch, &row);
		if (!batch_is_full(batch) && i + 1 < n)
			continue;
		filter_select(filter, batch, alive);
		for (k = 0; k < batch->rows; k++) {
			if (alive[k / 64] >> k % 64 & 1)
				chosen->picks[chosen->n++] = (uint32_t)(from + k);
		}
		from = i + 1;
		batch_clear(batch);
	}
	batch_free(batch);
}

int
chosen_read(struct chosen *chosen, const struct catalog_values *v, const char **operands,
    int count, struct err *err)
{
	const char *paths[OPTION_LIST_MAX + 1];
	struct filter *filter;
	char *text;
	int status = EXIT_USAGE;
	size_t n, i;

	*chosen = (struct chosen){0};
	if (count < 1) {
		err_set(err, EINVAL, "needs CATALOG [FILTER]");
		return EXIT_USAGE;
	}
	paths[0] = operands[0];
	for (n = 0; n < v->more.count; n++)
		paths[n + 1] = v->more.items[n];
	text = operands_join(operands + 1, count - 1);
	if ((filter = filter_parse(&catalogue_schema, text, err)) == NULL)
		goto done;
	status = EXIT_TROUBLE;
	if ((chosen->catalog = catalog_open(paths, n + 1, err)) == NULL)
		goto done;
	n = catalog_count(chosen->catalog);
	chosen->picks = must(malloc((n + 1) * sizeof *chosen->picks));
	if (filter_is_any(filter)) {
		for (i = 0; i < n; i++)
			chosen->picks[chosen->n++] = (uint32_t)i;
	} else {
		pick_files(chosen, filter);
	}
	status = EXIT_GOOD;
done:
	filter_free(filter);
	free(text);
	return status;
}

void
chosen_free(struct chosen *chosen)
{
	free(chosen->picks);
	catalog_free(chosen->catalog);
}

static int
show_rows(const struct chosen *chosen, uint64_t limit, struct sink *sink, struct err *err)
{
	struct batch *batch = batch_new(&catalogue_schema, BATCH_ROWS);
	size_t i, n = limit > 0 && limit < chosen->n ? limit : chosen->n;
	struct catalogue row;
	int ret = 0;

	for (i = 0; i < n && ret == 0; i++) {
		catalog_row(chosen->catalog, chosen->picks[i], &row);
		batch_append(batch, &row);
		if (batch_is_full(batch) || i + 1 == n) {
			ret = sink_push(sink, batch, err);
			batch_clear(batch);
		}
	}
	batch_free(batch);
	return ret;
}

static int
show_statistics(const struct chosen *chosen, struct sink *sink, struct err *err)
{
	struct batch *batch = batch_new(&statistics_schema, 1);
	struct statistics row;
	int ret;

	catalog_statistics(chosen->catalog, chosen->picks, chosen->n, &row);
	batch_append(batch, &row);
	ret = sink_push(sink, batch, err);
	batch_free(batch);
	return ret;
}

int
verb_show(const struct catalog_values *v, const char **operands, int count,
    struct err *err)
{
	struct sorting sorting = {0};
	struct chosen chosen = {0};
	struct sink *sink = NULL;
	int status = EXIT_USAGE;

	if (parse_sort(v->sort, &sorting, err) != 0 ||
	    (status = chosen_read(&chosen, v, operands, count, err)) != EXIT_GOOD)
		goto done;
	sorting.catalog = chosen.catalog;
	if (sorting.field != NULL && !v->wants_statistics)
		qsort_r(chosen.picks, chosen.n, sizeof *chosen.picks, compare_files,
		    &sorting);
	status = EXIT_TROUBLE;
	if (output_open(v->wants_statistics ? &statistics_schema : &catalogue_schema,
	    v->format, v->output, v->fields, &sink, err) != 0)
		goto done;
	if ((v->wants_statistics ? show_statistics(&chosen, sink, err)
				 : show_rows(&chosen, v->limit, sink, err)) == 0)
		status = EXIT_GOOD;
	if (sink_close(sink, err) != 0)
		status = EXIT_TROUBLE;
	if (err->code == EPIPE)
		err_clear(err);
done:
	chosen_free(&chosen);
	return status;
}
