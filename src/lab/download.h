/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_DOWNLOAD_H
#define LAB_DOWNLOAD_H

#include "base/text.h"
#include "model/addr.h"

struct err;

/* The truth of a scenario: its downloads, as the server's log and the lab tell them. */
struct lab_download {
	int64_t start_us;
	struct addr client, seen; /* seen: behind the NAT */
	uint16_t port, seen_port;
	bool has_port,
	    has_seen; /* seen_port is there; the address, if seen is not client's */
	bool has_seen_addr;
	bool is_training;                  /* to learn from, never judged */
	uint64_t size;                     /* of the file */
	size_t name, version, kind, start; /* texts; start as it was written */
};

struct lab_downloads {
	struct lab_download *list; /* as in the file */
	size_t count, cap, training;
	struct text strings;
};

/*
 * Reads truth.tsv. Needed: client, start and name; and any of client_port, version, size,
 * kind, role (train: to learn from), client_seen_port and client_seen (what the NAT made
 * of the client's end; it stands for an empty client too). kind empty is "whole".
 * ENODATA: there are none.
 */
int lab_downloads_read(struct lab_downloads *downloads, const char *path,
		       struct err *err);
void lab_downloads_done(struct lab_downloads *downloads);

static inline const char *
lab_download_text(const struct lab_downloads *downloads, size_t text)
{
	return downloads->strings.data + text;
}

/* Labels for weir learn: those downloads that are wanted; wants NULL: all. */
void lab_downloads_labels(const struct lab_downloads *downloads,
    bool (*wants)(const struct lab_downloads *, size_t i), struct text *out);

/*
 * False if what is learned from does not lie wholly before what is judged. *between_us: a
 * time shortly before the first judged download, if there are training rows and others
 * (has_both).
 */
bool lab_downloads_split(const struct lab_downloads *downloads, int64_t *between_us,
			 bool *has_both);

#endif
