/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_WIRE_H
#define IDENTIFY_WIRE_H

#include "identify/files.h"
#include "identify/modes.h"
#include "identify/record.h"

/*
 * Downloads by octets and packets alone: the wire model, T = S + H(S) + k MSS + e (the
 * symbols stand in wire.c).
 */

enum { WIRE_X_CLASSES = 5 };

/* Of a path: what is lost on it. */
struct wire_path {
	uint32_t mss;             /* 0: by each record alone */
	double lam;               /* retransmissions per segment */
	double r;                 /* shape of their negative binomial */
	double q[WIRE_X_CLASSES]; /* share of remainders beside whole segments, by x */
	double unknown; /* share of downloads that the catalogue does not have */
};

void wire_path_default(struct wire_path *path);

/* Payload octets of the record, T; 0 if its octets cannot be such. */
uint64_t wire_payload(const struct record *record, bool timestamps);
/* The largest segment that one record suggests. */
uint32_t wire_mss(const struct record *record, bool timestamps);
/* That of most records 0..n-1. */
uint32_t wire_mss_of(const struct record *const *records, size_t n, bool timestamps);

/* Finds the header constants of a server by vote; mss by record. */
void wire_learn_header(const struct files *files, const struct record *const *records,
		       const uint32_t *mss, size_t n, bool timestamps,
		       struct modes *header);

/* The files sorted by (S + H) mod MSS, then S, for one header and MSS. */
struct residues;

struct residues *residues_new(const struct files *files, uint32_t mss,
			      const struct mode *header);
void residues_free(struct residues *residues);

struct wire_model {
	const struct files *files;
	const struct wire_path *path;
	const struct modes *header;
	struct residues *const *residues; /* by header mode, for this mss */
	uint32_t mss;
	bool timestamps;
};

void wire_name(const struct wire_model *model, const struct record *record,
	       struct verdict *out);

/* One round of EM over a path's named records: path is replaced by what they say. */
void wire_refit(const struct wire_model *model, const struct record *const *records,
		size_t n, struct wire_path *path);

#endif
