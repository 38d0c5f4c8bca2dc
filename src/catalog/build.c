/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building: the table of builders, and what becomes of a row that one of them found. Rows
 * whose size is unknown or rounded wait, with their URLs, in a catalogue of their own
 * until build_measure, if servers may be asked.
 */
#include "catalog/build.h"

#include "base/err.h"
#include "base/memory.h"
#include "catalog/builder.h"
#include "catalog/clean.h"
#include "catalog/fetch.h"
#include "catalog/intern.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const struct builder builders[] = {
    {"debian", "Packages indexes of Debian and Ubuntu, a mirror's folder with dists/, or "
	       "/var/lib/apt/lists",
     debian_read, debian_walk, 0},
    {"ubuntu", "the same", debian_read, debian_walk, 0},
    {"rpm", "repomd.xml, primary.xml, or the repository's folder", rpm_read, rpm_walk, 0},
    {"alpine", "APKINDEX.tar.gz", alpine_read, NULL, 0},
    {"arch", "a pacman database, core.db", arch_read, NULL, 0},
    {"pypi", "JSON of the simple index or of /pypi/NAME/json", pypi_read, NULL, 0},
    {"npm", "packages' metadata in JSON; it has no sizes of downloads: use --measure",
     npm_read, NULL, 0},
    {"windows", "CSV of updates, 1 MB as 1024 kB of 1024 bytes", updates_read, NULL,
     UNITS_BINARY},
    {"macos", "CSV of updates, 1 MB as 1,000,000 bytes", updates_read, NULL,
    UNITS_DECIMAL},
    {"updates", "CSV of updates; a rounded size may be of either units", updates_read,
    NULL,
     UNITS_EITHER},
    {"listing", "a web server's list of a folder: nginx or Apache HTML, nginx JSON",
     listing_read, NULL, UNITS_BINARY},
    {"urls", "a list of URLs, whose servers are asked for the sizes", urls_read, NULL, 0},
    {"files", "a folder of files", NULL, files_walk, 0},
    {"catalogue", "a catalogue, for --measure, --arch or --base", catalogue_read, NULL,
    0},
};
const size_t builder_count = sizeof builders / sizeof *builders;

const struct counter_row build_counter_rows[BUILD_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "catalog/counter.def"
#undef COUNTER
};

struct build {
	const struct build_config *config;
	const struct builder *builder;
	bool is_alone;
	struct catalog *catalog, *waiting;
	uint32_t *urls; /* of the waiting, by number */
	size_t urls_cap;
	struct intern url_texts;
	struct text base_url;  /* ends in a slash */
	struct str base_host;
	struct str base_path;  /* without the first slash */
	struct clean clean;
	struct text scratch, url;
	uint64_t counters[BUILD_COUNTERS];
	struct text notes[BUILD_COUNTERS];
};

const struct builder *
builder_find(const char *kind)
{
	size_t i;

	for (i = 0; i < builder_count; i++) {
		if (strcmp(builders[i].kind, kind) == 0)
			return &builders[i];
	}
	return NULL;
}

/* Host and path of a URL; the path is without its first slash, query and fragment. */
static void
url_split(const char *url, struct str *host, struct str *path)
{
	const char *at = strstr(url, "://"), *end;

	at = at != NULL ? at + 3 : url;
	end = at + strcspn(at, "/?#");
	*host = (struct str){at, (uint32_t)(end - at)};
	end += *end == '/';
	*path = (struct str){end, (uint32_t)strcspn(end, "#")};
}

struct build *
build_new(const struct build_config *config)
{
	struct build *b = must(calloc(1, sizeof *b));
	size_t i;

	b->config = config;
	b->catalog = catalog_new();
	b->waiting = catalog_new();
	intern_init(&b->url_texts);
	text_init(&b->base_url);
	text_init(&b->scratch);
	text_init(&b->url);
	clean_init(&b->clean);
	for (i = 0; i < BUILD_COUNTERS; i++)
		text_init(&b->notes[i]);
	if (config->base != NULL) {
		text_str(&b->base_url, config->base);
		if (b->base_url.len == 0 || b->base_url.data[b->base_url.len - 1] != '/')
			text_char(&b->base_url, '/');
		url_split(b->base_url.data, &b->base_host, &b->base_path);
	}
	return b;
}

