/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The writing end. Rows are gathered until a group is full, a second has passed or the
 * interval changes; then they are encoded once and appended to the journal. When the
 * clock leaves the interval the journal becomes a segment (rotate.c). A batch that is as
 * large as a group is one, without a copy. A replacing sink has no journal: its groups go
 * straight into the hidden file that close renames into place.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hash.h"
#include "model/batch.h"
#include "model/sink.h"
#include "store/gather.h"
#include "store/packer.h"
#include "store/sink_private.h"
#include "store/unpacker.h"

enum { SECOND_US = 1000000 };

int
store_sink_encode(struct store_sink *s, const struct batch *batch, struct err *err)
{
	text_clear(&s->image);
	return parquet_encode_group(s->encoder, packer_values(s->packer, batch),
				    (uint32_t)batch->rows, &s->image, s->meta, err);
}

/* ---- gather to journal ---- */

static int
sync_journal(struct store_sink *s, struct err *err)
{
	enum store_sync sync = s->store->config.sync;

	if (!s->is_unsynced || s->journal == NULL || sync == STORE_SYNC_SEGMENTS ||
	    sync == STORE_SYNC_NEVER)
		return 0;
	if (journal_sync(s->journal, err) != 0)
		return -1;
	if (!s->is_folder_synced && folder_sync(s->store->journal_dir, err) != 0)
		return -1;
	s->is_folder_synced = true;
	s->is_unsynced = false;
	return 0;
}

static int
open_journal(struct store_sink *s, struct err *err)
{
	char path[PATH_MAX];

	stem_make(s->stem, s->schema, s->interval_s, random_seed());
	if (path_make(path, err, "%s/%s.journal", s->store->journal_dir, s->stem) != 0)
		return -1;
	return journal_create(&s->journal, path, s->layout, err);
}

static int
append_image(struct store_sink *s, struct err *err)
{
	if (s->replace != NULL)
		return segment_add(s->replace, s->image.data, s->image.len, s->meta, err);
	if (s->journal == NULL && open_journal(s, err) != 0)
		return -1;
	return journal_append(s->journal, s->meta, &s->image, err);
}

/* Makes a batch's rows acknowledged, as a group. */
static int
write_rows(struct store_sink *s, const struct batch *batch, struct err *err)
{
	struct store *store = s->store;

	if (store_sink_encode(s, batch, err) != 0 || append_image(s, err) != 0) {
		store->counters[STORE_write_errors]++;
		return err_prefix(err, "store %s: ", store->dir);
	}
	store->counters[STORE_rows_written] += batch->rows;
	store->counters[STORE_groups_written]++;
	if (!s->is_unsynced) {
		s->is_unsynced = true;
		s->unsynced_us = store->config.now(store->config.now_arg);
	}
	return store->config.sync == STORE_SYNC_ALWAYS ? sync_journal(s, err) : 0;
}

/* Makes what was gathered acknowledged. If this fails it stays gathered. */
static int
write_gathered(struct store_sink *s, struct err *err)
{
	if (s->gather->rows == 0)
		return 0;
	if (write_rows(s, s->gather, err) != 0)
		return -1;
	batch_clear(s->gather);
	return 0;
}

/* ---- the clock ---- */

static int64_t
interval_of(const struct store_sink *s, int64_t us)
{
	static const int64_t last = 253402300799; /* the end of the year 9999 */
	int64_t t = us < 0 ? 0 : us / SECOND_US;

	t = t > last ? last : t;
	return t - t % s->store->config.rotation_s;
}

static int
enter_interval(struct store_sink *s, int64_t interval_s, struct err *err)
{
	if (s->has_interval && s->interval_s == interval_s)
		return 0;
	if (s->has_interval && (write_gathered(s, err) != 0 ||
	    store_sink_rotate(s, err) != 0))
		return -1;
	s->interval_s = interval_s;
	s->has_interval = true;
	return 0;
}

/* How many rows from `at` on are of one interval by the packets' clock. */
static size_t
rows_of_interval(struct store_sink *s, const struct batch *batch, int end, size_t at,
		 int64_t *interval_s)
{
	const struct column *c = &batch->columns[end];
	int64_t clock = s->clock_us;
	size_t i;

	for (i = at; i < batch->rows; i++) {
		int64_t t = column_is_null(c, i) ? clock : (int64_t)column_u64(c, i);

		t = t > clock ? t : clock;
		if (i > at && interval_of(s, t) != *interval_s)
			break;
		clock = t;
		*interval_s = interval_of(s, t);
	}
	s->clock_us = clock;
	return i - at;
}

