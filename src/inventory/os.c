/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operating system behind a SYN. Two tables speak: how often each system sent this
 * SYN size, window and TTL, and which family orders its options this way. They are
 * multiplied as independent evidence, with a floor so that neither can rule a family out
 * alone.
 */
#include "inventory/os.h"

#include "base/text.h"
#include "inventory/facts.h"

#include <stdio.h>
#include <stdint.h>
#include <string.h>

enum { FAMILIES_MAX = 16, CELLS_MAX = 8 };

/* The other families' share of an option order that one family is known for. */
static const double LAYOUT_FLOOR = 0.01;
/* A family's share of a size, window and TTL it was never seen to send. */
static const double SIZE_FLOOR = 0.002;

struct cells {
	const char *at[CELLS_MAX];
	size_t len[CELLS_MAX];
	int count;
};

/* The next line of a table split at separator; false at the end. Steps over comments. */
static bool
next_row(const char **table, char separator, struct cells *out)
{
	const char *line, *end, *next;

	do {
		line = *table;
		if (*line == '\0')
			return false;
		end = strchr(line, '\n');
		*table = end == NULL ? line + strlen(line) : end + 1;
		end = end == NULL ? *table : end;
	} while (*line == '#');
	for (out->count = 0; out->count < CELLS_MAX; line = next + 1) {
		next = memchr(line, separator, (size_t)(end - line));
		out->at[out->count] = line;
		out->len[out->count++] = (size_t)((next == NULL ? end : next) - line);
		if (next == NULL)
			break;
	}
	return true;
}

static bool
is_same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}

/* What of a SYN the tables know. */
struct syn {
	uint64_t ttl, window, size;
	bool has_window;
	const char *layout;
	size_t layout_len;
};

static uint64_t
option_size(const char *name, size_t n)
{
	static const struct {
		const char *name;
		unsigned size;
	} sizes[] = {{"mss", 4}, {"nop", 1}, {"ws", 3}, {"sok", 2}, {"ts", 10},
	    {"sack", 10}};
	uint64_t padding;
	size_t i;

	for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		if (is_same(name, n, sizes[i].name, strlen(sizes[i].name)))
			return sizes[i].size;
	}
	if (n > 4 && memcmp(name, "eol+", 4) == 0 && parse_u64(name + 4, n - 4, &padding))
		return 1 + padding;
	return 0;
}

static bool
syn_parse(const char *s, size_t n, struct syn *out)
{
	struct cells part = {0}, window, options;
	char copy[256];
	const char *at;
	uint64_t mss, factor;
	int i;

	if (n >= sizeof copy)
		return false;
	memcpy(copy, s, n);
	copy[n] = '\0';
	at = copy;
	if (!next_row(&at, ':', &part) || part.count < 7)
		return false;
	at = part.at[1];
	if (!parse_u64(at, strspn(at, "0123456789"), &out->ttl))
		return false;
	out->size = 40;
	out->layout = s + (part.at[5] - copy);
	out->layout_len = part.len[5];
	copy[part.at[5] - copy + (long)part.len[5]] = '\0';
	at = part.at[5];
	if (*at != '\0' && next_row(&at, ',', &options)) {
		for (i = 0; i < options.count; i++)
			out->size += option_size(options.at[i], options.len[i]);
	}
	copy[part.at[4] - copy + (long)part.len[4]] = '\0';
	at = part.at[4];
	if (!next_row(&at, ',', &window))
		return false;
	if (!parse_u64(part.at[3], part.len[3], &mss))
		mss = 1460;
	if (window.len[0] > 4 && memcmp(window.at[0], "mss*", 4) == 0 &&
	    parse_u64(window.at[0] + 4, window.len[0] - 4, &factor)) {
		/* The tables were made where the MSS is 1460. */
		out->window = factor * 1460;
		out->has_window = true;
	} else {
		out->has_window = parse_u64(window.at[0], window.len[0], &out->window);
	}
	return true;
}

