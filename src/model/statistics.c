/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The schema of a catalogue in numbers, made from statistics.def.
 */
#include "model/statistics.h"

static const struct field fields[] = {
#define FIELD(id_, type_, ...)                                                  \
	[STATISTICS_##id_] = {.id = #id_,                                       \
			 .type = TYPE_##type_,                                  \
			 .offset = offsetof(struct statistics, id_),            \
			 .pair = STATISTICS_##id_,                              \
			 __VA_ARGS__},
#include "model/statistics.def"
#undef FIELD
};

_Static_assert(STATISTICS_FIELDS <= 64, "more fields than one word of present holds");

const struct schema statistics_schema = {
    .name = "statistics",
    .version = 1,
    .count = STATISTICS_FIELDS,
    .stored = STATISTICS_FIELDS,
    .words = 1,
    .row_size = sizeof(struct statistics),
    .fields = fields,
};
