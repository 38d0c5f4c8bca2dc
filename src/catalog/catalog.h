/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_CATALOG_H
#define CATALOG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalogue;
struct err;
struct str;
struct unpack;

/*
 * A list of files with their sizes, in memory. Files are added, then catalog_seal sorts
 * them by size and drops doubles (same name, version, arch, size and path); after that
 * the catalogue is only read and files are numbered 0 .. count-1 by rising size. Texts
 * are interned: equal ones are stored once and can be compared by number.
 */
struct catalog;

/* Text numbers are private to a catalogue; 0 is "none". */
struct catalog_file {
	uint64_t size;
	int64_t date_us; /* INT64_MIN: unknown */
	uint32_t name, version, arch, suite, path, encoding, source;
	/* Bytes of the path as a client sends it, percent-encoded; 0: no path. */
	uint32_t path_len;
	/* The size may be off by so many bytes either way, 4 GiB standing for more;
	 * 0: it is exact. */
	uint32_t slack;
	uint32_t more; /* of catalog_more; private */
};

/* What few lists say of their files. */
struct catalog_more {
	int64_t released_us; /* INT64_MIN: unknown */
	uint32_t depends, host, content_type, etag;
};

enum {
	CATALOG_FILES_MAX = 50000000,
	CATALOG_LINE_MAX = 1 << 20,
	CATALOG_BAD_TOLD = 10
};
/* A compressed list may unpack to this many bytes, no more. */
static const uint64_t CATALOG_BYTES_MAX = (uint64_t)8 << 30;

struct catalog *catalog_new(void); /* aborts without memory */
void catalog_free(struct catalog *catalog);

/* Adds one file: name and size must be set. Copies. Not after catalog_seal. */
int catalog_add(struct catalog *catalog, const struct catalogue *row, struct err *err);

/*
 * Adds the files of a catalogue's TSV or CSV, whose first line names its columns: any of
 * catalogue.def's, in any order, name and size among them. Lines starting with # are
 * comments. Plain, gz, xz, lz4 or zst, told by the first bytes. A line in which
 * something is wrong is left out (catalog_left_out); a file whose first line is wrong, or
 * all others, is an error that names file and line.
 */
int catalog_read(struct catalog *catalog, const char *path, struct err *err);

/* The same from memory; label stands for the file in messages. For tests and fuzzing. */
int catalog_read_bytes(struct catalog *catalog, const void *bytes, size_t n,
		       const char *label, struct err *err);

/* The same from what is open already (catalog/unpack.h). */
int catalog_read_from(struct catalog *catalog, struct unpack *in, struct err *err);

/* Counts a line that is left out, and keeps why if it is one of the first. */
void catalog_leave_out(struct catalog *catalog, const char *why);
/* How many lines were left out, and why: a line for each of the first CATALOG_BAD_TOLD,
 * which lives as long as the catalogue. why may be NULL. */
size_t catalog_left_out(const struct catalog *catalog, const char **why);

/* Drops the files whose size is not exact, which identification cannot use; returns how
 * many. Not after catalog_seal. */
size_t catalog_keep_exact(struct catalog *catalog);

/*
 * Files that contradict each other: same name, version, arch, suite, path, host and
 * encoding, another size. Calls back with the numbers of each such pair of neighbours
 * (callback may be NULL); returns how many.
 */
size_t catalog_conflicts(const struct catalog *catalog,
			 void (*callback)(void *arg, size_t a, size_t b), void *arg);

/* Sorts and drops doubles; returns how many were dropped. Doing it again does nothing. */
size_t catalog_seal(struct catalog *catalog);

/* Writes a TSV with every column: a new file that replaces path at once. "-": standard
 * output. Sealed catalogues come out by name, others as added. */
int catalog_write(const struct catalog *catalog, const char *path, struct err *err);

size_t catalog_count(const struct catalog *catalog);
const struct catalog_file *
catalog_files(const struct catalog *catalog); /* count of them */
/* A text by number; 0-terminated; "" for 0. Lives as long as the catalogue. */
const char *catalog_text(const struct catalog *catalog, uint32_t text);
/* What else is known of a file; never NULL. */
const struct catalog_more *catalog_more(const struct catalog *catalog,
					const struct catalog_file *file);
/* File i as a row, whose texts live as long as the catalogue. */
void catalog_row(const struct catalog *catalog, size_t i, struct catalogue *out);

/* Sealed: the first file of at least size bytes, count if none. A table narrows the
 * search to the files of a thousandth of an octave. */
size_t catalog_lower(const struct catalog *catalog, uint64_t size);
/* Sealed: the files of just this size are from..to-1; false if there are none. In
 * constant time. */
bool catalog_exact(const struct catalog *catalog, uint64_t size, size_t *from,
		   size_t *to);
/* Sealed: 16 hexadecimal digits that change when any file does. */
const char *catalog_version(const struct catalog *catalog);
/* Sealed: files per byte of size near size, at least one file in the whole range. */
double catalog_density(const struct catalog *catalog, uint64_t size);

/* Bytes of a path as apt sends it: %, +, ~, blanks and bytes that do not print become
 * three. */
size_t encoded_path_length(const char *path, size_t n);

#endif
