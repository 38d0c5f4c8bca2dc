/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reading end. Files are read one after the other (sources.h), a row group at a time.
 * A file that fails is noted and left, and the error kept for the end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "model/batch.h"
#include "store/sources.h"
#include "store/store_private.h"
#include "store/unpacker.h"

struct store_scan {
	struct store_scan_config config;
	struct layout *layout;
	struct unpacker *unpacker;
	uint64_t needed[SCHEMA_FIELDS_MAX / 64];
	bool has_needed, has_window;
	int start, end; /* fields */
	struct sources sources;
	size_t at; /* the current source */
	bool is_open;
	struct parquet_reader *reader;
	struct journal_reader *journal;
	size_t group;        /* the next row group of reader */
	uint32_t row, rows;  /* of the loaded group */
	struct batch *slice; /* with a window: rows before those outside are dropped */
	uint64_t counters[STORE_COUNTERS];
	struct text notes;
	struct err first;
	uint64_t failures;
};

static void
need_fields(struct store_scan *s)
{
	const struct schema *schema = s->config.schema;

	if (s->config.needed == NULL)
		return;
	s->has_needed = true;
	memcpy(s->needed, s->config.needed, schema->words * sizeof *s->needed);
	for (unsigned f = schema->stored; f < schema->count; f++)
		if (row_has(s->needed, f)) {
			row_mark(s->needed, schema->fields[f].operand_a);
			row_mark(s->needed, schema->fields[f].operand_b);
		}
	if (s->has_window) {
		row_mark(s->needed, (unsigned)s->start);
		row_mark(s->needed, (unsigned)s->end);
	}
}

int
store_scan_open(const char *dir, const struct store_scan_config *config,
		struct store_scan **out, struct err *err)
{
	struct store_scan *s = calloc(1, sizeof *s);

	if (s == NULL)
		return err_set(err, ENOMEM, "store %s: out of memory", dir);
	text_init(&s->notes);
	s->config = *config;
	s->start = schema_find(config->schema, "start", 5);
	s->end = schema_find(config->schema, "end", 3);
	s->has_window =
	    (config->from != 0 || config->to != 0) && s->start >= 0 && s->end >= 0;
	need_fields(s);
	if (layout_new(&s->layout, config->schema, err) != 0 ||
	    unpacker_new(&s->unpacker, s->layout, err) != 0)
		goto fail;
	if (sources_find(&s->sources, dir, config->schema, config->is_replaced, err) !=
	    0)
		goto fail;
	*out = s;
	return 0;

fail:
	store_scan_close(s);
	return -1;
}

/* ---- one file after the other ---- */

static void
note_failure(struct store_scan *s, struct err *e)
{
	size_t n = strlen(e->text);

	if (s->journal == NULL && e->code != EACCES && e->code != ENOMEM)
		snprintf(e->text + n, sizeof e->text - n,
			 "; restore it from a copy or move it out of the store");
	text_printf(&s->notes, "%s\n", e->text);
	if (s->failures++ == 0)
		s->first = *e;
	s->counters[STORE_files_failed]++;
}

static void
close_source(struct store_scan *s)
{
	parquet_reader_close(s->reader);
	journal_close(s->journal);
	s->reader = NULL;
	s->journal = NULL;
	s->is_open = false;
	s->row = s->rows = 0;
	s->at++;
}

static int
open_source(struct store_scan *s, struct err *err)
{
	struct source *x = &s->sources.list[s->at];
	int fd = x->fd;

	s->is_open = true;
	s->group = 0;
	if (fd < 0) {
		s->counters[STORE_segments_read]++;
		return parquet_reader_open(&s->reader, x->path, err);
	}
	s->counters[STORE_journals_read]++;
	x->fd = -1; /* journal_open owns it */
	return journal_open(&s->journal, fd, x->path, err);
}

/* Min or max of a time field of a group; false where the footer does not say. */
static bool
time_stat(struct store_scan *s, unsigned field, bool is_max, int64_t *out)
{
	const char *name = s->layout->columns[s->layout->first[field]].name;
	int column = parquet_reader_find(s->reader, name);
	struct parquet_stats stats;

	if (column < 0)
		return false;
	parquet_reader_stats(s->reader, s->group, (size_t)column, &stats);
	if (!stats.has_min_max)
		return false;
	*out = (int64_t)(is_max ? stats.max_number : stats.min_number);
	return true;
}

static bool
is_group_outside(struct store_scan *s)
{
	int64_t t;

	if (!s->has_window)
		return false;
	return (time_stat(s, (unsigned)s->start, false, &t) && t >= s->config.to) ||
	       (time_stat(s, (unsigned)s->end, true, &t) && t < s->config.from);
}

