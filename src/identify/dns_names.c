/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log is kept as one array sorted by address and time; equal names are stored once.
 */
#include "identify/dns_names.h"

#include "base/err.h"
#include "base/memory.h"
#include "base/search.h"
#include "catalog/catalog.h"
#include "catalog/intern.h"
#include "catalog/unpack.h"
#include "model/type.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 32, LOOK_BACK = 4096 };

/* An answer counts from a little before its time: clocks differ. */
static const int64_t SLACK_US = 2000000;

enum dns_column { COLUMN_time, COLUMN_client, COLUMN_name, COLUMN_address, COLUMNS };
static const char *const column_names[COLUMNS] = {"time", "client", "name", "address"};

struct answer {
	struct addr address, client;
	int64_t time_us;
	uint32_t name;
	bool has_client;
};

struct dns_names {
	struct answer *answers;
	size_t count, cap;
	struct intern texts;
};

void
dns_names_free(struct dns_names *names)
{
	if (names == NULL)
		return;
	intern_done(&names->texts);
	free(names->answers);
	free(names);
}

size_t
dns_names_count(const struct dns_names *names)
{
	return names->count;
}

static int
wrong(const struct unpack *in, struct err *err, const char *why, const char *s, size_t n)
{
	return err_set(err, EINVAL, "%s: line %llu: %s '%.*s'", unpack_label(in),
		       (unsigned long long)unpack_line_number(in), why,
		       (int)(n < 80 ? n : 80), s);
}

static int
column_of(const char *cell, size_t n)
{
	int i;

	for (i = 0; i < COLUMNS; i++)
		if (strlen(column_names[i]) == n && memcmp(column_names[i], cell, n) == 0)
			return i;
	return COLUMNS; /* others are left alone */
}

/* Trailing dots and capitals mean nothing in a name. */
static uint32_t
add_name(struct dns_names *names, const char *cell, size_t n)
{
	char name[DNS_NAMES_TEXT];
	size_t i;

	if (n > 0 && cell[n - 1] == '.')
		n--;
	for (i = 0; i < n; i++)
		name[i] = (char)(cell[i] >= 'A' && cell[i] <= 'Z' ? cell[i] + 32
		    : cell[i]);
	return intern_add(&names->texts, name, n);
}

static bool
set_cell(struct dns_names *names, struct answer *a, int column, const char *cell,
    size_t n)
{
	switch (column) {
	case COLUMN_time:
		return time_parse(cell, n, &a->time_us);
	case COLUMN_client:
		a->has_client = n > 0;
		return n == 0 || addr_parse(cell, n, &a->client);
	case COLUMN_name:
		if (n == 0 || n >= DNS_NAMES_TEXT || memchr(cell, '\0', n) != NULL)
			return false;
		a->name = add_name(names, cell, n);
		return true;
	case COLUMN_address:
		return addr_parse(cell, n, &a->address);
	default:
		return true;
	}
}

static int
read_header(const struct unpack *in, const char *line, size_t len, int columns[],
	    struct err *err)
{
	const char *at = line, *end = line + len, *stop;
	unsigned seen = 0, needed = 1 << COLUMN_time | 1 << COLUMN_name |
	    1 << COLUMN_address;
	int i;

	for (i = 0; i < COLUMNS_MAX; i++)
		columns[i] = COLUMNS;
	for (i = 0; at <= end; at = stop + 1, i++) {
		if ((stop = memchr(at, '\t', (size_t)(end - at))) == NULL)
			stop = end;
		if (i == COLUMNS_MAX)
			return wrong(in, err, "more than 32 columns, from", at,
				     (size_t)(stop - at));
		columns[i] = column_of(at, (size_t)(stop - at));
		seen |= 1u << columns[i];
	}
	if ((seen & needed) != needed)
		return wrong(in, err,
			     "the first line must name the columns time, name and "
			     "address, not",
			     line, len);
	return 0;
}

