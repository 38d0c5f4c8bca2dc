/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The catalogue in memory: one array of small records whose texts are numbers, and a
 * second one for what few lists say. Sealing sorts it by size, so that the files of a
 * size, or near it, lie side by side; doubles are neighbours then and fall out. What is
 * looked up by size is in index.c.
 */
#include "catalog/catalog.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "catalog/index.h"
#include "catalog/intern.h"
#include "model/catalogue.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct catalog {
	struct catalog_file *files;
	size_t count, cap;
	struct catalog_more *more; /* [0] is "nothing known" */
	size_t more_count, more_cap;
	struct intern texts;
	uint32_t last[CATALOGUE_FIELDS]; /* text of the last row that had one */
	struct size_index index;
	struct text bad; /* messages, a line each */
	size_t bad_lines;
	bool is_sealed;
	char version[17];
};

struct catalog *
catalog_new(void)
{
	struct catalog *c = must(calloc(1, sizeof *c));

	intern_init(&c->texts);
	text_init(&c->bad);
	c->more_cap = 16;
	c->more = must(malloc(c->more_cap * sizeof *c->more));
	c->more[c->more_count++] = (struct catalog_more){.released_us = INT64_MIN};
	return c;
}

void
catalog_free(struct catalog *c)
{
	if (c == NULL)
		return;
	intern_done(&c->texts);
	text_done(&c->bad);
	size_index_done(&c->index);
	free(c->more);
	free(c->files);
	free(c);
}

void
catalog_leave_out(struct catalog *c, const char *why)
{
	if (c->bad_lines++ < CATALOG_BAD_TOLD)
		text_printf(&c->bad, "%s\n", why);
}

size_t
catalog_left_out(const struct catalog *c, const char **why)
{
	if (why != NULL)
		*why = c->bad_lines > 0 ? c->bad.data : "";
	return c->bad_lines;
}

/* Neighbours in a list often have the same text: the last one is tried first. */
static uint32_t
text_number(struct catalog *c, const struct catalogue *row, unsigned field,
	    struct str text)
{
	uint32_t last = c->last[field];

	if (!row_has(row->present, field))
		return 0;
	if (last == 0 || intern_length(&c->texts, last) != text.len ||
	    memcmp(intern_text(&c->texts, last), text.data, text.len) != 0)
		c->last[field] = last = intern_add(&c->texts, text.data, text.len);
	return last;
}

/* The number of what only few rows say; 0 where this one says none of it. */
static uint32_t
add_more(struct catalog *c, const struct catalogue *row)
{
	struct catalog_more more = {.released_us = INT64_MIN};

#define TEXT(id) more.id = text_number(c, row, CATALOGUE_##id, row->id);
	TEXT(depends)
	TEXT(host)
	TEXT(content_type)
	TEXT(etag)
#undef TEXT
	if (catalogue_has(row, released))
		more.released_us = row->released;
	if (memcmp(&more, &c->more[c->more_count - 1], sizeof more) == 0)
		return (uint32_t)c->more_count - 1;
	if (memcmp(&more, &c->more[0], sizeof more) == 0)
		return 0;
	if (c->more_count == c->more_cap) {
		c->more_cap += c->more_cap / 2;
		c->more = must(realloc(c->more, c->more_cap * sizeof *c->more));
	}
	c->more[c->more_count] = more;
	return (uint32_t)c->more_count++;
}

static uint32_t
row_path_length(const struct catalogue *row)
{
	if (!catalogue_has(row, path) || row->path.len == 0)
		return 0;
	if (catalogue_has(row, path_len))
		return row->path_len;
	return (uint32_t)encoded_path_length(row->path.data,
					     strnlen(row->path.data, row->path.len));
}

int
catalog_add(struct catalog *c, const struct catalogue *row, struct err *err)
{
	struct catalog_file *file;

	assert(!c->is_sealed);
	if (!catalogue_has(row, name) || row->name.len == 0 || row->name.data[0] == '\0')
		return err_set(err, EINVAL, "a file without a name");
	if (!catalogue_has(row, size) || row->size > (uint64_t)INT64_MAX)
		return err_set(err, EINVAL, "%.*s: no size, or one above 2^63",
			       (int)(row->name.len < 200 ? row->name.len : 200),
			       row->name.data);
	if (c->count >= CATALOG_FILES_MAX)
		return err_set(err, E2BIG, "more than %d files: split the catalogue",
			       CATALOG_FILES_MAX);
	if (c->count == c->cap) {
		c->cap = c->cap ? c->cap + c->cap / 2 : 1024;
		c->files = must(realloc(c->files, c->cap * sizeof *c->files));
	}
	file = &c->files[c->count++];
	*file = (struct catalog_file){.size = row->size, .date_us = INT64_MIN};
#define TEXT(id) file->id = text_number(c, row, CATALOGUE_##id, row->id);
	TEXT(name)
	TEXT(version)
	TEXT(arch)
	TEXT(suite)
	TEXT(path)
	TEXT(encoding)
	TEXT(source)
#undef TEXT
	if (catalogue_has(row, date))
		file->date_us = row->date;
	if (catalogue_has(row, slack))
		file->slack = row->slack < UINT32_MAX ? (uint32_t)row->slack : UINT32_MAX;
	file->path_len = row_path_length(row);
	file->more = add_more(c, row);
	return 0;
}