void
build_free(struct build *b)
{
	size_t i;

	if (b == NULL)
		return;
	catalog_free(b->catalog);
	catalog_free(b->waiting);
	intern_done(&b->url_texts);
	free(b->urls);
	text_done(&b->base_url);
	text_done(&b->scratch);
	text_done(&b->url);
	clean_done(&b->clean);
	for (i = 0; i < BUILD_COUNTERS; i++)
		text_done(&b->notes[i]);
	free(b);
}

void
build_note(struct build *b, enum build_counter event, const struct origin *origin,
	   const char *what)
{
	struct text *note = &b->notes[event];

	if (b->counters[event]++ != 0 || origin == NULL)
		return;
	text_printf(note, "%s: %s %llu", origin->label, origin->unit,
		    (unsigned long long)origin->number);
	if (what != NULL) {
		text_str(note, ": ");
		text_json(note, what, strnlen(what, 120));
	}
}

void
build_notes(const struct build *b, struct text *out)
{
	size_t i;

	for (i = 0; i < BUILD_COUNTERS; i++) {
		if (b->notes[i].len > 0)
			text_printf(out, "  %-12s first at %s\n",
			    build_counter_rows[i].id, b->notes[i].data);
	}
}

bool
build_wants_arch(struct build *b, const char *arch, size_t n)
{
	static const char *const for_all[] = {"", "all", "any", "noarch"};
	size_t i;

	for (i = 0; i < sizeof for_all / sizeof *for_all; i++) {
		if (strlen(for_all[i]) == n && memcmp(for_all[i], arch, n) == 0)
			return true;
	}
	for (i = 0; i < b->config->arch_count; i++) {
		if (strlen(b->config->archs[i]) == n &&
		    memcmp(b->config->archs[i], arch, n) == 0)
			return true;
	}
	return b->config->arch_count == 0;
}

/* Host, path and length of the path, of the URL or of the base. */
static void
place_row(struct build *b, struct catalogue *row, const char *url)
{
	struct str host, path;

	if (url != NULL) {
		url_split(url, &host, &path);
		row_text(row, CATALOGUE_host, host.data, host.len);
		row_text(row, CATALOGUE_path, path.data, path.len);
		catalogue_set(row, path_len, path.len);
		return;
	}
	if (b->base_url.len == 0 || catalogue_has(row, host) || !catalogue_has(row, path))
		return;
	if (!catalogue_has(row, path_len))
		catalogue_set(row, path_len,
			      (uint32_t)encoded_path_length(row->path.data,
			      row->path.len));
	row->path_len += b->base_path.len;
	text_clear(&b->scratch);
	text_bytes(&b->scratch, b->base_path.data, b->base_path.len);
	text_bytes(&b->scratch, row->path.data, row->path.len);
	row_text(row, CATALOGUE_path, b->scratch.data, b->scratch.len);
	row_text(row, CATALOGUE_host, b->base_host.data, b->base_host.len);
}

/* The row's URL, if it can be told. */
static const char *
row_url(struct build *b, const struct catalogue *row, const char *url)
{
	size_t i;

	if (url != NULL)
		return is_url(url) ? url : NULL;
	if (!catalogue_has(row, host) || !catalogue_has(row, path))
		return NULL;
	text_clear(&b->url);
	text_printf(&b->url, "%s://%.*s/",
		    b->base_url.len > 8 && strncmp(b->base_url.data, "http:", 5) == 0
			? "http"
			: "https",
		    (int)row->host.len, row->host.data);
	for (i = 0; i < row->path.len; i++) {
		unsigned char ch = (unsigned char)row->path.data[i];

		/* A path with a length of its own is as it was in a URL. */
		if (ch <= ' ' || ch >= 0x7f || ch == '#' || ch == '?')
			text_printf(&b->url, "%%%02X", ch);
		else
			text_char(&b->url, (char)ch);
	}
	return b->url.data;
}

