/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The schema of parameters, made from parameter.def.
 */
#include "model/parameter.h"

static const struct field fields[] = {
#define FIELD(id_, type_, ...)                                                      \
	[PARAMETER_##id_] = {.id = #id_, .type = TYPE_##type_,                           \
	    .offset = offsetof(struct parameter, id_), .pair = PARAMETER_##id_, \
	    __VA_ARGS__},
#include "model/parameter.def"
#undef FIELD
};

const struct schema parameter_schema = {
	.name = "parameter",
	.version = PARAMETER_VERSION,
	.count = PARAMETER_FIELDS,
	.stored = PARAMETER_FIELDS,
	.words = PARAMETER_WORDS,
	.row_size = sizeof(struct parameter),
	.fields = fields,
};
