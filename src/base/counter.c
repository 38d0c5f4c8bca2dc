/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints a module's named counters.
 */
#include "base/counter.h"

#include "base/text.h"

#include <inttypes.h>

void
counters_print(struct text *out, const struct counter_row *rows, const uint64_t *values,
    size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (values[i] != 0)
			text_printf(out, "  %-28s %14" PRIu64 "  %s\n", rows[i].id,
			    values[i], rows[i].help);
	}
}
