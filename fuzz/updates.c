/* SPDX-License-Identifier: BSD-2-Clause */
/* CSV of updates, in all readings of units. */
#define KINDS {"updates", "windows", "macos", NULL}
#include "lists.h"
