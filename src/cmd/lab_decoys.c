/* SPDX-License-Identifier: BSD-2-Clause */
/* Adds decoys to the catalogues of a lab's data set. */
#include "cmd/lab_data.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "cmd/lab_step.h"
#include "model/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct decoy {
	uint64_t order, size;
	size_t number;
};

static int
compare_decoys(const void *pa, const void *pb)
{
	const struct decoy *a = pa, *b = pb;

	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

/* The files of a catalogue in an order that looks random and is always the same. */
static struct decoy *
shuffle(const struct catalog *catalog)
{
	const struct catalog_file *files = catalog_files(catalog);
	size_t n = catalog_count(catalog), i;
	struct decoy *list = must(calloc(n + 1, sizeof *list));

	for (i = 0; i < n; i++) {
		const char *name = catalog_text(catalog, files[i].name);
		const char *version = catalog_text(catalog, files[i].version);
		const char *arch = catalog_text(catalog, files[i].arch);

		list[i].order = hash64(name, strlen(name), 1) ^
				hash64(version, strlen(version), 2) ^
				hash64(arch, strlen(arch), 3);
		list[i].size = files[i].size;
		list[i].number = i;
	}
	qsort(list, n, sizeof *list, compare_decoys);
	return list;
}

/* A catalogue of the scenario's files and the first decoys, names in all. */
static int
write_extended(struct lab_data *data, struct lab_data_scenario *s, size_t place,
	       const struct decoy *decoys, size_t n, uint64_t names, struct err *err)
{
	const char *path = lab_data_path(data, "%s/catalogue-%llu.tsv", s->results,
					 (unsigned long long)names);
	const char *made = lab_data_path(data, "%s.new", path);
	struct catalog *catalog = catalog_new();
	char name[64];
	int status = catalog_read(catalog, s->catalogue, err);
	size_t i;

	for (i = 0; status == 0 && i < n && catalog_count(catalog) < names; i++) {
		struct catalogue row = {0};

		snprintf(name, sizeof name, "decoy-%zu", decoys[i].number);
		catalogue_set(&row, name, ((struct str){name, (uint32_t)strlen(name)}));
		catalogue_set(&row, size, decoys[i].size);
		status = catalog_add(catalog, &row, err);
	}
	if (status == 0) {
		catalog_seal(catalog);
		s->extended_names[place] = catalog_count(catalog);
		s->extended[place] = path;
		status = catalog_write(catalog, made, err);
	}
	if (status == 0)
		status = lab_file_replace(made, path, err);
	catalog_free(catalog);
	return status;
}

static int
extend_scenario(struct lab_data *data, struct lab_data_scenario *s, const char *source,
		const struct decoy *decoys, size_t n, const uint64_t *names, size_t sizes,
		struct err *err)
{
	size_t place = 0, i;

	for (i = 0; i < sizes && place + 1 < LAB_DATA_EXTENDED && s->files > 0; i++) {
		/* Nothing to add, or nothing more than the size before had. */
		if (names[i] <= s->files ||
		    (place > 0 && s->extended_names[place - 1] >= s->files + n))
			continue;
		if (write_extended(data, s, place, decoys, n, names[i], err) != 0)
			return err_prefix(err, "%s: ", source);
		place++;
	}
	return 0;
}

/* Scenarios with the same files have the same larger catalogues: the first one's. */
static bool
share_extended(struct lab_data *data, size_t at, struct text *catalogues)
{
	struct lab_data_scenario *s = &data->scenarios[at];
	size_t i;

	if (s->files == 0 || lab_file_read(s->catalogue, &catalogues[at]) != 0)
		return false; /* who reads it next says why */
	for (i = 0; i < at; i++) {
		const struct lab_data_scenario *other = &data->scenarios[i];

		if (other->extended[0] == NULL ||
		    catalogues[i].len != catalogues[at].len ||
		    memcmp(catalogues[i].data, catalogues[at].data,
			catalogues[at].len) != 0)
			continue;
		memcpy(s->extended, other->extended, sizeof s->extended);
		memcpy(s->extended_names, other->extended_names,
		    sizeof s->extended_names);
		return true;
	}
	return false;
}

int
lab_data_extend(struct lab_data *data, const char *source, const uint64_t *names,
		size_t n, struct err *err)
{
	struct text *catalogues = must(calloc(data->count + 1, sizeof *catalogues));
	struct catalog *catalog = catalog_new();
	struct decoy *decoys = NULL;
	int status = -1;
	size_t i;

	for (i = 0; i < data->count; i++)
		text_init(&catalogues[i]);
	if (catalog_read(catalog, source, err) != 0)
		goto done;
	catalog_keep_exact(catalog);
	catalog_seal(catalog);
	decoys = shuffle(catalog);
	status = 0;
	for (i = 0; i < data->count && status == 0; i++)
		if (!share_extended(data, i, catalogues))
			status = extend_scenario(data, &data->scenarios[i], source,
			    decoys, catalog_count(catalog), names, n, err);
done:
	for (i = 0; i < data->count; i++)
		text_done(&catalogues[i]);
	free(catalogues);
	free(decoys);
	catalog_free(catalog);
	return status;
}
