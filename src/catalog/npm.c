/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * npm packages: the registry's document of one package, with a tarball per version. It
 * says how large a package is unpacked (dist.unpackedSize), not what is downloaded: that
 * only the server can tell, so no row has a size before it is measured.
 */
#include "base/err.h"
#include "catalog/builder.h"
#include "catalog/json.h"

#include <errno.h>

static int
take_version(struct build *build, const struct catalogue *common, const json_t *root,
	     const char *version, const json_t *object, const struct origin *origin,
	     struct text *depends, struct err *err)
{
	struct catalogue row = *common;
	const char *url = json_text(json_object_get(object, "dist"), "tarball"), *name;
	const char *time = json_text(json_object_get(root, "time"), version);
	json_t *range;
	int64_t when;

	if (url == NULL || !is_url(url)) {
		build_note(build, BUILD_bad_entry, origin, version);
		return 0;
	}
	text_clear(depends);
	json_object_foreach(json_object_get(object, "dependencies"), name, range)
		depends_add(depends, name, strcspn(name, " "));
	row_string(&row, CATALOGUE_version, version);
	row_text(&row, CATALOGUE_depends, depends->data, depends->len);
	if (time != NULL && date_parse(time, strlen(time), &when))
		catalogue_set(&row, released, when);
	else if (time != NULL)
		build_note(build, BUILD_bad_date, origin, time);
	return build_add(build, &row, url, origin, err);
}

int
npm_read(struct build *build, struct unpack *in, struct err *err)
{
	struct origin origin = {unpack_label(in), "version", 0};
	struct catalogue common = {0};
	const char *version;
	struct text depends;
	json_t *root, *object;
	int ret = 0;

	if (json_read(in, &root, err) != 0)
		return -1;
	if (!json_is_object(json_object_get(root, "versions"))) {
		json_decref(root);
		return err_set(err, EINVAL,
		    "%s: has no object 'versions': no npm document", origin.label);
	}
	text_init(&depends);
	row_string(&common, CATALOGUE_name, json_text(root, "name"));
	row_string(&common, CATALOGUE_source, "npm");
	json_object_foreach(json_object_get(root, "versions"), version, object)
	{
		origin.number++;
		if (ret == 0)
			ret = take_version(build, &common, root, version, object, &origin,
					   &depends, err);
	}
	text_done(&depends);
	json_decref(root);
	return ret;
}
