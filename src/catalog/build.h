/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_BUILD_H
#define CATALOG_BUILD_H

#include "base/counter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalog;
struct err;
struct text;
struct unpack;

/*
 * Catalogues made from what archives and servers publish. A builder knows one kind of
 * list. A document that is not of its kind is an error that names file and place; an
 * entry that lacks what a file needs is left out and counted, and the first of each sort
 * is noted with its place.
 */
struct build;

enum build_counter {
#define COUNTER(id, help) BUILD_##id,
#include "catalog/counter.def"
#undef COUNTER
	BUILD_COUNTERS
};
extern const struct counter_row build_counter_rows[BUILD_COUNTERS];

/* What "1.2 MB" means. Either: what is between both readings is slack. */
enum units { UNITS_EITHER, UNITS_BINARY, UNITS_DECIMAL };

struct builder {
	const char *kind;
	const char *reads; /* for help */
	int (*read)(struct build *build, struct unpack *in, struct err *err);
	/* or NULL */
	int (*walk)(struct build *build, const char *folder, struct err *err);
	enum units units;
};

extern const struct builder builders[];
extern const size_t builder_count;
const struct builder *builder_find(const char *kind); /* NULL: no such */

struct fetch_config {
	uint64_t parallel;    /* requests at once */
	uint64_t rate;        /* requests a second; 0: no limit */
	uint64_t retries;     /* of one request */
	int64_t timeout_us;   /* of one request */
	const char *encoding; /* Accept-Encoding; NULL: not sent */
	const char *partial;  /* where answers are kept until the end; NULL: nowhere */
	void (*progress)(uint64_t done, uint64_t total);
	const volatile int *is_stopped; /* by the user; may be NULL */
};

struct build_config {
	const char *base;  /* URL of the folder that paths are below; NULL: unknown */
	const char *suite; /* where the list names none */
	const char *const *archs; /* keep these and what is for all */
	size_t arch_count;
	enum units units;   /* EITHER: the builder's */
	bool wants_sizes;   /* ask servers for sizes that are unknown or rounded */
	bool wants_indexes; /* list the archive's own indexes too */
	/* of folders to look into, on disk or of a server's listing */
	uint64_t depth;
	struct fetch_config fetch;
};

/* Borrows the config. */
struct build *build_new(const struct build_config *config); /* aborts without memory */
void build_free(struct build *build);

/* input: a file, a folder where the builder knows what to do with one, a URL, or -. */
int build_input(struct build *build, const struct builder *builder, const char *input,
		struct err *err);
/* A document in memory, for tests and fuzzing. */
int build_bytes(struct build *build, const struct builder *builder, const void *bytes,
		size_t n, const char *label, struct err *err);
/* Asks servers for what is not known yet. */
int build_measure(struct build *build, struct err *err);

/* What was built; unsealed, lives as long as build. */
struct catalog *build_catalog(struct build *build);
const uint64_t *build_counters(const struct build *build);
/* A line "what: where" for the first entry of each sort that was left out or changed. */
void build_notes(const struct build *build, struct text *out);

#endif
