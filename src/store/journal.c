/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The journal: finished row groups one behind the other. A record counts once the whole
 * of it is in the file; a short write is cut off again. Readers believe a record only if
 * both its check sums and its meta fit; one whose own header is whole but whose content
 * is not is stepped over, anything else ends the journal.
 */
#include "store/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/hash.h"

static const char magic[8] = {'W', 'E', 'I', 'R', 'J', 'R', 'N', '1'};
static const char record_magic[4] = {'W', 'R', 'E', 'C'};

enum { HEADER_MAX = 1 << 20, HEADER_FIXED = 16 };

static void
put_be(struct text *t, uint64_t v, unsigned bytes)
{
	for (unsigned i = bytes; i-- > 0;)
		text_char(t, (char)(v >> 8 * i));
}

static void
put_name(struct text *t, const char *s)
{
	put_be(t, strlen(s), 2);
	text_str(t, s);
}

static void
put_header(struct text *out, const struct layout *layout)
{
	struct text body;

	text_init(&body);
	put_name(&body, layout->schema->name);
	put_be(&body, layout->schema->version, 4);
	put_be(&body, layout->count, 4);
	for (size_t i = 0; i < layout->count; i++) {
		const struct parquet_column_spec *c = &layout->columns[i];

		put_name(&body, c->name);
		put_be(&body, c->type, 1);
		put_be(&body, c->logical, 1);
		put_be(&body, (uint64_t)c->type_length, 1);
		put_be(&body, (c->is_optional ? 1 : 0) | (c->is_list ? 2 : 0), 1);
	}
	text_bytes(out, magic, sizeof magic);
	put_be(out, body.len, 4);
	put_be(out, crc32_of(0, body.data, body.len), 4);
	text_bytes(out, body.data, body.len);
	text_done(&body);
}

/* Writes all of it at offset at, or cuts the file back to at. */
static int
write_whole(struct journal_writer *j, struct iovec *parts, int n, struct err *err)
{
	uint64_t at = j->bytes;
	int code;

	while (n > 0) {
		ssize_t done = pwritev(j->fd, parts, n, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			code = done == 0 ? ENOSPC : errno;
			goto fail;
		}
		at += (uint64_t)done;
		while (n > 0 && (size_t)done >= parts->iov_len) {
			done -= (ssize_t)parts->iov_len;
			parts++;
			n--;
		}
		if (n > 0) {
			parts->iov_base = (char *)parts->iov_base + done;
			parts->iov_len -= (size_t)done;
		}
	}
	j->bytes = at;
	return 0;

fail:
	/* If this fails too, the check sums still tell where the last record ends. */
	if (ftruncate(j->fd, (off_t)j->bytes) != 0)
		errno = code;
	return err_set(err, code,
		       "%s: %s; the %llu rows written before are safe and will be kept: "
		       "free some space "
		       "(or raise the limit) and go on",
		       j->path, strerror(code), (unsigned long long)j->rows);
}

int
journal_create(struct journal_writer **out, const char *path, const struct layout *layout,
	       struct err *err)
{
	struct journal_writer *j = calloc(1, sizeof *j);
	struct iovec part;

	if (j == NULL || (j->path = strdup(path)) == NULL) {
		free(j);
		return err_set(err, ENOMEM, "%s: out of memory", path);
	}
	text_init(&j->head);
	if ((j->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640)) < 0) {
		err_set(err, errno, "%s: cannot create: %s", path, strerror(errno));
		goto fail;
	}
	put_header(&j->head, layout);
	part = (struct iovec){j->head.data, j->head.len};
	if (write_whole(j, &part, 1, err) != 0) {
		unlink(path);
		goto fail;
	}
	*out = j;
	return 0;

fail:
	journal_writer_free(j);
	return -1;
}

int
journal_append(struct journal_writer *j, const struct parquet_group_meta *meta,
	       const struct text *image, struct err *err)
{
	struct text *h = &j->head;
	struct iovec parts[2];
	struct text bytes;
	uint32_t crc;
	int result;

	text_init(&bytes);
	parquet_group_meta_put(meta, &bytes);
	crc = crc32_of(crc32_of(0, bytes.data, bytes.len), image->data, image->len);
	text_clear(h);
	text_bytes(h, record_magic, sizeof record_magic);
	put_be(h, parquet_group_meta_rows(meta), 4);
	put_be(h, bytes.len, 4);
	put_be(h, image->len, 8);
	put_be(h, crc, 4);
	put_be(h, crc32_of(0, h->data, h->len), 4);
	text_bytes(h, bytes.data, bytes.len);
	text_done(&bytes);
	parts[0] = (struct iovec){h->data, h->len};
	parts[1] = (struct iovec){image->data, image->len};
	result = write_whole(j, parts, 2, err);
	if (result == 0) {
		j->rows += parquet_group_meta_rows(meta);
		j->records++;
	}
	return result;
}

