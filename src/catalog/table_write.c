/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A catalogue written as TSV by its schema, every column, by name; table.c reads it.
 */
#include "base/err.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "model/catalogue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WRITE_BYTES = 1 << 20 };

static void
put_row(struct text *out, const struct catalogue *row)
{
	char when[32];
	unsigned i;

	for (i = 0; i < CATALOGUE_FIELDS; i++) {
		const char *member =
		    (const char *)row + catalogue_schema.fields[i].offset;

		if (i > 0)
			text_char(out, '\t');
		if (!row_has(row->present, i))
			continue;
		switch (catalogue_schema.fields[i].type) {
		case TYPE_u64:
			text_u64(out, *(const uint64_t *)(const void *)member);
			break;
		case TYPE_u32:
			text_u64(out, *(const uint32_t *)(const void *)member);
			break;
		case TYPE_time:
			time_print(*(const int64_t *)(const void *)member, STYLE_MACHINE,
				   when);
			text_str(out, when);
			break;
		default: {
			const struct str *s = (const void *)member;

			text_tsv(out, s->data, s->len);
		}
		}
	}
	text_char(out, '\n');
}

struct order {
	const char *name, *version, *arch;
	uint64_t size;
	size_t file;
};

static int
order_compare(const void *pa, const void *pb)
{
	const struct order *a = pa, *b = pb;
	int by;

	if ((by = strcmp(a->name, b->name)) != 0 ||
	    (by = strcmp(a->version, b->version)) != 0 ||
	    (by = strcmp(a->arch, b->arch)) != 0)
		return by;
	return a->size != b->size  ? (a->size < b->size ? -1 : 1)
	       : a->file < b->file ? -1
				   : a->file > b->file;
}

/* The files by name, so that two catalogues can be compared line by line. */
static struct order *
make_order(const struct catalog *catalog)
{
	const struct catalog_file *files = catalog_files(catalog);
	size_t i, n = catalog_count(catalog);
	struct order *order = calloc(n + 1, sizeof *order);

	for (i = 0; order != NULL && i < n; i++)
		order[i] = (struct order){catalog_text(catalog, files[i].name),
					  catalog_text(catalog, files[i].version),
					  catalog_text(catalog, files[i].arch),
					  files[i].size, i};
	if (order != NULL && n > 0)
		qsort(order, n, sizeof *order, order_compare);
	return order;
}

static int
write_all(int fd, struct text *out, const char *path, struct err *err)
{
	size_t at = 0;
	ssize_t n;

	while (at < out->len) {
		n = write(fd, out->data + at, out->len - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, errno, "%s: cannot write: %s", path,
				       strerror(errno));
		at += (size_t)n;
	}
	text_clear(out);
	return 0;
}

static int
write_rows(const struct catalog *catalog, int fd, const char *path, struct err *err)
{
	struct order *order = make_order(catalog);
	struct text out;
	struct catalogue row;
	size_t i;
	int ret = 0;

	if (order == NULL)
		return err_set(err, ENOMEM, "%s: out of memory", path);
	text_init(&out);
	for (i = 0; i < CATALOGUE_FIELDS; i++)
		text_printf(&out, "%s%s", i > 0 ? "\t" : "",
			    catalogue_schema.fields[i].id);
	text_char(&out, '\n');
	for (i = 0; ret == 0 && i < catalog_count(catalog); i++) {
		catalog_row(catalog, order[i].file, &row);
		put_row(&out, &row);
		if (out.len > WRITE_BYTES)
			ret = write_all(fd, &out, path, err);
	}
	if (ret == 0)
		ret = write_all(fd, &out, path, err);
	text_done(&out);
	free(order);
	return ret;
}

int
catalog_write(const struct catalog *catalog, const char *path, struct err *err)
{
	struct text hidden;
	int fd, ret = -1;

	if (strcmp(path, "-") == 0)
		return write_rows(catalog, STDOUT_FILENO, "standard output", err);
	text_init(&hidden);
	text_printf(&hidden, "%s.%ld.tmp", path, (long)getpid());
	fd = open(hidden.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0) {
		err_set(err, errno, "%s: cannot create: %s", path, strerror(errno));
		goto done;
	}
	if (write_rows(catalog, fd, path, err) == 0) {
		if (fsync(fd) < 0 || rename(hidden.data, path) < 0)
			err_set(err, errno, "%s: cannot write: %s", path,
				strerror(errno));
		else
			ret = 0;
	}
	close(fd);
	if (ret < 0)
		unlink(hidden.data);
done:
	text_done(&hidden);
	return ret;
}