/* The next record of a journal as reader. 1, or 0 at the end, or -1. */
static int
next_record(struct store_scan *s, struct err *err)
{
	enum journal_event event;

	parquet_reader_close(s->reader);
	s->reader = NULL;
	for (;;) {
		if (journal_next(s->journal, &event, err) != 0)
			return -1;
		if (event == JOURNAL_END)
			return 0;
		if (event == JOURNAL_RECORD)
			break;
		if (s->journal->is_torn) {
			s->counters[STORE_records_torn]++;
		} else {
			struct err e = {0};

			err_set(&e, EIO,
				"%s: offset %llu: %llu bytes are damaged; the rest was "
				"read. Opening the store for writing sets them aside",
				s->journal->path,
				(unsigned long long)s->journal->damage_at,
				(unsigned long long)s->journal->damage_bytes);
			note_failure(s, &e);
		}
	}
	if (journal_record_reader(s->journal, &s->reader, err) != 0)
		return err_prefix(
		    err, "offset %llu: ", (unsigned long long)s->journal->record_at);
	s->group = 0;
	return 1;
}

/* Puts the file in front of an error unless it stands there. Returns -1. */
static int
name_file(struct store_scan *s, struct err *err)
{
	const char *path = s->sources.list[s->at].path;

	if (strncmp(err->text, path, strlen(path)) == 0)
		return -1;
	return err_prefix(err, "%s: row group %zu: ", path, s->group);
}

/* Loads the next row group of the open source. 1, or 0 at its end, or -1. */
static int
next_group(struct store_scan *s, struct err *err)
{
	int more;

	for (;;) {
		if (s->reader == NULL || s->group == parquet_reader_groups(s->reader)) {
			if (s->journal == NULL)
				return 0;
			if ((more = next_record(s, err)) <= 0)
				return more;
			continue;
		}
		if (!is_group_outside(s))
			break;
		s->counters[STORE_groups_skipped]++;
		s->group++;
	}
	if (unpacker_load(s->unpacker, s->reader, s->group,
			  s->has_needed ? s->needed : NULL, err) != 0)
		return name_file(s, err);
	s->rows = parquet_reader_group_rows(s->reader, s->group);
	s->row = 0;
	s->group++;
	s->counters[STORE_groups_read]++;
	return 1;
}

/* Makes sure that rows are loaded. 1, or 0 at the end of all. */
static int
need_rows(struct store_scan *s)
{
	while (s->row == s->rows) {
		struct err e = {0};
		int more;

		if (s->at == s->sources.count)
			return 0;
		if (!s->is_open && open_source(s, &e) != 0)
			more = -1;
		else
			more = next_group(s, &e);
		if (more > 0)
			continue;
		if (more < 0)
			note_failure(s, &e);
		close_source(s);
	}
	return 1;
}

/* Appends the rows of slice that overlap the window. */
static void
select_window(struct store_scan *s, struct batch *out)
{
	const struct column *start = &s->slice->columns[s->start];
	const struct column *end = &s->slice->columns[s->end];
	uint32_t picks[BATCH_ROWS];
	size_t n = 0;

	for (size_t i = 0; i < s->slice->rows; i++)
		if (!column_is_null(start, i) && !column_is_null(end, i) &&
		    (int64_t)column_u64(start, i) < s->config.to &&
		    (int64_t)column_u64(end, i) >= s->config.from)
			picks[n++] = (uint32_t)i;
	s->counters[STORE_rows_outside] += s->slice->rows - n;
	if (n > 0)
		batch_append_rows(out, s->slice, picks, n);
}

static void
take_slice(struct store_scan *s, struct batch *batch)
{
	size_t cap = batch->cap < BATCH_ROWS ? batch->cap & ~(size_t)63 : BATCH_ROWS;
	size_t n = s->rows - s->row < cap ? s->rows - s->row : cap;

	if (!s->has_window) {
		unpacker_rows(s->unpacker, s->row, n, batch);
	} else {
		if (s->slice == NULL)
			s->slice = batch_new(s->config.schema, BATCH_ROWS);
		unpacker_rows(s->unpacker, s->row, n, s->slice);
		select_window(s, batch);
	}
	s->row += (uint32_t)n;
}

int
store_scan_next(struct store_scan *s, struct batch *batch, struct err *err)
{
	const struct schema *schema = s->config.schema;

	batch_clear(batch);
	while (batch->rows == 0) {
		if (!need_rows(s)) {
			if (s->failures == 0 || s->config.keep_going)
				return 0;
			err_set(err, s->first.code, "%s", s->first.text);
			if (s->failures > 1)
				err_prefix(
				    err,
				    "%llu files could not be read whole; the first: ",
				    (unsigned long long)s->failures);
			return -1;
		}
		take_slice(s, batch);
	}
	for (unsigned f = schema->stored; s->has_needed && f < schema->count; f++)
		if (row_has(s->needed, f))
			batch_derive(batch, f);
	s->counters[STORE_rows_read] += batch->rows;
	return 1;
}

void
store_scan_close(struct store_scan *s)
{
	if (s == NULL)
		return;
	parquet_reader_close(s->reader);
	journal_close(s->journal);
	sources_free(&s->sources);
	batch_free(s->slice);
	unpacker_free(s->unpacker);
	layout_free(s->layout);
	text_done(&s->notes);
	free(s);
}

const uint64_t *
store_scan_counters(const struct store_scan *s)
{
	return s->counters;
}

const char *
store_scan_notes(const struct store_scan *s)
{
	return s->notes.data;
}
