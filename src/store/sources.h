/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SOURCES_H
#define STORE_SOURCES_H

#include "store/store_private.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct schema;

/*
 * The files of a store that a scan reads, in the order of their time. Journals are opened
 * first and segments listed after: a journal that has become a segment meanwhile is found
 * among those, and then its segment is read and it is not.
 */

/* A segment, or a journal that is open since the scan began. */
struct source {
	char stem[STEM_MAX];
	char *path;
	int fd; /* journals; -1: a segment */
};

struct sources {
	struct source *list;
	size_t count, cap;
	const struct schema *schema;
};

/* Zeroed before. is_replaced: of a schema whose files are written anew as a whole. What
 * was found is to be freed even if it fails. */
int sources_find(struct sources *sources, const char *dir, const struct schema *schema,
    bool is_replaced, struct err *err);
void sources_free(struct sources *sources);

#endif
