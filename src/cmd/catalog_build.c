/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir catalog build: lists of archives and servers to one catalogue. What was left out
 * is counted and shown beside what was kept.
 */
#include "cmd/catalog.h"

#include "catalog/build.h"
#include "catalog/catalog.h"
#include "model/catalogue.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile int is_stopped;

static void
on_signal(int signal)
{
	is_stopped = 1;
}

static void
show_progress(uint64_t done, uint64_t total)
{
	progress_show("measuring", done, total);
}

static int
parse_units(const char *text, enum units *out, struct err *err)
{
	*out = UNITS_EITHER;
	if (text == NULL)
		return 0;
	if (strcmp(text, "binary") == 0)
		*out = UNITS_BINARY;
	else if (strcmp(text, "decimal") == 0)
		*out = UNITS_DECIMAL;
	else
		return err_set(err, EINVAL, "--units takes binary or decimal, not '%s'",
		    text);
	return 0;
}

static int
make_config(const struct catalog_values *v, const struct text *partial,
    struct build_config *out, struct err *err)
{
	*out = (struct build_config){
		.base = v->base,
		.suite = v->suite,
		.archs = v->archs.items,
		.arch_count = v->archs.count,
		.wants_sizes = v->wants_sizes,
		.wants_indexes = v->wants_indexes,
		.depth = v->depth,
		.fetch = {.parallel = v->parallel, .rate = v->rate, .retries = v->retries,
		    .timeout_us = v->timeout_us, .encoding = v->encoding,
		    .partial = partial->len > 0 ? partial->data : NULL,
		    .progress = show_progress, .is_stopped = &is_stopped},
	};
	if (v->base != NULL && strncmp(v->base, "http://", 7) != 0 &&
	    strncmp(v->base, "https://", 8) != 0)
		return err_set(err, EINVAL,
		    "--base takes a URL that begins with http:// or "
		    "https://, not '%s'", v->base);
	return parse_units(v->units, &out->units, err);
}

static int
kind_needed(struct err *err)
{
	struct text kinds;
	size_t i;

	text_init(&kinds);
	for (i = 0; i < builder_count; i++)
		text_printf(&kinds, "%s%s", i > 0 ? ", " : "", builders[i].kind);
	err_set(err, EINVAL,
	    "build KIND INPUT... -w CATALOG; KIND is one of %s; --help says "
	    "what each reads", kinds.data);
	text_done(&kinds);
	return EXIT_USAGE;
}

/* One contradiction on standard error; all are counted. */
struct conflicts {
	const struct catalog *catalog;
	size_t count;
};

static void
show_conflict(void *arg, size_t a, size_t b)
{
	enum { SHOWN_MAX = 10 };
	struct conflicts *c = arg;
	const struct catalog_file *files = catalog_files(c->catalog);

	if (c->count++ >= SHOWN_MAX)
		return;
	complain(
	    "contradiction: %.80s %.40s %.20s has %llu bytes by %.80s and %llu by %.80s",
	    catalog_text(c->catalog, files[a].name),
	    catalog_text(c->catalog, files[a].version),
	    catalog_text(c->catalog, files[a].arch), (unsigned long long)files[a].size,
	    catalog_text(c->catalog, files[a].source), (unsigned long long)files[b].size,
	    catalog_text(c->catalog, files[b].source));
}

/* Seals, writes and says what was written; counters and notes behind it, if any. */
static int
write_catalogue(struct catalog *catalog, const char *path, const struct text *more,
    struct err *err)
{
	FILE *to = strcmp(path, "-") == 0 ? stderr : stdout;
	struct conflicts conflicts = {.catalog = catalog};
	size_t doubles = catalog_seal(catalog);

	catalog_conflicts(catalog, show_conflict, &conflicts);
	if (catalog_write(catalog, path, err) != 0)
		return EXIT_TROUBLE;
	progress_show("", 0, 0);
	if (to == stdout)
		fprintf(to, "%zu files written to %s, version %s\n",
		    catalog_count(catalog), path, catalog_version(catalog));
	if (doubles > 0)
		fprintf(to, "  %zu were listed twice and kept once\n", doubles);
	if (conflicts.count > 0)
		fprintf(to,
		    "  %zu contradict another of the same name, version and path; all "
		    "were kept\n", conflicts.count);
	fputs(more->data, to);
	return EXIT_GOOD;
}

static int
read_inputs(struct build *build, const struct builder *builder, const char **operands,
    int count, struct err *err)
{
	int i;

	for (i = 0; i < count; i++) {
		progress_show("reading", (uint64_t)i, (uint64_t)count);
		if (build_input(build, builder, operands[i], err) != 0)
			return -1;
	}
	return build_measure(build, err);
}

int
verb_build(const struct catalog_values *v, const char **operands, int count,
    struct err *err)
{
	const struct builder *builder = count > 0 ? builder_find(operands[0]) : NULL;
	struct sigaction stop = {.sa_handler = on_signal};
	struct build_config config;
	struct build *build = NULL;
	struct text partial, said;
	int status = EXIT_TROUBLE;

	if (builder == NULL || count < 2)
		return kind_needed(err);
	if (need_option(v->output, "-w CATALOG", err) != 0)
		return EXIT_USAGE;
	text_init(&partial);
	text_init(&said);
	if (strcmp(v->output, "-") != 0)
		text_printf(&partial, "%s.partial", v->output);
	if (make_config(v, &partial, &config, err) != 0) {
		status = EXIT_USAGE;
		goto done;
	}
	config.wants_sizes |= strcmp(builder->kind, "urls") == 0;
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	build = build_new(&config);
	if (read_inputs(build, builder, operands + 1, count - 1, err) != 0)
		goto done;
	counters_print(&said, build_counter_rows, build_counters(build), BUILD_COUNTERS);
	build_notes(build, &said);
	if (is_stopped) {
		progress_show("", 0, 0);
		fputs(said.data, stderr);
		err_set(err, EINTR,
		    "broken off; the answers so far are in %s: the same command "
		    "goes on from there", partial.len > 0 ? partial.data : "nothing");
		goto done;
	}
	status = write_catalogue(build_catalog(build), v->output, &said, err);
	if (status == EXIT_GOOD && partial.len > 0 && config.wants_sizes)
		unlink(partial.data);
done:
	progress_show("", 0, 0);
	build_free(build);
	text_done(&partial);
	text_done(&said);
	return status;
}

int
verb_merge(const struct catalog_values *v, const char **operands, int count,
    struct err *err)
{
	struct catalog *catalog;
	struct text nothing;
	int status = EXIT_TROUBLE, i;

	if (count < 1) {
		err_set(err, EINVAL, "merge CATALOG... -w CATALOG needs catalogues");
		return EXIT_USAGE;
	}
	if (need_option(v->output, "-w CATALOG", err) != 0)
		return EXIT_USAGE;
	catalog = catalog_new();
	text_init(&nothing);
	for (i = 0; i < count; i++) {
		progress_show("reading", (uint64_t)i, (uint64_t)count);
		if (catalog_read(catalog, operands[i], err) != 0)
			goto done;
	}
	say_left_out(catalog);
	status = write_catalogue(catalog, v->output, &nothing, err);
done:
	text_done(&nothing);
	catalog_free(catalog);
	return status;
}
