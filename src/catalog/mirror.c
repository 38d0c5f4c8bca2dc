/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A folder of Debian lists: a mirror, whose Release files under dists/ name the Packages
 * indexes and their sizes, or a folder that just holds files named ...Packages..., such
 * as apt's. Where asked for, the indexes themselves are listed too: apt update fetches
 * them.
 */
#include "base/err.h"
#include "base/memory.h"
#include "base/text.h"
#include "catalog/builder.h"
#include "catalog/deb822.h"
#include "catalog/debian.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { SUITE_DEPTH_MAX = 4, INDEXES_MAX = 100000 };
enum { SUITE, CODENAME, DATE, SHA256, BY_HASH, FIELDS };
static const char *const names[FIELDS] = {"Suite", "Codename", "Date", "SHA256",
					  "Acquire-By-Hash"};

/* One line of a Release's SHA256 field. */
struct entry {
	const char *hash, *path;
	size_t hash_len, path_len;
	uint64_t size;
};

struct release {
	struct build *build;
	const char *folder; /* that holds the Release */
	const char *below;  /* the folder from dists/ on */
	struct text fields[FIELDS];
	struct catalogue common;
	uint64_t found;
};

/* The next line "HASH SIZE PATH"; false at the end. Lines that are not so are noted. */
static bool
next_entry(struct release *r, const char **at, struct entry *e)
{
	struct origin origin = {r->folder, "a line of SHA256 in its Release", 0};
	const char *line, *end;
	size_t size_len;

	while (**at != '\0') {
		line = *at;
		end = line + strcspn(line, "\n");
		*at = end + (*end != '\0');
		origin.number++;
		e->hash = line;
		e->hash_len = strcspn(line, " \n");
		line += e->hash_len;
		line += strspn(line, " ");
		size_len = strcspn(line, " \n");
		e->path = line + size_len;
		e->path += strspn(e->path, " ");
		e->path_len = e->path < end ? (size_t)(end - e->path) : 0;
		if (e->path_len > 0 && parse_u64(line, size_len, &e->size) &&
		    memmem(e->path, e->path_len, "..", 2) == NULL)
			return true;
		build_note(r->build, BUILD_bad_entry, &origin, NULL);
	}
	return false;
}

static bool
ends_with(const struct entry *e, const char *end)
{
	size_t n = strlen(end);

	return e->path_len >= n && memcmp(e->path + e->path_len - n, end, n) == 0;
}

/* "main/binary-amd64/Packages" without packing, of a wanted architecture. */
static bool
is_wanted_index(struct release *r, const struct entry *e)
{
	const char *arch = memmem(e->path, e->path_len, "binary-", 7);
	size_t n;

	if (!ends_with(e, "/Packages") || arch == NULL || e->size == 0 ||
	    memmem(e->path, e->path_len, "debian-installer", 16) != NULL)
		return false;
	arch += 7;
	n = (size_t)(e->path + e->path_len - arch);
	return build_wants_arch(r->build, arch,
	    (size_t)((const char *)memchr(arch, '/', n) - arch));
}

static bool
listed_size(struct release *r, const char *path, uint64_t *size)
{
	const char *at = r->fields[SHA256].data;
	struct entry e;

	while (next_entry(r, &at, &e)) {
		if (e.path_len == strlen(path) && memcmp(e.path, path, e.path_len) == 0) {
			*size = e.size;
			return true;
		}
	}
	return false;
}

