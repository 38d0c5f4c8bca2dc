/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Debian Packages indexes (deb822 paragraphs: "Field: value" lines, continued by lines
 * that start with a blank, an empty line between paragraphs). Package, Version,
 * Architecture, Filename and Size make a file; all other fields are skipped.
 */
#include "base/err.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "catalog/unpack.h"
#include "model/catalogue.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

struct paragraph {
	struct text texts[CATALOGUE_FIELDS]; /* values of the fields that are kept */
	uint64_t first_line, number;
	bool is_open; /* a field was seen */
	int folding;  /* the field that a continuation line belongs to, or -1 */
};

static const struct {
	const char *name;
	enum catalogue_field field;
} kept[] = {
    {"Package", CATALOGUE_name},      {"Version", CATALOGUE_version},
    {"Architecture", CATALOGUE_arch}, {"Filename", CATALOGUE_path},
    {"Size", CATALOGUE_size},
};

static int
wrong(const struct unpack *in, const struct paragraph *p, struct err *err,
      const char *why)
{
	return err_set(err, EINVAL, "%s: line %llu (paragraph %llu%s%s): %s",
		       unpack_label(in), (unsigned long long)unpack_line_number(in),
		       (unsigned long long)p->number,
		       p->texts[CATALOGUE_name].len > 0 ? ", package " : "",
		       p->texts[CATALOGUE_name].data, why);
}

static int
take_line(const struct unpack *in, struct paragraph *p, const char *line, size_t len,
	  struct err *err)
{
	const char *colon, *value;
	size_t i, name_len, n;

