/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef EVALUATE_PIECES_H
#define EVALUATE_PIECES_H

#include "model/type.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The pieces of a finding (column `pieces`): a download of which parts were asked for one
 * by one, "port start; port start" for each request behind the first. Each is a download
 * of the truth, and what the finding says is said of all of them.
 */
struct piece_start {
	int64_t start_us;
	uint16_t port;
};

/* Takes the next piece off the text; false at its end, or with is_wrong where it is no
 * list of pieces. */
bool pieces_next(struct str *rest, struct piece_start *out, bool *is_wrong);

#endif
