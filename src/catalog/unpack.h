/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_UNPACK_H
#define CATALOG_UNPACK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/*
 * The bytes or lines of a file that may be compressed (gz, xz, lz4, zst by its first
 * bytes). Unpacks as it goes in two small buffers, never more than a limit.
 */
struct unpack;

int unpack_open(const char *path, uint64_t limit_bytes, struct unpack **out,
		struct err *err);
/* The same of an open file, which unpack_close closes; label stands for it in
 * messages. */
int unpack_fd(int fd, const char *label, uint64_t limit_bytes, struct unpack **out,
	      struct err *err);
/* Borrows the bytes. */
struct unpack *unpack_over(const void *bytes, size_t n, uint64_t limit_bytes,
			   const char *label);
/* Plain bytes from a function, which returns how many it gave, 0 at the end, or -1. */
struct unpack *unpack_from(ssize_t (*read)(void *arg, void *to, size_t n,
    struct err *err), void *arg, uint64_t limit_bytes, const char *label);
void unpack_close(struct unpack *unpack); /* NULL is fine */

/* The next line without its end, borrowed until the next call. 1: a line, 0: the end, -1:
 * error, with file and line. */
int unpack_line(struct unpack *unpack, const char **line, size_t *len, struct err *err);
uint64_t unpack_line_number(const struct unpack *unpack); /* of the last line, from 1 */

/* The next bytes, borrowed until the next call: 1 and some, 0 at the end, or -1. Not to
 * be mixed with unpack_line, but after unpack_peek. */
int unpack_bytes(struct unpack *unpack, const char **bytes, size_t *n, struct err *err);
/* What unpack_bytes or unpack_line will begin with, at least one byte unless it is the
 * end. */
int unpack_peek(struct unpack *unpack, const char **bytes, size_t *n, struct err *err);
/* All bytes, 0-terminated, to be freed; an error above max_bytes. */
int unpack_all(struct unpack *unpack, size_t max_bytes, char **out, size_t *n,
	       struct err *err);
const char *unpack_label(const struct unpack *unpack);

#endif
