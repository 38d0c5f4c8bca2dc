/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_HTML_H
#define CATALOG_HTML_H

#include "catalog/unpack.h"

struct text;

/* A link of a list's page, and the date and size that stand behind it; "" if none. */
struct html_link {
	const char *href;
	const char *date, *size;
	uint64_t line;
};

/* Calls back for every link of a page; an error if it has none. */
int html_links(struct unpack *in,
	       int (*link)(void *arg, const struct html_link *link, struct err *err),
	       void *arg, struct err *err);

/* %XX to bytes, but for %00. */
void percent_decode(struct text *out, const char *s);
/* A file's name as it stands in a URL (RFC 3986). */
void percent_encode(struct text *out, const char *s);

#endif