int
store_sink_tick(struct sink *sink, struct err *err)
{
	struct store_sink *s = (struct store_sink *)sink;
	const struct store_config *c = &s->store->config;
	int64_t now = c->now(c->now_arg);

	if (s->replace != NULL)
		return 0;
	if (c->clock == STORE_CLOCK_RECEIPT && s->has_interval &&
	    enter_interval(s, interval_of(s, now), err) != 0)
		return -1;
	if (s->gather->rows > 0 && llabs(now - s->gathered_us) >= SECOND_US &&
	    write_gathered(s, err) != 0)
		return -1;
	if (s->is_unsynced && llabs(now - s->unsynced_us) >= SECOND_US)
		return sync_journal(s, err);
	return 0;
}

/* ---- the sink ---- */

/* Whether n rows of a batch are as much as is written at once. */
static bool
is_group(const struct store_sink *s, const struct batch *batch, size_t n)
{
	return n == batch->rows && n <= s->gather->cap && n > s->gather->cap / 2;
}

/* A whole batch without a copy, behind what was gathered before. */
static int
take_group(struct store_sink *s, const struct batch *batch, struct err *err)
{
	if (write_gathered(s, err) != 0)
		return -1;
	if (write_rows(s, batch, err) == 0)
		return 0;
	s->gathered_us = s->store->config.now(s->store->config.now_arg);
	gather_rows(s->gather, batch, 0, batch->rows); /* it is kept for the next try */
	return -1;
}

static int
take_rows(struct store_sink *s, const struct batch *batch, size_t at, size_t n,
	  struct err *err)
{
	const struct store_config *c = &s->store->config;

	if (is_group(s, batch, n))
		return take_group(s, batch, err);
	while (n > 0) {
		size_t room = s->gather->cap - s->gather->rows;
		size_t k = n < room ? n : room;

		if (k == 0) {
			if (write_gathered(s, err) != 0)
				return -1;
			continue;
		}
		if (s->gather->rows == 0)
			s->gathered_us = c->now(c->now_arg);
		gather_rows(s->gather, batch, at, k);
		at += k;
		n -= k;
	}
	return batch_is_full(s->gather) ? write_gathered(s, err) : 0;
}

static int
push_rows(struct store_sink *s, const struct batch *batch, struct err *err)
{
	const struct store_config *c = &s->store->config;
	int end = schema_find(s->schema, "end", 3);
	int64_t interval_s = 0;

	if (s->replace != NULL)
		return take_rows(s, batch, 0, batch->rows, err);
	if (c->clock == STORE_CLOCK_RECEIPT || end < 0) {
		if (enter_interval(s, interval_of(s, c->now(c->now_arg)), err) != 0)
			return -1;
		return take_rows(s, batch, 0, batch->rows, err);
	}
	for (size_t at = 0, n; at < batch->rows; at += n) {
		int64_t clock = s->clock_us;

		n = rows_of_interval(s, batch, end, at, &interval_s);
		if (enter_interval(s, interval_s, err) != 0) {
			s->clock_us = clock;
			return -1;
		}
		if (take_rows(s, batch, at, n, err) != 0)
			return -1;
	}
	return 0;
}

static int
sink_push_batch(struct sink *sink, struct batch *batch, struct err *err)
{
	struct store_sink *s = (struct store_sink *)sink;

	if (push_rows(s, batch, err) != 0 ||
	    (s->replace == NULL && store_sink_tick(sink, err) != 0)) {
		s->is_abandoned = s->replace != NULL;
		return -1;
	}
	return 0;
}

static int
sink_flush_rows(struct sink *sink, struct err *err)
{
	struct store_sink *s = (struct store_sink *)sink;

	if (s->replace != NULL)
		return 0;
	if (write_gathered(s, err) != 0 || sync_journal(s, err) != 0)
		return -1;
	return store_sink_tick(sink, err);
}

