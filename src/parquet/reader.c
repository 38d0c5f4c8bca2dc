/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opens a Parquet file (magic, footer, magic again) and answers what its footer says.
 * Bytes come by pread, never by mmap: a file cut short under us is an error, not a
 * signal.
 */
#include "parquet/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "parquet/format.h"

enum {
	MAGIC_BYTES = 4,
	TAIL_BYTES = 8, /* footer length and magic */
	FOOTER_MAX = 1 << 26,
};

int
reader_pread(const struct parquet_reader *r, void *to, size_t n, uint64_t offset,
	     struct err *err)
{
	char *at = to;

	if (r->fd < 0) {
		if (n > 0)
			memcpy(to, r->memory + offset, n);
		return 0;
	}
	while (n > 0) {
		ssize_t got = pread(r->fd, at, n, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, errno, "%s: read at offset %llu: %s", r->name,
				       (unsigned long long)offset, strerror(errno));
		if (got == 0)
			return err_set(err, EILSEQ,
				       "%s: ends at offset %llu; it has been cut "
				       "short since it was opened",
				       r->name, (unsigned long long)offset);
		at += got;
		n -= (size_t)got;
		offset += (uint64_t)got;
	}
	return 0;
}

static int
read_footer(struct parquet_reader *r, struct err *err)
{
	uint8_t head[MAGIC_BYTES], tail[TAIL_BYTES];
	uint32_t n;

	if (r->bytes < MAGIC_BYTES + TAIL_BYTES)
		return err_set(err, EILSEQ,
			       "%s: %llu bytes is too short for a Parquet file", r->name,
			       (unsigned long long)r->bytes);
	if (reader_pread(r, head, sizeof head, 0, err) < 0 ||
	    reader_pread(r, tail, sizeof tail, r->bytes - TAIL_BYTES, err) < 0)
		return -1;
	if (memcmp(tail + 4, "PARE", 4) == 0)
		return err_set(err, ENOTSUP,
			       "%s: the footer is encrypted, which is not read", r->name);
	if (memcmp(head, "PAR1", 4) != 0)
		return err_set(err, EILSEQ, "%s: offset 0: not a Parquet file", r->name);
	if (memcmp(tail + 4, "PAR1", 4) != 0)
		return err_set(err, EILSEQ,
			       "%s: offset %llu: no Parquet magic at the end; the "
			       "file is incomplete",
			       r->name, (unsigned long long)(r->bytes - 4));
	n = load_le32(tail);
	if (n > r->bytes - MAGIC_BYTES - TAIL_BYTES || n > FOOTER_MAX)
		return err_set(err, EILSEQ,
			       "%s: offset %llu: footer of %u bytes in a file of "
			       "%llu",
			       r->name, (unsigned long long)(r->bytes - TAIL_BYTES), n,
			       (unsigned long long)r->bytes);
	r->footer_start = r->bytes - TAIL_BYTES - n;
	if ((r->footer = malloc((size_t)n + 1)) == NULL)
		return err_set(err, ENOMEM, "%s: out of memory for a footer of %u bytes",
			       r->name, n);
	if (reader_pread(r, r->footer, n, r->footer_start, err) < 0)
		return -1;
	return footer_parse(r, n, err);
}

/* Takes fd over. */
static int
open_reader(struct parquet_reader **out, int fd, const void *memory, uint64_t bytes,
	    const char *name, struct err *err)
{
	struct parquet_reader *r = calloc(1, sizeof *r);

	if (r == NULL || (r->name = strdup(name)) == NULL) {
		free(r);
		if (fd >= 0)
			close(fd);
		return err_set(err, ENOMEM, "%s: out of memory", name);
	}
	r->fd = fd;
	r->memory = memory;
	r->bytes = bytes;
	if (read_footer(r, err) < 0) {
		parquet_reader_close(r);
		return -1;
	}
	*out = r;
	return 0;
}

int
parquet_reader_open_fd(struct parquet_reader **out, int fd, const char *name,
		       struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		int code = errno;

		close(fd);
		return err_set(err, code, "%s: not a regular file", name);
	}
	return open_reader(out, fd, NULL, (uint64_t)st.st_size, name, err);
}

