/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_NEEDS_H
#define IDENTIFY_NEEDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct files;

/* Pairs of files of which the first leads to the second: those of file i are
 * to[first[i]] .. to[first[i + 1] - 1]. */
struct relation {
	uint32_t *first, *to;
};

/* What files need, by the catalogue. */
struct needs {
	size_t count; /* files */
	struct relation needed; /* by a file */
	struct relation needing; /* it */
};

/* NULL where the catalogue says nothing of it. Aborts without memory. */
struct needs *needs_of_files(const struct files *files);
void needs_free(struct needs *needs);

/*
 * How much likelier each file is among those fetched together with some that are known,
 * if the share of them that others of them explain holds for it, too: 1 on average.
 * likelier: by file. False, and nothing written, where the known ones are too few or have
 * nothing to do with each other.
 */
bool needs_weigh(const struct needs *needs, const uint32_t *known, size_t n,
		 float *likelier);

#endif
