/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The schemas of what sizes give away: a column per row of leak.def.
 */
#include "model/leak.h"

#define AT(type_, row, id_, member)                                                      \
	.id = #id_, .type = TYPE_##type_, .offset = offsetof(struct row, member)

const struct leak_row leak_rows[LEAK_GRADES] = {
#define GRADE(id_, how_, value_, ...)                                                    \
	[LEAK_##id_] = {.id = #id_, .how = LEAK_##how_, .value = value_, __VA_ARGS__},
#include "model/leak.def"
#undef GRADE
};

static const struct field leak_fields[LEAK_FIELDS] = {
    [LEAK_FIELD_name] = {AT(text, leak_file, name, name), .pair = LEAK_FIELD_name,
			 .heading = "Name", .help = "The file's name"},
    [LEAK_FIELD_version] = {AT(text, leak_file, version, version),
			    .pair = LEAK_FIELD_version, .heading = "Version",
			    .help = "Its version"},
    [LEAK_FIELD_arch] = {AT(text, leak_file, arch, arch), .pair = LEAK_FIELD_arch,
			 .heading = "Arch", .help = "Its architecture"},
    [LEAK_FIELD_suite] = {AT(text, leak_file, suite, suite), .pair = LEAK_FIELD_suite,
			  .heading = "Suite", .help = "Its suite"},
    [LEAK_FIELD_size] = {AT(u64, leak_file, size, size), .pair = LEAK_FIELD_size,
			 .heading = "Size", .help = "Its size, bytes"},
    [LEAK_FIELD_path_len] = {AT(u32, leak_file, path_len, path_len),
			     .pair = LEAK_FIELD_path_len, .heading = "Path len",
			     .help = "Bytes of its path as clients send it"},
#define GRADE(id_, how_, value_, ...)                                                    \
	[LEAK_FIELD_grades + LEAK_##id_] = {                                             \
	    AT(u32, leak_file, id_, grades[LEAK_##id_]),                                 \
	    .pair = LEAK_FIELD_grades + LEAK_##id_, __VA_ARGS__},
#include "model/leak.def"
#undef GRADE
};

const struct schema leak_schema = {
    .name = "leak",
    .version = 1,
    .count = LEAK_FIELDS,
    .stored = LEAK_FIELDS,
    .words = 1,
    .row_size = sizeof(struct leak_file),
    .fields = leak_fields,
};

static const struct field summary_fields[LEAK_SUMMARY_FIELDS] = {
    [LEAK_SUMMARY_set] = {AT(text, leak_summary, set, set), .pair = LEAK_SUMMARY_set,
			  .heading = "Set", .help = "Which files, by size"},
    [LEAK_SUMMARY_files] = {AT(u64, leak_summary, files, files),
			    .pair = LEAK_SUMMARY_files, .heading = "Files",
			    .help = "How many"},
    [LEAK_SUMMARY_median] = {AT(u64, leak_summary, median, median),
			     .pair = LEAK_SUMMARY_median, .heading = "Median",
			     .help = "Their median size, bytes"},
    [LEAK_SUMMARY_measure] = {AT(text, leak_summary, measure, measure),
			      .pair = LEAK_SUMMARY_measure, .heading = "Measure",
			      .help = "top-1 or unique: what the percentages are of"},
#define GRADE(id_, how_, value_, ...)                                                    \
	[LEAK_SUMMARY_grades + LEAK_##id_] = {                                           \
	    AT(f64, leak_summary, id_, grades[LEAK_##id_]),                              \
	    .pair = LEAK_SUMMARY_grades + LEAK_##id_, __VA_ARGS__},
#include "model/leak.def"
#undef GRADE
};

const struct schema leak_summary_schema = {
    .name = "leak_summary",
    .version = 1,
    .count = LEAK_SUMMARY_FIELDS,
    .stored = LEAK_SUMMARY_FIELDS,
    .words = 1,
    .row_size = sizeof(struct leak_summary),
    .fields = summary_fields,
};

_Static_assert((int)LEAK_FIELDS <= 64 && (int)LEAK_SUMMARY_FIELDS <= 64,
	       "more fields than one word of present holds");
