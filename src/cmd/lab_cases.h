/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_LAB_CASES_H
#define CMD_LAB_CASES_H

#include "lab/tables.h"

struct lab_cases_config {
	const char *dir;    /* the lab's data set */
	const char *python; /* that has scikit-learn */
	const char *decoys; /* a catalogue whose files are added; NULL: none are */
	int64_t tolerance_us;
	unsigned jobs; /* programs at once */
};

/*
 * Runs every method over every place of every scenario of the data set, as far as that is
 * there, and judges what they say. Steps are programs (lab_step.h) whose files stay in
 * DIR/models and DIR/SCENARIO/results. A step that fails leaves a note in the table and a
 * message; *failed counts them.
 */
int lab_cases(const struct lab_cases_config *config, struct lab_tables *tables,
	      unsigned *failed, struct err *err);

#endif
