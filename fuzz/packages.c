/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of files: the same bytes as a catalogue's TSV and as each kind of list that is
 * read from one document, plain or compressed by their first bytes. What was read is
 * sealed and looked at.
 */
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
read_as(const struct builder *builder, const uint8_t *data, size_t size)
{
	static const struct build_config config = {.base = "http://archive.example/pool"};
	struct build *build = build_new(&config);
	struct text notes;
	struct err err = {0};

	if (build_bytes(build, builder, data, size, "input", &err) < 0)
		assert(err.text[0] != '\0');
	text_init(&notes);
	build_notes(build, &notes);
	text_done(&notes);
	look(build_catalog(build));
	build_free(build);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct catalog *catalog = catalog_new();
	struct err err = {0};
	size_t i;

	if (catalog_read_bytes(catalog, data, size, "input", &err) < 0)
		assert(err.text[0] != '\0');
	look(catalog);
	catalog_free(catalog);
	for (i = 0; i < builder_count; i++) {
		if (builders[i].read != NULL)
			read_as(&builders[i], data, size);
	}
	return 0;
}
