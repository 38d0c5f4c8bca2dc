/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packages that depend on one another. A package manager fetches a set that is closed
 * under what its members need, less what is installed. So of the files that a known one
 * needs each is likely there, too; and a known one that none of the others needs was
 * either asked for, or one of those that need it is still to be told. With d the share of
 * the known ones that another one needs or that need another one,
 *
 *	likelier(x) = 1 - d + d N e(x) / (sum of e)
 *
 * e(x) being what the known ones give to x: each a share to what it needs, and one shared
 * out among those that need it if none that is known does. N: files. Runs of packages
 * that have nothing to do with each other have a small d, and it changes little.
 */
#include "identify/needs.h"

#include "base/hash.h"
#include "base/memory.h"
#include "identify/files.h"

#include <stdlib.h>
#include <string.h>

enum { KNOWN_MIN = 4, PAIRS_MAX = 1 << 26 };

/* What is needed and not yet installed. */
static const double FETCHED = 0.3;
/* A prior of the share that others explain, in files. */
static const double RELATED = 0.5, UNRELATED = 2;
/* Share below which it is chance. */
static const double WORTH = 0.1;

/* Files by name: the first one of a slot + 1, and the next one of the same slot. */
struct names {
	const struct files *files;
	uint32_t *slot, *next, mask;
};

static uint32_t
slot_of(const struct names *names, const char *name, size_t n)
{
	return (uint32_t)hash64(name, n, 0) & names->mask;
}

static const char *
name_of(const struct files *files, uint32_t file)
{
	return catalog_text(files->catalog, files->file[file].name);
}

static void
names_init(struct names *names, const struct files *files)
{
	uint32_t size = 1024, i, *head;

	while (size < 2 * files->count && size < UINT32_C(1) << 30)
		size *= 2;
	*names = (struct names){.files = files, .mask = size - 1};
	names->slot = must(calloc(size, sizeof *names->slot));
	names->next = must(calloc(files->count + 1, sizeof *names->next));
	for (i = 0; i < files->count; i++) {
		const char *name = name_of(files, i);

		head = &names->slot[slot_of(names, name, strlen(name))];
		names->next[i] = *head;
		*head = i + 1;
	}
}

static void
names_done(struct names *names)
{
	free(names->slot);
	free(names->next);
}

struct pairs {
	uint32_t (*pair)[2];
	size_t count, cap;
};

static void
add_pair(struct pairs *p, uint32_t from, uint32_t to)
{
	if (from == to || p->count == PAIRS_MAX)
		return;
	if (p->count == p->cap) {
		p->cap = p->cap > 0 ? 2 * p->cap : 4096;
		p->pair = must(realloc(p->pair, p->cap * sizeof *p->pair));
	}
	p->pair[p->count][0] = from;
	p->pair[p->count++][1] = to;
}

/* All files of the names that a file needs. */
static void
add_needs(const struct names *names, uint32_t file, struct pairs *pairs)
{
	const struct catalog *catalog = names->files->catalog;
	const char *at = catalog_text(catalog,
	    catalog_more(catalog, &names->files->file[file])->depends);
	size_t n;
	uint32_t i;

	for (; *at != '\0'; at += n) {
		at += strspn(at, " |");
		n = strcspn(at, " |");
		for (i = n > 0 ? names->slot[slot_of(names, at, n)] : 0; i > 0;
		     i = names->next[i - 1]) {
			const char *name = name_of(names->files, i - 1);

			if (strncmp(name, at, n) == 0 && name[n] == '\0')
				add_pair(pairs, file, i - 1);
		}
	}
}

/* Sorts pairs by their first file, or by their second one if it is reversed. */
static void
relate(const struct pairs *pairs, size_t count, bool is_reversed, struct relation *out)
{
	uint32_t from, *at;
	size_t i;

	out->first = must(calloc(count + 2, sizeof *out->first));
	out->to = must(malloc((pairs->count + 1) * sizeof *out->to));
	at = out->first + 1;
	for (i = 0; i < pairs->count; i++)
		at[pairs->pair[i][is_reversed] + 1]++;
	for (i = 1; i <= count; i++)
		at[i] += at[i - 1];
	for (i = 0; i < pairs->count; i++) {
		from = pairs->pair[i][is_reversed];
		out->to[at[from]++] = pairs->pair[i][!is_reversed];
	}
}

struct needs *
needs_of_files(const struct files *files)
{
	struct pairs pairs = {0};
	struct names names;
	struct needs *needs = NULL;
	uint32_t i;

	if (!files->has_depends)
		return NULL;
	names_init(&names, files);
	for (i = 0; i < files->count; i++)
		add_needs(&names, i, &pairs);
	names_done(&names);
	if (pairs.count > 0) {
		needs = must(calloc(1, sizeof *needs));
		needs->count = files->count;
		relate(&pairs, files->count, false, &needs->needed);
		relate(&pairs, files->count, true, &needs->needing);
	}
	free(pairs.pair);
	return needs;
}

void
needs_free(struct needs *needs)
{
	if (needs == NULL)
		return;
	free(needs->needed.first);
	free(needs->needed.to);
	free(needs->needing.first);
	free(needs->needing.to);
	free(needs);
}

/* Adds a weight to all that a file leads to, but for known ones; whether there is such a
 * known one. */
static bool
give(const struct relation *r, uint32_t file, double weight, bool is_shared,
     const float *known, double *sum, float *out)
{
	uint32_t i, n = r->first[file + 1] - r->first[file];
	bool is_known = false;

	for (i = r->first[file]; i < r->first[file + 1]; i++) {
		is_known |= known[r->to[i]] < 0;
		if (out == NULL || known[r->to[i]] < 0)
			continue;
		out[r->to[i]] += (float)(is_shared ? weight / n : weight);
		*sum += is_shared ? weight / n : weight;
	}
	return is_known;
}

bool
needs_weigh(const struct needs *needs, const uint32_t *known, size_t n, float *likelier)
{
	float *given = must(calloc(needs->count + 1, sizeof *given));
	double related = RELATED, share, sum = 0;
	bool is_needed, is_needing;
	size_t i;

	for (i = 0; i < n; i++)
		given[known[i]] = -1;
	for (i = 0; i < n; i++) {
		is_needed =
		    give(&needs->needing, known[i], 1, true, given, &sum, NULL);
		is_needing =
		    give(&needs->needed, known[i], FETCHED, false, given, &sum, given);
		if (!is_needed)
			give(&needs->needing, known[i], 1, true, given, &sum, given);
		related += is_needed || is_needing;
	}
	share = related / ((double)n + RELATED + UNRELATED);
	if (n < KNOWN_MIN || share < WORTH || !(sum > 0)) {
		free(given);
		return false;
	}
	for (i = 0; i < needs->count; i++)
		likelier[i] = (float)(1 - share) +
			      (given[i] > 0 ? (float)(share * (double)needs->count *
						  (double)given[i] / sum)
					    : 0);
	free(given);
	return true;
}