/* Reads the index in whichever packing is there. */
static int
read_index(struct release *r, const struct entry *e, struct err *err)
{
	static const char *const packings[] = {"", ".xz", ".zst", ".gz", ".lz4"};
	struct text file;
	struct unpack *in = NULL;
	struct stat st;
	uint64_t listed;
	size_t i, from = strlen(r->folder) + 1;
	int ret = 0;

	text_init(&file);
	for (i = 0; i < sizeof packings / sizeof *packings; i++) {
		text_clear(&file);
		text_printf(&file, "%s/%.*s%s", r->folder, (int)e->path_len, e->path,
			    packings[i]);
		if (stat(file.data, &st) == 0)
			break;
	}
	if (i == sizeof packings / sizeof *packings) {
		build_note(r->build, BUILD_absent,
			   &(struct origin){file.data, "without .lz4 and with, of bytes",
					    e->size},
			   NULL);
		goto done;
	}
	if (listed_size(r, file.data + from, &listed) && listed != (uint64_t)st.st_size)
		build_note(r->build, BUILD_mismatch,
			   &(struct origin){file.data, "listed with bytes", listed},
			   NULL);
	ret = unpack_open(file.data, CATALOG_BYTES_MAX, &in, err);
	if (ret == 0)
		ret = debian_read_index(r->build, in, &r->common, err);
	r->found++;
done:
	unpack_close(in);
	text_done(&file);
	return ret;
}

/* The index as a file that apt update fetches. */
static int
list_index(struct release *r, const struct entry *e, uint64_t number, struct err *err)
{
	struct catalogue row = r->common;
	struct origin origin = {r->folder, "entry of its Release", number};
	struct text path;
	const char *slash = memrchr(e->path, '/', e->path_len);
	int ret;

	text_init(&path);
	text_printf(&path, "%s/", r->below);
	if (strcasecmp(r->fields[BY_HASH].data, "yes") == 0)
		text_printf(&path, "%.*sby-hash/SHA256/%.*s",
			    slash != NULL ? (int)(slash + 1 - e->path) : 0, e->path,
			    (int)e->hash_len, e->hash);
	else
		text_bytes(&path, e->path, e->path_len);
	row_text(&row, CATALOGUE_name, e->path, e->path_len);
	row_text(&row, CATALOGUE_path, path.data, path.len);
	catalogue_set(&row, size, e->size);
	ret = build_add(r->build, &row, NULL, &origin, err);
	text_done(&path);
	return ret;
}

static int
read_entries(struct release *r, struct err *err)
{
	const char *at = r->fields[SHA256].data;
	struct text source;
	struct entry e;
	uint64_t number = 0;
	int ret = 0;

	text_init(&source);
	while (ret == 0 && next_entry(r, &at, &e)) {
		if (++number > INDEXES_MAX) {
			ret = err_set(err, E2BIG,
			    "%s: its Release lists more than %d files", r->folder,
			    INDEXES_MAX);
			break;
		}
		text_clear(&source);
		text_printf(&source, "%s/%.*s", r->below, (int)e.path_len, e.path);
		row_text(&r->common, CATALOGUE_source, source.data, source.len);
		if (is_wanted_index(r, &e))
			ret = read_index(r, &e, err);
		if (ret == 0 && build_config_of(r->build)->wants_indexes)
			ret = list_index(r, &e, number, err);
	}
	text_done(&source);
	return ret;
}

static int
read_release(struct release *r, struct unpack *in, struct err *err)
{
	struct deb822 d;
	int64_t when;
	int more, i;

	deb822_init(&d, in, names, FIELDS);
	more = deb822_next(&d, err);
	for (i = 0; more > 0 && i < FIELDS; i++)
		text_bytes(&r->fields[i], d.values[i].data, d.values[i].len);
	deb822_done(&d);
	if (more < 0)
		return -1;
	if (r->fields[SHA256].len == 0)
		return err_set(err, EINVAL,
		    "%s: no Release with a SHA256 list of indexes", unpack_label(in));
	/* The folder below dists/ is what clients ask for. */
	if (strncmp(r->below, "dists/", 6) == 0)
		row_string(&r->common, CATALOGUE_suite, r->below + 6);
	if (date_parse(r->fields[DATE].data, r->fields[DATE].len, &when))
		catalogue_set(&r->common, date, when);
	return read_entries(r, err);
}

