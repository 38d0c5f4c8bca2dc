/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_LAB_FETCH_H
#define CMD_LAB_FETCH_H

#include "lab/targets.h"

struct err;

/*
 * Downloads for reference: curl fetches files again and again while weir's meter looks
 * on. What was fetched is kept in a file as it happens, so that a broken run goes on.
 */
struct lab_fetch_config {
	const char *folder; /* where store, lists and logs are; there already */
	const char *root;   /* a folder that a server in a namespace serves; NULL: URLs */
	const char *interface; /* of URLs: meter this one; NULL: the one of their route */
	uint64_t times;        /* downloads of each file */
	uint64_t rate;         /* octets a second at most; 0: no limit */
	int64_t pause_us;      /* between downloads */
	int64_t timeout_us;    /* of one */
	bool is_insecure;      /* certificates are not looked at */
};

struct lab_fetch_counts {
	uint64_t before, now,
	    failed; /* downloads: of earlier runs, of this one, that failed */
};

/* The address that a served folder has in its namespace. */
#define LAB_FETCH_BASE "http://192.0.2.80"

/* The columns of FOLDER/downloads.tsv, which a table of the truth has too. */
#define LAB_FETCH_COLUMNS                                                                \
	"client\tclient_port\tstart\tend\tname\tsize\tserver\tserver_port\t"             \
	"url\theader\tcontent_type\tetag"

/* 0 if all was fetched that could be: failed ones are told and counted. EINTR: asked to
 * stop. */
int lab_fetch(const struct lab_fetch_config *config, const struct lab_targets *targets,
	      struct lab_fetch_counts *counts, struct err *err);

#endif
