/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Debian and Ubuntu Packages indexes: a paragraph is a package. Where the list lies says
 * which suite it is of: apt keeps it as HOST_PATH_dists_SUITE_COMPONENT_..., a mirror in
 * dists/SUITE/COMPONENT/.... A mirror's folder is read by its Release files (mirror.c).
 */
#include "catalog/debian.h"

#include "base/err.h"
#include "base/text.h"
#include "catalog/builder.h"
#include "catalog/deb822.h"

#include <errno.h>
#include <sys/stat.h>

enum { NAME, VERSION, ARCH, PATH, SIZE, DEPENDS, PRE_DEPENDS, FIELDS };
static const char *const names[FIELDS] = {
    [NAME] = "Package",	    [VERSION] = "Version", [ARCH] = "Architecture",
    [PATH] = "Filename",    [SIZE] = "Size",	   [DEPENDS] = "Depends",
    [PRE_DEPENDS] = "Pre-Depends",
};

/* "libc6 (>= 2.34), foo:any | bar" to "libc6 foo|bar". */
static void
add_depends(struct text *out, const struct text *list)
{
	const char *at = list->data;
	size_t n;
	bool is_choice = false;

	while (*at != '\0') {
		at += strspn(at, " \t\n");
		n = strcspn(at, " \t\n,|:([<");
		if (is_choice && n > 0 && out->len > 0) {
			text_char(out, '|');
			text_bytes(out, at, n);
		} else {
			depends_add(out, at, n);
		}
		at += n;
		at += strcspn(at, ",|");
		is_choice = *at == '|';
		at += *at != '\0';
	}
}

/* A package name may carry an architecture, name:arch. */
static void
split_arch(struct catalogue *row)
{
	const char *colon = memchr(row->name.data, ':', row->name.len);

	if (colon == NULL || colon == row->name.data)
		return;
	if (!catalogue_has(row, arch))
		row_text(row, CATALOGUE_arch, colon + 1,
			 (size_t)(row->name.data + row->name.len - colon - 1));
	row->name.len = (uint32_t)(colon - row->name.data);
}

static int
add_paragraph(struct build *build, const struct deb822 *d, const struct catalogue *common,
	      struct text *depends, struct err *err)
{
	struct catalogue row = *common;
	struct origin origin = {unpack_label(d->in), "line", unpack_line_number(d->in)};
	const struct text *v = d->values;

	if (v[NAME].len == 0)
		return err_set(err, EINVAL,
			       "%s: line %llu (paragraph %llu): a paragraph without "
			       "Package: is this a Packages index?",
			       origin.label, (unsigned long long)origin.number,
			       (unsigned long long)d->number);
	row_text(&row, CATALOGUE_name, v[NAME].data, v[NAME].len);
	row_text(&row, CATALOGUE_version, v[VERSION].data, v[VERSION].len);
	row_text(&row, CATALOGUE_arch, v[ARCH].data, v[ARCH].len);
	row_text(&row, CATALOGUE_path, v[PATH].data, v[PATH].len);
	if (!parse_u64(v[SIZE].data, v[SIZE].len, &row.size) || row.size > INT64_MAX) {
		build_note(build, BUILD_bad_size, &origin, v[NAME].data);
		return 0;
	}
	row_mark(row.present, CATALOGUE_size);
	split_arch(&row);
	text_clear(depends);
	add_depends(depends, &v[PRE_DEPENDS]);
	add_depends(depends, &v[DEPENDS]);
	row_text(&row, CATALOGUE_depends, depends->data, depends->len);
	return build_add(build, &row, NULL, &origin, err);
}

void
debian_name_source(struct catalogue *common, const char *path)
{
	const char *base, *from, *to;
	char between = '/';

	if ((base = strstr(path, "/dists/")) != NULL || strncmp(path, "dists/", 6) == 0) {
		base = base != NULL ? base + 1 : path;
		from = base + strlen("dists/");
	} else {
		between = '_';
		base = strrchr(path, '/');
		base = base != NULL ? base + 1 : path;
		if ((from = strstr(base, "_dists_")) != NULL) {
			from += strlen("_dists_");
			/* Without the host, which differs from mirror to mirror. */
			base = strchr(base, '_') + 1;
		}
	}
	if (from != NULL && (to = strchr(from, between)) != NULL && to > from)
		row_text(common, CATALOGUE_suite, from, (size_t)(to - from));
	to = base + strcspn(base, ".");
	if ((from = strstr(base, "Packages")) != NULL)
		to = from + strlen("Packages");
	row_text(common, CATALOGUE_source, base, (size_t)(to - base));
}

int
debian_read_index(struct build *build, struct unpack *in, const struct catalogue *common,
		  struct err *err)
{
	struct deb822 d;
	struct text depends;
	int more;

	deb822_init(&d, in, names, FIELDS);
	text_init(&depends);
	while ((more = deb822_next(&d, err)) > 0) {
		if (add_paragraph(build, &d, common, &depends, err) != 0) {
			more = -1;
			break;
		}
	}
	if (more == 0 && d.number == 0)
		more = err_set(err, EINVAL, "%s: empty: no Packages index",
			       unpack_label(in));
	text_done(&depends);
	deb822_done(&d);
	return more;
}

int
debian_read(struct build *build, struct unpack *in, struct err *err)
{
	struct catalogue common = {0};
	struct stat st;

	debian_name_source(&common, unpack_label(in));
	if (stat(unpack_label(in), &st) == 0)
		catalogue_set(&common, date, (int64_t)st.st_mtime * 1000000);
	return debian_read_index(build, in, &common, err);
}
