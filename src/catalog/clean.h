/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_CLEAN_H
#define CATALOG_CLEAN_H

#include "base/text.h"
#include "model/catalogue.h"

struct build;
struct origin;

/* Makes strangers' texts fit for a catalogue; holds what it had to change. */
struct clean {
	struct text space;
	char name[128]; /* of the last row, for notes */
};

void clean_init(struct clean *clean);
void clean_done(struct clean *clean);

/*
 * Control characters and bytes that are no UTF-8 become U+FFFD, in the path %XX as
 * clients send them; long texts are cut, dependencies at a blank. False if the name or
 * path is too long: the row is left out. All is counted in build. Texts that had to be
 * changed live until the next call.
 */
bool clean_row(struct clean *clean, struct build *build, struct catalogue *row,
	       const struct origin *origin);
const char *clean_name(const struct clean *clean);

/* Bytes of the UTF-8 character at s, 0 if it is none or a control character. */
size_t utf8_length(const char *s, size_t n);

#endif
