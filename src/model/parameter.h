/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_PARAMETER_H
#define MODEL_PARAMETER_H

#include "model/schema.h"

enum parameter_field {
#define FIELD(id, type, ...) PARAMETER_##id,
#include "model/parameter.def"
#undef FIELD
	PARAMETER_FIELDS
};

enum { PARAMETER_VERSION = 1, PARAMETER_WORDS = (PARAMETER_FIELDS + 63) / 64 };

/* A parameter of the wire model; see struct flow for the use of present. */
struct parameter {
	uint64_t present[PARAMETER_WORDS];
#define FIELD MEMBER_FIELD
#include "model/parameter.def"
#undef FIELD
};

#define parameter_set(row, id, value) ((row)->id = (value), \
    row_mark((row)->present, PARAMETER_##id))

extern const struct schema parameter_schema;

#endif
