/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_FILES_H
#define IDENTIFY_FILES_H

#include "catalog/catalog.h"

enum { CANDIDATES_MAX = 16, PATH_LENGTHS = 1024 };

/* A catalogue with what the identifier derives from it once. */
struct files {
	const struct catalog *catalog;
	const struct catalog_file *file; /* by size */
	size_t count;
	uint8_t *source; /* by file: a small number of its source */
	double
	    path_share[PATH_LENGTHS]; /* share of files by length of the path, smoothed */
	bool has_paths;
};

/* A file that a record may be. */
struct candidate {
	uint32_t file;
	double probability;
	uint32_t header, rest; /* assumed: response header, request beside the path */
	uint32_t k, e;         /* by the wire model */
	int32_t shift;         /* request bytes of the next request (< 0: missing here) */
	bool is_partial;
};

/* The candidates kept, likeliest first, and the probability of none in the catalogue. */
struct verdict {
	uint32_t count;
	struct candidate candidate[CANDIDATES_MAX];
	uint32_t fits; /* files with any part in it worth naming (1 % of the best) */
	double unknown;
	double evidence;  /* likelihood of the record: sum over all hypotheses */
	uint32_t mss;     /* assumed by the wire model; 0: not used */
	uint64_t payload; /* T of the wire model */
	int64_t x;        /* its segments below the MSS */
	uint32_t overhead; /* its octets of headers per packet */
};

void files_init(struct files *files, const struct catalog *catalog);
void files_done(struct files *files);
double files_path_share(const struct files *files, int64_t length);

/* Collects weights: keeps the best candidates, sums all. */
struct tally {
	struct verdict *out;
	double sum; /* of all weights added */
	double kept[CANDIDATES_MAX];
};

void tally_begin(struct tally *tally, struct verdict *out);
/* Adds a weight; a file may come more than once, its weights add if it is still kept. */
void tally_add(struct tally *tally, const struct candidate *candidate, double weight);
/* unknown: the weight of no file. Turns weights into probabilities, sorts. */
void tally_end(struct tally *tally, double unknown);

#endif
