/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The schema of a catalogue's rows, made from catalogue.def.
 */
#include "model/catalogue.h"

static const struct field catalogue_fields[] = {
#define FIELD(id_, type_, ...)                                                           \
	[CATALOGUE_##id_] = {.id = #id_,                                                 \
			     .type = TYPE_##type_,                                       \
			     .offset = offsetof(struct catalogue, id_),                  \
			     .pair = CATALOGUE_##id_,                                    \
			     __VA_ARGS__},
#include "model/catalogue.def"
#undef FIELD
};

const struct schema catalogue_schema = {
    .name = "catalogue",
    .version = CATALOGUE_VERSION,
    .count = CATALOGUE_FIELDS,
    .stored = CATALOGUE_FIELDS,
    .words = CATALOGUE_WORDS,
    .row_size = sizeof(struct catalogue),
    .fields = catalogue_fields,
};
