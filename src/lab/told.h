/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_TOLD_H
#define LAB_TOLD_H

#include "base/text.h"
#include "lab/download.h"

/* A record of a place and, where a method looked at it, what that said of it. */
struct lab_record {
	int64_t start_us, end_us;
	struct addr client, server;
	uint16_t port, server_port;
	uint64_t bytes, packets; /* from the server */
	uint64_t again;          /* payload octets the server sent again, if has_again */
	uint32_t segment;        /* its largest segment */
	uint64_t span, request;  /* payload of response and request, if has_span */
	bool has_again, has_span;
	bool is_set; /* not named, but one of its candidates */
	double probability;
	size_t name, version, candidates, evidence; /* texts; name 0: not named */
	size_t start, end;                          /* texts, as they were written */
};

struct lab_records {
	struct lab_record *list;
	size_t count, cap;
	struct text strings;
};

static inline const char *
lab_record_text(const struct lab_records *records, size_t text)
{
	return records->strings.data + text;
}

/*
 * Findings (weir identify -o tsv, or a script's in its columns): start, end, client,
 * client_port, bytes, name and probability must be there. Sorted by client, port, start,
 * end and bytes.
 */
int lab_findings_read(struct lab_records *records, const char *path, struct err *err);

/*
 * Flow rows (weir print -o tsv). Kept are those of which one end is a client of the
 * downloads and to which the server sent something; whichever way a row points, bytes and
 * packets are the server's. Sorted as above.
 */
int lab_rows_read(struct lab_records *records, const char *path,
		  const struct lab_downloads *downloads, struct err *err);
/* The fields that weir print must print for it. */
extern const char lab_rows_fields[];

void lab_records_done(struct lab_records *records);

/* Sorted records: the first of this client and port, or of the next one there is. */
size_t lab_records_find(const struct lab_records *records, const struct addr *client,
			uint16_t port);
/* True if the record is of this client and port. */
bool lab_record_is_of(const struct lab_record *record, const struct addr *client,
		      uint16_t port);

#endif
