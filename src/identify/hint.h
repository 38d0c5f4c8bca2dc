/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_HINT_H
#define IDENTIFY_HINT_H

#include "identify/files.h"
#include "identify/record.h"

#include <stdbool.h>

struct text;

/*
 * Hints: what else is known that makes some of a record's candidates likelier than
 * others. Each is a row of a table with a weight; all are priors, none a rule: a hint
 * multiplies a candidate's probability by a factor between 1 / its weight and its weight,
 * and what the spans say decides where they say anything.
 */
enum hint {
#define HINT(id, weight, help) HINT_##id,
#include "identify/hint.def"
#undef HINT
	HINTS
};

/* Systems that a client is known to run, from what it downloaded before. */
struct hosts;

/* What the hints look at beside record and file; a part that is not known is 0. */
struct hint_view {
	const struct files *files;
	const struct record *record;
	const struct hosts *hosts;
	const char *server_name; /* by the names file; NULL: none */
	/* Places in the index of sure downloads before and after; how often such places
	 * ascend; the last place of all. in_order 0: nothing is known. */
	const uint32_t *order;
	uint32_t low, high, last;
	double in_order;
};

/* Weighs the candidates again; what lies with no candidate keeps its weight. */
void hints_apply(const struct hint_view *view, struct verdict *verdict);
/* Appends what each hint says of a file, as "name factor" words; nothing without any. */
void hints_tell(const struct hint_view *view, uint32_t file, struct text *out);

struct hosts *hosts_new(void);
void hosts_free(struct hosts *hosts);
/* Notes that the record's client surely downloaded a file. */
void hosts_add(struct hosts *hosts, const struct files *files,
    const struct record *record, uint32_t file);

#endif
