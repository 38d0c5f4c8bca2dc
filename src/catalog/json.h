/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_JSON_H
#define CATALOG_JSON_H

#include "catalog/unpack.h"

#include <jansson.h>

/*
 * A JSON document (jansson), at most BUILD_DOCUMENT_MAX bytes of it and a budget of
 * memory for its tree, so that a small document cannot take much. An error names file,
 * line and column. Freed by json_decref.
 */
int json_read(struct unpack *in, json_t **out, struct err *err);

/* A member's text; NULL if it is none. */
const char *json_text(const json_t *object, const char *member);

#endif
