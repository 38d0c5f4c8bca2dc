/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Catalogue input: the same bytes as a Debian Packages index and as a catalogue's TSV,
 * plain or compressed by their first bytes. What was read is sealed and looked at.
 */
#include "base/err.h"
#include "catalog/catalog.h"
#include "model/catalogue.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(struct catalog *catalog)
{
	struct catalogue row;
	size_t i, n;

	catalog_seal(catalog);
	n = catalog_count(catalog);
	for (i = 0; i < n; i++) {
		catalog_row(catalog, i, &row);
		assert(catalogue_has(&row, name) && row.name.len > 0);
		assert(catalog_lower(catalog, row.size) <= i);
		assert(catalog_density(catalog, row.size) > 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int (*read[])(struct catalog *, const void *, size_t, const char *,
		      struct err *) = {catalog_read_bytes, catalog_add_debian_bytes};
	size_t i;

	for (i = 0; i < 2; i++) {
		struct catalog *catalog = catalog_new();
		struct err err = {0};

		if (read[i](catalog, data, size, "input", &err) < 0)
			assert(err.text[0] != '\0');
		look(catalog);
		catalog_free(catalog);
	}
	return 0;
}