static int
release_folder(struct build *build, const char *folder, const char *below,
    uint64_t *found, struct err *err)
{
	static const char *const files[] = {"InRelease", "Release"};
	struct release r = {.build = build, .folder = folder, .below = below};
	struct unpack *in = NULL;
	struct text file;
	struct stat st;
	int ret = 0, i;

	text_init(&file);
	for (i = 0; i < FIELDS; i++)
		text_init(&r.fields[i]);
	for (i = 0; i < 2; i++) {
		text_clear(&file);
		text_printf(&file, "%s/%s", folder, files[i]);
		if (stat(file.data, &st) != 0)
			continue;
		ret = unpack_open(file.data, (uint64_t)64 << 20, &in, err);
		if (ret == 0)
			ret = read_release(&r, in, err);
		break;
	}
	*found += r.found;
	unpack_close(in);
	for (i = 0; i < FIELDS; i++)
		text_done(&r.fields[i]);
	text_done(&file);
	return ret;
}

static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Every folder below dists/ that has a Release, in order of names. */
static int
walk_suites(struct build *build, const char *folder, const char *below, unsigned depth,
	    uint64_t *found, struct err *err)
{
	struct dirent **entries = NULL;
	struct text inner, inner_below;
	struct stat st;
	uint64_t before = *found;
	int n, i, ret;

	if ((ret = release_folder(build, folder, below, found, err)) != 0 ||
	    *found != before || depth == SUITE_DEPTH_MAX)
		return ret;
	if ((n = scandir(folder, &entries, is_visible, alphasort)) < 0)
		return err_set(err, errno, "%s: %s", folder, strerror(errno));
	text_init(&inner);
	text_init(&inner_below);
	for (i = 0; i < n; i++) {
		text_clear(&inner);
		text_clear(&inner_below);
		text_printf(&inner, "%s/%s", folder, entries[i]->d_name);
		text_printf(&inner_below, "%s/%s", below, entries[i]->d_name);
		/* Links such as stable -> bookworm would list all twice. */
		if (ret == 0 && lstat(inner.data, &st) == 0 && S_ISDIR(st.st_mode))
			ret = walk_suites(build, inner.data, inner_below.data, depth + 1,
					  found, err);
		free(entries[i]);
	}
	free(entries);
	text_done(&inner);
	text_done(&inner_below);
	return ret;
}

static int
walk_lists(struct build *build, const char *folder, uint64_t *found, struct err *err)
{
	struct dirent **entries = NULL;
	struct text file;
	struct unpack *in;
	int n, i, ret = 0;

	if ((n = scandir(folder, &entries, is_visible, alphasort)) < 0)
		return err_set(err, errno, "%s: %s", folder, strerror(errno));
	text_init(&file);
	for (i = 0; i < n; i++) {
		const char *at = strstr(entries[i]->d_name, "Packages");

		if (ret == 0 && at != NULL && (at[8] == '\0' || at[8] == '.')) {
			text_clear(&file);
			text_printf(&file, "%s/%s", folder, entries[i]->d_name);
			if ((ret = unpack_open(file.data, CATALOG_BYTES_MAX, &in, err)) ==
			    0) {
				ret = debian_read(build, in, err);
				unpack_close(in);
				++*found;
			}
		}
		free(entries[i]);
	}
	free(entries);
	text_done(&file);
	return ret;
}

int
debian_walk(struct build *build, const char *folder, struct err *err)
{
	struct text dists;
	struct stat st;
	uint64_t found = 0;
	int ret;

	text_init(&dists);
	text_printf(&dists, "%s/dists", folder);
	if (stat(dists.data, &st) == 0 && S_ISDIR(st.st_mode))
		ret = walk_suites(build, dists.data, "dists", 0, &found, err);
	else
		ret = walk_lists(build, folder, &found, err);
	text_done(&dists);
	if (ret == 0 && found == 0)
		ret = err_set(err, ENOENT,
			      "%s: no dists/ with a Release that names Packages indexes "
			      "that are there, and no files named Packages",
			      folder);
	return ret;
}
