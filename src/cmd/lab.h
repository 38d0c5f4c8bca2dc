/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_LAB_H
#define CMD_LAB_H

#include "cmd/command.h"

/* The verbs of weir lab; each has a file of its own, lab_VERB.c. */
#define LAB(name_) extern const struct command command_lab_##name_;
#include "cmd/lab.def"
#undef LAB

#endif
