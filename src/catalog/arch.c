/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arch's pacman databases: a tar archive with a folder a package and a file desc in it,
 * of %FIELD% lines, each followed by its values and an empty line. Older ones have the
 * dependencies in a file of their own beside it, which is not read. Clients ask for
 * FILENAME beside the database.
 */
#include "base/err.h"
#include "base/text.h"
#include "catalog/builder.h"
#include "catalog/members.h"

#include <errno.h>

enum { NAME, VERSION, ARCH, PATH, SIZE, BUILT, DEPENDS, FIELDS };
static const char *const names[FIELDS] = {
    [NAME] = "%NAME%",	 [VERSION] = "%VERSION%", [ARCH] = "%ARCH%",
    [PATH] = "%FILENAME%", [SIZE] = "%CSIZE%",	  [BUILT] = "%BUILDDATE%",
    [DEPENDS] = "%DEPENDS%",
};

struct pacman {
	struct build *build;
	struct text values[FIELDS];
	struct catalogue common;
	uint64_t packages;
};

static int
add_package(struct pacman *p, const struct origin *origin, struct err *err)
{
	const struct text *v = p->values;
	struct catalogue row = p->common;
	uint64_t seconds;

	if (!parse_u64(v[SIZE].data, v[SIZE].len, &row.size)) {
		build_note(p->build, BUILD_bad_size, origin, v[NAME].data);
		return 0;
	}
	row_mark(row.present, CATALOGUE_size);
	row_text(&row, CATALOGUE_name, v[NAME].data, v[NAME].len);
	row_text(&row, CATALOGUE_version, v[VERSION].data, v[VERSION].len);
	row_text(&row, CATALOGUE_arch, v[ARCH].data, v[ARCH].len);
	row_text(&row, CATALOGUE_path, v[PATH].data, v[PATH].len);
	row_text(&row, CATALOGUE_depends, v[DEPENDS].data, v[DEPENDS].len);
	if (parse_u64(v[BUILT].data, v[BUILT].len, &seconds) && seconds < 100000000000)
		catalogue_set(&row, released, (int64_t)seconds * 1000000);
	return build_add(p->build, &row, NULL, origin, err);
}

static int
take_member(void *arg, const char *name, struct unpack *file, struct err *err)
{
	struct pacman *p = arg;
	struct origin origin = {unpack_label(file), "entry", ++p->packages};
	const char *line, *end = strrchr(name, '/');
	size_t len, i;
	int field = -1, more;

	if (end == NULL || strcmp(end, "/desc") != 0) {
		p->packages--;
		return 0;
	}
	for (i = 0; i < FIELDS; i++)
		text_clear(&p->values[i]);
	while ((more = unpack_line(file, &line, &len, err)) > 0) {
		if (len == 0) {
			field = -1;
		} else if (field < 0 && line[0] == '%') {
			for (field = 0; field < FIELDS; field++) {
				if (strlen(names[field]) == len &&
				    memcmp(names[field], line, len) == 0)
					break;
			}
		} else if (field == DEPENDS) {
			for (i = 0; i < len && strchr("<>=: ", line[i]) == NULL; i++)
				;
			depends_add(&p->values[DEPENDS], line, i);
		} else if (field >= 0 && field < FIELDS && p->values[field].len == 0) {
			text_bytes(&p->values[field], line, len);
		}
	}
	return more < 0 ? -1 : add_package(p, &origin, err);
}

int
arch_read(struct build *build, struct unpack *in, struct err *err)
{
	struct pacman p = {.build = build};
	struct str source = base_name(unpack_label(in));
	size_t i;
	int ret;

	for (i = 0; i < FIELDS; i++)
		text_init(&p.values[i]);
	row_text(&p.common, CATALOGUE_source, source.data, source.len);
	if (build_config_of(build)->suite == NULL)
		row_text(&p.common, CATALOGUE_suite, source.data, source.len);
	ret = members_read(in, take_member, &p, err);
	if (ret == 0 && p.packages == 0)
		ret = err_set(err, EINVAL,
		    "%s: has no PACKAGE/desc in it: no pacman database",
		    unpack_label(in));
	for (i = 0; i < FIELDS; i++)
		text_done(&p.values[i]);
	return ret;
}
