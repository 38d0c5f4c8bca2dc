/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A folder of files: each regular file below it, links not followed.
 */
#include "base/err.h"
#include "base/text.h"
#include "catalog/builder.h"

#include <errno.h>
#include <fts.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 64 };

static int
take_entry(struct build *build, const FTSENT *entry, size_t root_len, struct err *err)
{
	struct catalogue row = {0};
	struct origin origin = {entry->fts_path, "error", (uint64_t)entry->fts_errno};
	const char *path = entry->fts_path + root_len;

	while (*path == '/')
		path++;
	switch (entry->fts_info) {
	case FTS_F:
		row_text(&row, CATALOGUE_name, entry->fts_name, entry->fts_namelen);
		row_string(&row, CATALOGUE_path, path);
		row_string(&row, CATALOGUE_source, "folder");
		catalogue_set(&row, size, (uint64_t)entry->fts_statp->st_size);
		catalogue_set(&row, released,
			      (int64_t)entry->fts_statp->st_mtim.tv_sec * 1000000);
		origin.unit = "file";
		return build_add(build, &row, NULL, &origin, err);
	case FTS_D:
	case FTS_DP:
		return 0;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		build_note(build, BUILD_bad_entry, &origin, strerror(entry->fts_errno));
		return 0;
	default:
		origin.unit = "file";
		build_note(build, BUILD_no_file, &origin, NULL);
		return 0;
	}
}

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

int
files_walk(struct build *build, const char *folder, struct err *err)
{
	char *roots[] = {(char *)(uintptr_t)folder, NULL};
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	FTSENT *entry;
	int ret = 0;

	if (fts == NULL)
		return err_set(err, errno, "%s: %s", folder, strerror(errno));
	while (ret == 0 && (entry = fts_read(fts)) != NULL) {
		if (entry->fts_info == FTS_D && entry->fts_level > DEPTH_MAX) {
			build_note(build, BUILD_too_deep,
				   &(struct origin){entry->fts_path, "depth",
						    (uint64_t)entry->fts_level},
				   NULL);
			fts_set(fts, entry, FTS_SKIP);
			continue;
		}
		ret = take_entry(build, entry, strlen(folder), err);
	}
	fts_close(fts);
	return ret;
}
