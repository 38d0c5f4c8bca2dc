/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_DEB822_H
#define CATALOG_DEB822_H

#include "base/text.h"
#include "catalog/unpack.h"

enum { DEB822_FIELDS_MAX = 16 };

/*
 * Paragraphs of "Field: value" lines (deb822), of which the fields named are kept. A
 * signed file (InRelease) is read without its signature. Lines of a folded value are
 * joined by newlines. The first field names the paragraph in messages.
 */
struct deb822 {
	struct unpack *in;
	const char *const *names;
	size_t count;
	struct text values[DEB822_FIELDS_MAX];
	uint64_t number; /* of the paragraph, from 1 */
	uint64_t line;   /* where it began */
	bool is_open, is_ended; /* ended: by a signature */
	int folding; /* the field that a continuation line belongs to, or -1 */
};

void deb822_init(struct deb822 *d, struct unpack *in, const char *const *names,
		 size_t count);
void deb822_done(struct deb822 *d);
/* 1: values are those of the next paragraph, 0: the end, -1: no such file. */
int deb822_next(struct deb822 *d, struct err *err);

#endif
