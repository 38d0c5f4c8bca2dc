/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_FLOW_H
#define MODEL_FLOW_H

#include "model/enums.h"
#include "model/schema.h"

enum flow_field {
#define FIELD(id, type, ...) FLOW_##id,
#define BIFLOW(id, type, ...) FLOW_##id, FLOW_reverse_##id,
#define DERIVED(id, type, operation, a, b, ...) FLOW_##id,
#include "model/field.def"
#undef FIELD
#undef BIFLOW
#undef DERIVED
	FLOW_FIELDS
};

enum { FLOW_VERSION = 2, FLOW_WORDS = (FLOW_FIELDS + 63) / 64 };

/*
 * A flow as one row. A member holds a value only if its bit in present is set: use
 * flow_set and flow_has. Text and lists are borrowed.
 */
struct flow {
	uint64_t present[FLOW_WORDS];
#define FIELD MEMBER_FIELD
#define BIFLOW MEMBER_BIFLOW
#define DERIVED(...)
#include "model/field.def"
#undef FIELD
#undef BIFLOW
#undef DERIVED
};

#define flow_set(flow, id, value) \
	((flow)->id = (value), row_mark((flow)->present, FLOW_##id))
#define flow_unset(flow, id) row_unmark((flow)->present, FLOW_##id)
#define flow_has(flow, id) row_has((flow)->present, FLOW_##id)
/* The value, or other where it is null. */
#define flow_or(flow, id, other) (flow_has(flow, id) ? (flow)->id : (other))

extern const struct schema flow_schema;

#endif
