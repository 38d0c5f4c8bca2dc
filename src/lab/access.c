/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of logs: columns that a table names, or Caddy's JSON. */
#include "lab/access.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

enum column {
#define ACCESS(id, ...) COLUMN_##id,
#include "lab/access.def"
#undef ACCESS
	COLUMNS
};

static const struct {
	const char *id, *notation[3]; /* of nginx, Apache, curl */
} columns[COLUMNS] = {
#define ACCESS(id, nginx, apache, curl) {#id, {nginx, apache, curl}},
#include "lab/access.def"
#undef ACCESS
};

void
access_format(enum access_kind kind, struct text *out)
{
	unsigned i;

	for (i = 0; i < COLUMNS; i++)
		text_printf(out, "%s%s", i > 0 ? "\\t" : "", columns[i].notation[kind]);
}

struct cell {
	const char *data;
	size_t len;
};

static bool
is_unknown(struct cell c)
{
	return c.len == 0 || (c.len == 1 && c.data[0] == '-');
}

static int
number_of(struct cell c, unsigned column, uint64_t max, uint64_t *out, struct err *err)
{
	*out = 0;
	if (is_unknown(c))
		return 0;
	if (!parse_u64(c.data, c.len, out) || *out > max)
		return err_set(err, EINVAL, "%s is no number: '%.*s'", columns[column].id,
		    (int)(c.len < 60 ? c.len : 60), c.data);
	return 0;
}

/* Seconds, or microseconds where there is no point. */
static int
time_of(struct cell c, unsigned column, double unit, int64_t *out, struct err *err)
{
	double x = 0;

	*out = 0;
	if (is_unknown(c))
		return 0;
	if (!parse_f64(c.data, c.len, &x) || !(x >= 0 && x * unit < 4e15))
		return err_set(err, EINVAL, "%s is no time: '%.*s'", columns[column].id,
		    (int)(c.len < 60 ? c.len : 60), c.data);
	*out = (int64_t)(x * unit + 0.5);
	return 0;
}

static int
text_of(struct cell c, unsigned column, char *out, size_t size, struct err *err)
{
	if (c.len >= size)
		return err_set(err, EINVAL, "%s is longer than %zu bytes",
		    columns[column].id, size - 1);
	if (is_unknown(c))
		c.len = 0;
	memcpy(out, c.data, c.len);
	out[c.len] = '\0';
	return 0;
}

/* "https://192.0.2.1:443/path" has the path behind the third slash. */
static struct cell
path_of(struct cell c)
{
	const char *scheme = memmem(c.data, c.len, "://", 3), *slash;

	if (scheme == NULL || scheme == c.data)
		return c;
	slash = memchr(scheme + 3, '/', c.len - (size_t)(scheme + 3 - c.data));
	if (slash == NULL)
		return (struct cell){"/", 1};
	return (struct cell){slash, c.len - (size_t)(slash - c.data)};
}

/* The members that are as their column has them. */
#define MEMBER(id) {COLUMN_##id, offsetof(struct access, id), \
    sizeof(((struct access *)0)->id)}
static const struct member {
	enum column column;
	size_t offset, size;
} texts[] = {MEMBER(client), MEMBER(server), MEMBER(protocol), MEMBER(encoding)},
  numbers[] = {MEMBER(client_port), MEMBER(server_port), MEMBER(status), MEMBER(order),
      MEMBER(sent), MEMBER(body), MEMBER(request)};

enum { TEXTS = sizeof texts / sizeof *texts, NUMBERS = sizeof numbers / sizeof *numbers };

static int
number_store(struct access *a, const struct member *m, struct cell c, struct err *err)
{
	char *to = (char *)a + m->offset;
	uint64_t n;

	if (number_of(c, m->column, m->size == 2 ? UINT16_MAX : m->size == 4 ? UINT32_MAX
	    : INT64_MAX, &n, err) != 0)
		return -1;
	if (m->size == 2)
		*(uint16_t *)to = (uint16_t)n;
	else if (m->size == 4)
		*(uint32_t *)to = (uint32_t)n;
	else
		*(uint64_t *)to = n;
	return 0;
}

