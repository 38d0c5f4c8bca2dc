/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef EVALUATE_ALIGN_H
#define EVALUATE_ALIGN_H

#include "evaluate/input.h"

enum { UNPAIRED = UINT32_MAX };

/*
 * Pairs downloads and findings: pairs[i] is the finding of truth's item i, or UNPAIRED.
 * Sorts both lists. Returns how many downloads were paired as they came, because too many
 * share a client and port.
 */
uint64_t align_items(struct items *truth, struct items *findings, int64_t tolerance_us,
    uint32_t *pairs);

#endif
