/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks scenarios up in the embedded data/article.tsv. */
#include "lab/facts.h"

#include "base/text.h"
#include "lab/script.h"

#include <string.h>

enum { CELLS = 4 };

/* The cells of a line; false if there are not so many. */
static bool
split(const char *line, size_t n, struct str cells[CELLS])
{
	size_t i, from = 0, cell = 0;

	for (i = 0; i <= n; i++) {
		if (i < n && line[i] != '\t')
			continue;
		if (cell == CELLS)
			return false;
		cells[cell++] = (struct str){line + from, (uint32_t)(i - from)};
		from = i + 1;
	}
	return cell == CELLS;
}

bool
lab_fact_find(const char *scenario, struct lab_fact *out)
{
	const char *line = facts_article, *end;
	struct str cells[CELLS];
	bool is_heading = true;
	size_t best = 0;

	for (; *line != '\0'; line = *end == '\0' ? end : end + 1) {
		end = line + strcspn(line, "\n");
		if (*line == '#' || is_heading) {
			is_heading = *line == '#';
			continue;
		}
		if (!split(line, (size_t)(end - line), cells) || cells[0].len <= best ||
		    strncmp(scenario, cells[0].data, cells[0].len) != 0 ||
		    (scenario[cells[0].len] != '\0' && scenario[cells[0].len] != '-'))
			continue;
		best = cells[0].len;
		*out = (struct lab_fact){.words = cells[2], .source = cells[3]};
		out->has_percent = parse_f64(cells[1].data, cells[1].len, &out->percent);
	}
	return best > 0;
}
