/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_NEEDS_H
#define LAB_NEEDS_H

#include "lab/scenario.h"

struct err;

/*
 * 0 if all programs that a scenario needs are installed; else what is missing and how
 * to get it.
 */
int scenario_needs(const struct scenario *scenario, struct err *err);

#endif
