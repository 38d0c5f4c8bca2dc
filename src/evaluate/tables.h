/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef EVALUATE_TABLES_H
#define EVALUATE_TABLES_H

#include "model/enums.h"
#include "model/schema.h"

/* Rows of the three tables that an evaluation makes. */
enum score_field {
#define FIELD(id, type, ...) SCORE_##id,
#include "evaluate/score.def"
#undef FIELD
	SCORE_FIELDS
};

struct score {
	uint64_t present[1];
#define FIELD MEMBER_FIELD
#include "evaluate/score.def"
#undef FIELD
};

enum bin_field {
#define FIELD(id, type, ...) BIN_##id,
#include "evaluate/bin.def"
#undef FIELD
	BIN_FIELDS
};

struct bin {
	uint64_t present[1];
#define FIELD MEMBER_FIELD
#include "evaluate/bin.def"
#undef FIELD
};

enum miss_field {
#define FIELD(id, type, ...) MISS_##id,
#include "evaluate/miss.def"
#undef FIELD
	MISS_FIELDS
};

struct miss {
	uint64_t present[1];
#define FIELD MEMBER_FIELD
#include "evaluate/miss.def"
#undef FIELD
};

#define score_set(row, id, value) ((row)->id = (value), \
    row_mark((row)->present, SCORE_##id))
#define bin_set(row, id, value) ((row)->id = (value), row_mark((row)->present, BIN_##id))
#define miss_set(row, id, value) ((row)->id = (value), \
    row_mark((row)->present, MISS_##id))

extern const struct schema score_schema, bin_schema, miss_schema;

#endif