static int
read_answer(struct dns_names *names, const struct unpack *in, const char *line,
    size_t len, const int columns[], struct err *err)
{
	const char *at = line, *end = line + len, *stop;
	struct answer a = {0};
	unsigned seen = 0;
	int i;

	for (i = 0; at <= end && i < COLUMNS_MAX; at = stop + 1, i++) {
		if ((stop = memchr(at, '\t', (size_t)(end - at))) == NULL)
			stop = end;
		if (!set_cell(names, &a, columns[i], at, (size_t)(stop - at)))
			return wrong(in, err, "no such value:", at, (size_t)(stop - at));
		seen |= 1u << columns[i];
	}
	if (!(seen & 1 << COLUMN_time) || !(seen & 1 << COLUMN_name) ||
	    !(seen & 1 << COLUMN_address))
		return wrong(in, err, "too few cells:", line, len);
	if (names->count == DNS_NAMES_MAX)
		return wrong(in, err, "too many answers, give a shorter log, from", line,
			     len);
	if (names->count == names->cap) {
		names->cap = names->cap ? names->cap * 2 : 256;
		names->answers = must(
		    realloc(names->answers, names->cap * sizeof *names->answers));
	}
	names->answers[names->count++] = a;
	return 0;
}

static int
compare(const void *pa, const void *pb)
{
	const struct answer *a = pa, *b = pb;
	int by = addr_compare(&a->address, &b->address);

	if (by != 0)
		return by;
	return (a->time_us > b->time_us) - (a->time_us < b->time_us);
}

static int
read_all(struct dns_names *names, struct unpack *in, struct err *err)
{
	int columns[COLUMNS_MAX], more;
	bool has_header = false;
	const char *line;
	size_t len;

	while ((more = unpack_line(in, &line, &len, err)) > 0) {
		if (len == 0 || line[0] == '#')
			continue;
		if ((has_header ? read_answer(names, in, line, len, columns, err)
				: read_header(in, line, len, columns, err)) != 0)
			return -1;
		has_header = true;
	}
	if (names->count > 1)
		qsort(names->answers, names->count, sizeof *names->answers, compare);
	return more;
}

static int
read_from(struct unpack *in, struct dns_names **out, struct err *err)
{
	struct dns_names *names = must(calloc(1, sizeof *names));

	intern_init(&names->texts);
	if (read_all(names, in, err) != 0) {
		dns_names_free(names);
		return -1;
	}
	*out = names;
	return 0;
}

int
dns_names_read(const char *path, struct dns_names **out, struct err *err)
{
	struct unpack *in;
	int status;

	if (unpack_open(path, CATALOG_BYTES_MAX, &in, err) < 0)
		return -1;
	status = read_from(in, out, err);
	unpack_close(in);
	return status;
}

int
dns_names_read_bytes(const void *bytes, size_t n, const char *label,
    struct dns_names **out, struct err *err)
{
	struct unpack *in = unpack_over(bytes, n, CATALOG_BYTES_MAX, label);
	int status = read_from(in, out, err);

	unpack_close(in);
	return status;
}

static bool
is_until(const void *table, size_t i, const void *key)
{
	const struct answer *answers = table;

	return compare(&answers[i], key) <= 0;
}

const char *
dns_names_find(const struct dns_names *names, const struct addr *server,
    const struct addr *client, int64_t time_us)
{
	struct answer key = {.address = *server, .time_us = time_us + SLACK_US};
	size_t low = search_lower(names->answers, 0, names->count, &key, is_until), n;
	const struct answer *a, *any = NULL;

	for (n = 0; low-- > 0 && n < LOOK_BACK; n++) {
		a = &names->answers[low];
		if (addr_compare(&a->address, server) != 0)
			break;
		if (a->has_client && addr_compare(&a->client, client) == 0)
			return intern_text(&names->texts, a->name);
		if (any == NULL)
			any = a;
	}
	return any != NULL ? intern_text(&names->texts, any->name) : NULL;
}
