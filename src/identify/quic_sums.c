/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What QUIC costs a server whose every connection carries several files: no record then
 * leaves the size of one, but under the right cost and constant many leave the sum of
 * two, or of three. Where files are few their sums are, too, and the vote over sums is
 * the vote over files (quic.c). The constant has the heads of the later responses; what
 * one such head has on average is taken off, so that it is the constant of one file.
 */
#include "identify/quic.h"

#include "identify/quic_inside.h"
#include "model/catalogue.h"

#include <stdlib.h>

enum { SUMS_MAX = 60000, TOGETHER_MOST = 3 };

/* Adds all sums of so many files, none of number below from. False where there are too
 * many. */
static bool
add_sums(struct catalog *sums, const struct files *files, uint32_t left, size_t from,
	 uint64_t sum)
{
	size_t i;

	if (left == 0) {
		struct catalogue row = {0};

		catalogue_set(&row, name, ((struct str){"sum", 3}));
		catalogue_set(&row, size, sum);
		return catalog_count(sums) < SUMS_MAX &&
		       catalog_add(sums, &row, NULL) == 0;
	}
	for (i = from; i < files->count; i++)
		if (!add_sums(sums, files, left - 1, i, sum + files->file[i].size))
			return false;
	return true;
}

/* The share of records that is of a sum with what is known. */
static double
share_named(const struct files *sums, const struct quic_server *s,
	    const struct record *const *records, size_t n)
{
	struct verdict v;
	double known = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		quic_name(sums, s, records[i], &v);
		known += 1 - v.unknown;
	}
	return known / (double)n;
}

bool
quic_learn_sums(const struct files *files, const struct record *const *records, size_t n,
		struct quic_server *out)
{
	double best = 0, share;
	uint32_t m;

	for (m = 2; m <= TOGETHER_MOST; m++) {
		struct catalog *catalog = catalog_new();
		struct quic_server s = {0};
		struct files sums;

		if (!add_sums(catalog, files, m, 0, 0)) {
			catalog_free(catalog);
			break;
		}
		catalog_seal(catalog);
		files_init(&sums, catalog);
		if (quic_learn(&sums, records, n, &s) &&
		    (share = share_named(&sums, &s, records, n)) > best) {
			best = share;
			*out = s;
			out->constant -= QUIC_HEAD * (m - 1);
			/* Of no sum of so many, but of another one perhaps. */
			out->unknown = 0.5;
		}
		files_done(&sums);
		catalog_free(catalog);
	}
	return best > 0;
}
