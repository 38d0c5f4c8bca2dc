/* SPDX-License-Identifier: BSD-2-Clause */
/* The schemas of scores, bins and misses, made from their .def files. */
#include "evaluate/tables.h"

static const struct field score_fields[] = {
#define FIELD(id_, type_, ...)                                                      \
	[SCORE_##id_] = {.id = #id_, .type = TYPE_##type_,                          \
	    .offset = offsetof(struct score, id_), .pair = SCORE_##id_, __VA_ARGS__},
#include "evaluate/score.def"
#undef FIELD
};

static const struct field bin_fields[] = {
#define FIELD(id_, type_, ...)                                                    \
	[BIN_##id_] = {.id = #id_, .type = TYPE_##type_,                          \
	    .offset = offsetof(struct bin, id_), .pair = BIN_##id_, __VA_ARGS__},
#include "evaluate/bin.def"
#undef FIELD
};

static const struct field miss_fields[] = {
#define FIELD(id_, type_, ...)                                                     \
	[MISS_##id_] = {.id = #id_, .type = TYPE_##type_,                          \
	    .offset = offsetof(struct miss, id_), .pair = MISS_##id_, __VA_ARGS__},
#include "evaluate/miss.def"
#undef FIELD
};

const struct schema score_schema = {.name = "score", .version = 1, .count = SCORE_FIELDS,
    .stored = SCORE_FIELDS, .words = 1, .row_size = sizeof(struct score),
    .fields = score_fields};
const struct schema bin_schema = {.name = "bin", .version = 1, .count = BIN_FIELDS,
    .stored = BIN_FIELDS, .words = 1, .row_size = sizeof(struct bin),
    .fields = bin_fields};
const struct schema miss_schema = {.name = "miss", .version = 1, .count = MISS_FIELDS,
    .stored = MISS_FIELDS, .words = 1, .row_size = sizeof(struct miss),
    .fields = miss_fields};