static void
sink_free(struct store_sink *s)
{
	segment_free(s->replace);
	journal_writer_free(s->journal);
	batch_free(s->gather);
	batch_free(s->slice);
	text_done(&s->image);
	parquet_group_meta_free(s->meta);
	parquet_encoder_free(s->encoder);
	packer_free(s->packer);
	unpacker_free(s->unpacker);
	layout_free(s->layout);
	free(s);
}

static int
sink_close_rows(struct sink *sink, struct err *err)
{
	struct store_sink *s = (struct store_sink *)sink;
	int result = 0;

	if (s->replace != NULL) {
		if (!s->is_abandoned && (result = write_gathered(s, err)) == 0)
			result = segment_finish(
			    s->replace, s->schema->name, s->schema->version, s->key,
			    s->store->config.sync != STORE_SYNC_NEVER, err);
	} else if (!s->is_abandoned) {
		result = write_gathered(s, err);
		if (result == 0)
			result = store_sink_rotate(s, err);
	}
	sink_free(s);
	return result;
}

void
store_sink_abandon(struct sink *sink)
{
	((struct store_sink *)sink)->is_abandoned = true;
}

static int
sink_new(struct store *store, const struct schema *schema, struct store_sink **out,
	 struct err *err)
{
	struct store_sink *s = calloc(1, sizeof *s);

	if (s == NULL)
		return err_set(err, ENOMEM, "store %s: out of memory", store->dir);
	s->sink = (struct sink){sink_push_batch, sink_flush_rows, sink_close_rows};
	s->store = store;
	s->schema = schema;
	s->clock_us = INT64_MIN;
	text_init(&s->image);
	if (layout_new(&s->layout, schema, err) != 0 ||
	    packer_new(&s->packer, s->layout, err) != 0 ||
	    unpacker_new(&s->unpacker, s->layout, err) != 0 ||
	    parquet_encoder_new(&s->encoder, s->layout->columns, s->layout->count,
				PARQUET_CODEC_LZ4, err) != 0)
		goto fail;
	if ((s->meta = parquet_group_meta_new()) == NULL) {
		err_set(err, ENOMEM, "store %s: out of memory", store->dir);
		goto fail;
	}
	s->gather = batch_new(schema, store->config.gather_rows);
	s->slice = batch_new(schema, BATCH_ROWS);
	*out = s;
	return 0;

fail:
	sink_free(s);
	return -1;
}

int
store_sink(struct store *store, const struct schema *schema, struct sink **out,
	   struct err *err)
{
	struct store_sink *s;

	if (views_write(store->dir, NULL, schema, err) != 0 ||
	    sink_new(store, schema, &s, err) != 0)
		return -1;
	*out = &s->sink;
	return 0;
}

/* A key as part of a file name: other characters become _, and a hash keeps it unique. */
static void
key_to_name(const char *key, char *out, size_t room)
{
	size_t n = 0;
	bool is_same = true;

	for (; key[n] != '\0' && n < 100; n++) {
		bool is_fine =
		    isalnum((unsigned char)key[n]) || strchr("._-", key[n]) != NULL;

		out[n] = is_fine ? key[n] : '_';
		is_same = is_same && is_fine;
	}
	out[n] = '\0';
	if (!is_same || key[n] != '\0')
		snprintf(out + n, room - n, "-%016llx",
			 (unsigned long long)hash64(key, strlen(key), 0));
}

int
store_replace_sink(struct store *store, const struct schema *schema, const char *key,
		   struct sink **out, struct err *err)
{
	char folder[PATH_MAX], name[256], sub[80];
	struct store_sink *s;

	snprintf(sub, sizeof sub, "%.64ss", schema->name);
	if (path_make(folder, err, "%s/%s", store->dir, sub) != 0 ||
	    folder_make(folder, err) != 0 ||
	    views_write(store->dir, sub, schema, err) != 0 ||
	    sink_new(store, schema, &s, err) != 0)
		return -1;
	key_to_name(key, s->key, sizeof s->key);
	snprintf(name, sizeof name, "%s-%s", sub, s->key);
	if (segment_begin(&s->replace, folder, name, s->layout->columns, s->layout->count,
			  err) != 0) {
		sink_free(s);
		return -1;
	}
	*out = &s->sink;
	return 0;
}
