/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The body of the targets of lists: the bytes as each kind of KINDS, a NULL-terminated
 * list. What was built is sealed, compared with itself and looked up.
 */
#ifndef FUZZ_LISTS_H
#define FUZZ_LISTS_H

#include "base/err.h"
#include "base/text.h"
#include "catalog/build.h"
#include "catalog/catalog.h"
#include "model/catalogue.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(struct catalog *catalog)
{
	struct catalogue row;
	size_t i, n, from, to;

	catalog_conflicts(catalog, NULL, NULL);
	catalog_seal(catalog);
	n = catalog_count(catalog);
	for (i = 0; i < n; i++) {
		catalog_row(catalog, i, &row);
		assert(catalogue_has(&row, name) && row.name.len > 0);
		assert(catalog_exact(catalog, row.size, &from, &to));
		assert(from <= i && i < to);
		assert(catalog_lower(catalog, row.size) == from);
		assert(catalog_density(catalog, row.size) > 0);
	}
}

static void
read_as(const char *kind, const uint8_t *data, size_t size)
{
	static const struct build_config config = {.base = "http://archive.example/pool"};
	struct build *build = build_new(&config);
	struct text notes;
	struct err err = {0};

	if (build_bytes(build, builder_find(kind), data, size,
	    "http://list.example/d/", &err) < 0)
		assert(err.text[0] != '\0');
	text_init(&notes);
	build_notes(build, &notes);
	text_done(&notes);
	look(build_catalog(build));
	build_free(build);
}

#ifdef KINDS
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const kinds[] = KINDS;
	size_t i;

	for (i = 0; kinds[i] != NULL; i++)
		read_as(kinds[i], data, size);
	return 0;
}
#endif

#endif
