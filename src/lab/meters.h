/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_METERS_H
#define LAB_METERS_H

#include "lab/scenario.h"

#include <stdbool.h>

struct err;
struct process;
struct text;
struct topology;

/*
 * The meters of all places, for a block of downloads. At each place weir's own meter
 * records into the store PLACE/store; at some softflowd sends NetFlow 9 to nfcapd, whose
 * files become the store PLACE/softflowd, and at the others weir sends plain IPFIX
 * records, octets and packets, to weir collect with the store PLACE/router.
 */
struct meters_config {
	const struct scenario *scenario;
	const struct topology *topology;
	const char *folder;   /* has a folder for each place */
	const char *logs;     /* folder of the programs' logs */
	const char *program;  /* weir, as a file */
};

enum { METERS_OF_PLACE = 3 };

struct meters {
	const struct meters_config *config;
	struct process *list[PLACES][METERS_OF_PLACE];
};

/* What was lost: packets that passed a place and did not reach its meters. */
struct meters_losses {
	uint64_t dropped[PLACES];   /* weir's own */
	uint64_t softflowd[PLACES];
};

/* Starts them and waits until each records. */
int meters_start(struct meters *meters, const struct meters_config *config,
    struct err *err);
/*
 * Waits until packets under way are seen, ends them, and has nfcapd's files loaded. Each
 * place's losses are added up. After an error meters_drop is due.
 */
int meters_stop(struct meters *meters, struct meters_losses *losses, struct err *err);
/* Ends them, whatever becomes of their records. */
void meters_drop(struct meters *meters);

#endif
