/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdio.h>
#include <stdlib.h>

/* p, or the end of the process: for small tables that nothing can go on without. */
static inline void *
must(void *p)
{
	if (p == NULL) {
		fputs("weir: out of memory\n", stderr);
		abort();
	}
	return p;
}

#endif
