/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON of package registries. */
#define KINDS {"pypi", "npm", NULL}
#include "lists.h"
