/* SPDX-License-Identifier: BSD-2-Clause */
/* Web servers' lists of folders in HTML and JSON. */
#define KINDS {"listing", NULL}
#include "lists.h"
