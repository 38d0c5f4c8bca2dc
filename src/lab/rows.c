/* SPDX-License-Identifier: BSD-2-Clause */
/* The schemas of the lab's tables, made from their .def files. */
#include "lab/rows.h"

static const struct field score_fields[] = {
#define FIELD(id_, type_, ...)                                                           \
	[LAB_SCORE_##id_] = {.id = #id_,                                                 \
			     .type = TYPE_##type_,                                       \
			     .offset = offsetof(struct lab_score, id_),                  \
			     .pair = LAB_SCORE_##id_,                                    \
			     __VA_ARGS__},
#include "lab/table_score.def"
#undef FIELD
};

static const struct field again_fields[] = {
#define FIELD(id_, type_, ...)                                                           \
	[LAB_AGAIN_##id_] = {.id = #id_,                                                 \
			     .type = TYPE_##type_,                                       \
			     .offset = offsetof(struct lab_again, id_),                  \
			     .pair = LAB_AGAIN_##id_,                                    \
			     __VA_ARGS__},
#include "lab/table_again.def"
#undef FIELD
};

static const struct field bin_fields[] = {
#define FIELD(id_, type_, ...)                                                           \
	[LAB_BIN_##id_] = {.id = #id_,                                                   \
			   .type = TYPE_##type_,                                         \
			   .offset = offsetof(struct lab_bin, id_),                      \
			   .pair = LAB_BIN_##id_,                                        \
			   __VA_ARGS__},
#include "lab/table_bin.def"
#undef FIELD
};

static const struct field miss_fields[] = {
#define FIELD(id_, type_, ...)                                                           \
	[LAB_MISS_##id_] = {.id = #id_,                                                  \
			    .type = TYPE_##type_,                                        \
			    .offset = offsetof(struct lab_miss, id_),                    \
			    .pair = LAB_MISS_##id_,                                      \
			    __VA_ARGS__},
#include "lab/table_miss.def"
#undef FIELD
};

static const struct field run_fields[] = {
#define FIELD(id_, type_, ...)                                                           \
	[LAB_RUN_##id_] = {.id = #id_,                                                   \
			   .type = TYPE_##type_,                                         \
			   .offset = offsetof(struct lab_run, id_),                      \
			   .pair = LAB_RUN_##id_,                                        \
			   __VA_ARGS__},
#include "lab/table_run.def"
#undef FIELD
};

const struct schema lab_score_schema = {.name = "lab_score",
					.version = 1,
					.count = LAB_SCORE_FIELDS,
					.stored = LAB_SCORE_FIELDS,
					.words = 1,
					.row_size = sizeof(struct lab_score),
					.fields = score_fields};
const struct schema lab_again_schema = {.name = "lab_again",
					.version = 1,
					.count = LAB_AGAIN_FIELDS,
					.stored = LAB_AGAIN_FIELDS,
					.words = 1,
					.row_size = sizeof(struct lab_again),
					.fields = again_fields};
const struct schema lab_bin_schema = {.name = "lab_bin",
				      .version = 1,
				      .count = LAB_BIN_FIELDS,
				      .stored = LAB_BIN_FIELDS,
				      .words = 1,
				      .row_size = sizeof(struct lab_bin),
				      .fields = bin_fields};
const struct schema lab_miss_schema = {.name = "lab_miss",
				       .version = 1,
				       .count = LAB_MISS_FIELDS,
				       .stored = LAB_MISS_FIELDS,
				       .words = 1,
				       .row_size = sizeof(struct lab_miss),
				       .fields = miss_fields};
const struct schema lab_run_schema = {.name = "lab_run",
				      .version = 1,
				      .count = LAB_RUN_FIELDS,
				      .stored = LAB_RUN_FIELDS,
				      .words = 1,
				      .row_size = sizeof(struct lab_run),
				      .fields = run_fields};
