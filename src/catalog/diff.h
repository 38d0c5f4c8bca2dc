/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_DIFF_H
#define CATALOG_DIFF_H

#include "catalog/catalog.h"
#include "model/change.h"

/*
 * By which files two sealed catalogues differ, by name. A file is known by name,
 * architecture, suite and encoding. Of those with the same, equal ones (version, size,
 * path) are left out; of the rest, those of the same version, or one alone on each side,
 * are "changed"; what is left is "added" or "removed". Stops at -1 of change().
 */
int catalog_diff(const struct catalog *old, const struct catalog *new,
		 int (*change)(void *arg, const struct change *change, struct err *err),
		 void *arg, struct err *err);

#endif
