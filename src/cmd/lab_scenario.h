/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_LAB_SCENARIO_H
#define CMD_LAB_SCENARIO_H

#include "lab/scenario.h"

struct err;

/* The scenarios that weir brings, by number from 0; false after the last one. */
bool shipped_scenario(unsigned number, struct scenario *out, struct err *err);
/* A scenario that weir brings, by its name, or one's own, by the path of its file. */
int scenario_open(const char *word, struct scenario *out, struct err *err);

#endif
