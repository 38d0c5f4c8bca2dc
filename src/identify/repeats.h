/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_REPEATS_H
#define IDENTIFY_REPEATS_H

#include "identify/popular.h"
#include "identify/record.h"

/*
 * Finds the files that are downloaded again and again among records (popular.h), and has
 * plain records named with them from then on: where is_fitting, what plain_learn fitted
 * to these records is fitted again. constants: of spans, by record. The caller frees what
 * it gets, after plain_set_popular(plain, NULL).
 */
struct plain;
struct constants;

struct repeats {
	const struct files *files;
	struct plain *plain;
	const struct constants *const *constants;
	struct record *records;
	size_t count;
	bool is_fitting;
};

struct popular *repeats_find(const struct repeats *repeats);

/* Has what was found weigh in what a record says. */
void repeats_apply(const struct popular *popular, const struct record *record,
		   struct verdict *verdict);

#endif
