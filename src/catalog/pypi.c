/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Python packages: the simple index's JSON for one project (PEP 691; sizes and times by
 * PEP 700), or /pypi/NAME/json. Both list files with their URLs; a wheel's name holds
 * version and platform (PEP 427).
 */
#include "base/err.h"
#include "catalog/builder.h"
#include "catalog/json.h"

#include <errno.h>

struct pypi {
	struct build *build;
	const char *label;
	const char *project;
	struct catalogue common;
	uint64_t number;
	struct text url, depends;
};

/* NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl, or PROJECT-VERSION.tar.gz */
static void
take_file_name(struct pypi *p, struct catalogue *row, const char *file)
{
	size_t n = strlen(file), at, end;
	const char *dash, *platform;

	if (n > 4 && strcmp(file + n - 4, ".whl") == 0) {
		n -= 4;
		if ((dash = memchr(file, '-', n)) == NULL)
			return;
		at = (size_t)(dash + 1 - file);
		end = at + strcspn(file + at, "-");
		if (!catalogue_has(row, version) && end < n)
			row_text(row, CATALOGUE_version, file + at, end - at);
		if ((platform = memrchr(file, '-', n)) != NULL)
			row_text(row, CATALOGUE_arch, platform + 1,
				 (size_t)(file + n - platform - 1));
		return;
	}
	if (catalogue_has(row, version))
		return;
	for (end = n; end > 0; end--) {
		static const char *const packs[] = {".tar.gz", ".zip", ".tar.bz2", ".egg",
						    ".exe",    ".msi",
						    ".rpm",	   ".deb"};
		for (at = 0; at < sizeof packs / sizeof *packs; at++) {
			if (strcmp(file + end, packs[at]) == 0)
				break;
		}
		if (at < sizeof packs / sizeof *packs)
			break;
	}
	dash = end > 0 ? memrchr(file, '-', end) : NULL;
	if (dash != NULL)
		row_text(row, CATALOGUE_version, dash + 1,
		    (size_t)(file + end - dash - 1));
}

static void
take_time(struct pypi *p, struct catalogue *row, const char *text,
	  const struct origin *origin)
{
	int64_t when;

	if (text == NULL)
		return;
	if (date_parse(text, strlen(text), &when))
		catalogue_set(row, released, when);
	else
		build_note(p->build, BUILD_bad_date, origin, text);
}

static int
take_file(struct pypi *p, const json_t *file, const char *version, struct err *err)
{
	struct catalogue row = p->common;
	struct origin origin = {p->label, "file", ++p->number};
	const char *name = json_text(file, "filename"), *url = json_text(file, "url");
	const json_t *size = json_object_get(file, "size");
	const char *time = json_text(file, "upload-time");

	if (name == NULL) {
		build_note(p->build, BUILD_bad_entry, &origin, NULL);
		return 0;
	}
	row_string(&row, CATALOGUE_name, p->project != NULL ? p->project : name);
	row_string(&row, CATALOGUE_version, version);
	take_file_name(p, &row, name);
	take_time(p, &row, time != NULL ? time : json_text(file, "upload_time_iso_8601"),
		  &origin);
	if (json_is_integer(size) && json_integer_value(size) >= 0) {
		catalogue_set(&row, size, (uint64_t)json_integer_value(size));
	} else if (size != NULL && !json_is_null(size)) {
		build_note(p->build, BUILD_bad_size, &origin, name);
		return 0;
	}
	if (url == NULL || strlen(url) > BUILD_PATH_MAX) {
		row_string(&row, CATALOGUE_path, name);
		return build_add(p->build, &row, NULL, &origin, err);
	}
	text_clear(&p->url);
	url_join(&p->url, is_url(p->label) ? p->label
	    : "https://pypi.org/simple/project/", url);
	return build_add(p->build, &row, p->url.data, &origin, err);
}

static int
take_files(struct pypi *p, const json_t *files, const char *version, struct err *err)
{
	size_t i;

	for (i = 0; i < json_array_size(files); i++) {
		if (take_file(p, json_array_get(files, i), version, err) != 0)
			return -1;
	}
	return 0;
}

/* info.requires_dist is of the newest version only; it is not said of others. */
static void
take_depends(struct pypi *p, const json_t *info)
{
	const json_t *list = json_object_get(info, "requires_dist");
	size_t i;

	text_clear(&p->depends);
	for (i = 0; i < json_array_size(list); i++) {
		const char *one = json_string_value(json_array_get(list, i));

		if (one != NULL && strstr(one, "extra ==") == NULL)
			depends_add(&p->depends, one, strcspn(one, " <>=!~;[("));
	}
}

static int
take_releases(struct pypi *p, json_t *root, struct err *err)
{
	const json_t *info = json_object_get(root, "info");
	const char *newest = json_text(info, "version"), *version;
	struct catalogue common = p->common;
	json_t *files;

	p->project = json_text(info, "name");
	take_depends(p, info);
	json_object_foreach(json_object_get(root, "releases"), version, files)
	{
		p->common = common;
		if (newest != NULL && strcmp(newest, version) == 0)
			row_text(&p->common, CATALOGUE_depends, p->depends.data,
				 p->depends.len);
		if (take_files(p, files, version, err) != 0)
			return -1;
	}
	return 0;
}

int
pypi_read(struct build *build, struct unpack *in, struct err *err)
{
	struct pypi p = {.build = build, .label = unpack_label(in)};
	json_t *root;
	int ret;

	if (json_read(in, &root, err) != 0)
		return -1;
	text_init(&p.url);
	text_init(&p.depends);
	row_string(&p.common, CATALOGUE_source, "pypi");
	if (json_is_array(json_object_get(root, "files"))) {
		p.project = json_text(root, "name");
		ret = take_files(&p, json_object_get(root, "files"), NULL, err);
	} else if (json_is_object(json_object_get(root, "releases"))) {
		ret = take_releases(&p, root, err);
	} else {
		ret = err_set(err, EINVAL,
			      "%s: has neither 'files' (simple index) nor 'releases' "
			      "(/pypi/NAME/json)",
			      p.label);
	}
	text_done(&p.url);
	text_done(&p.depends);
	json_decref(root);
	return ret;
}
