/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of a tar archive by libarchive, which only sees unpacked bytes: what unpacks is
 * unpack, with its limits, and no other format is tried.
 */
#include "catalog/members.h"

#include "base/err.h"
#include "base/library.h"
#include "base/memory.h"
#include "base/text.h"
#include "catalog/catalog.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#define FUNCTIONS(X) \
	X(archive_entry_filetype) \
	X(archive_entry_pathname) \
	X(archive_error_string) \
	X(archive_filter_bytes) \
	X(archive_read_data) \
	X(archive_read_free) \
	X(archive_read_new) \
	X(archive_read_next_header) \
	X(archive_read_open) \
	X(archive_read_support_format_tar) \
	X(archive_set_error)
LIBRARY_TABLE(libarchive, FUNCTIONS)
#define archive_entry_filetype libarchive.call.archive_entry_filetype
#define archive_entry_pathname libarchive.call.archive_entry_pathname
#define archive_error_string libarchive.call.archive_error_string
#define archive_filter_bytes libarchive.call.archive_filter_bytes
#define archive_read_data libarchive.call.archive_read_data
#define archive_read_free libarchive.call.archive_read_free
#define archive_read_new libarchive.call.archive_read_new
#define archive_read_next_header libarchive.call.archive_read_next_header
#define archive_read_open libarchive.call.archive_read_open
#define archive_read_support_format_tar libarchive.call.archive_read_support_format_tar
#define archive_set_error libarchive.call.archive_set_error

struct members {
	struct unpack *in;
	struct archive *archive;
	struct err *err;
	bool failed; /* err is set by unpack */
};

static la_ssize_t
give_bytes(struct archive *archive, void *arg, const void **bytes)
{
	struct members *m = arg;
	const char *some = NULL;
	size_t n = 0;
	int more = unpack_bytes(m->in, &some, &n, m->err);

	*bytes = some;
	if (more < 0) {
		m->failed = true;
		archive_set_error(archive, EIO, "cannot read");
		return -1;
	}
	return more > 0 ? (la_ssize_t)n : 0;
}

static int
broken(struct members *m, struct err *err)
{
	if (m->failed)
		return -1;
	return err_set(err, EINVAL, "%s: offset %lld: no good tar archive: %s",
		       unpack_label(m->in),
		       (long long)archive_filter_bytes(m->archive, 0),
		       archive_error_string(m->archive) != NULL
			   ? archive_error_string(m->archive)
			   : "damaged");
}

static ssize_t
read_member(void *arg, void *to, size_t n, struct err *err)
{
	struct members *m = arg;
	la_ssize_t got = archive_read_data(m->archive, to, n);

	return got < 0 ? broken(m, err) : (ssize_t)got;
}

static int
each_member(struct members *m,
	    int (*member)(void *arg, const char *name, struct unpack *file,
			  struct err *err),
	    void *arg, struct err *err)
{
	struct archive_entry *entry;
	struct unpack *file;
	const char *name;
	struct text label;
	int ret;

	text_init(&label);
	while ((ret = archive_read_next_header(m->archive, &entry)) == ARCHIVE_OK ||
	       ret == ARCHIVE_WARN) {
		name = archive_entry_pathname(entry);
		if (archive_entry_filetype(entry) != AE_IFREG || name == NULL)
			continue;
		text_clear(&label);
		text_printf(&label, "%s: %.200s", unpack_label(m->in), name);
		file = unpack_from(read_member, m, CATALOG_BYTES_MAX, label.data);
		ret = member(arg, name, file, err);
		unpack_close(file);
		if (ret != 0)
			break;
	}
	text_done(&label);
	if (ret == ARCHIVE_EOF || ret == 0)
		return m->failed ? -1 : 0;
	return err->code != 0 ? -1 : broken(m, err);
}

int
members_read(struct unpack *in,
	     int (*member)(void *arg, const char *name, struct unpack *file,
			   struct err *err),
	     void *arg, struct err *err)
{
	struct err own = {0}, *to = err != NULL ? err : &own;
	struct members m = {.in = in, .err = to};
	int ret;

	if (LIBRARY_LOAD(libarchive, "libarchive.so.13", "libarchive13", to) != 0)
		return -1;
	m.archive = must(archive_read_new());
	archive_read_support_format_tar(m.archive);
	if (archive_read_open(m.archive, &m, NULL, give_bytes, NULL) != ARCHIVE_OK)
		ret = broken(&m, to);
	else
		ret = each_member(&m, member, arg, to);
	archive_read_free(m.archive);
	return ret;
}
