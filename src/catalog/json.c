/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Jansson with a budget: its allocations are counted while a document is read, and one
 * that wants more than its share is refused.
 */
#include "catalog/json.h"

#include "base/err.h"
#include "catalog/builder.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

static const size_t BUDGET_BYTES = (size_t)2 << 30;
static _Thread_local size_t left_bytes;

static void *
counted_malloc(size_t n)
{
	void *p;

	if (n > left_bytes || (p = malloc(n)) == NULL)
		return NULL;
	n = malloc_usable_size(p);
	left_bytes -= n < left_bytes ? n : left_bytes;
	return p;
}

static void
counted_free(void *p)
{
	if (p == NULL)
		return;
	left_bytes += malloc_usable_size(p);
	free(p);
}

int
json_read(struct unpack *in, json_t **out, struct err *err)
{
	json_error_t where;
	char *text;
	size_t n;

	if (unpack_all(in, BUILD_DOCUMENT_MAX, &text, &n, err) != 0)
		return -1;
	json_set_alloc_funcs(counted_malloc, counted_free);
	left_bytes = BUDGET_BYTES;
	*out = json_loadb(text, n, JSON_ALLOW_NUL, &where);
	free(text);
	if (*out == NULL)
		return err_set(err, EINVAL, "%s: line %d, column %d: no good JSON: %s",
			       unpack_label(in), where.line, where.column, where.text);
	return 0;
}

const char *
json_text(const json_t *object, const char *member)
{
	return json_string_value(json_object_get(object, member));
}