int
journal_sync(struct journal_writer *j, struct err *err)
{
	if (fdatasync(j->fd) != 0)
		return err_set(err, errno, "%s: fdatasync: %s; check the disk", j->path,
			       strerror(errno));
	return 0;
}

void
journal_writer_free(struct journal_writer *j)
{
	if (j == NULL)
		return;
	if (j->fd >= 0)
		close(j->fd);
	text_done(&j->head);
	free(j->path);
	free(j);
}

/* ---- reading ---- */

/* Reads exactly n bytes; 1 where the file has become shorter. */
static int
read_at(struct journal_reader *j, uint64_t at, void *to, size_t n, struct err *err)
{
	uint8_t *p = to;

	while (n > 0) {
		ssize_t got = pread(j->fd, p, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, errno, "%s: offset %llu: %s", j->path,
				       (unsigned long long)at, strerror(errno));
		if (got == 0)
			return 1;
		p += got;
		n -= (size_t)got;
		at += (uint64_t)got;
	}
	return 0;
}

static bool
get_columns(struct journal_reader *j, struct cursor *c)
{
	char *at;

	j->columns = calloc(j->count + 1, sizeof *j->columns);
	at = j->names = malloc(cursor_left(c) + 1);
	if (j->columns == NULL || j->names == NULL)
		return false;
	for (size_t i = 0; i < j->count; i++) {
		struct parquet_column_spec *s = &j->columns[i];
		size_t n = cursor_be16(c);
		const uint8_t *name = cursor_take(c, n);
		unsigned flags;

		s->type = cursor_u8(c);
		s->logical = cursor_u8(c);
		s->type_length = cursor_u8(c);
		flags = cursor_u8(c);
		s->is_optional = (flags & 1) != 0;
		s->is_list = (flags & 2) != 0;
		if (!cursor_ok(c) || memchr(name, 0, n) != NULL ||
		    s->logical > PARQUET_STRING || s->type > PARQUET_FLBA)
			return false;
		s->name = at;
		memcpy(at, name, n);
		at[n] = '\0';
		at += n + 1;
	}
	return true;
}

static bool
get_header(struct journal_reader *j, const uint8_t *body, size_t n)
{
	struct cursor c = cursor_over(body, n);
	size_t len = cursor_be16(&c);
	const uint8_t *name = cursor_take(&c, len);

	if (name == NULL || len >= sizeof j->schema)
		return false;
	memcpy(j->schema, name, len);
	j->version = cursor_be32(&c);
	j->count = cursor_be32(&c);
	return cursor_ok(&c) && j->count > 0 && j->count <= PARQUET_COLUMNS_MAX &&
	       get_columns(j, &c);
}

static int
read_header(struct journal_reader *j, struct err *err)
{
	uint8_t fixed[HEADER_FIXED], *body = NULL;
	size_t n;
	int result;

	if (j->size < HEADER_FIXED)
		return 0;
	if ((result = read_at(j, 0, fixed, sizeof fixed, err)) != 0)
		return result < 0 ? -1 : 0;
	n = load_be32(fixed + 8);
	if (memcmp(fixed, magic, sizeof magic) != 0 || n > HEADER_MAX ||
	    n > j->size - HEADER_FIXED)
		return 0;
	if ((body = malloc(n + 1)) == NULL)
		return err_set(err, ENOMEM, "%s: out of memory", j->path);
	if ((result = read_at(j, HEADER_FIXED, body, n, err)) == 0 &&
	    crc32_of(0, body, n) == load_be32(fixed + 12) && get_header(j, body, n))
		j->at = HEADER_FIXED + n;
	free(body);
	return result < 0 ? -1 : 0;
}

