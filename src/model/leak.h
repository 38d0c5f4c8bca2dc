/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_LEAK_H
#define MODEL_LEAK_H

#include "model/schema.h"

enum leak_grade {
#define GRADE(id, how, value, ...) LEAK_##id,
#include "model/leak.def"
#undef GRADE
	LEAK_GRADES
};

enum leak_how { LEAK_WITHIN, LEAK_SHARE, LEAK_PATH, LEAK_TLS, LEAK_WIRE };

struct leak_row {
	const char *id, *heading, *help;
	enum leak_how how;
	uint64_t value;
};
extern const struct leak_row leak_rows[LEAK_GRADES];

/* A file, and by grade how many files fit as well, itself included. */
enum leak_field {
	LEAK_FIELD_name,
	LEAK_FIELD_version,
	LEAK_FIELD_arch,
	LEAK_FIELD_suite,
	LEAK_FIELD_size,
	LEAK_FIELD_path_len,
	LEAK_FIELD_grades, /* LEAK_GRADES of them */
	LEAK_FIELDS = LEAK_FIELD_grades + LEAK_GRADES
};

struct leak_file {
	uint64_t present[1];
	struct str name, version, arch, suite;
	uint64_t size;
	uint32_t path_len;
	uint32_t grades[LEAK_GRADES];
};

extern const struct schema leak_schema;

/* A set of files and, by grade, a share of them in percent. */
enum leak_summary_field {
	LEAK_SUMMARY_set,
	LEAK_SUMMARY_files,
	LEAK_SUMMARY_median,
	LEAK_SUMMARY_measure,
	LEAK_SUMMARY_grades,
	LEAK_SUMMARY_FIELDS = LEAK_SUMMARY_grades + LEAK_GRADES
};

struct leak_summary {
	uint64_t present[1];
	struct str set;
	uint64_t files, median;
	struct str measure;
	double grades[LEAK_GRADES];
};

extern const struct schema leak_summary_schema;

#endif
