/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_UNPACK_H
#define CATALOG_UNPACK_H

#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * The lines of a file that may be compressed (gz, xz, lz4, zst by its first bytes).
 * Unpacks as it goes, never more than a limit; a gz file is unpacked whole, to the same
 * limit.
 */
struct unpack;

int unpack_open(const char *path, uint64_t limit_bytes, struct unpack **out,
		struct err *err);
/* Borrows the bytes. */
struct unpack *unpack_over(const void *bytes, size_t n, uint64_t limit_bytes,
			   const char *label);
void unpack_close(struct unpack *unpack); /* NULL is fine */

/* The next line without its end, borrowed until the next call. 1: a line, 0: the end, -1:
 * error, with file and line. */
int unpack_line(struct unpack *unpack, const char **line, size_t *len, struct err *err);
uint64_t unpack_line_number(const struct unpack *unpack); /* of the last line, from 1 */
const char *unpack_label(const struct unpack *unpack);

#endif
