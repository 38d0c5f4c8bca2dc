/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_SEVERAL_H
#define IDENTIFY_SEVERAL_H

#include "identify/wire.h"

/*
 * Several downloads on one plain record: which files' sizes add up to its payload. A
 * multiset is told, not an order. The client's octets bound how many requests there were.
 */
enum { SEVERAL_FILES_MAX = 5, SEVERAL_SETS_MAX = 16 };

struct several_set {
	uint32_t files; /* how many */
	uint32_t file[SEVERAL_FILES_MAX]; /* rising */
	uint32_t k, e;
	double probability;
};

struct several {
	double probability; /* that the record holds more than one download */
	uint32_t files;     /* how many it likely holds */
	uint32_t count;
	struct several_set set[SEVERAL_SETS_MAX]; /* likeliest first */
	/* sets with a hundredth of the best's probability, of those kept */
	uint32_t fits;
	uint32_t least;      /* once all places are taken: of the set with the least */
	bool is_cut;         /* further numbers of files would have taken too long */
};

/* alone: what wire_name said. later: the model's files by what is sent for them in
 * exchanges after the first (the same as model->sents but for TLS), with their
 * residues. */
void several_name(const struct wire_model *model, const struct sents *later,
		  const struct residues *residues, const struct record *record,
		  const struct verdict *alone, struct several *out);

/* Whether the client's octets say that there was more than one request: what is left
 * beside one is no sum of SACK options. */
bool several_is_told(const struct wire_path *path, const struct record *record,
		     uint32_t overhead);

/* For those that search for sets: the orders in which files, n of them and rising, can
 * have come; and a set, kept if it is among the heaviest so far. */
double several_orders(const uint32_t *files, uint32_t n);
void several_keep(struct several *several, const struct several_set *set);
/* Their weights become probabilities, by the sum of all; the likeliest come first. */
void several_settle(struct several *several, double sum);

/* The probability that a file is among the record's, and how often in the likeliest
 * set. */
double several_of_file(const struct several *several, uint32_t file);

#endif