int
journal_open(struct journal_reader **out, int fd, const char *path, struct err *err)
{
	struct journal_reader *j = calloc(1, sizeof *j);
	struct stat st;

	if (j == NULL) {
		close(fd);
		return err_set(err, ENOMEM, "%s: out of memory", path);
	}
	j->fd = fd;
	text_init(&j->image);
	if ((j->path = strdup(path)) == NULL ||
	    (j->meta = parquet_group_meta_new()) == NULL) {
		err_set(err, ENOMEM, "%s: out of memory", path);
		goto fail;
	}
	if (fstat(fd, &st) != 0) {
		err_set(err, errno, "%s: %s", path, strerror(errno));
		goto fail;
	}
	j->size = (uint64_t)st.st_size;
	if (read_header(j, err) != 0)
		goto fail;
	*out = j;
	return 0;

fail:
	journal_close(j);
	return -1;
}

static enum journal_event
damage(struct journal_reader *j, uint64_t bytes, bool is_torn)
{
	j->damage_at = j->at;
	j->damage_bytes = bytes;
	j->is_torn = is_torn;
	j->at += bytes;
	return JOURNAL_DAMAGED;
}

static bool
is_record_header(const uint8_t *head)
{
	return memcmp(head, record_magic, sizeof record_magic) == 0 &&
	       crc32_of(0, head, JOURNAL_RECORD_HEADER - 4) ==
		   load_be32(head + JOURNAL_RECORD_HEADER - 4);
}

int
journal_next(struct journal_reader *j, enum journal_event *event, struct err *err)
{
	uint8_t head[JOURNAL_RECORD_HEADER];
	uint64_t left = j->size - j->at, image_len;
	uint32_t meta_len;
	int result;

	*event = JOURNAL_END;
	if (left == 0)
		return 0;
	if (j->columns == NULL || left < sizeof head) {
		*event = damage(j, left, j->columns != NULL || j->size < HEADER_FIXED);
		return 0;
	}
	if ((result = read_at(j, j->at, head, sizeof head, err)) != 0) {
		*event = result > 0 ? damage(j, left, true) : JOURNAL_END;
		return result < 0 ? -1 : 0;
	}
	meta_len = load_be32(head + 8);
	image_len = load_be64(head + 12);
	if (!is_record_header(head)) {
		*event = damage(j, left, false);
		return 0;
	}
	left -= sizeof head;
	if (meta_len > left || image_len > left - meta_len) {
		*event = damage(j, left + sizeof head, true);
		return 0;
	}
	text_clear(&j->image);
	text_room(&j->image, meta_len + image_len);
	if ((result = read_at(j, j->at + sizeof head, j->image.data, meta_len + image_len,
			      err)) != 0) {
		*event = result > 0 ? damage(j, left + sizeof head, true) : JOURNAL_END;
		return result < 0 ? -1 : 0;
	}
	if (crc32_of(0, j->image.data, meta_len + image_len) != load_be32(head + 20) ||
	    parquet_group_meta_get(j->image.data, meta_len, j->columns, j->count, j->meta,
				   NULL) != 0 ||
	    parquet_group_meta_rows(j->meta) != load_be32(head + 4) ||
	    parquet_group_meta_image_bytes(j->meta) != image_len) {
		*event = damage(j, sizeof head + meta_len + image_len, false);
		return 0;
	}
	memmove(j->image.data, j->image.data + meta_len, image_len);
	j->image.len = image_len;
	j->record_at = j->at;
	j->at += sizeof head + meta_len + image_len;
	*event = JOURNAL_RECORD;
	return 0;
}

void
journal_close(struct journal_reader *j)
{
	if (j == NULL)
		return;
	close(j->fd);
	parquet_group_meta_free(j->meta);
	text_done(&j->image);
	free(j->columns);
	free(j->names);
	free(j->path);
	free(j);
}

int
journal_record_reader(struct journal_reader *j, struct parquet_reader **out,
		      struct err *err)
{
	struct parquet_file *file = NULL;
	int fd = memfd_create("weir-journal", MFD_CLOEXEC);

	if (fd < 0)
		return err_set(err, errno, "%s: memfd_create: %s", j->path,
			       strerror(errno));
	if (parquet_file_begin(&file, fd, j->path, j->columns, j->count, err) != 0 ||
	    parquet_file_add_group(file, j->image.data, j->image.len, j->meta, err) !=
		0 ||
	    parquet_file_finish(file, NULL, 0, err) != 0) {
		parquet_file_free(file);
		close(fd);
		return -1;
	}
	parquet_file_free(file);
	return parquet_reader_open_fd(out, fd, j->path, err);
}
