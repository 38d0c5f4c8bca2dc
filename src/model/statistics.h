/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_STATISTICS_H
#define MODEL_STATISTICS_H

#include "model/schema.h"

enum statistics_field {
#define FIELD(id, type, ...) STATISTICS_##id,
#include "model/statistics.def"
#undef FIELD
	STATISTICS_FIELDS
};

/* A catalogue in numbers; see struct flow for the use of present. */
struct statistics {
	uint64_t present[1];
#define FIELD MEMBER_FIELD
#include "model/statistics.def"
#undef FIELD
};

#define statistics_set(row, id, value)                                          \
	((row)->id = (value), row_mark((row)->present, STATISTICS_##id))

extern const struct schema statistics_schema;

#endif
