/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RPM repositories: repomd.xml says where primary.xml is, which lists the packages. The
 * two are told apart by their root element.
 */
#include "base/err.h"
#include "base/text.h"
#include "catalog/builder.h"
#include "catalog/xml.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum root { ROOT_NONE, ROOT_REPOMD, ROOT_METADATA };

struct rpm {
	struct build *build;
	const char *label;
	enum root root;
	/* repomd.xml */
	bool is_primary;
	struct text primary;
	uint64_t primary_size;
	/* the package at hand */
	bool is_package, in_requires;
	uint64_t line, size;
	bool has_size;
	struct text name, arch, version, path, base, depends;
	int64_t released;
	struct catalogue common;
};

static void
set(struct text *to, const char *s)
{
	text_clear(to);
	if (s != NULL)
		text_str(to, s);
}

static void
begin_package(struct rpm *r, uint64_t line)
{
	struct text *all[] = {&r->name, &r->arch,    &r->version,
			      &r->path, &r->base, &r->depends};
	size_t i;

	for (i = 0; i < sizeof all / sizeof *all; i++)
		text_clear(all[i]);
	r->is_package = true;
	r->has_size = r->in_requires = false;
	r->released = INT64_MIN;
	r->line = line;
}

static void
take_version(struct rpm *r, const char **attributes)
{
	const char *epoch = xml_attribute(attributes, "epoch");
	const char *ver = xml_attribute(attributes, "ver");
	const char *rel = xml_attribute(attributes, "rel");

	text_clear(&r->version);
	if (epoch != NULL && strcmp(epoch, "0") != 0 && *epoch != '\0')
		text_printf(&r->version, "%s:", epoch);
	text_str(&r->version, ver != NULL ? ver : "");
	if (rel != NULL)
		text_printf(&r->version, "-%s", rel);
}

static void
take_require(struct rpm *r, const char **attributes)
{
	const char *name = xml_attribute(attributes, "name");

	if (name == NULL || strncmp(name, "rpmlib(", 7) == 0 ||
	    r->depends.len + strlen(name) > BUILD_DEPENDS_MAX)
		return;
	depends_add(&r->depends, name, strcspn(name, " "));
}

static int
open_in_package(struct rpm *r, const char *name, const char **attributes)
{
	const char *value;
	uint64_t seconds;

	if (strcmp(name, "version") == 0) {
		take_version(r, attributes);
	} else if (strcmp(name, "size") == 0) {
		value = xml_attribute(attributes, "package");
		r->has_size = value != NULL && parse_u64(value, strlen(value), &r->size);
	} else if (strcmp(name, "time") == 0) {
		value = xml_attribute(attributes, "build");
		if (value != NULL && parse_u64(value, strlen(value), &seconds) &&
		    seconds < 100000000000)
			r->released = (int64_t)seconds * 1000000;
	} else if (strcmp(name, "location") == 0) {
		set(&r->path, xml_attribute(attributes, "href"));
		set(&r->base, xml_attribute(attributes, "base"));
	} else if (strcmp(name, "requires") == 0) {
		r->in_requires = true;
	} else if (r->in_requires && strcmp(name, "entry") == 0) {
		take_require(r, attributes);
	}
	return 0;
}

static int
on_open(void *arg, const char *name, const char **attributes, uint64_t line,
	struct err *err)
{
	struct rpm *r = arg;
	const char *value;

	if (r->root == ROOT_NONE) {
		r->root = strcmp(name, "repomd") == 0	 ? ROOT_REPOMD
			  : strcmp(name, "metadata") == 0 ? ROOT_METADATA
							  : ROOT_NONE;
		if (r->root == ROOT_NONE)
			return err_set(err, EINVAL,
				       "%s: line %llu: begins with <%.40s>; a "
				       "repository's lists begin with <repomd> or "
				       "<metadata>",
				       r->label, (unsigned long long)line, name);
		return 0;
	}
	if (r->root == ROOT_METADATA) {
		if (strcmp(name, "package") == 0)
			begin_package(r, line);
		else if (r->is_package)
			return open_in_package(r, name, attributes);
		return 0;
	}
	if (strcmp(name, "data") == 0) {
		value = xml_attribute(attributes, "type");
		r->is_primary = value != NULL && strcmp(value, "primary") == 0;
	} else if (r->is_primary && strcmp(name, "location") == 0) {
		set(&r->primary, xml_attribute(attributes, "href"));
	}
	return 0;
}

