/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which columns to print: layout.def's named sets and the --fields parser, which takes
 * ids and names of sets alike. Knows schemas, no fields.
 */
#include "report/layout.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

struct layout {
	const char *schema;
	const char *name;
	const char *fields;
	const char *help;
};

static const struct layout layouts[] = {
#define LAYOUT(schema, name, fields, ...) {schema, name, fields, __VA_ARGS__},
#include "report/layout.def"
#undef LAYOUT
};

enum { LAYOUTS = sizeof layouts / sizeof layouts[0] };

struct selection {
	const struct schema *schema;
	unsigned *fields;
	unsigned n;
	uint64_t taken[SCHEMA_FIELDS_MAX / 64];
};

static const struct layout *
layout_find(const struct schema *schema, const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < LAYOUTS; i++) {
		if (strcmp(layouts[i].schema, schema->name) == 0 &&
		    strlen(layouts[i].name) == n && memcmp(layouts[i].name, name, n) == 0)
			return &layouts[i];
	}
	return NULL;
}

static void
take(struct selection *s, unsigned field)
{
	if (row_has(s->taken, field))
		return;
	row_mark(s->taken, field);
	s->fields[s->n++] = field;
}

static void
take_stored(struct selection *s)
{
	unsigned i;

	for (i = 0; i < s->schema->stored; i++)
		take(s, i);
}

static int
unknown_field(const struct schema *schema, const char *id, size_t n, struct err *err)
{
	const char *near = schema_nearest(schema, id, n);
	int shown = n > 40 ? 40 : (int)n;

	if (n == 0)
		return err_set(err, EINVAL,
			       "fields: an empty name; separate names by one comma");
	if (near != NULL)
		return err_set(err, EINVAL,
			       "fields: no field '%.*s' in %s rows: did you mean "
			       "'%s'?",
			       shown, id, schema->name, near);
	return err_set(err, EINVAL,
		       "fields: no field or layout '%.*s' in %s rows; --help lists "
		       "them",
		       shown, id, schema->name);
}

/* Layouts name fields only, so this recurses once. */
static int
take_list(struct selection *s, const char *text, struct err *err)
{
	const struct layout *layout;
	size_t n;
	int field;

	for (;; text += n + 1) {
		n = strcspn(text, ",");
		if ((field = schema_find(s->schema, text, n)) >= 0) {
			take(s, (unsigned)field);
		} else if ((layout = layout_find(s->schema, text, n)) != NULL) {
			if (take_list(s, layout->fields, err) != 0)
				return -1;
		} else if (n == 3 && memcmp(text, "all", 3) == 0) {
			take_stored(s);
		} else {
			return unknown_field(s->schema, text, n, err);
		}
		if (text[n] == '\0')
			return 0;
	}
}

int
report_fields(const struct schema *schema, const char *text,
	      unsigned out[SCHEMA_FIELDS_MAX], unsigned *n, struct err *err)
{
	struct selection s = {.schema = schema, .fields = out};

	if (text == NULL || *text == '\0')
		text = layout_find(schema, "line", 4) != NULL ? "line" : "all";
	if (take_list(&s, text, err) != 0)
		return -1;
	*n = s.n;
	return 0;
}

void
layout_help(struct text *out, const struct schema *schema)
{
	size_t i;

	for (i = 0; i < LAYOUTS; i++) {
		if (strcmp(layouts[i].schema, schema->name) == 0)
			text_printf(out, "  %-13s %s\n", layouts[i].name,
				    layouts[i].help);
	}
	text_printf(out, "  %-13s %s\n", "all", "every stored field");
}
