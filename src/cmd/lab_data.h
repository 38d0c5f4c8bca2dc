/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_LAB_DATA_H
#define CMD_LAB_DATA_H

#include "lab/download.h"
#include "lab/facts.h"

struct err;
struct lab_tables;

/*
 * The data set of the lab as it lies:
 * DIR/SCENARIO/{truth.tsv,catalogue.tsv,run.tsv,places/}. A folder with a truth.tsv or
 * run.tsv is a scenario; what is missing of it is NULL here, and without a download in
 * the truth it has none, no places and no files.
 */
struct lab_data_place {
	const char *name;
	const char *store, *softflowd, *router; /* store folders */
};

enum { LAB_DATA_EXTENDED = 4 };

struct lab_data_scenario {
	const char *name, *catalogue, *results, *log;
	const char
	    *extended[LAB_DATA_EXTENDED]; /* catalogues with decoys; NULL: no more */
	uint64_t extended_names[LAB_DATA_EXTENDED];
	const char *before,
	    *after; /* filters that part training from the rest; NULL: all */
	struct lab_downloads downloads;
	struct lab_data_place *places; /* from the client on */
	size_t place_count;
	uint64_t files;  /* of the catalogue */
	const char *run; /* run.tsv's text, "" if it is not there */
	struct lab_fact fact;
	bool has_fact;
};

struct lab_data {
	const char *models, *log;            /* DIR/models, made; a file in it */
	struct lab_data_scenario *scenarios; /* the article's first, then by name */
	size_t count;
	/* private */
	char **texts;
	size_t text_count, text_cap;
	int lock_fd; /* + 1 */
};

/* Zeroed before. To be closed even if it fails. One program at a time has a data set
 * open. */
int lab_data_open(struct lab_data *data, const char *dir, struct err *err);
void lab_data_close(struct lab_data *data);

/* A text that lives as long as the data set. */
const char *lab_data_path(struct lab_data *data, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Catalogues of so many names for each scenario: its files, and files of another
 * catalogue by their sizes alone, in an order that their names decide. If that has too
 * few, all of them.
 */
int lab_data_extend(struct lab_data *data, const char *decoys, const uint64_t *names,
		    size_t n, struct err *err);

/* The scenario as a row of the table of runs. */
void lab_data_tell(const struct lab_data_scenario *scenario, struct lab_tables *tables);

#endif