static int
add_waiting(struct build *b, struct catalogue *row, const char *url, struct err *err)
{
	size_t at = catalog_count(b->waiting);

	if (!catalogue_has(row, size))
		catalogue_set(row, size, 0);
	if (catalog_add(b->waiting, row, err) != 0)
		return -1;
	if (at == b->urls_cap) {
		b->urls_cap = b->urls_cap ? 2 * b->urls_cap : 1024;
		b->urls = must(realloc(b->urls, b->urls_cap * sizeof *b->urls));
	}
	b->urls[at] = intern_add(&b->url_texts, url, strlen(url));
	return 0;
}

int
build_add(struct build *b, struct catalogue *row, const char *url,
	  const struct origin *origin, struct err *err)
{
	bool is_exact = catalogue_has(row, size) &&
			!(catalogue_has(row, slack) && row->slack > 0);

	b->counters[BUILD_listed]++;
	if (!catalogue_has(row, name)) {
		build_note(b, BUILD_no_name, origin, url);
		return 0;
	}
	if (!catalogue_has(row, suite))
		row_string(row, CATALOGUE_suite, b->config->suite);
	if (catalogue_has(row, arch) && !build_wants_arch(b, row->arch.data,
	    row->arch.len)) {
		b->counters[BUILD_other_arch]++;
		return 0;
	}
	place_row(b, row, url);
	if (catalogue_has(row, size) && row->size > (uint64_t)INT64_MAX) {
		build_note(b, BUILD_bad_size, origin, NULL);
		return 0;
	}
	if (!clean_row(&b->clean, b, row, origin))
		return 0;
	if (is_exact) {
		b->counters[BUILD_kept]++;
		return catalog_add(b->catalog, row, err);
	}
	if (b->config->wants_sizes) {
		if ((url = row_url(b, row, url)) != NULL)
			return add_waiting(b, row, url, err);
		build_note(b, BUILD_no_url, origin, clean_name(&b->clean));
		return 0;
	}
	build_note(b, catalogue_has(row, size) ? BUILD_inexact : BUILD_no_size, origin,
		   clean_name(&b->clean));
	return catalogue_has(row, size) ? catalog_add(b->catalog, row, err) : 0;
}

const struct build_config *
build_config_of(const struct build *b)
{
	return b->config;
}

enum units
build_units(const struct build *b)
{
	return b->config->units != UNITS_EITHER ? b->config->units : b->builder->units;
}

bool
build_follows(const struct build *b)
{
	return !b->is_alone;
}

struct catalog *
build_catalog(struct build *b)
{
	return b->catalog;
}

const uint64_t *
build_counters(const struct build *b)
{
	return b->counters;
}

int
build_open(struct build *b, const char *input, struct unpack **out, struct err *err)
{
	int fd;

	if (strcmp(input, "-") == 0) {
		if ((fd = dup(STDIN_FILENO)) < 0)
			return err_set(err, errno, "standard input: %s", strerror(errno));
		return unpack_fd(fd, "standard input", CATALOG_BYTES_MAX, out, err);
	}
	if (!is_url(input))
		return unpack_open(input, CATALOG_BYTES_MAX, out, err);
	if ((fd = fetch_get(&b->config->fetch, input, CATALOG_BYTES_MAX, err)) < 0)
		return -1;
	return unpack_fd(fd, input, CATALOG_BYTES_MAX, out, err);
}