static int
end_package(struct rpm *r, struct err *err)
{
	struct origin origin = {r->label, "line", r->line};
	struct catalogue row = r->common;
	struct text url;
	int ret;

	r->is_package = false;
	if (!r->has_size) {
		build_note(r->build, BUILD_bad_size, &origin, r->name.data);
		return 0;
	}
	catalogue_set(&row, size, r->size);
	row_text(&row, CATALOGUE_name, r->name.data, r->name.len);
	row_text(&row, CATALOGUE_arch, r->arch.data, r->arch.len);
	row_text(&row, CATALOGUE_version, r->version.data, r->version.len);
	row_text(&row, CATALOGUE_path, r->path.data, r->path.len);
	row_text(&row, CATALOGUE_depends, r->depends.data, r->depends.len);
	if (r->released != INT64_MIN)
		catalogue_set(&row, released, r->released);
	if (r->base.len == 0 || !is_url(r->base.data))
		return build_add(r->build, &row, NULL, &origin, err);
	text_init(&url);
	text_printf(&url, "%s%s%s", r->base.data,
		    r->base.data[r->base.len - 1] == '/' ? "" : "/", r->path.data);
	ret = build_add(r->build, &row, url.data, &origin, err);
	text_done(&url);
	return ret;
}

static int
on_close(void *arg, const char *name, const struct text *text, uint64_t line,
	 struct err *err)
{
	struct rpm *r = arg;
	uint64_t size;

	if (r->is_primary && strcmp(name, "size") == 0 &&
	    parse_u64(text->data, text->len, &size))
		r->primary_size = size;
	if (strcmp(name, "data") == 0)
		r->is_primary = false;
	if (!r->is_package)
		return 0;
	if (strcmp(name, "package") == 0)
		return end_package(r, err);
	if (strcmp(name, "requires") == 0)
		r->in_requires = false;
	else if (strcmp(name, "name") == 0 && r->name.len == 0)
		set(&r->name, text->data);
	else if (strcmp(name, "arch") == 0 && r->arch.len == 0)
		set(&r->arch, text->data);
	return 0;
}

static int rpm_document(struct build *build, struct unpack *in, bool may_follow,
			struct err *err);

/* href is below the folder that holds repodata/. */
static int
follow(struct rpm *r, struct err *err)
{
	struct text place;
	struct unpack *in = NULL;
	struct stat st;
	const char *end;
	int ret;

	if (strstr(r->primary.data, "..") != NULL || r->primary.data[0] == '/')
		return err_set(err, EINVAL,
		    "%s: its primary list is at '%.200s', outside the "
					    "repository",
			       r->label, r->primary.data);
	text_init(&place);
	if (is_url(r->label)) {
		url_join(&place, r->label, "../");
	} else if ((end = strrchr(r->label, '/')) != NULL) {
		text_bytes(&place, r->label, (size_t)(end + 1 - r->label));
		text_str(&place, "../");
	} else {
		text_str(&place, "../");
	}
	text_str(&place, r->primary.data);
	if (stat(place.data, &st) == 0 && r->primary_size > 0 &&
	    (uint64_t)st.st_size != r->primary_size)
		build_note(r->build, BUILD_mismatch,
			   &(struct origin){place.data, "listed with bytes",
			   r->primary_size},
			   NULL);
	ret = build_open(r->build, place.data, &in, err);
	if (ret == 0)
		ret = rpm_document(r->build, in, false, err);
	unpack_close(in);
	text_done(&place);
	return ret;
}

static int
rpm_document(struct build *build, struct unpack *in, bool may_follow, struct err *err)
{
	struct rpm r = {.build = build, .label = unpack_label(in)};
	struct xml_handler handler = {on_open, on_close, &r};
	struct text *all[] = {&r.name, &r.arch,	   &r.version, &r.path,
			      &r.base, &r.depends, &r.primary};
	struct str source = base_name(r.label);
	size_t i;
	int ret;

	for (i = 0; i < sizeof all / sizeof *all; i++)
		text_init(all[i]);
	row_text(&r.common, CATALOGUE_source, source.data, source.len);
	ret = xml_read(in, &handler, err);
	if (ret == 0 && r.root == ROOT_REPOMD && r.primary.len == 0)
		ret = err_set(err, EINVAL, "%s: names no list of type primary", r.label);
	else if (ret == 0 && r.root == ROOT_REPOMD && may_follow &&
		 build_follows(build))
		ret = follow(&r, err);
	for (i = 0; i < sizeof all / sizeof *all; i++)
		text_done(all[i]);
	return ret;
}

int
rpm_read(struct build *build, struct unpack *in, struct err *err)
{
	return rpm_document(build, in, true, err);
}

int
rpm_walk(struct build *build, const char *folder, struct err *err)
{
	struct text path;
	struct unpack *in = NULL;
	int ret;

	text_init(&path);
	text_printf(&path, "%s/repodata/repomd.xml", folder);
	ret = unpack_open(path.data, CATALOG_BYTES_MAX, &in, err);
	if (ret == 0)
		ret = rpm_read(build, in, err);
	unpack_close(in);
	text_done(&path);
	return ret;
}