	if (line[0] == ' ' || line[0] == '\t') {
		if (!p->is_open)
			return wrong(in, p, err,
				     "a continuation line with no field before it");
		if (p->folding >= 0 && p->texts[p->folding].len == 0) {
			while (len > 0 && (*line == ' ' || *line == '\t'))
				line++, len--;
			text_bytes(&p->texts[p->folding], line, len);
		}
		return 0;
	}
	colon = memchr(line, ':', len);
	if (colon == NULL || colon == line)
		return wrong(in, p, err,
			     "no 'Field: value' line: is this a Packages index?");
	name_len = (size_t)(colon - line);
	p->is_open = true;
	p->folding = -1;
	for (i = 0; i < sizeof kept / sizeof kept[0]; i++) {
		if (strlen(kept[i].name) != name_len ||
		    strncasecmp(kept[i].name, line, name_len) != 0)
			continue;
		if (p->texts[kept[i].field].len > 0)
			return wrong(in, p, err, "a field that stands there twice");
		p->folding = (int)kept[i].field;
		value = colon + 1;
		n = len - name_len - 1;
		while (n > 0 && (*value == ' ' || *value == '\t'))
			value++, n--;
		while (n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'))
			n--;
		text_bytes(&p->texts[kept[i].field], value, n);
	}
	return 0;
}

/* A package name may carry an architecture, name:arch. */
static void
split_arch(struct paragraph *p, struct catalogue *row)
{
	const char *colon = memchr(row->name.data, ':', row->name.len);

	if (colon == NULL || colon == row->name.data)
		return;
	if (!catalogue_has(row, arch))
		catalogue_set(
		    row, arch,
		    ((struct str){colon + 1, (uint32_t)(row->name.data + row->name.len -
							colon - 1)}));
	row->name.len = (uint32_t)(colon - row->name.data);
}

static int
end_paragraph(const struct unpack *in, struct paragraph *p, struct catalog *catalog,
	      const struct catalogue *common, struct err *err)
{
	struct catalogue row = *common;
	size_t i;

	if (!p->is_open)
		return 0;
	if (p->texts[CATALOGUE_name].len == 0)
		return wrong(in, p, err,
			     "a paragraph without Package: is this a Packages index?");
	if (!parse_u64(p->texts[CATALOGUE_size].data, p->texts[CATALOGUE_size].len,
		       &row.size) ||
	    row.size > INT64_MAX)
		return wrong(in, p, err,
			     "no Size, or one that is no whole number of bytes");
	row_mark(row.present, CATALOGUE_size);
#define TEXT(id)                                                                         \
	if (p->texts[CATALOGUE_##id].len > 0)                                            \
		catalogue_set(&row, id,                                                  \
			      ((struct str){p->texts[CATALOGUE_##id].data,               \
					    (uint32_t)p->texts[CATALOGUE_##id].len}));
	TEXT(name)
	TEXT(version) TEXT(arch) TEXT(path)
#undef TEXT
	    split_arch(p, &row);
	if (catalog_add(catalog, &row, err) < 0)
		return err_prefix(err, "%s: paragraph %llu: ", unpack_label(in),
				  (unsigned long long)p->number);
	for (i = 0; i < CATALOGUE_FIELDS; i++)
		text_clear(&p->texts[i]);
	p->is_open = false;
	p->folding = -1;
	return 0;
}

static int
read_index(struct unpack *in, struct paragraph *p, struct catalog *catalog,
	   const struct catalogue *common, struct err *err)
{
	const char *line;
	size_t len;
	int more;

	while ((more = unpack_line(in, &line, &len, err)) > 0) {
		if (len == 0) {
			if (end_paragraph(in, p, catalog, common, err) < 0)
				return -1;
			continue;
		}
		if (!p->is_open)
			p->number++;
		if (take_line(in, p, line, len, err) < 0)
			return -1;
	}
	return more < 0 ? -1 : end_paragraph(in, p, catalog, common, err);
}

/*
 * apt names the file after its address, / as _:
 * HOST_debian-security_dists_SUITE_COMPONENT_binary-ARCH_Packages.lz4. The source is that
 * without the host, which differs from mirror to mirror, and without the packing.
 */
static void
name_source(struct catalogue *common, const char *path)
{
	const char *base = strrchr(path, '/'), *from, *to;

	base = base != NULL ? base + 1 : path;
	if ((from = strstr(base, "_dists_")) != NULL) {
		from += strlen("_dists_");
		if ((to = strchr(from, '_')) != NULL && to > from)
			catalogue_set(common, suite,
				      ((struct str){from, (uint32_t)(to - from)}));
		base = strchr(base, '_') + 1;
	}
	to = base + strcspn(base, ".");
	if ((from = strstr(base, "_Packages")) != NULL)
		to = from + strlen("_Packages");
	catalogue_set(common, source, ((struct str){base, (uint32_t)(to - base)}));
}

static int
read_from(struct catalog *catalog, struct unpack *in, struct catalogue *common,
	  struct err *err)
{
	struct paragraph p = {.folding = -1};
	size_t i;
	int ret;

	name_source(common, unpack_label(in));
	for (i = 0; i < CATALOGUE_FIELDS; i++)
		text_init(&p.texts[i]);
	ret = read_index(in, &p, catalog, common, err);
	if (ret == 0 && p.number == 0)
		ret = err_set(err, EINVAL, "%s: empty: no Packages index",
			      unpack_label(in));
	for (i = 0; i < CATALOGUE_FIELDS; i++)
		text_done(&p.texts[i]);
	unpack_close(in);
	return ret;
}

int
catalog_add_debian(struct catalog *catalog, const char *path, struct err *err)
{
	struct catalogue common = {0};
	struct unpack *in;
	struct stat st;

	if (unpack_open(path, CATALOG_BYTES_MAX, &in, err) < 0)
		return -1;
	if (stat(path, &st) == 0)
		catalogue_set(&common, date, (int64_t)st.st_mtime * 1000000);
	return read_from(catalog, in, &common, err);
}

int
catalog_add_debian_bytes(struct catalog *catalog, const void *bytes, size_t n,
			 const char *label, struct err *err)
{
	struct catalogue common = {0};

	return read_from(catalog, unpack_over(bytes, n, (uint64_t)64 << 20, label),
			 &common, err);
}
