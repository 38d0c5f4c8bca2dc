/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_LAB_STEP_H
#define CMD_LAB_STEP_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text;

/*
 * Steps of the lab are runs of programs, this one for the most part, each of which makes
 * a file. What a file was made of is kept beside it (FILE.made, lab_made.h); a step whose
 * file is there and made of the same is not run again.
 */
enum { LAB_STEP_WORDS = 48, LAB_STEP_INPUTS = 16 };

struct lab_step {
	const char *output; /* the file it makes */
	const char *log;    /* standard error goes there */
	const char
	    *argv[LAB_STEP_WORDS]; /* "" in front: this program itself; NULL-terminated */
	const char
	    *inputs[LAB_STEP_INPUTS]; /* files and folders it reads; NULL-terminated */
	bool prints;                  /* its standard output is the file */
	uint64_t effort;              /* how long it takes beside others, roughly */
};

/* 0 if the file is there, made now or before. EINTR: asked to stop. */
int lab_step_run(const struct lab_step *step, struct err *err);

struct lab_steps_config {
	unsigned jobs;     /* programs at once */
	const char *label; /* progress is shown under it; NULL: none is */
};

/* All of them, in the order of their effort; errs[i] is set where step i failed. Steps
 * hang on none of the others. */
void lab_steps_run(const struct lab_step *steps, size_t count,
    const struct lab_steps_config *config, struct err *errs);

enum { LAB_STEP_JOBS = 64 };

/* All of a file; -1: errno says why not. */
int lab_file_read(const char *path, struct text *out);
/* Writes a file unless it has just these bytes, so that its time tells when it changed.
 */
int lab_file_write(const char *path, const struct text *bytes, struct err *err);
/* Moves a new file to its place, unless what is there has the same bytes. */
int lab_file_replace(const char *made, const char *path, struct err *err);

#endif
