/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_CHANGE_H
#define MODEL_CHANGE_H

#include "model/schema.h"

enum change_field {
#define FIELD(id, type, ...) CHANGE_##id,
#include "model/change.def"
#undef FIELD
	CHANGE_FIELDS
};

/* A file by which two catalogues differ; see struct flow for the use of present. */
struct change {
	uint64_t present[1];
#define FIELD MEMBER_FIELD
#include "model/change.def"
#undef FIELD
};

#define change_set(row, id, value)                                              \
	((row)->id = (value), row_mark((row)->present, CHANGE_##id))

extern const struct schema change_schema;

#endif
