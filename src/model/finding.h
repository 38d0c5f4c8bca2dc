/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_FINDING_H
#define MODEL_FINDING_H

#include "model/enums.h"
#include "model/schema.h"

enum finding_field {
#define FIELD(id, type, ...) FINDING_##id,
#include "model/finding.def"
#undef FIELD
	FINDING_FIELDS
};

enum { FINDING_VERSION = 1, FINDING_WORDS = (FINDING_FIELDS + 63) / 64 };

/* A conclusion about one download; see struct flow for the use of present. */
struct finding {
	uint64_t present[FINDING_WORDS];
#define FIELD MEMBER_FIELD
#include "model/finding.def"
#undef FIELD
};

#define finding_set(finding, id, value) \
	((finding)->id = (value), row_mark((finding)->present, FINDING_##id))
#define finding_has(finding, id) row_has((finding)->present, FINDING_##id)

extern const struct schema finding_schema;

#endif
