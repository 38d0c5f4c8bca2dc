/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_LAB_SITE_H
#define CMD_LAB_SITE_H

#include "cmd/lab_cases.h"
#include "cmd/lab_data.h"
#include "cmd/lab_step.h"

/* What lab_cases.c and lab_learn.c share. */
struct lab_site {
	const struct lab_cases_config *config;
	struct lab_tables *tables;
	struct lab_data data;
	const struct lab_data_scenario *training; /* NULL: no training downloads */
	/* files: of lessons, of classify.py, of what scikit-learn there is */
	const char *train_rows, *script, *sklearn;
	const char *models[LAB_METHODS];          /* a file each; NULL: none */
	char notes[LAB_METHODS][256];             /* why there is none; "": no reason */
	uint64_t taught;                          /* files learned */
	unsigned failed;
};

/* Learns what can be learned, once; notes say what cannot and why. */
void lab_learn(struct lab_site *site);

/* A failed step: it is counted and told. */
void lab_site_failed(struct lab_site *site, const struct err *err);
/* The first line of a message: the note of the cases that need what failed. */
void lab_site_note(const struct err *err, char note[256]);
/* A store of plain records, NULL: none. */
const char *lab_site_plain(const struct lab_data_place *place);
/* "FOLDER/NAMEEND", as long as the data set. */
const char *lab_site_file(struct lab_site *site, const char *folder, const char *name,
			  const char *end);
/* Prints a store's flows into a table for lab_rows_read. filter may be NULL. */
struct lab_step lab_site_print(const char *store, const char *output, const char *log,
			       const char *filter);
/* The features of a record as cells of a row: start, end, client, client_port, bytes,
 * packets. */
void lab_site_features(struct text *out, const struct lab_records *rows,
		       const struct lab_record *record);

#endif
