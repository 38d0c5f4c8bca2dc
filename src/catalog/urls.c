/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of one thing a line: URLs, with a name and a version behind tabs if they have
 * any; and a catalogue read as a list, to be measured, thinned or placed.
 */
#include "base/err.h"
#include "base/text.h"
#include "catalog/builder.h"
#include "catalog/html.h"

#include <errno.h>
#include <stdlib.h>

static void
name_by_url(struct catalogue *row, const char *url, struct text *name)
{
	const char *path = strstr(url, "://") + 3, *at;
	size_t n = strcspn(path, "?#");

	at = memrchr(path, '/', n);
	text_clear(name);
	if (at != NULL && at + 1 < path + n) {
		char *last = strndup(at + 1, (size_t)(path + n - at - 1));

		percent_decode(name, last != NULL ? last : "");
		free(last);
	} else {
		text_bytes(name, path, n);
	}
	row_text(row, CATALOGUE_name, name->data, name->len);
}

static int
take_line(struct build *build, const char *line, size_t len, struct text *url,
	  struct text *name, const struct origin *origin, struct err *err)
{
	struct catalogue row = {0};
	const char *tab, *end = line + len, *at;

	tab = memchr(line, '\t', len);
	text_clear(url);
	text_bytes(url, line, tab != NULL ? (size_t)(tab - line) : len);
	if (!is_url(url->data) || strlen(url->data) != url->len ||
	    url->len > BUILD_PATH_MAX || strpbrk(url->data, " \r\v\f") != NULL) {
		build_note(build, BUILD_bad_entry, origin, url->data);
		return 0;
	}
	row_string(&row, CATALOGUE_source, "HEAD");
	if (tab != NULL && tab + 1 < end) {
		at = memchr(tab + 1, '\t', (size_t)(end - tab - 1));
		row_text(&row, CATALOGUE_name, tab + 1,
			 (size_t)((at != NULL ? at : end) - tab - 1));
		if (at != NULL)
			row_text(&row, CATALOGUE_version, at + 1, (size_t)(end - at - 1));
	}
	if (!catalogue_has(&row, name))
		name_by_url(&row, url->data, name);
	return build_add(build, &row, url->data, origin, err);
}

int
urls_read(struct build *build, struct unpack *in, struct err *err)
{
	struct origin origin = {unpack_label(in), "line", 0};
	struct text url, name;
	const char *line;
	size_t len;
	int more, ret = 0;

	text_init(&url);
	text_init(&name);
	while (ret == 0 && (more = unpack_line(in, &line, &len, err)) != 0) {
		origin.number = unpack_line_number(in);
		if (more < 0)
			ret = -1;
		else if (len > 0 && line[0] != '#')
			ret = take_line(build, line, len, &url, &name, &origin, err);
	}
	text_done(&url);
	text_done(&name);
	return ret;
}

int
catalogue_read(struct build *build, struct unpack *in, struct err *err)
{
	struct catalog *catalog = catalog_new();
	struct origin origin = {unpack_label(in), "file", 0};
	struct catalogue row;
	size_t i;
	int ret = catalog_read_from(catalog, in, err);

	for (i = 0; ret == 0 && i < catalog_count(catalog); i++) {
		origin.number = i + 1;
		catalog_row(catalog, i, &row);
		ret = build_add(build, &row, NULL, &origin, err);
	}
	catalog_free(catalog);
	return ret;
}
