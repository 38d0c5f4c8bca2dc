/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_TARGETS_H
#define LAB_TARGETS_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* Files to be downloaded for reference. Texts are offsets into the list's strings. */
struct lab_target {
	size_t url, name, path; /* path: below the host, as a client sends it */
	uint16_t port;
	bool is_tls;
};

struct lab_targets {
	struct lab_target *list;
	size_t count, cap;
	struct text strings;
};

enum { LAB_TARGETS_MAX = 1000000, LAB_URL_MAX = 4096 };

void lab_targets_init(struct lab_targets *targets);
void lab_targets_done(struct lab_targets *targets);

/* "http://host:port/path" or https; name NULL: the path's last part, decoded. The message
 * says what is wrong with it. */
int lab_targets_add(struct lab_targets *targets, const char *url, const char *name,
		    struct err *err);
/* A file with a URL a line, behind a tab perhaps a name; lines that begin with # and
 * empty ones are passed over. */
int lab_targets_read(struct lab_targets *targets, const char *path, struct err *err);
/* All regular files below a folder, under base, "http://host". Names are paths below it.
 */
int lab_targets_walk(struct lab_targets *targets, const char *folder, const char *base,
		     struct err *err);
/* The rows of a catalogue that weir catalog build listing made of a list at url. */
int lab_targets_listed(struct lab_targets *targets, const char *catalogue,
		       const char *url, struct err *err);

/* Sorts by URL and drops doubles. A name that several URLs have becomes
 * the URL of each. */
void lab_targets_settle(struct lab_targets *targets);

static inline const char *
lab_target_text(const struct lab_targets *targets, size_t text)
{
	return targets->strings.data + text;
}

bool lab_is_url(const char *text);
/* The host with its port, as it stands in a URL. */
void lab_url_host(const char *url, char *out, size_t out_bytes);

#endif
