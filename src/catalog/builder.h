/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_BUILDER_H
#define CATALOG_BUILDER_H

#include "base/text.h"
#include "catalog/build.h"
#include "catalog/catalog.h"
#include "catalog/unpack.h"
#include "model/catalogue.h"

#include <string.h>

/* For the builders. Where an entry stands: "FILE: line 3", told only if it is needed. */
struct origin {
	const char *label;
	const char *unit; /* "line", "offset", "entry" */
	uint64_t number;
};

enum {
	BUILD_TEXT_MAX = 1024,
	BUILD_PATH_MAX = 8192,
	BUILD_DEPENDS_MAX = 65536,
	BUILD_DOCUMENT_MAX = 128 << 20, /* of one that must be in memory whole */
};

/*
 * Takes a row that a list has. url is where its file is, or NULL: below the base. The
 * row goes into the catalogue, or to those to be measured, or is left out and counted. -1
 * only if the catalogue is full. The row's texts are copied.
 */
int build_add(struct build *build, struct catalogue *row, const char *url,
	      const struct origin *origin, struct err *err);
/* Counts an event and notes the first of its sort; what says which, and may be NULL. */
void build_note(struct build *build, enum build_counter event,
    const struct origin *origin, const char *what);
const struct build_config *build_config_of(const struct build *build);
enum units build_units(const struct build *build);
/* True if rows of the architecture are wanted; counts those that are not. */
bool build_wants_arch(struct build *build, const char *arch, size_t n);
/* Reads another document of the same builder, or a folder, by file name or URL. */
int build_open(struct build *build, const char *input, struct unpack **out,
	       struct err *err);
/* False where a document in memory is all there is. */
bool build_follows(const struct build *build);
bool is_url(const char *input);
/* A URL joined to a base URL by RFC 3986, 5.2, for the cases that lists have. */
void url_join(struct text *out, const char *base, const char *url);

/* Sets a text member unless it is empty. */
static inline void
row_text(struct catalogue *row, enum catalogue_field field, const char *s, size_t n)
{
	struct str text = {s, (uint32_t)(n < UINT32_MAX ? n : UINT32_MAX)};

	if (n == 0)
		return;
	memcpy((char *)row + catalogue_schema.fields[field].offset, &text, sizeof text);
	row_mark(row->present, field);
}

static inline void
row_string(struct catalogue *row, enum catalogue_field field, const char *s)
{
	if (s != NULL)
		row_text(row, field, s, strlen(s));
}

/* The file's name without folders and without what packing and .tsv, .json add. */
struct str base_name(const char *path);
/* "315.2 MB", "1.2M", "12345", "12,345 bytes": bytes, and by how many they may be off. */
bool size_parse(const char *s, size_t n, enum units units, uint64_t *size,
    uint64_t *slack);
/* A date in one of the looks that lists have; false if it is none. */
bool date_parse(const char *s, size_t n, int64_t *out_us);
/* Adds a name to a list of them, with a blank between. */
void depends_add(struct text *depends, const char *name, size_t n);

#define BUILDER_FUNCTIONS(kind)                                                          \
	int kind##_read(struct build *build, struct unpack *in, struct err *err)
BUILDER_FUNCTIONS(debian);
BUILDER_FUNCTIONS(rpm);
BUILDER_FUNCTIONS(alpine);
BUILDER_FUNCTIONS(arch);
BUILDER_FUNCTIONS(pypi);
BUILDER_FUNCTIONS(npm);
BUILDER_FUNCTIONS(updates);
BUILDER_FUNCTIONS(listing);
BUILDER_FUNCTIONS(urls);
BUILDER_FUNCTIONS(catalogue);
int debian_walk(struct build *build, const char *folder, struct err *err);
int rpm_walk(struct build *build, const char *folder, struct err *err);
int files_walk(struct build *build, const char *folder, struct err *err);

#endif
