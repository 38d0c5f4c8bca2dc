/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/front.h"

#include <stdlib.h>
#include <string.h>

static const struct front *const all[] = {&front_softflowd, &front_softflowctl};

const struct front *
front_find(const char *program)
{
	const char *slash = strrchr(program, '/');
	size_t i;

	if (slash != NULL)
		program = slash + 1;
	for (i = 0; i < sizeof all / sizeof *all; i++) {
		if (strcmp(all[i]->name, program) == 0 || strcmp(all[i]->old,
		    program) == 0)
			return all[i];
	}
	return NULL;
}

const struct front *const *
fronts(size_t *count)
{
	*count = sizeof all / sizeof *all;
	return all;
}

void
front_words_done(struct front_words *w)
{
	size_t i;

	for (i = 0; i < w->count; i++)
		free(w->words[i]);
	free(w->words);
	*w = (struct front_words){0};
}
