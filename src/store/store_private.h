/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_PRIVATE_H
#define STORE_PRIVATE_H

#include <limits.h>

#include "base/text.h"
#include "store/journal.h"
#include "store/layout.h"
#include "store/store.h"

/* What the files of this folder share. */
struct store {
	char *dir;
	struct store_config config;
	char writer[80];
	char *journal_dir;
	int lock_fd;
	uint64_t counters[STORE_COUNTERS];
	struct text notes;
};

/* paths.c: names and folders. A stem is "flows-20261123T1005Z-0123456789abcdef". */
enum { STEM_MAX = 128 };

int path_make(char out[PATH_MAX], struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void stem_make(char out[STEM_MAX], const struct schema *schema, int64_t interval_s,
	       uint64_t id);
bool stem_is_valid(const char *s, size_t n);
/* The stem of a file name with this suffix, of this schema (NULL: any); false if it is
 * not. */
bool stem_of(const char *name, const char *suffix, const struct schema *schema,
	     char out[STEM_MAX]);
/* STORE/date=YYYY-MM-DD of a stem. */
int stem_folder(char out[PATH_MAX], const char *dir, const char *stem, struct err *err);
int folder_make(const char *path, struct err *err);
int folder_sync(const char *path, struct err *err);
/* Sorted names of a folder. 1 if it does not exist. */
struct names {
	char **at;
	size_t count;
};
int names_list(struct names *out, const char *path, struct err *err);
void names_free(struct names *names);

/* segment.c: a Parquet file written hidden and renamed into place. */
struct segment_writer;

int segment_begin(struct segment_writer **out, const char *folder, const char *name,
		  const struct parquet_column_spec *columns, size_t count,
		  struct err *err);
int segment_add(struct segment_writer *segment, const void *image, size_t bytes,
		const struct parquet_group_meta *meta, struct err *err);
/* Footer, fsync unless is_synced is false, rename, folder. */
int segment_finish(struct segment_writer *segment, const char *schema, uint32_t version,
		   const char *id, bool is_synced, struct err *err);
void segment_free(struct segment_writer *segment); /* unlinks what was not finished */

/* recover.c: journals of dead writers to segments. */
int recover_all(struct store *store, struct err *err);
/* Lock of a writer's folder: the descriptor, -1 with err, or -2 if another holds it. */
int writer_lock(const char *folder, bool create, struct err *err);

/* views.c: views.sql and views.py for a schema's files, written if missing or different.
 */
int views_write(const char *dir, const char *subfolder, const struct schema *schema,
		struct err *err);

#endif
