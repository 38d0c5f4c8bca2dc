/* SPDX-License-Identifier: BSD-2-Clause */
#include "load/heading.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

static int
unknown_name(const struct reader *r, struct str id, struct err *err)
{
	const char *near =
	    schema_nearest(&flow_schema, id.data, id.len < 64 ? id.len : 64);
	char cell[READER_SHOWN];

	return err_set(err, EINVAL,
		       "%s:%llu: no field '%s'%s%s%s; name it as a field of the "
		       "flow table or leave the column out",
		       r->name, (unsigned long long)r->line, reader_shown(id, cell),
		       near == NULL ? "" : ": did you mean '", near == NULL ? "" : near,
		       near == NULL ? "" : "'?");
}

/* Whether the first cell is this word. */
static bool
is_cell(const struct reader *r, const char *word)
{
	struct str s = reader_cell(r, 0);

	return s.len == strlen(word) && memcmp(s.data, word, s.len) == 0;
}

static int
take(struct heading *h, const struct reader *r, struct taken taken, uint64_t *seen,
     struct err *err)
{
	if (row_has(seen, taken.field))
		return err_set(err, EINVAL,
			       "%s:%llu: two columns are named %s; leave one out",
			       r->name, (unsigned long long)r->line,
			       flow_schema.fields[taken.field].id);
	row_mark(seen, taken.field);
	if (taken.field == FLOW_src)
		h->src = h->count;
	if (taken.field < flow_schema.stored || taken.field == FLOW_duration)
		h->columns[h->count++] = taken;
	return 0;
}

/* Of a dialect: every field that a name gives, none of a name that we have no use for. */
static int
take_others(struct heading *h, const struct reader *r, struct str id, size_t cell,
	    uint64_t *seen, struct err *err)
{
	const struct dialect_name *name = NULL;
	struct taken taken;

	dialect_clock_note(&h->clock, id, cell);
	while ((name = dialect_name(h->dialect, id, name)) != NULL) {
		taken = (struct taken){name->field, cell, name->form};
		if (take(h, r, taken, seen, err) != 0)
			return -1;
	}
	return 0;
}

static int
take_name(struct heading *h, const struct reader *r, struct str id, size_t cell,
	  bool ignores_unknown, uint64_t *seen, struct err *err)
{
	int field;

	while (id.len > 0 && id.data[0] == ' ')
		id.data++, id.len--;
	while (id.len > 0 && id.data[id.len - 1] == ' ')
		id.len--;
	if (h->dialect != NULL)
		return take_others(h, r, id, cell, seen, err);
	if ((field = schema_find(&flow_schema, id.data, id.len)) < 0)
		return ignores_unknown ? 0 : unknown_name(r, id, err);
	return take(h, r, (struct taken){(unsigned)field, cell, NULL}, seen, err);
}

static int
check_required(const struct reader *r, const uint64_t *seen, struct err *err)
{
	static const unsigned required[] = {FLOW_start, FLOW_src, FLOW_dst, FLOW_proto,
					    FLOW_bytes};
	struct text missing;
	int status = 0;
	size_t i;

	text_init(&missing);
	for (i = 0; i < sizeof required / sizeof required[0]; i++) {
		if (!row_has(seen, required[i]))
			text_printf(&missing, "%s%s", missing.len == 0 ? "" : ", ",
				    flow_schema.fields[required[i]].id);
	}
	if (missing.len > 0)
		status = err_set(err, EINVAL,
				 "%s:%llu: the heading lacks %s; start, src, dst, "
				 "proto and bytes must be there",
				 r->name, (unsigned long long)r->line, missing.data);
	text_done(&missing);
	return status;
}

/* Steps to the line of names: the first one, or the one after a dialect's comments. */
static int
find(struct heading *h, struct reader *r, struct err *err)
{
	const char *first;
	size_t n;
	int status;

	if (reader_detect(r, err) != 0)
		return -1;
	first = reader_first(r, &n);
	if ((h->dialect = dialect_find(first, n)) != NULL)
		reader_cut_at(r, h->dialect->delimiter);
	do {
		if ((status = reader_next(r, err)) < 0)
			return -1;
		if (status == 0)
			return err_set(err, EINVAL,
				       "%s: empty: the first line must name the columns",
				       r->name);
	} while (h->dialect != NULL && h->dialect->heading != NULL &&
		 r->problem == NULL && !is_cell(r, h->dialect->heading));
	if (r->problem != NULL || r->count > READER_CELLS_MAX)
		return err_set(err, EINVAL, "%s:%llu: the heading is wrong: %s", r->name,
			       (unsigned long long)r->line,
			       r->problem != NULL ? r->problem : "too many columns");
	return 0;
}

int
heading_read(struct heading *h, struct reader *r, bool ignores_unknown, struct err *err)
{
	uint64_t seen[FLOW_WORDS] = {0};
	size_t i, before;

	*h = (struct heading){.clock = {-1, -1, -1}};
	if (find(h, r, err) != 0)
		return -1;
	before = h->dialect != NULL && h->dialect->heading != NULL;
	h->cells = r->count - before;
	for (i = before; i < r->count; i++) {
		if (take_name(h, r, reader_cell(r, i), i - before, ignores_unknown, seen,
			      err) != 0)
			return -1;
	}
	h->has_end = row_has(seen, FLOW_end);
	h->has_duration = row_has(seen, FLOW_duration);
	h->has_packets = row_has(seen, FLOW_packets);
	return check_required(r, seen, err);
}

bool
heading_is_comment(const struct heading *h, const struct reader *r)
{
	return h->dialect != NULL && h->dialect->heading != NULL && r->problem == NULL &&
	       r->cells.len > 0 && r->cells.data[0] == '#';
}

bool
heading_is_ending(const struct heading *h, const struct reader *r)
{
	return h->dialect != NULL && h->dialect->ending != NULL && r->problem == NULL &&
	       is_cell(r, h->dialect->ending);
}
