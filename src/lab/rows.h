/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_ROWS_H
#define LAB_ROWS_H

#include "model/schema.h"

/* Rows of the tables that the lab makes, a struct and a schema of each .def file. */
enum lab_score_field {
#define FIELD(id, type, ...) LAB_SCORE_##id,
#include "lab/table_score.def"
#undef FIELD
	LAB_SCORE_FIELDS
};
enum lab_again_field {
#define FIELD(id, type, ...) LAB_AGAIN_##id,
#include "lab/table_again.def"
#undef FIELD
	LAB_AGAIN_FIELDS
};
enum lab_bin_field {
#define FIELD(id, type, ...) LAB_BIN_##id,
#include "lab/table_bin.def"
#undef FIELD
	LAB_BIN_FIELDS
};
enum lab_miss_field {
#define FIELD(id, type, ...) LAB_MISS_##id,
#include "lab/table_miss.def"
#undef FIELD
	LAB_MISS_FIELDS
};
enum lab_run_field {
#define FIELD(id, type, ...) LAB_RUN_##id,
#include "lab/table_run.def"
#undef FIELD
	LAB_RUN_FIELDS
};

#define FIELD MEMBER_FIELD
struct lab_score {
	uint64_t present[1];
#include "lab/table_score.def"
};
struct lab_again {
	uint64_t present[1];
#include "lab/table_again.def"
};
struct lab_bin {
	uint64_t present[1];
#include "lab/table_bin.def"
};
struct lab_miss {
	uint64_t present[1];
#include "lab/table_miss.def"
};
struct lab_run {
	uint64_t present[1];
#include "lab/table_run.def"
};
#undef FIELD

/* lab_set(&row, SCORE, right, 7): a member and its bit. */
#define lab_set(row, TABLE, id, value) \
	((row)->id = (value), row_mark((row)->present, LAB_##TABLE##_##id))

extern const struct schema lab_score_schema, lab_again_schema, lab_bin_schema,
    lab_miss_schema, lab_run_schema;

#endif
