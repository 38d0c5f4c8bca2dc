/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_SPAN_TOGETHER_H
#define IDENTIFY_SPAN_TOGETHER_H

#include "identify/files.h"
#include "identify/modes.h"
#include "identify/popular.h"
#include "identify/record.h"

/* Inside of span_several.c: what is known of a server whose records may hold several
 * downloads, and how likely a set of files is that such a record holds. */
enum {
	TOGETHER_MAX = 4,
	TOGETHER_MODES = 4,
	TOGETHER_ANY = COMB_MAX, /* no rest: the request came where none was looked for */
};

/* A later download: a file, a constant of its header, what its request was taken for. */
struct together_item {
	double share; /* of all later downloads */
	uint32_t file; /* its number in the pool, as below */
	uint8_t mode, rest; /* rest: of its request's octets, or TOGETHER_ANY */
};

struct together {
	const struct constants *c;
	const struct files *all;
	uint32_t *pool; /* the files that are tried, rising */
	size_t files;
	double *share; /* by file of the pool: of downloads */
	double *alone; /* the same by those that are sure by themselves */
	double *later; /* by file: of later downloads */
	uint32_t *path; /* by file: octets of its path in a request; 0: not known */
	uint32_t modes;
	struct mode mode[TOGETHER_MODES]; /* the commonest first */
	double mode_share[TOGETHER_MODES];
	/* By mode and file: octets sent by the law, and how many records may be short. */
	uint64_t *sent;
	uint32_t *most;
	struct together_item *item; /* likeliest first */
	size_t items;
	/* what hidden requests leave of an update's octets */
	double hidden_rest[COMB_MAX + 1];
	double of_path[COMB_MAX]; /* what they make of a path's octets, modulo a step */
	double hidden; /* the share of downloads that can be later ones */
	double other; /* the share of each file outside of the pool */
	uint32_t step; /* of the octets that a record costs */
	double exact; /* of responses that keep their law to the octet */
	/* by the number of responses: what all rests leave of a step, but where all keep
	 * their law */
	double rest[TOGETHER_MAX + 1][SLACK_STEP_MAX];
	/* of downloads those that a hidden one follows; of records those of no file */
	double again, unknown;
};

/* The files of a record by their numbers in the pool, the first one first. */
struct together_set {
	uint32_t n, file[TOGETHER_MAX];
	uint64_t sent[TOGETHER_MAX];
	uint32_t most[TOGETHER_MAX];
	uint8_t rest[TOGETHER_MAX]; /* of later ones */
};

struct together *together_new(const struct files *files, const struct constants *c,
			      const uint32_t *pool, size_t count,
			      const struct popular *popular);
void together_free(struct together *together);
/* What hidden requests leave, by how much was seen of each; and what files are
 * downloaded, by how many are alone on a record and how often each was seen with others,
 * by the pool. */
void together_learn(struct together *together, const double rests[COMB_MAX + 1],
		    double alone, const double *seen);

/* Whether a file, of any pool, can be the one beside number `first` on a record of two:
 * its request was hidden, and what the two are short of their law is as others are. */
bool together_completes(const struct together *together, uint32_t first, uint32_t file,
			const struct record *record);
/* The files that a span has room for beside number `first`: from .. to - 1. */
void together_window(const struct together *together, uint32_t first, uint64_t span,
		     size_t *from, size_t *to);

/* The density of the record's span, and of its request's octets. The first is 0 where it
 * is less than `least`, a share of what is usual. */
double together_density(const struct together *together, const struct together_set *set,
			const struct record *record, double least);
double together_request(const struct together *together, const struct together_set *set,
			uint64_t request);

/* Octets that a record may have beside the laws of so many responses. */
uint64_t together_more(const struct together *together, uint32_t n,
		       const struct record *record);

#endif
