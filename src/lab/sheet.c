/* SPDX-License-Identifier: BSD-2-Clause */
/* Named columns over load/reader.h. */
#include "lab/sheet.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool
is_named(struct str cell, const char *name)
{
	return strlen(name) == cell.len && memcmp(name, cell.data, cell.len) == 0;
}

int
sheet_fault(const struct sheet *s, unsigned column, const char *what, struct err *err)
{
	struct str cell = sheet_cell(s, column);

	return err_set(err, EINVAL, "%s: line %llu: column '%s': '%.*s' is not %s",
		       s->reader.name, (unsigned long long)s->reader.line,
		       s->columns[column], (int)(cell.len < 80 ? cell.len : 80),
		       cell.data, what);
}

static int
read_heading(struct sheet *s, unsigned needed, struct err *err)
{
	const struct reader *r = &s->reader;
	unsigned c;
	size_t i;

	memset(s->at, -1, sizeof s->at);
	for (i = 0; i < r->count; i++)
		for (c = 0; s->columns[c] != NULL; c++)
			if (s->at[c] < 0 && is_named(reader_cell(r, i), s->columns[c]))
				s->at[c] = (int)i;
	for (c = 0; c < needed; c++)
		if (s->at[c] < 0)
			return err_set(err, EINVAL,
				       "%s: line %llu: no column '%s': the first "
				       "line must name the columns",
				       r->name, (unsigned long long)r->line,
				       s->columns[c]);
	s->width = r->count;
	return 0;
}

int
sheet_open(struct sheet *s, const char *path, const char *const *columns, unsigned needed,
	   struct err *err)
{
	int more;

	*s = (struct sheet){.columns = columns};
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	reader_init(&s->reader, path, s->fd);
	if (reader_detect(&s->reader, err) != 0)
		goto fail;
	do
		more = reader_next(&s->reader, err);
	while (more > 0 && s->reader.problem == NULL && s->reader.count > 0 &&
	       reader_cell(&s->reader, 0).len > 0 &&
	       reader_cell(&s->reader, 0).data[0] == '#');
	if (more == 0)
		err_set(err, EINVAL, "%s: empty: the first line must name the columns",
			path);
	if (more > 0 && s->reader.problem != NULL)
		err_set(err, EINVAL, "%s: line %llu: %s", path,
			(unsigned long long)s->reader.line, s->reader.problem);
	if (more > 0 && s->reader.problem == NULL && read_heading(s, needed, err) == 0)
		return 0;

fail:
	sheet_close(s);
	return -1;
}

void
sheet_close(struct sheet *s)
{
	reader_done(&s->reader);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

int
sheet_next(struct sheet *s, struct err *err)
{
	struct reader *r = &s->reader;
	int more = reader_next(r, err);

	if (more <= 0)
		return more;
	if (r->problem == NULL && r->count == s->width)
		return 1;
	return err_set(err, EINVAL, "%s: line %llu: %s", r->name,
		       (unsigned long long)r->line,
		       r->problem != NULL ? r->problem : "not as many cells as columns");
}

bool
sheet_has(const struct sheet *s, unsigned column)
{
	return s->at[column] >= 0;
}

struct str
sheet_cell(const struct sheet *s, unsigned column)
{
	if (s->at[column] < 0)
		return (struct str){"", 0};
	return reader_cell(&s->reader, (size_t)s->at[column]);
}

int
sheet_u64(const struct sheet *s, unsigned column, uint64_t most, uint64_t *out,
	  struct err *err)
{
	struct str cell = sheet_cell(s, column);
	uint64_t v;

	if (cell.len == 0)
		return 0;
	if (!parse_u64(cell.data, cell.len, &v) || v > most)
		return sheet_fault(s, column, "a number within its limits", err);
	*out = v;
	return 0;
}

int
sheet_f64(const struct sheet *s, unsigned column, double *out, struct err *err)
{
	struct str cell = sheet_cell(s, column);

	return cell.len == 0 || parse_f64(cell.data, cell.len, out)
		   ? 0
		   : sheet_fault(s, column, "a number", err);
}

int
sheet_time(const struct sheet *s, unsigned column, int64_t *out_us, struct err *err)
{
	struct str cell = sheet_cell(s, column);

	return cell.len == 0 || time_parse(cell.data, cell.len, out_us)
		   ? 0
		   : sheet_fault(s, column, "a time", err);
}

int
sheet_addr(const struct sheet *s, unsigned column, struct addr *out, struct err *err)
{
	struct str cell = sheet_cell(s, column);

	return cell.len == 0 || addr_parse(cell.data, cell.len, out)
		   ? 0
		   : sheet_fault(s, column, "an address", err);
}

size_t
sheet_keep(const struct sheet *s, unsigned column, struct text *pool)
{
	struct str cell = sheet_cell(s, column);
	size_t at = pool->len;

	if (cell.len == 0 || memchr(cell.data, '\0', cell.len) != NULL)
		return 0;
	text_bytes(pool, cell.data, cell.len);
	text_char(pool, '\0');
	return at;
}
