/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_FACTS_H
#define LAB_FACTS_H

#include "model/type.h"

/* What the article has of a scenario: data/article.tsv. */
struct lab_fact {
	struct str words, source;
	double percent;
	bool has_percent;
};

/* The row of this scenario, or of the longest name that it begins with and a '-' follows:
 * reuse-apt is of reuse. False if there is none. */
bool lab_fact_find(const char *scenario, struct lab_fact *out);

#endif
