/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What dead writers left. A writer holds a lock on its folder while it lives; whoever
 * opens the store takes every folder whose lock is free and finishes the work there: a
 * journal whose segment exists is deleted, any other becomes its segment, group by group
 * as it stands. Damaged pieces are copied aside before the journal goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "store/store_private.h"

int
writer_lock(const char *folder, bool create, struct err *err)
{
	char path[PATH_MAX];
	int fd, code;

	if (path_make(path, err, "%s/lock", folder) != 0)
		return -1;
	if ((fd = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0640)) < 0) {
		err_set(err, errno, "%s: %s; check owner and permissions", path,
			strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	code = errno;
	close(fd);
	if (code == EWOULDBLOCK)
		return -2;
	return err_set(err, code, "%s: cannot lock: %s", path, strerror(code));
}

/* Copies a damaged piece to damaged-<stem>-<offset> beside the journal. */
static int
set_aside(struct store *store, const struct journal_reader *j, const char *folder,
	  const char *stem, struct err *err)
{
	char path[PATH_MAX], buffer[16384];
	uint64_t at = j->damage_at, end = at + j->damage_bytes;
	int fd;

	if (path_make(path, err, "%s/damaged-%s-%llu", folder, stem,
		      (unsigned long long)at) != 0)
		return -1;
	if ((fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		       0640)) < 0)
		goto fail;
	while (at < end) {
		size_t n = end - at < sizeof buffer ? end - at : sizeof buffer;
		ssize_t got = pread(j->fd, buffer, n, (off_t)at);

		if (got <= 0 || write(fd, buffer, (size_t)got) != got)
			goto fail;
		at += (uint64_t)got;
	}
	if (fsync(fd) != 0)
		goto fail;
	close(fd);
	store->counters[STORE_damage_found]++;
	store->counters[STORE_damage_bytes] += j->damage_bytes;
	text_printf(&store->notes,
		    "%s: offset %llu: %llu bytes are %s; set aside as %s\n", j->path,
		    (unsigned long long)j->damage_at, (unsigned long long)j->damage_bytes,
		    j->is_torn ? "an unfinished record, never acknowledged" : "damaged",
		    path);
	return 0;

fail:
	err_set(err, errno != 0 ? errno : EIO, "%s: cannot set damage aside: %s", path,
		strerror(errno != 0 ? errno : EIO));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int
copy_records(struct store *store, struct journal_reader *j, const char *folder,
	     const char *stem, struct err *err)
{
	struct segment_writer *segment = NULL;
	enum journal_event event;
	char to[PATH_MAX];
	int result = -1;

	if (stem_folder(to, store->dir, stem, err) != 0)
		return -1;
	for (;;) {
		if (journal_next(j, &event, err) != 0)
			goto done;
		if (event == JOURNAL_END)
			break;
		if (event == JOURNAL_DAMAGED) {
			if (set_aside(store, j, folder, stem, err) != 0)
				goto done;
			continue;
		}
		if (segment == NULL &&
		    segment_begin(&segment, to, stem, j->columns, j->count, err) != 0)
			goto done;
		if (segment_add(segment, j->image.data, j->image.len, j->meta, err) != 0)
			goto done;
	}
	if (segment != NULL) {
		const char *id = strrchr(stem, '-') + 1;

		if (segment_finish(segment, j->schema, j->version, id, true, err) != 0)
			goto done;
		if (folder_sync(store->dir, err) != 0)
			goto done;
		store->counters[STORE_segments_made]++;
		store->counters[STORE_journals_recovered]++;
	}
	result = 0;
done:
	segment_free(segment);
	return result;
}

static int
recover_journal(struct store *store, const char *folder, const char *name,
		const char *stem, struct err *err)
{
	char path[PATH_MAX], to[PATH_MAX], segment[PATH_MAX];
	struct journal_reader *j;
	int fd, result;

	if (path_make(path, err, "%s/%s", folder, name) != 0 ||
	    stem_folder(to, store->dir, stem, err) != 0 ||
	    path_make(segment, err, "%s/%s.parquet", to, stem) != 0)
		return -1;
	if (access(segment, F_OK) == 0) {
		store->counters[STORE_journals_duplicate]++;
	} else {
		if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) < 0)
			return err_set(err, errno, "%s: %s", path, strerror(errno));
		if (journal_open(&j, fd, path, err) != 0)
			return -1;
		result = copy_records(store, j, folder, stem, err);
		journal_close(j);
		if (result != 0)
			return -1;
	}
	if (unlink(path) != 0)
		return err_set(err, errno, "%s: cannot delete: %s", path,
			       strerror(errno));
	return 0;
}

static int
recover_folder(struct store *store, const char *folder, struct err *err)
{
	struct names names = {0};
	char stem[STEM_MAX];
	int result = 0;

	if (names_list(&names, folder, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count && result == 0; i++)
		if (stem_of(names.at[i], ".journal", NULL, stem))
			result = recover_journal(store, folder, names.at[i], stem, err);
	names_free(&names);
	return result;
}

int
recover_all(struct store *store, struct err *err)
{
	char journals[PATH_MAX], folder[PATH_MAX];
	struct names names = {0};
	int result = 0, lock;

	if (recover_folder(store, store->journal_dir, err) != 0 ||
	    path_make(journals, err, "%s/journal", store->dir) != 0 ||
	    names_list(&names, journals, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count && result == 0; i++) {
		if (strcmp(names.at[i], store->writer) == 0)
			continue;
		if ((result = path_make(folder, err, "%s/%s", journals, names.at[i])) !=
		    0)
			break;
		lock = writer_lock(folder, false, NULL);
		if (lock <
		    0) /* alive, or not ours to open: its rows are read where they lie */
			continue;
		result = recover_folder(store, folder, err);
		close(lock);
	}
	names_free(&names);
	return result;
}
