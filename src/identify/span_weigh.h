/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_SPAN_WEIGH_H
#define IDENTIFY_SPAN_WEIGH_H

#include "identify/files.h"
#include "identify/modes.h"
#include "identify/record.h"

/* Inside of the naming by spans: what naming, learning and joining of ranges share. */

static const double FLAT_BYTES = MODE_BYTES_MAX - MODE_BYTES_MIN + 1;
static const double REQUEST_FLAT = 1.0 / 2000;

/* p(r) of a file with this request, a density per byte; rest: the request's bytes beside
 * the path. */
double span_request_share(const struct files *files, const struct constants *c,
			  size_t file, uint64_t span, uint32_t *rest);
/* The same of a file that the catalogue does not have, and its size's. */
double span_request_unknown(const struct files *files, const struct constants *c,
			    uint64_t span);
double span_size_unknown(const struct files *files, uint64_t span);

typedef void span_file(void *arg, size_t file, uint32_t mode);

/* Calls each for the files that a header constant makes fit exactly. */
void span_each(const struct files *files, const struct modes *header, uint64_t span,
	       span_file *each, void *arg);

/* The files that some constant would make fit: from .. to - 1. */
void span_window(const struct files *files, uint64_t span, size_t *from, size_t *to);

/* Weighs all accounts of a record, with its request where asked for. */
void span_weigh(const struct files *files, const struct constants *constants,
		const struct record *record, bool with_request, struct verdict *out);

#endif
