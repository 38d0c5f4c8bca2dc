/* SPDX-License-Identifier: BSD-2-Clause */
/* Which files a store has: see sources.h. */
#include "store/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

static int
add_source(struct sources *s, const char *stem, const char *path, int fd,
	   struct err *err)
{
	struct source *more, *to;

	if (s->count == s->cap) {
		s->cap = s->cap == 0 ? 64 : s->cap * 2;
		if ((more = realloc(s->list, s->cap * sizeof *more)) == NULL)
			goto fail;
		s->list = more;
	}
	to = &s->list[s->count];
	memcpy(to->stem, stem, strlen(stem) + 1);
	to->fd = fd;
	if ((to->path = strdup(path)) == NULL)
		goto fail;
	s->count++;
	return 0;

fail:
	if (fd >= 0)
		close(fd);
	return err_set(err, ENOMEM, "%s: out of memory", path);
}

static int
open_journals_of(struct sources *s, const char *folder, struct err *err)
{
	struct names names = {0};
	char path[PATH_MAX], stem[STEM_MAX];
	int result, fd;

	if ((result = names_list(&names, folder, err)) != 0)
		return result < 0 ? -1 : 0;
	for (size_t i = 0; i < names.count && result == 0; i++) {
		if (!stem_of(names.at[i], ".journal", s->schema, stem))
			continue;
		if ((result = path_make(path, err, "%s/%s", folder, names.at[i])) != 0)
			break;
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0 && errno == ENOENT) /* a segment by now */
			continue;
		if (fd < 0)
			result = err_set(err, errno, "%s: %s", path, strerror(errno));
		else
			result = add_source(s, stem, path, fd, err);
	}
	names_free(&names);
	return result;
}

static int
open_journals(struct sources *s, const char *dir, struct err *err)
{
	struct names names = {0};
	char path[PATH_MAX], folder[PATH_MAX];
	int result;

	if (path_make(path, err, "%s/journal", dir) != 0)
		return -1;
	if ((result = names_list(&names, path, err)) != 0)
		return result < 0 ? -1 : 0;
	for (size_t i = 0; i < names.count && result == 0; i++) {
		result = path_make(folder, err, "%s/%s", path, names.at[i]);
		if (result == 0)
			result = open_journals_of(s, folder, err);
	}
	names_free(&names);
	return result;
}

static int
list_folder(struct sources *s, const char *folder, struct err *err)
{
	struct names names = {0};
	char path[PATH_MAX], stem[STEM_MAX];
	int result;

	if ((result = names_list(&names, folder, err)) != 0)
		return result < 0 ? -1 : 0;
	for (size_t i = 0; i < names.count && result == 0; i++) {
		if (!stem_of(names.at[i], ".parquet", s->schema, stem))
			continue;
		result = path_make(path, err, "%s/%s", folder, names.at[i]);
		if (result == 0)
			result = add_source(s, stem, path, -1, err);
	}
	names_free(&names);
	return result;
}

static int
list_segments(struct sources *s, const char *dir, struct err *err)
{
	struct names names = {0};
	char folder[PATH_MAX];
	int result = names_list(&names, dir, err);
	bool is_store = false;

	if (result > 0)
		return err_set(err, ENOENT,
			       "store %s: no such folder; give the folder that was "
			       "named with --store when it was written",
			       dir);
	for (size_t i = 0; i < names.count && result == 0; i++) {
		is_store = is_store || strcmp(names.at[i], "journal") == 0;
		if (strncmp(names.at[i], "date=", 5) != 0)
			continue;
		is_store = true;
		result = path_make(folder, err, "%s/%s", dir, names.at[i]);
		if (result == 0)
			result = list_folder(s, folder, err);
	}
	names_free(&names);
	if (result == 0 && !is_store)
		return err_set(err, ENOENT,
			       "store %s: has neither a journal nor date= folders: "
			       "it is no store",
			       dir);
	return result;
}

/* STORE/findings/findings-*.parquet */
static int
list_replaced(struct sources *s, const char *dir, struct err *err)
{
	struct names names = {0};
	char folder[PATH_MAX], path[PATH_MAX], prefix[80];
	int result;

	snprintf(prefix, sizeof prefix, "%.64ss-", s->schema->name);
	if (path_make(folder, err, "%s/%.64ss", dir, s->schema->name) != 0)
		return -1;
	if ((result = names_list(&names, folder, err)) != 0)
		return result < 0 ? -1 : 0;
	for (size_t i = 0; i < names.count && result == 0; i++) {
		size_t n = strlen(names.at[i]);

		if (strncmp(names.at[i], prefix, strlen(prefix)) != 0 || n < 8 ||
		    strcmp(names.at[i] + n - 8, ".parquet") != 0)
			continue;
		result = path_make(path, err, "%s/%s", folder, names.at[i]);
		if (result == 0)
			result = add_source(s, "", path, -1, err);
	}
	names_free(&names);
	return result;
}

static int
compare_sources(const void *a, const void *b)
{
	const struct source *x = a, *y = b;
	int order = strcmp(x->stem, y->stem);

	if (order == 0) /* the segment first */
		order = (x->fd >= 0) - (y->fd >= 0);
	return order != 0 ? order : strcmp(x->path, y->path);
}

/* Sorts by stem, so by time, and drops journals whose segment is there. */
static void
sort_sources(struct sources *s)
{
	size_t n = 0;

	if (s->count > 0)
		qsort(s->list, s->count, sizeof *s->list, compare_sources);
	for (size_t i = 0; i < s->count; i++) {
		struct source *x = &s->list[i];

		if (x->stem[0] != '\0' && n > 0 &&
		    strcmp(s->list[n - 1].stem, x->stem) == 0) {
			if (x->fd >= 0)
				close(x->fd);
			free(x->path);
			continue;
		}
		s->list[n++] = *x;
	}
	s->count = n;
}

int
sources_find(struct sources *s, const char *dir, const struct schema *schema,
    bool is_replaced, struct err *err)
{
	struct stat st;
	int result;

	s->schema = schema;
	if (stat(dir, &st) == 0 && !S_ISDIR(st.st_mode))
		result = err_set(err, ENOTDIR,
		    "store %s: is a file, not the folder of a store", dir);
	else if (is_replaced)
		result = list_replaced(s, dir, err);
	else if ((result = open_journals(s, dir, err)) == 0)
		result = list_segments(s, dir, err);
	if (result == 0)
		sort_sources(s);
	return result;
}

void
sources_free(struct sources *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->list[i].fd >= 0)
			close(s->list[i].fd);
		free(s->list[i].path);
	}
	free(s->list);
}
