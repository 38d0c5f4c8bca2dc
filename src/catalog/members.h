/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_MEMBERS_H
#define CATALOG_MEMBERS_H

#include "catalog/unpack.h"

/*
 * The regular files of a tar archive (libarchive), packed as unpack reads it. member gets
 * the file's name and its bytes, which it need not read.
 */
int members_read(struct unpack *in,
		 int (*member)(void *arg, const char *name, struct unpack *file,
			       struct err *err),
		 void *arg, struct err *err);

#endif
