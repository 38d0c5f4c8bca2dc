/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_DEBIAN_H
#define CATALOG_DEBIAN_H

#include "catalog/build.h"
#include "model/catalogue.h"

/* Suite and source by where the index lies; borrows path. */
void debian_name_source(struct catalogue *common, const char *path);
/* Adds a Packages index's rows; common holds what they share. */
int debian_read_index(struct build *build, struct unpack *in,
		      const struct catalogue *common, struct err *err);

#endif
