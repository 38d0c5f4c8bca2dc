/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists in lines: the same bytes as a catalogue's TSV, as a Debian Packages index and as
 * a list of URLs, plain or compressed by their first bytes.
 */
#include "lists.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct catalog *catalog = catalog_new();
	struct err err = {0};

	if (catalog_read_bytes(catalog, data, size, "input", &err) < 0)
		assert(err.text[0] != '\0');
	look(catalog);
	catalog_free(catalog);
	read_as("debian", data, size);
	read_as("catalogue", data, size);
	read_as("urls", data, size);
	return 0;
}
