/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The schema of hosts, made from host.def.
 */
#include "model/host.h"

static const struct field fields[] = {
#define FIELD(id_, type_, ...)                                                      \
	[HOST_##id_] = {.id = #id_, .type = TYPE_##type_,                           \
	    .offset = offsetof(struct host, id_), .pair = HOST_##id_, __VA_ARGS__},
#include "model/host.def"
#undef FIELD
};

const struct schema host_schema = {
	.name = "host",
	.version = HOST_VERSION,
	.count = HOST_FIELDS,
	.stored = HOST_FIELDS,
	.words = HOST_WORDS,
	.row_size = sizeof(struct host),
	.fields = fields,
};
