/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_FETCH_H
#define CATALOG_FETCH_H

#include "catalog/build.h"

/* HTTP and HTTPS by libcurl: documents, and what servers say of files by HEAD. */

enum answer_verdict { ANSWER_GOOD, ANSWER_FAILED, ANSWER_NO_LENGTH };

/* What the server said of a file; texts are borrowed for the call, NULL if unknown. */
struct answer {
	enum answer_verdict verdict;
	const char *why; /* it is not good */
	uint64_t status; /* of HTTP; 0: none came */
	uint64_t size;
	int64_t released_us, date_us; /* INT64_MIN: unknown */
	const char *content_type, *encoding, *etag;
	uint64_t retries, redirects;
	bool is_resumed;
};

enum { FETCH_PARALLEL_MAX = 64, FETCH_REDIRECTS_MAX = 8 };

/* Reads a document into a file without a name; returns its descriptor, at the start, or
 * -1. */
int fetch_get(const struct fetch_config *config, const char *url, uint64_t max_bytes,
	      struct err *err);

/*
 * Asks for each URL once: HEAD, or, where that is refused, GET for the first byte.
 * Answers come in any order. Good ones are kept in config->partial as they come, and
 * taken from there, without asking again, by the next run. asked: how many were answered,
 * fewer than n if config->is_stopped. -1 if answer() failed or partial cannot be written.
 */
int fetch_sizes(const struct fetch_config *config, const char *const *urls, size_t n,
		int (*answer)(void *arg, size_t i, const struct answer *answer,
			      struct err *err),
		void *arg, size_t *asked, struct err *err);

#endif
