/* SPDX-License-Identifier: BSD-2-Clause */
/* Package lists in tar archives: APKINDEX and pacman's databases. */
#define KINDS {"alpine", "arch", NULL}
#include "lists.h"
