/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of an archive: its Packages index is sorted by source package, then by
 * package (all of Debian 12's 63,440 are), and apt fetches what it was asked for at once
 * in the order of the index. The decoder of pipelined runs uses it only where the files
 * it is sure of bear it out.
 */
#include "identify/order.h"

#include "catalog/catalog.h"
#include "identify/files.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
	const char *folder; /* of the source package: the last but one part of the path */
	const char *name;   /* of the package: the last part up to the first _ */
	size_t folder_len, name_len;
	uint32_t file;
	bool is_security;
};

static int
compare_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

static int
compare_places(const void *pa, const void *pb)
{
	const struct place *a = pa, *b = pb;
	int order;

	if (a->is_security != b->is_security)
		return a->is_security ? 1 : -1;
	order = compare_bytes(a->folder, a->folder_len, b->folder, b->folder_len);
	if (order == 0)
		order = compare_bytes(a->name, a->name_len, b->name, b->name_len);
	return order != 0 ? order : strcmp(a->name, b->name);
}

static bool
place_of(const struct catalog *catalog, uint32_t file, struct place *out)
{
	const struct catalog_file *f = &catalog_files(catalog)[file];
	const char *path = catalog_text(catalog, f->path), *end = strrchr(path, '/'), *at;

	if (end == NULL)
		return false;
	for (at = end; at > path && at[-1] != '/'; at--)
		;
	*out = (struct place){
	    .folder = at,
	    .folder_len = (size_t)(end - at),
	    .name = end + 1,
	    .name_len = strcspn(end + 1, "_"),
	    .file = file,
	    .is_security = strstr(catalog_text(catalog, f->suite), "security") != NULL};
	return true;
}

uint32_t *
order_of_files(const struct files *files)
{
	size_t count = files->count, n = 0, i;
	struct place *places = calloc(count + 1, sizeof *places);
	uint32_t *order = calloc(count + 1, sizeof *order);

	if (places == NULL || order == NULL) {
		fputs("weir: out of memory\n", stderr);
		abort();
	}
	for (i = 0; i < count; i++)
		n += place_of(files->catalog, (uint32_t)i, &places[n]);
	qsort(places, n, sizeof *places, compare_places);
	for (i = 0; i < n; i++)
		order[places[i].file] = (uint32_t)i + 1;
	free(places);
	return order;
}