/* By what makes a double; then the one with an exact size, a date and a source. */
static int
file_compare(const void *pa, const void *pb)
{
	const struct catalog_file *a = pa, *b = pb;

#define BY(id)                                                                           \
	if (a->id != b->id)                                                              \
		return a->id < b->id ? -1 : 1;
	BY(size)
	BY(name)
	BY(version)
	BY(arch)
	BY(path)
	BY(encoding)
	BY(slack)
	BY(suite)
	BY(source)
#undef BY
	return a->date_us == b->date_us ? 0 : a->date_us > b->date_us ? -1 : 1;
}

static bool
is_double(const struct catalog_file *a, const struct catalog_file *b)
{
	return a->size == b->size && a->name == b->name && a->version == b->version &&
	       a->arch == b->arch && a->path == b->path && a->encoding == b->encoding;
}

static uint64_t
text_hash(const struct catalog *c, uint32_t text, uint64_t seed)
{
	return hash64(intern_text(&c->texts, text), intern_length(&c->texts, text), seed);
}

static void
make_version(struct catalog *c)
{
	uint64_t sum = c->count, h;
	size_t i;

	for (i = 0; i < c->count; i++) {
		const struct catalog_file *f = &c->files[i];

		h = mix64(f->size, text_hash(c, f->name, 1));
		h = mix64(h, text_hash(c, f->version, 2));
		sum += mix64(h, text_hash(c, f->path, 3)); /* in any order */
	}
	snprintf(c->version, sizeof c->version, "%016llx", (unsigned long long)sum);
}

size_t
catalog_seal(struct catalog *c)
{
	size_t i, kept = 0, dropped;

	if (c->is_sealed)
		return 0;
	c->is_sealed = true;
	files_sort_by_size(c->files, c->count, file_compare);
	for (i = 0; i < c->count; i++) {
		if (kept > 0 && is_double(&c->files[kept - 1], &c->files[i]))
			continue;
		c->files[kept++] = c->files[i];
	}
	dropped = c->count - kept;
	c->count = kept;
	if (c->count > 0)
		c->files = must(realloc(c->files,
		    (c->cap = c->count) * sizeof *c->files));
	intern_freeze(&c->texts);
	size_index_make(&c->index, c->files, c->count);
	make_version(c);
	return dropped;
}

size_t
catalog_count(const struct catalog *c)
{
	return c->count;
}

const struct catalog_file *
catalog_files(const struct catalog *c)
{
	return c->files;
}

const char *
catalog_text(const struct catalog *c, uint32_t text)
{
	return intern_text(&c->texts, text);
}

static struct str
text_str_of(const struct catalog *c, uint32_t number)
{
	return (struct str){catalog_text(c, number),
			    (uint32_t)intern_length(&c->texts, number)};
}

void
catalog_row(const struct catalog *c, size_t i, struct catalogue *out)
{
	const struct catalog_file *file = &c->files[i];
	const struct catalog_more *more = &c->more[file->more];

	assert(i < c->count);
	*out = (struct catalogue){0};
	catalogue_set(out, size, file->size);
#define TEXT(from, id)                                                                   \
	if ((from)->id != 0)                                                             \
		catalogue_set(out, id, text_str_of(c, (from)->id));
	TEXT(file, name)
	TEXT(file, version)
	TEXT(file, arch)
	TEXT(file, suite)
	TEXT(file, path)
	TEXT(file, encoding)
	TEXT(file, source)
	TEXT(more, depends)
	TEXT(more, host)
	TEXT(more, content_type)
	TEXT(more, etag)
#undef TEXT
	if (file->slack != 0)
		catalogue_set(out, slack, file->slack);
	if (file->date_us != INT64_MIN)
		catalogue_set(out, date, file->date_us);
	if (more->released_us != INT64_MIN)
		catalogue_set(out, released, more->released_us);
	if (file->path != 0 &&
	    file->path_len != encoded_path_length(out->path.data, out->path.len))
		catalogue_set(out, path_len, file->path_len);
}

const struct catalog_more *
catalog_more(const struct catalog *c, const struct catalog_file *file)
{
	return &c->more[file->more];
}

size_t
catalog_keep_exact(struct catalog *c)
{
	size_t i, kept = 0, dropped;

	assert(!c->is_sealed);
	for (i = 0; i < c->count; i++) {
		if (c->files[i].slack == 0)
			c->files[kept++] = c->files[i];
	}
	dropped = c->count - kept;
	c->count = kept;
	return dropped;
}

size_t
catalog_lower(const struct catalog *c, uint64_t size)
{
	assert(c->is_sealed);
	return size_index_lower(&c->index, c->files, size);
}

bool
catalog_exact(const struct catalog *c, uint64_t size, size_t *from, size_t *to)
{
	assert(c->is_sealed);
	return size_index_exact(&c->index, c->files, c->count, size, from, to);
}

const char *
catalog_version(const struct catalog *c)
{
	assert(c->is_sealed);
	return c->version;
}

double
catalog_density(const struct catalog *c, uint64_t size)
{
	uint64_t width = size / 10 > 512 ? size / 10 : 512;
	size_t low, high;

	if (c->count == 0)
		return 0;
	low = catalog_lower(c, size > width ? size - width : 0);
	high = catalog_lower(c, size + width);
	return (double)(high > low ? high - low : 1) / (2.0 * (double)width);
}

size_t
encoded_path_length(const char *path, size_t n)
{
	size_t i, len = n;

	for (i = 0; i < n; i++) {
		unsigned char ch = (unsigned char)path[i];

		if (ch <= ' ' || ch >= 0x7f || ch == '%' || ch == '+' || ch == '~')
			len += 2;
	}
	return len;
}