int
parquet_reader_open(struct parquet_reader **out, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	return parquet_reader_open_fd(out, fd, path, err);
}

int
parquet_reader_open_memory(struct parquet_reader **out, const void *bytes, size_t n,
			   const char *name, struct err *err)
{
	return open_reader(out, -1, bytes, n, name, err);
}

void
parquet_reader_close(struct parquet_reader *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n_groups; i++)
		free(r->groups[i].chunks);
	for (size_t i = 0; i < r->n_columns; i++)
		free((char *)r->columns[i].name);
	for (size_t i = 0; i < r->n_pairs; i++) {
		free((char *)r->pairs[i].key);
		free((char *)r->pairs[i].value);
	}
	free(r->groups);
	free(r->columns);
	free(r->pairs);
	free(r->created_by);
	free(r->footer);
	free(r->name);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

uint64_t
parquet_reader_rows(const struct parquet_reader *r)
{
	return r->rows;
}

size_t
parquet_reader_groups(const struct parquet_reader *r)
{
	return r->n_groups;
}

uint32_t
parquet_reader_group_rows(const struct parquet_reader *r, size_t group)
{
	return r->groups[group].rows;
}

size_t
parquet_reader_columns(const struct parquet_reader *r)
{
	return r->n_columns;
}

const struct parquet_column_spec *
parquet_reader_column(const struct parquet_reader *r, size_t column)
{
	return &r->columns[column];
}

int
parquet_reader_find(const struct parquet_reader *r, const char *name)
{
	for (size_t i = 0; i < r->n_columns; i++)
		if (strcmp(r->columns[i].name, name) == 0)
			return (int)i;
	return -1;
}

const char *
parquet_reader_value(const struct parquet_reader *r, const char *key)
{
	for (size_t i = 0; i < r->n_pairs; i++)
		if (strcmp(r->pairs[i].key, key) == 0)
			return r->pairs[i].value;
	return NULL;
}

size_t
parquet_reader_pairs(const struct parquet_reader *r, const struct parquet_key_value **out)
{
	*out = r->pairs;
	return r->n_pairs;
}

const char *
parquet_reader_created_by(const struct parquet_reader *r)
{
	return r->created_by == NULL ? "" : r->created_by;
}

/* A minimum or maximum as a number, widened as the type says. */
static uint64_t
number(const struct parquet_column_spec *spec, struct thrift_bytes b)
{
	uint64_t v = 0;
	double d;
	float f;

	memcpy(&v, b.at, b.n);
	if (spec->type == PARQUET_INT32 && !format_is_unsigned(spec))
		return (uint64_t)(int32_t)(uint32_t)v;
	if (spec->type == PARQUET_FLOAT) {
		memcpy(&f, b.at, 4);
		d = f;
		memcpy(&v, &d, 8);
	}
	return v;
}

void
parquet_reader_stats(const struct parquet_reader *r, size_t group, size_t column,
		     struct parquet_stats *out)
{
	const struct reader_chunk *k = &r->groups[group].chunks[column];
	const struct parquet_column_spec *spec = &r->columns[column];
	size_t each = format_number_bytes(spec);

	*out = (struct parquet_stats){.has_null_count = k->has_null_count,
				      .null_count = k->null_count,
				      .values = k->values < 0 ? 0 : (uint64_t)k->values};
	if (k->min.at == NULL || k->max.at == NULL || k->type != (int32_t)spec->type ||
	    k->min.n > PARQUET_STAT_BYTES || k->max.n > PARQUET_STAT_BYTES)
		return;
	if (format_is_number(spec)) {
		if (k->min.n != each || k->max.n != each || spec->type == PARQUET_INT96)
			return;
		out->min_number = number(spec, k->min);
		out->max_number = number(spec, k->max);
	} else {
		if (spec->type == PARQUET_FLBA &&
		    (k->min.n != (size_t)spec->type_length || k->max.n != k->min.n))
			return;
		out->min_len = (uint32_t)k->min.n;
		out->max_len = (uint32_t)k->max.n;
		memcpy(out->min, k->min.at, k->min.n);
		memcpy(out->max, k->max.at, k->max.n);
	}
	out->has_min_max = true;
}
