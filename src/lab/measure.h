/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_MEASURE_H
#define LAB_MEASURE_H

#include "lab/told.h"
#include "model/schema.h"

struct err;
struct sink;

/* Reference downloads as the meter saw them, a row a file. */
enum lab_measure_field {
#define FIELD(id, type, ...) LAB_MEASURE_##id,
#include "lab/table_measure.def"
#undef FIELD
	LAB_MEASURE_FIELDS
};

struct lab_measure {
	uint64_t present[1];
#define FIELD MEMBER_FIELD
#include "lab/table_measure.def"
#undef FIELD
};

extern const struct schema lab_measure_schema;

struct lab_measures {
	struct lab_measure *list;
	size_t count;
	uint64_t downloads, metered;
};

/*
 * Texts stay borrowed. Downloads of one name
 * are those of one file; files come by name.
 */
struct lab_measure_input {
	const struct lab_downloads *downloads;
	const struct lab_records *records; /* rows of the meter */
	const char *const *urls;           /* of each download */
	int64_t tolerance_us;
};
void lab_measure(const struct lab_measure_input *input, struct lab_measures *out);
void lab_measures_done(struct lab_measures *measures);
int lab_measures_push(const struct lab_measures *measures, struct sink *sink,
		      struct err *err);

#endif
