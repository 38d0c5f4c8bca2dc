/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir catalog: lists of files with their sizes. One operand says what to do, the next what
 * to do it with.
 */
#include "catalog/catalog.h"

#include "cmd/common.h"
#include "model/batch.h"
#include "model/catalogue.h"
#include "model/sink.h"
#include "report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct values {
	const char *output, *format, *fields;
};

static const struct option_row options[] = {
	OPTION_OUTPUT_ROW(struct values),
	OPTION_FORMAT_ROW(struct values, "table, tsv, csv or ndjson (show)"),
	{"fields", 'f', OPTION_TEXT, offsetof(struct values, fields), "LIST", NULL, 0, 0,
	    "columns that show prints"},
};

static int
build(const struct values *v, const char **operands, int count, struct err *err)
{
	struct catalog *catalog;
	int status = EXIT_TROUBLE, i;

	if (count < 2 || strcmp(operands[0], "debian") != 0) {
		err_set(err, EINVAL, "build debian FILE... -w CATALOG: FILE is a Packages index, "
		    "plain or compressed (gz, xz, lz4)");
		return EXIT_USAGE;
	}
	if (need_option(v->output, "-w CATALOG", err) != 0)
		return EXIT_USAGE;
	catalog = catalog_new();
	for (i = 1; i < count; i++) {
		progress_show("reading", (uint64_t)i, (uint64_t)count);
		if (catalog_add_debian(catalog, operands[i], err) != 0)
			goto done;
	}
	catalog_seal(catalog);
	if (catalog_write(catalog, v->output, err) != 0)
		goto done;
	progress_show("", 0, 0);
	if (strcmp(v->output, "-") != 0)
		printf("%zu files written to %s, version %s\n", catalog_count(catalog), v->output,
		    catalog_version(catalog));
	status = EXIT_GOOD;
done:
	catalog_free(catalog);
	return status;
}

static int
show_rows(const struct catalog *catalog, struct sink *sink, struct err *err)
{
	struct batch *batch = batch_new(&catalogue_schema, BATCH_ROWS);
	struct catalogue row;
	int status = 0;
	size_t i;

	for (i = 0; i < catalog_count(catalog) && status == 0; i++) {
		catalog_row(catalog, i, &row);
		batch_append(batch, &row);
		if (batch_is_full(batch) || i + 1 == catalog_count(catalog)) {
			status = sink_push(sink, batch, err);
			batch_clear(batch);
		}
	}
	batch_free(batch);
	return status;
}

static int
show(const struct values *v, const char **operands, int count, struct err *err)
{
	struct catalog *catalog;
	struct sink *sink = NULL;
	int status = EXIT_TROUBLE, i;

	if (count < 1) {
		err_set(err, EINVAL, "show needs a CATALOG");
		return EXIT_USAGE;
	}
	catalog = catalog_new();
	for (i = 0; i < count; i++) {
		if (catalog_read(catalog, operands[i], err) != 0)
			goto done;
	}
	catalog_seal(catalog);
	if (output_open(&catalogue_schema, v->format, v->output, v->fields, &sink, err) != 0)
		goto done;
	status = show_rows(catalog, sink, err) == 0 ? EXIT_GOOD : EXIT_TROUBLE;
	if (sink_close(sink, err) != 0)
		status = EXIT_TROUBLE;
	if (err->code == EPIPE)
		err_clear(err);
done:
	catalog_free(catalog);
	return status;
}

static int
run(void *values, const char **operands, int count, struct err *err)
{
	static const struct {
		const char *verb;
		int (*run)(const struct values *, const char **, int, struct err *);
	} verbs[] = {{"build", build}, {"show", show}};
	size_t i;

	for (i = 0; i < sizeof verbs / sizeof *verbs && count > 0; i++) {
		if (strcmp(operands[0], verbs[i].verb) == 0)
			return verbs[i].run(values, operands + 1, count - 1, err);
	}
	err_set(err, EINVAL, "needs a verb: build or show; --help shows how");
	return EXIT_USAGE;
}

const struct command command_catalog = {
	.name = "catalog",
	.summary = "Builds and shows catalogues: lists of files with their sizes",
	.operands = "build debian FILE... | show CATALOG...",
	.about = "A catalogue is a TSV file with the columns name, version, arch, suite, size, "
	    "path, encoding, source and date. All but name and size may be empty, columns may "
	    "be missing and stand in any order; lines that begin with # are comments. It may be "
	    "compressed (gz, xz, lz4, zst).\n\n"
	    "build debian reads Packages indexes of Debian-like archives, plain or compressed, "
	    "such as those that apt keeps in /var/lib/apt/lists, and writes one catalogue. The "
	    "suite is told by the file's name.\n\n"
	    "show prints catalogues by size.",
	.examples = "weir catalog build debian /var/lib/apt/lists/*_Packages.lz4 -w debian.tsv\n"
	    "weir catalog show debian.tsv -o csv",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.values_size = sizeof(struct values),
	.run = run,
};
