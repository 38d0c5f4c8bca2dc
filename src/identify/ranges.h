/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_RANGES_H
#define IDENTIFY_RANGES_H

#include "identify/files.h"
#include "identify/modes.h"
#include "identify/popular.h"
#include "identify/record.h"

#include <stdbool.h>

/*
 * Range downloads: a client fetches a file in pieces, one request each ("Range:
 * bytes=a-b", answered by 206), on one connection or several. Found are pieces that
 * follow one another without a gap or overlap, from the first byte of a file to its last;
 * and downloads that were broken off and went on ("Range: bytes=a-") from what the client
 * had read by then, which is at most what was sent. Of the latter several files may be
 * left, of which the one that leaves the client least to read is the likeliest.
 */
enum { RANGE_CHOICES = 8 };

struct range_choice {
	uint32_t file, header; /* header: of the first piece */
	uint32_t rest;         /* its request beside the path; 0: not known */
	double probability;
};

struct range_set {
	struct range_choice choice[RANGE_CHOICES]; /* the likeliest first */
	uint32_t choices, pieces;
	uint32_t later; /* the second piece's place in ranges->later; others follow */
	bool is_resumed; /* broken off, then on from what the client had, to the end */
	double probability; /* that it is one of these files, or of less likely ones */
};

/* Where and when a piece that is not the first was asked for. */
struct range_piece {
	int64_t start_us;
	uint16_t client_port;
};

struct ranges {
	struct range_set *sets;
	uint32_t count, cap;
	struct range_piece *later;
	uint32_t later_count, later_cap;
	uint64_t work; /* pieces tried; bounded */
	uint64_t given_up; /* records not tried for the bound's sake */
};

/* Whether a record may be a piece: it is no whole file. */
bool ranges_may_hold(const struct files *files, const struct constants *constants,
		     const struct record *record);

/*
 * Searches the records of one client and server, sorted by start; files that others
 * download are likelier, by popular. Those of a set get its
 * number + 1 as range; all but the first are marked as dropped, the first takes the spans
 * and times of all.
 */
void ranges_find(struct ranges *ranges, const struct files *files,
		 const struct constants *constants, const struct popular *popular,
		 struct record **records, size_t count);
void ranges_done(struct ranges *ranges);

#endif
