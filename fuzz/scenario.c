/* SPDX-License-Identifier: BSD-2-Clause */
/* Scenario files: what is read is printed, and read again as the same. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "lab/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scenario s, again;
	struct text first, second;
	struct err err = {0};

	if (scenario_parse(&s, "fuzz.lab", (const char *)data, size, &err) != 0) {
		assert(err.code != 0 && strncmp(err.text, "fuzz.lab: ", 10) == 0);
		return 0;
	}
	text_init(&first);
	text_init(&second);
	scenario_print(&s, &first);
	if (scenario_parse(&again, "fuzz.lab", first.data, first.len, &err) != 0)
		assert(!"what was printed is no scenario");
	scenario_print(&again, &second);
	assert(strcmp(first.data, second.data) == 0);
	text_done(&first);
	text_done(&second);
	return 0;
}
