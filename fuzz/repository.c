/* SPDX-License-Identifier: BSD-2-Clause */
/* repomd.xml and primary.xml. */
#define KINDS {"rpm", NULL}
#include "lists.h"
