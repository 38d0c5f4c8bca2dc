/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wire model files: what is read can be written and read again; anything else is an error
 * that says where.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "catalog/catalog.h"
#include "identify/plain.h"
#include "identify/plain_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t lines;

static void
look(void *arg, const struct plain_line *line)
{
	assert(line->name[0] != '\0' && line->help[0] != '\0');
	assert(strchr(line->value, '\t') == NULL && strchr(line->value, '\n') == NULL);
	lines++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct catalog *catalog = catalog_new();
	struct plain_config config = {0};
	struct plain *plain;
	struct files files;
	struct err err = {0};

	catalog_seal(catalog);
	files_init(&files, catalog);
	plain = plain_new(&files, &config);
	lines = 0;
	if (plain_read_bytes(plain, (const char *)data, size, "fuzz", &err) == 0)
		plain_list(plain, look, NULL);
	else
		assert(err.code != 0 && strstr(err.text, "fuzz") != NULL);
	plain_free(plain);
	files_done(&files);
	catalog_free(catalog);
	return 0;
}
