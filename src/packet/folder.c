/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which captures to read, in which order. A ring of files, as tcpdump and dumpcap write
 * them, has names that need not sort by time, so the first packet of each is looked at.
 */
#include "packet/folder.h"

#include "base/err.h"
#include "base/memory.h"
#include "base/text.h"
#include "packet/capture.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct found {
	char *path;
	int64_t first_ns; /* INT64_MIN: it has no packet */
};

struct founds {
	struct found *items;
	size_t count, cap;
};

static void
list_put(struct capture_list *list, char *path)
{
	if (list->count == list->cap) {
		list->cap = list->cap == 0 ? 16 : 2 * list->cap;
		list->paths = must(realloc(list->paths, list->cap * sizeof *list->paths));
	}
	list->paths[list->count++] = path;
}

/* When a capture's first packet was; 1 if the file is none, -1 if it cannot be read. */
static int
look(const char *path, int64_t *first_ns, struct text *notes, struct err *err)
{
	struct capture *capture;
	struct record record;
	struct err why = {0};

	if (capture_open(path, &capture, &why) != 0) {
		if (why.code != EINVAL)
			return err_set(err, why.code, "%s", why.text);
		text_printf(notes, "%s; left out\n", why.text);
		return 1;
	}
	/* A damaged one is told of when it is metered. */
	*first_ns = capture_next(capture, true, &record, &why) == CAPTURE_RECORD
	    ? record.time_ns : INT64_MIN;
	capture_close(capture);
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	return strcmp(x->path, y->path);
}

static int
folder_look(DIR *dir, const char *folder, struct founds *all, struct text *notes,
    struct err *err)
{
	struct dirent *entry;
	struct text path;
	struct stat st;
	int64_t first_ns;
	int status = 0;

	text_init(&path);
	while (status >= 0 && (errno = 0, entry = readdir(dir)) != NULL) {
		text_clear(&path);
		text_printf(&path, "%s/%s", folder, entry->d_name);
		if (entry->d_name[0] == '.' || stat(path.data, &st) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		if ((status = look(path.data, &first_ns, notes, err)) != 0)
			continue;
		if (all->count == all->cap) {
			all->cap = all->cap == 0 ? 16 : 2 * all->cap;
			all->items = must(realloc(all->items,
			    all->cap * sizeof *all->items));
		}
		all->items[all->count++] = (struct found){must(strdup(path.data)),
		    first_ns};
	}
	if (status >= 0 && errno != 0)
		status = err_set(err, errno, "%s: %s", folder, strerror(errno));
	text_done(&path);
	return status < 0 ? -1 : 0;
}

static int
folder_add(struct capture_list *list, DIR *dir, const char *folder, struct text *notes,
    struct err *err)
{
	struct founds all = {0};
	int status = folder_look(dir, folder, &all, notes, err);
	size_t i;

	if (status == 0 && all.count == 0)
		status = err_set(err, ENOENT, "%s: no capture is in this folder", folder);
	if (all.count > 1)
		qsort(all.items, all.count, sizeof *all.items, compare);
	for (i = 0; i < all.count; i++) {
		if (status == 0)
			list_put(list, all.items[i].path);
		else
			free(all.items[i].path);
	}
	free(all.items);
	return status;
}

int
capture_list_add(struct capture_list *list, const char *path, struct text *notes,
    struct err *err)
{
	DIR *dir;
	int status;

	if ((dir = opendir(path)) == NULL) { /* the rest is told when it is opened */
		list_put(list, must(strdup(path)));
		return 0;
	}
	status = folder_add(list, dir, path, notes, err);
	closedir(dir);
	return status;
}

void
capture_list_done(struct capture_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		free(list->paths[i]);
	free(list->paths);
	*list = (struct capture_list){0};
}
