/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A segment is written under a hidden name, synced, and renamed into place, so that a
 * file with a segment's name is always whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "store/store_private.h"

struct segment_writer {
	int fd;
	char folder[PATH_MAX];
	char hidden[PATH_MAX];
	char path[PATH_MAX];
	struct parquet_file *file;
	bool is_finished;
};

/* Opens and locks the hidden file. One that a process left when it died is used again. */
static int
open_hidden(struct segment_writer *s, struct err *err)
{
	int fd = open(s->hidden, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	struct stat here, there;

	if (fd < 0)
		return err_set(err, errno, "%s: cannot create: %s", s->hidden,
			       strerror(errno));
	/* Between open and lock its writer may have renamed it into place. */
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &here) != 0 ||
	    stat(s->hidden, &there) != 0 || here.st_ino != there.st_ino) {
		close(fd);
		return err_set(err, EBUSY,
			       "%s: another process is writing this file: wait for it",
			       s->path);
	}
	s->fd = fd; /* ours: segment_free deletes it */
	if (ftruncate(fd, 0) != 0)
		return err_set(err, errno, "%s: %s", s->hidden, strerror(errno));
	return 0;
}

int
segment_begin(struct segment_writer **out, const char *folder, const char *name,
	      const struct parquet_column_spec *columns, size_t count, struct err *err)
{
	struct segment_writer *s = calloc(1, sizeof *s);

	if (s == NULL)
		return err_set(err, ENOMEM, "%s: out of memory", folder);
	s->fd = -1;
	if (path_make(s->folder, err, "%s", folder) != 0 ||
	    path_make(s->path, err, "%s/%s.parquet", folder, name) != 0 ||
	    path_make(s->hidden, err, "%s/.%s.parquet.tmp", folder, name) != 0 ||
	    folder_make(folder, err) != 0)
		goto fail;
	if (open_hidden(s, err) != 0)
		goto fail;
	if (parquet_file_begin(&s->file, s->fd, s->hidden, columns, count, err) != 0)
		goto fail;
	*out = s;
	return 0;

fail:
	segment_free(s);
	return -1;
}

int
segment_add(struct segment_writer *s, const void *image, size_t bytes,
	    const struct parquet_group_meta *meta, struct err *err)
{
	return parquet_file_add_group(s->file, image, bytes, meta, err);
}

int
segment_finish(struct segment_writer *s, const char *schema, uint32_t version,
	       const char *id, bool is_synced, struct err *err)
{
	char number[16];
	struct parquet_key_value pairs[] = {
	    {"weir.schema", schema}, {"weir.version", number}, {"weir.id", id}};

	snprintf(number, sizeof number, "%u", version);
	if (parquet_file_finish(s->file, pairs, 3, err) != 0)
		return -1;
	if (is_synced && fsync(s->fd) != 0)
		return err_set(err, errno, "%s: fsync: %s", s->hidden, strerror(errno));
	if (rename(s->hidden, s->path) != 0)
		return err_set(err, errno, "%s: cannot rename to %s: %s", s->hidden,
			       s->path, strerror(errno));
	s->is_finished = true;
	return is_synced ? folder_sync(s->folder, err) : 0;
}

void
segment_free(struct segment_writer *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0 && !s->is_finished)
		unlink(s->hidden);
	parquet_file_free(s->file);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}
