/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_HOST_H
#define MODEL_HOST_H

#include "model/schema.h"

enum host_field {
#define FIELD(id, type, ...) HOST_##id,
#include "model/host.def"
#undef FIELD
	HOST_FIELDS
};

enum { HOST_VERSION = 1, HOST_WORDS = (HOST_FIELDS + 63) / 64 };

/* A host of the inventory; see struct flow for the use of present. */
struct host {
	uint64_t present[HOST_WORDS];
#define FIELD MEMBER_FIELD
#include "model/host.def"
#undef FIELD
};

#define host_set(row, id, value) ((row)->id = (value), \
    row_mark((row)->present, HOST_##id))

extern const struct schema host_schema;

#endif
