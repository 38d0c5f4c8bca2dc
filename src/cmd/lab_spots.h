/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_LAB_SPOTS_H
#define CMD_LAB_SPOTS_H

#include "cmd/lab_site.h"

/* A place of a scenario with what is known of it. */
struct lab_spot {
	const struct lab_data_scenario *scenario;
	const struct lab_data_place *place;
	struct lab_records rows; /* plain ones */
	const char *features;    /* file with those; NULL: none */
	int64_t *again;
	size_t sklearn; /* step of its scenario; SIZE_MAX: none */
};

/*
 * All places of all scenarios, in their order, with what their stores have; what cannot
 * be read is told and missing.
 */
struct lab_spot *lab_spots_open(struct lab_site *site, size_t *count);
void lab_spots_free(struct lab_spot *spots, size_t count); /* NULL is fine */

#endif