/* What one document had; if it had nothing but faults, the first of them is the error. */
static int
read_document(struct build *b, struct unpack *in, struct err *err)
{
	static const enum build_counter faults[] = {BUILD_bad_size, BUILD_no_name,
						    BUILD_bad_entry, BUILD_too_long};
	uint64_t before[BUILD_COUNTERS];
	size_t count = catalog_count(b->catalog) + catalog_count(b->waiting), i;
	int ret;

	memcpy(before, b->counters, sizeof before);
	b->counters[BUILD_inputs]++;
	ret = b->builder->read(b, in, err);
	if (ret != 0 || catalog_count(b->catalog) + catalog_count(b->waiting) != count)
		return ret;
	for (i = 0; i < sizeof faults / sizeof *faults; i++) {
		if (before[faults[i]] == 0 && b->counters[faults[i]] != 0)
			return err_set(err, EINVAL, "%s: no file could be taken: %s",
				       b->notes[faults[i]].data,
				       build_counter_rows[faults[i]].help);
	}
	return 0;
}

int
build_input(struct build *b, const struct builder *builder, const char *input,
	    struct err *err)
{
	struct unpack *in;
	struct stat st;
	int ret;

	b->builder = builder;
	if (!is_url(input) && stat(input, &st) == 0 && S_ISDIR(st.st_mode)) {
		if (builder->walk == NULL)
			return err_set(err, EISDIR, "%s: is a folder; %s takes %s", input,
				       builder->kind, builder->reads);
		return builder->walk(b, input, err);
	}
	if (builder->read == NULL)
		return err_set(err, ENOTDIR, "%s: is no folder; %s takes %s", input,
			       builder->kind, builder->reads);
	if (build_open(b, input, &in, err) != 0)
		return -1;
	ret = read_document(b, in, err);
	unpack_close(in);
	return ret;
}

int
build_bytes(struct build *b, const struct builder *builder, const void *bytes, size_t n,
	    const char *label, struct err *err)
{
	struct unpack *in = unpack_over(bytes, n, (uint64_t)64 << 20, label);
	int ret;

	b->builder = builder;
	b->is_alone = true;
	ret = read_document(b, in, err);
	unpack_close(in);
	return ret;
}

/* ---- sizes from servers ---- */

struct measure {
	struct build *build;
	const char **urls;
};

static int
take_answer(void *arg, size_t i, const struct answer *answer, struct err *err)
{
	struct build *b = ((struct measure *)arg)->build;
	struct origin origin = {((struct measure *)arg)->urls[i], "status",
				answer->status};
	struct catalogue row;

	b->counters[BUILD_retried] += answer->retries;
	b->counters[BUILD_redirected] += answer->redirects > 0;
	b->counters[answer->is_resumed ? BUILD_resumed : BUILD_measured]++;
	if (answer->verdict != ANSWER_GOOD) {
		build_note(b, answer->verdict == ANSWER_NO_LENGTH ? BUILD_no_length
		    : BUILD_failed, &origin, answer->why);
		return 0;
	}
	catalog_row(b->waiting, i, &row);
	row.present[CATALOGUE_slack / 64] &= ~((uint64_t)1 << CATALOGUE_slack % 64);
	catalogue_set(&row, size, answer->size);
	if (answer->released_us != INT64_MIN && !catalogue_has(&row, released))
		catalogue_set(&row, released, answer->released_us);
	row_string(&row, CATALOGUE_content_type, answer->content_type);
	row_string(&row, CATALOGUE_encoding, answer->encoding);
	row_string(&row, CATALOGUE_etag, answer->etag);
	catalogue_set(&row, date, answer->date_us);
	if (!clean_row(&b->clean, b, &row, &origin))
		return 0;
	b->counters[BUILD_kept]++;
	return catalog_add(b->catalog, &row, err);
}

int
build_measure(struct build *b, struct err *err)
{
	size_t n = catalog_count(b->waiting), i, asked = 0;
	struct measure measure = {.build = b};
	int ret;

	if (n == 0)
		return 0;
	measure.urls = must(malloc(n * sizeof *measure.urls));
	for (i = 0; i < n; i++)
		measure.urls[i] = intern_text(&b->url_texts, b->urls[i]);
	ret = fetch_sizes(&b->config->fetch, measure.urls, n, take_answer, &measure,
	    &asked, err);
	b->counters[BUILD_unasked] += n - asked;
	free(measure.urls);
	return ret;
}
