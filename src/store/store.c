/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening a store for writing: folders, the writer's lock, recovery, and the files that
 * explain the store to other programs.
 */
#include "store/store.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/store_private.h"

enum { WRITERS_MAX = 64, ROTATION_S = 300 };

const struct counter_row store_counter_rows[STORE_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "store/counter.def"
#undef COUNTER
};

static int64_t
system_now(void *arg)
{
	return clock_us(CLOCK_REALTIME);
}

static int
check_config(struct store *store, struct err *err)
{
	struct store_config *c = &store->config;

	if (c->writer == NULL)
		c->writer = "weir";
	if (c->rotation_s == 0)
		c->rotation_s = ROTATION_S;
	if (c->gather_rows == 0)
		c->gather_rows = STORE_GROUP_ROWS;
	if (c->now == NULL)
		c->now = system_now;
	if (c->gather_rows < 64 || c->gather_rows > STORE_GROUP_ROWS)
		return err_set(err, EINVAL, "store: rows of a group: 64 to %d",
			       STORE_GROUP_ROWS);
	if (c->rotation_s > 86400)
		return err_set(err, EINVAL, "store: rotation: 1 to 86400 seconds");
	if (strlen(c->writer) == 0 || strlen(c->writer) > 60 || c->writer[0] == '.' ||
	    c->writer[strspn(c->writer,
			     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "0123456789._-")] != '\0')
		return err_set(err, EINVAL,
			       "store: writer \"%.60s\": up to 60 letters, digits, . _ -",
			       c->writer);
	return 0;
}

static int
make_folders(const char *dir, struct err *err)
{
	char path[PATH_MAX];

	if (folder_make(dir, err) != 0)
		return err_prefix(err, "store ");
	if (path_make(path, err, "%s/journal", dir) != 0 || folder_make(path, err) != 0)
		return -1;
	return 0;
}

/* The writer's own folder, or the next free one of its name. */
static int
take_writer(struct store *store, struct err *err)
{
	char path[PATH_MAX];

	for (int i = 1; i <= WRITERS_MAX; i++) {
		if (i == 1)
			snprintf(store->writer, sizeof store->writer, "%s",
				 store->config.writer);
		else
			snprintf(store->writer, sizeof store->writer, "%s.%d",
				 store->config.writer, i);
		if (path_make(path, err, "%s/journal/%s", store->dir, store->writer) !=
			0 ||
		    folder_make(path, err) != 0)
			return -1;
		store->lock_fd = writer_lock(path, true, err);
		if (store->lock_fd == -1)
			return -1;
		if (store->lock_fd >= 0) {
			store->journal_dir = strdup(path);
			return store->journal_dir != NULL
				   ? 0
				   : err_set(err, ENOMEM, "store: out of memory");
		}
	}
	return err_set(err, EBUSY,
		       "store %s: %d processes write as \"%s\" already; end some or give "
		       "this one a name",
		       store->dir, WRITERS_MAX, store->config.writer);
}

int
store_open(const char *dir, const struct store_config *config, struct store **out,
	   struct err *err)
{
	struct store *store = calloc(1, sizeof *store);

	if (store == NULL)
		return err_set(err, ENOMEM, "store %s: out of memory", dir);
	store->lock_fd = -1;
	text_init(&store->notes);
	if (config != NULL)
		store->config = *config;
	if ((store->dir = strdup(dir)) == NULL) {
		err_set(err, ENOMEM, "store %s: out of memory", dir);
		goto fail;
	}
	if (check_config(store, err) != 0 || make_folders(dir, err) != 0 ||
	    take_writer(store, err) != 0 || recover_all(store, err) != 0)
		goto fail;
	*out = store;
	return 0;

fail:
	store_close(store);
	return -1;
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	text_done(&store->notes);
	free(store->journal_dir);
	free(store->dir);
	free(store);
}

const uint64_t *
store_counters(const struct store *store)
{
	return store->counters;
}

const char *
store_notes(const struct store *store)
{
	return store->notes.data;
}
