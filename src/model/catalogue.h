/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_CATALOGUE_H
#define MODEL_CATALOGUE_H

#include "model/schema.h"

enum catalogue_field {
#define FIELD(id, type, ...) CATALOGUE_##id,
#include "model/catalogue.def"
#undef FIELD
	CATALOGUE_FIELDS
};

enum { CATALOGUE_VERSION = 1, CATALOGUE_WORDS = (CATALOGUE_FIELDS + 63) / 64 };

/* A file of a catalogue; see struct flow for the use of present. */
struct catalogue {
	uint64_t present[CATALOGUE_WORDS];
#define FIELD MEMBER_FIELD
#include "model/catalogue.def"
#undef FIELD
};

#define catalogue_set(row, id, value)                                                    \
	((row)->id = (value), row_mark((row)->present, CATALOGUE_##id))
#define catalogue_has(row, id) row_has((row)->present, CATALOGUE_##id)

extern const struct schema catalogue_schema;

#endif
