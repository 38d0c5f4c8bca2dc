/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_JUDGE_H
#define LAB_JUDGE_H

#include "lab/told.h"

/*
 * What a method said of a scenario's downloads at a place, held against the truth.
 *
 * LAB_BY_RECORD, for records of whole connections: a download belongs to the record of
 * its client and port that covers its start or, if an exporter cut the connection, to the
 * largest part before the next download began. One record may hold several downloads: of
 * each name said of it one download is named right if its file is among them; what is
 * said more often than there are downloads makes all that was said of the record wrong.
 * Downloads that no name is left for are unknown, so one name on a reused connection
 * names one download at most.
 *
 * LAB_IN_ORDER, for records of single exchanges: downloads and findings of a client and
 * port are aligned in order by time and size (evaluate/align.h), never by name; times may
 * differ by ten tolerances, since what is asked for ahead waits for its turn.
 */
enum lab_join { LAB_BY_RECORD, LAB_IN_ORDER };

enum lab_outcome {
	LAB_UNJUDGED, /* a training row, or of no file that the truth knows */
	LAB_RIGHT,
	LAB_WRONG,
	LAB_UNKNOWN, /* there is a record, but no name */
	LAB_ABSENT,  /* nothing is said of it: no record, or none that the method looks at
		      */
};

struct lab_verdict {
	enum lab_outcome outcome;
	const struct lab_record *said; /* NULL: nothing */
	uint32_t shared; /* downloads that the record holds; 0: not counted */
	bool is_split;   /* said to be more files than downloads */
	bool is_among;   /* unknown, but the right file is one of a set that was said */
};

/* verdicts: one a download. tolerance_us: how far the clocks of a log and a meter may
 * differ. */
void lab_judge(const struct lab_downloads *downloads, const struct lab_records *told,
	       enum lab_join join, int64_t tolerance_us, struct lab_verdict *verdicts);

/* The record of each download aligned in order, or NULL; training rows too. */
void lab_align(const struct lab_downloads *downloads, const struct lab_records *records,
	       int64_t tolerance_us, const struct lab_record **out);

/* The record that each download belongs to by LAB_BY_RECORD's rule, training rows too, or
 * SIZE_MAX: the number of the first of what was said of it. */
void lab_join_records(const struct lab_downloads *downloads,
		      const struct lab_records *records, int64_t tolerance_us,
		      size_t *out);

/* In words. */
const char *lab_why(const struct lab_downloads *downloads, const struct lab_records *told,
		    size_t download, const struct lab_verdict *verdict, char out[128]);

#endif