static int
cells_read(enum access_kind kind, const struct cell *c, struct access *a, struct err *err)
{
	uint64_t header;
	unsigned i;

	for (i = 0; i < TEXTS; i++)
		if (text_of(c[texts[i].column], texts[i].column,
		    (char *)a + texts[i].offset, texts[i].size, err) != 0)
			return -1;
	for (i = 0; i < NUMBERS; i++)
		if (number_store(a, &numbers[i], c[numbers[i].column], err) != 0)
			return -1;
	if (text_of(path_of(c[COLUMN_path]), COLUMN_path, a->path, sizeof a->path,
	    err) != 0 ||
	    number_of(c[COLUMN_header], COLUMN_header, INT64_MAX, &header, err) != 0 ||
	    time_of(c[COLUMN_end], COLUMN_end, 1e6, &a->end_us, err) != 0 ||
	    time_of(c[COLUMN_duration], COLUMN_duration, kind == ACCESS_apache ? 1 : 1e6,
	    &a->duration_us, err) != 0)
		return -1;
	if (a->status > 999)
		return err_set(err, EINVAL, "status is no status: %u", a->status);
	if (a->sent == 0 && header > 0)
		a->sent = header + a->body;
	return 0;
}

static int
columns_parse(enum access_kind kind, const char *line, size_t len, struct access *a,
    struct err *err)
{
	struct cell cells[COLUMNS];
	const char *end = line + len;
	unsigned i;

	for (i = 0; i < COLUMNS; i++) {
		const char *tab = line <= end ? memchr(line, '\t',
		    (size_t)(end - line)) : NULL;

		if (line > end || (tab == NULL && i + 1 < COLUMNS))
			return err_set(err, EINVAL, "a line has %u columns, not %u",
			    i + 1, COLUMNS);
		cells[i] = (struct cell){line,
		    (size_t)((tab != NULL ? tab : end) - line)};
		line += cells[i].len + 1;
	}
	return cells_read(kind, cells, a, err);
}

/* ---- Caddy ---- */

static struct cell
json_cell(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	struct cell c = {"-", 1};

	if (json_is_string(value)) {
		c.data = json_string_value(value);
		c.len = json_string_length(value);
	}
	return c;
}

static int
json_octets(const json_t *object, const char *name, uint64_t *out, struct err *err)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return err_set(err, EINVAL, "%s is no number", name);
	*out = (uint64_t)json_integer_value(value);
	return 0;
}

static int
json_time(const json_t *object, const char *name, int64_t *out, struct err *err)
{
	const json_t *value = json_object_get(object, name);
	double x = json_number_value(value);

	if (!json_is_number(value) || !(x >= 0 && x < 4e9))
		return err_set(err, EINVAL, "%s is no time", name);
	*out = (int64_t)(x * 1e6 + 0.5);
	return 0;
}

static int
json_read(const json_t *root, struct access *a, struct err *err)
{
	const json_t *request = json_object_get(root, "request");
	uint64_t status = 0, port;

	if (text_of(json_cell(request, "remote_ip"), COLUMN_client, a->client,
	    sizeof a->client,
	    err) != 0 || text_of(json_cell(request, "proto"), COLUMN_protocol,
	    a->protocol,
	    sizeof a->protocol, err) != 0 || text_of(path_of(json_cell(request, "uri")),
	    COLUMN_path, a->path, sizeof a->path, err) != 0 ||
	    number_of(json_cell(request, "remote_port"), COLUMN_client_port, 65535, &port,
	    err) != 0 || json_octets(root, "status", &status, err) != 0 ||
	    json_octets(root, "size", &a->body, err) != 0 ||
	    json_time(root, "ts", &a->end_us, err) != 0 ||
	    json_time(root, "duration", &a->duration_us, err) != 0)
		return -1;
	if (status > 999)
		return err_set(err, EINVAL, "status is no status");
	a->client_port = (uint16_t)port;
	a->status = (uint32_t)status;
	return 0;
}

static int
json_parse(const char *line, size_t len, struct access *a, struct err *err)
{
	json_error_t error;
	json_t *root = json_loadb(line, len, 0, &error);
	int status;

	if (root == NULL)
		return err_set(err, EINVAL, "no JSON: %s", error.text);
	status = json_read(root, a, err);
	json_decref(root);
	return status;
}

int
access_parse(enum access_kind kind, const char *line, size_t len, struct access *out,
    struct err *err)
{
	struct access a = {0};

	if (kind == ACCESS_caddy ? json_parse(line, len, &a, err) != 0
	    : columns_parse(kind, line, len, &a, err) != 0)
		return -1;
	*out = a;
	return 0;
}
