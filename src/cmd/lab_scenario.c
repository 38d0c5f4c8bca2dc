/* SPDX-License-Identifier: BSD-2-Clause */
/* Scenarios by name or path. */
#include "cmd/lab_scenario.h"

#include "base/err.h"
#include "lab/assets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
shipped_scenario(unsigned number, struct scenario *out, struct err *err)
{
	const struct asset *asset = asset_lab_scenarios;
	unsigned i;

	for (i = 0; i < number && asset[i].name != NULL; i++)
		;
	return asset[i].name != NULL && scenario_parse(out, asset[i].name, asset[i].text,
	    strlen(asset[i].text), err) == 0;
}

static int
file_open(const char *path, struct scenario *out, struct err *err)
{
	static char text[SCENARIO_BYTES_MAX + 1];
	FILE *file = fopen(path, "r");
	size_t n;

	if (file == NULL)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	n = fread(text, 1, sizeof text, file);
	if (ferror(file)) {
		int why = errno;

		fclose(file);
		return err_set(err, why, "%s: %s", path, strerror(why));
	}
	fclose(file);
	return scenario_parse(out, path, text, n, err);
}

int
scenario_open(const char *word, struct scenario *out, struct err *err)
{
	unsigned i;

	if (strchr(word, '/') != NULL || strstr(word, ".lab") != NULL)
		return file_open(word, out, err);
	for (i = 0; shipped_scenario(i, out, err); i++)
		if (strcmp(out->name, word) == 0)
			return 0;
	if (err->code != 0)
		return -1;
	return err_set(err, EINVAL, "there is no scenario '%s': weir lab list has them, "
	    "and a file "
	    "of your own is named with its .lab", word);
}
