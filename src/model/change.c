/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The schema of a file by which two catalogues differ, made from change.def.
 */
#include "model/change.h"

static const struct field fields[] = {
#define FIELD(id_, type_, ...)                                                  \
	[CHANGE_##id_] = {.id = #id_,                                           \
			 .type = TYPE_##type_,                                  \
			 .offset = offsetof(struct change, id_),                \
			 .pair = CHANGE_##id_,                                  \
			 __VA_ARGS__},
#include "model/change.def"
#undef FIELD
};

_Static_assert(CHANGE_FIELDS <= 64, "more fields than one word of present holds");

const struct schema change_schema = {
    .name = "change",
    .version = 1,
    .count = CHANGE_FIELDS,
    .stored = CHANGE_FIELDS,
    .words = 1,
    .row_size = sizeof(struct change),
    .fields = fields,
};
