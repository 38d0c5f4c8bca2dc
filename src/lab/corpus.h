/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_CORPUS_H
#define LAB_CORPUS_H

#include "lab/scenario.h"

struct text;

/* A file that a scenario's server has. A seed decides on all of them. */
struct corpus_file {
	char name[64];      /* what the catalogue calls it */
	char path[192];     /* below the server's root, without a slash in front */
	uint64_t bytes;
	/* octets of the body where it is compressed on the fly; 0: it is not */
	uint64_t encoded;
};

struct corpus {
	struct corpus_file *list;
	size_t count;
};

int corpus_draw(struct corpus *files, const struct scenario *scenario, uint64_t seed,
    struct err *err);
void corpus_done(struct corpus *files);

/* Makes them below a folder: holes, or words where the scenario says text. */
int corpus_make(const struct corpus *files, const struct scenario *scenario,
    uint64_t seed, const char *folder, struct err *err);
/* weir's catalogue of them, TSV. */
void corpus_catalogue(const struct corpus *files, struct text *out);
/* The file that a server's log means by "/path"; NULL if none. */
const struct corpus_file *corpus_find(const struct corpus *files, const char *path);

#endif
