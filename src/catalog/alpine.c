/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Alpine's APKINDEX: a tar archive with the file APKINDEX, whose paragraphs are packages
 * with a letter a field, and DESCRIPTION, which says of which release it is. Clients ask
 * for NAME-VERSION.apk beside the index.
 */
#include "base/err.h"
#include "base/text.h"
#include "catalog/builder.h"
#include "catalog/members.h"

#include <errno.h>

struct alpine {
	struct build *build;
	struct text suite;
	struct catalogue common;
	bool has_index;
};

/* The paragraph at hand: values by letter. */
struct package {
	struct text values[26];
	struct text path, depends;
	uint64_t line;
	bool is_open;
};

static void
package_clear(struct package *p)
{
	size_t i;

	for (i = 0; i < 26; i++)
		text_clear(&p->values[i]);
	p->is_open = false;
}

/* "musl>=1.2 so:libc.musl-x86_64.so.1 !foo" to names; what must be absent is no need. */
static void
take_depends(struct package *p, const char *list)
{
	size_t n;

	text_clear(&p->depends);
	while (*list != '\0') {
		list += strspn(list, " ");
		n = strcspn(list, " ");
		if (*list != '!')
			depends_add(&p->depends, list,
				    strcspn(list, "<>=~ ") < n ? strcspn(list, "<>=~ ")
				    : n);
		list += n;
	}
}

static int
end_package(struct alpine *a, struct package *p, const char *label, struct err *err)
{
	struct catalogue row = a->common;
	struct origin origin = {label, "line", p->line};
	const struct text *name = &p->values['P' - 'A'], *version = &p->values['V' - 'A'];
	const struct text *arch = &p->values['A' - 'A'], *size = &p->values['S' - 'A'];

	if (!p->is_open)
		return 0;
	if (!parse_u64(size->data, size->len, &row.size)) {
		build_note(a->build, BUILD_bad_size, &origin, name->data);
		return 0;
	}
	row_mark(row.present, CATALOGUE_size);
	row_text(&row, CATALOGUE_name, name->data, name->len);
	row_text(&row, CATALOGUE_version, version->data, version->len);
	row_text(&row, CATALOGUE_arch, arch->data, arch->len);
	text_clear(&p->path);
	text_printf(&p->path, "%s-%s.apk", name->data, version->data);
	row_text(&row, CATALOGUE_path, p->path.data, p->path.len);
	take_depends(p, p->values['D' - 'A'].data);
	row_text(&row, CATALOGUE_depends, p->depends.data, p->depends.len);
	return build_add(a->build, &row, NULL, &origin, err);
}

/* t: is the build time; the other small letters are not kept. */
static void
take_time(struct alpine *a, const char *value, size_t n)
{
	uint64_t seconds;

	if (parse_u64(value, n, &seconds) && seconds < 100000000000)
		catalogue_set(&a->common, released, (int64_t)seconds * 1000000);
}

static int
read_index(struct alpine *a, struct package *p, struct unpack *in, struct err *err)
{
	const char *line, *label = unpack_label(in);
	struct origin origin = {label, "line", 0};
	size_t len;
	int more;

	while ((more = unpack_line(in, &line, &len, err)) > 0) {
		origin.number = unpack_line_number(in);
		if (len == 0) {
			if (end_package(a, p, label, err) != 0)
				return -1;
			package_clear(p);
			a->common.present[CATALOGUE_released / 64] &=
			    ~((uint64_t)1 << CATALOGUE_released % 64);
			continue;
		}
		if (len < 2 || line[1] != ':') {
			build_note(a->build, BUILD_bad_entry, &origin, NULL);
			continue;
		}
		if (!p->is_open)
			p->line = origin.number;
		p->is_open = true;
		if (line[0] == 't')
			take_time(a, line + 2, len - 2);
		if (line[0] >= 'A' && line[0] <= 'Z' && p->values[line[0] - 'A'].len == 0)
			text_bytes(&p->values[line[0] - 'A'], line + 2, len - 2);
	}
	return more < 0 ? -1 : end_package(a, p, label, err);
}

static int
take_member(void *arg, const char *name, struct unpack *file, struct err *err)
{
	struct alpine *a = arg;
	struct package p = {0};
	const char *line;
	size_t len, i;
	int ret;

	if (strcmp(name, "DESCRIPTION") == 0) {
		ret = unpack_line(file, &line, &len, err);
		if (ret > 0 && a->suite.len == 0 && len <= BUILD_TEXT_MAX)
			text_bytes(&a->suite, line, len);
		return ret < 0 ? -1 : 0;
	}
	if (strcmp(name, "APKINDEX") != 0)
		return 0;
	a->has_index = true;
	if (build_config_of(a->build)->suite == NULL)
		row_text(&a->common, CATALOGUE_suite, a->suite.data, a->suite.len);
	for (i = 0; i < 26; i++)
		text_init(&p.values[i]);
	text_init(&p.path);
	text_init(&p.depends);
	ret = read_index(a, &p, file, err);
	for (i = 0; i < 26; i++)
		text_done(&p.values[i]);
	text_done(&p.path);
	text_done(&p.depends);
	return ret;
}

int
alpine_read(struct build *build, struct unpack *in, struct err *err)
{
	struct alpine a = {.build = build};
	int ret;

	text_init(&a.suite);
	row_string(&a.common, CATALOGUE_source, "APKINDEX");
	ret = members_read(in, take_member, &a, err);
	if (ret == 0 && !a.has_index)
		ret = err_set(err, EINVAL, "%s: has no file APKINDEX in it",
			      unpack_label(in));
	text_done(&a.suite);
	return ret;
}
