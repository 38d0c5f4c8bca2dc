/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_PARTIAL_H
#define CATALOG_PARTIAL_H

#include "catalog/fetch.h"

/*
 * Answers kept in a file, a line each, appended as they come, so that a run that was
 * broken off loses none. A last line that was cut is left out.
 */
struct partial;

/* path NULL: nothing is kept. */
int partial_open(const char *path, struct partial **out, struct err *err);
void partial_close(struct partial *partial);
/* The answer kept for a URL; false if there is none. Its texts live as long as
 * partial. */
bool partial_find(struct partial *partial, const char *url, struct answer *out);
int partial_add(struct partial *partial, const char *url, const struct answer *answer,
		struct err *err);

#endif