struct families {
	struct {
		const char *name;
		size_t len;
		double weight;
	} rows[FAMILIES_MAX];
	int count;
};

static double *
family_weight(struct families *families, const char *name, size_t len)
{
	int i;

	for (i = 0; i < families->count; i++) {
		if (is_same(families->rows[i].name, families->rows[i].len, name, len))
			return &families->rows[i].weight;
	}
	if (families->count == FAMILIES_MAX)
		return NULL;
	families->rows[i].name = name;
	families->rows[i].len = len;
	families->rows[i].weight = 0;
	families->count++;
	return &families->rows[i].weight;
}

static bool
family_of(const char *os, size_t len, const char **name, size_t *name_len)
{
	const char *table = facts_family;
	struct cells row;

	while (next_row(&table, '\t', &row)) {
		if (row.count >= 2 && is_same(row.at[0], row.len[0], os, len)) {
			*name = row.at[1];
			*name_len = row.len[1];
			return true;
		}
	}
	return false;
}

/* Flows by family for this size, window and TTL; returns their sum. */
static double
weigh_sizes(const struct syn *syn, struct families *families)
{
	const char *table = facts_os, *name;
	uint64_t size, window, ttl, flows;
	struct cells row;
	double sum = 0, *weight;
	size_t len;

	while (next_row(&table, '\t', &row)) {
		if (row.count < 6 || !parse_u64(row.at[0], row.len[0], &size) ||
		    !parse_u64(row.at[1], row.len[1], &window) ||
		    !parse_u64(row.at[2], row.len[2], &ttl) ||
		    !parse_u64(row.at[5], row.len[5], &flows) ||
		    !family_of(row.at[3], row.len[3], &name, &len))
			continue;
		if ((weight = family_weight(families, name, len)) == NULL)
			continue;
		if (size == syn->size && window == syn->window && ttl == syn->ttl) {
			*weight += (double)flows;
			sum += (double)flows;
		}
	}
	return sum;
}

bool
os_from_syn(const char *fingerprint, size_t n, struct os_guess *out)
{
	struct families families = {0};
	const char *table = facts_layout, *known = NULL;
	struct syn syn = {0};
	struct cells row;
	size_t known_len = 0;
	double sum, total = 0, best = 0, weight;
	int i, best_i = 0;

	if (!syn_parse(fingerprint, n, &syn))
		return false;
	sum = weigh_sizes(&syn, &families);
	while (known == NULL && next_row(&table, '\t', &row)) {
		if (row.count >= 2 &&
		    is_same(row.at[0], row.len[0], syn.layout, syn.layout_len)) {
			known = row.at[1];
			known_len = row.len[1];
		}
	}
	if (sum == 0 && known == NULL)
		return false;
	for (i = 0; i < families.count; i++) {
		weight = sum > 0 ? families.rows[i].weight / sum + SIZE_FLOOR : 1;
		if (known != NULL && !is_same(families.rows[i].name, families.rows[i].len,
		    known, known_len))
			weight *= LAYOUT_FLOOR;
		total += weight;
		if (weight > best) {
			best = weight;
			best_i = i;
		}
	}
	if (total <= 0)
		return false;
	snprintf(out->family, sizeof out->family, "%.*s", (int)families.rows[best_i].len,
	    families.rows[best_i].name);
	out->probability = best / total;
	return true;
}

const char *
os_from_suite(const char *suite, size_t n)
{
	static _Thread_local char name[OS_NAME_MAX];
	const char *table = facts_distribution;
	struct cells row;

	while (next_row(&table, '\t', &row)) {
		/* bookworm-security, bookworm-updates ... belong to bookworm */
		if (row.count >= 2 && n >= row.len[0] &&
		    memcmp(suite, row.at[0], row.len[0]) == 0 &&
		    (n == row.len[0] || suite[row.len[0]] == '-')) {
			snprintf(name, sizeof name, "%.*s", (int)row.len[1], row.at[1]);
			return name;
		}
	}
	return NULL;
}
