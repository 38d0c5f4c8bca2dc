/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_LAB_SHOW_H
#define CMD_LAB_SHOW_H

#include "lab/tables.h"

struct text;

enum lab_misses { LAB_MISSES_ALL, LAB_MISSES_OURS, LAB_MISSES_NONE };

/* The lab's tables for people, for programs, and as a page. misses: which are listed. */
int lab_show_text(const struct lab_tables *tables, enum lab_misses misses,
		  struct text *out, struct err *err);
int lab_show_tsv(const struct lab_tables *tables, enum lab_misses misses,
		 struct text *out, struct err *err);
int lab_show_ndjson(const struct lab_tables *tables, enum lab_misses misses,
		    struct text *out, struct err *err);
int lab_show_html(const struct lab_tables *tables, enum lab_misses misses,
		  struct text *out, struct err *err);

/* A line a place with a column a method: percent named right. */
void lab_pivot_text(const struct lab_tables *tables, struct text *out);
void lab_pivot_html(const struct lab_tables *tables, const char *label, struct text *out);

/* Misses of the wire model and of spans: the classifiers have thousands. */
bool lab_show_is_ours(const void *miss);

/* The score of all kinds by the scenario's own catalogue; NULL where there is no such
 * row. */
const struct lab_score *lab_show_find(const struct lab_tables *tables,
				      struct str scenario, struct str place,
				      const char *method);

/* The places of scores, each once, in order: rows of a pivoted table. */
struct lab_spot_name {
	struct str scenario, place;
};
struct lab_spot_name *lab_show_spots(const struct lab_tables *tables, size_t *count);

#endif
