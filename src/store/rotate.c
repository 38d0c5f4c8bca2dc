/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Journal to segment: big groups are copied as they are, runs of small ones decoded and
 * encoded again as one.
 */
#include "store/sink_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "model/batch.h"
#include "store/gather.h"
#include "store/unpacker.h"

static int
merge_gathered(struct store_sink *s, struct segment_writer *segment, struct err *err)
{
	if (s->gather->rows == 0)
		return 0;
	if (store_sink_encode(s, s->gather, err) != 0 ||
	    segment_add(segment, s->image.data, s->image.len, s->meta, err) != 0)
		return -1;
	batch_clear(s->gather);
	return 0;
}

static int
merge_record(struct store_sink *s, struct journal_reader *j,
	     struct segment_writer *segment, struct err *err)
{
	uint32_t rows = parquet_group_meta_rows(j->meta);
	struct parquet_reader *reader;
	int result = 0;

	if (rows > s->gather->cap / 2 || s->journal->records == 1) {
		if (merge_gathered(s, segment, err) != 0)
			return -1;
		return segment_add(segment, j->image.data, j->image.len, j->meta, err);
	}
	if (s->gather->rows + rows > s->gather->cap &&
	    merge_gathered(s, segment, err) != 0)
		return -1;
	if (journal_record_reader(j, &reader, err) != 0)
		return -1;
	result = unpacker_load(s->unpacker, reader, 0, NULL, err);
	for (size_t at = 0; result == 0 && at < rows; at += s->slice->cap) {
		size_t n = rows - at < s->slice->cap ? rows - at : s->slice->cap;

		unpacker_rows(s->unpacker, at, n, s->slice);
		gather_rows(s->gather, s->slice, 0, n);
	}
	parquet_reader_close(reader);
	return result;
}

static int
merge_journal(struct store_sink *s, struct journal_reader *j, struct err *err)
{
	struct segment_writer *segment;
	enum journal_event event;
	char folder[PATH_MAX];
	uint64_t rows = 0;

	if (stem_folder(folder, s->store->dir, s->stem, err) != 0 ||
	    segment_begin(&segment, folder, s->stem, j->columns, j->count, err) != 0)
		return -1;
	for (;;) {
		if (journal_next(j, &event, err) != 0)
			goto fail;
		if (event == JOURNAL_END)
			break;
		if (event == JOURNAL_DAMAGED) {
			err_set(err, EIO,
				"%s: offset %llu: damaged since it was written; the "
				"journal is kept: check the disk",
				j->path, (unsigned long long)j->damage_at);
			goto fail;
		}
		rows += parquet_group_meta_rows(j->meta);
		if (merge_record(s, j, segment, err) != 0)
			goto fail;
	}
	if (merge_gathered(s, segment, err) != 0)
		goto fail;
	if (rows != s->journal->rows) {
		err_set(err, EIO,
			"%s: has %llu rows of %llu; the journal is kept: check the disk",
			j->path, (unsigned long long)rows,
			(unsigned long long)s->journal->rows);
		goto fail;
	}
	if (segment_finish(segment, s->schema->name, s->schema->version,
			   strrchr(s->stem, '-') + 1,
			   s->store->config.sync != STORE_SYNC_NEVER, err) != 0)
		goto fail;
	segment_free(segment);
	return 0;

fail:
	batch_clear(s->gather);
	segment_free(segment);
	return -1;
}

int
store_sink_rotate(struct store_sink *s, struct err *err)
{
	struct journal_reader *j;
	int fd;

	if (s->journal == NULL)
		return 0;
	if (s->journal->records > 0) {
		if ((fd = fcntl(s->journal->fd, F_DUPFD_CLOEXEC, 0)) < 0)
			return err_set(err, errno, "%s: %s", s->journal->path,
				       strerror(errno));
		if (journal_open(&j, fd, s->journal->path, err) != 0)
			return -1;
		if (merge_journal(s, j, err) != 0) {
			journal_close(j);
			s->store->counters[STORE_write_errors]++;
			return err_prefix(
			    err,
			    "store %s: %llu rows stay in the journal and become a "
			    "segment when the store is next opened: ",
			    s->store->dir, (unsigned long long)s->journal->rows);
		}
		journal_close(j);
		if (s->store->config.sync != STORE_SYNC_NEVER)
			(void)folder_sync(s->store->dir,
					  NULL); /* a new date= folder's name */
		s->store->counters[STORE_segments_made]++;
	}
	(void)unlink(s->journal->path); /* if it stays, its segment is preferred to it */
	journal_writer_free(s->journal);
	s->journal = NULL;
	s->is_unsynced = s->is_folder_synced = false;
	return 0;
}
