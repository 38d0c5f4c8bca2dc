/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_DNS_NAMES_H
#define IDENTIFY_DNS_NAMES_H

#include "model/addr.h"

#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * Names of servers from a log of DNS answers: which name a client had asked for when it
 * got an address. A TSV whose first line names its columns: time, name and address, and
 * client where the log tells it; lines starting with # are comments; it may be
 * compressed.
 */
struct dns_names;

enum { DNS_NAMES_MAX = 20000000, DNS_NAMES_TEXT = 254 };

/* An error names file and line. */
int dns_names_read(const char *path, struct dns_names **out, struct err *err);
/* The same from memory; label stands for the file in messages. For tests and fuzzing. */
int dns_names_read_bytes(const void *bytes, size_t n, const char *label,
    struct dns_names **out, struct err *err);
void dns_names_free(struct dns_names *names); /* NULL is fine */
size_t dns_names_count(const struct dns_names *names);

/*
 * The name by which a client knew a server at a time: the last one answered before then,
 * to this client if any was, else to any. NULL: none. Lives as long as names.
 */
const char *dns_names_find(const struct dns_names *names, const struct addr *server,
		       const struct addr *client, int64_t time_us);

#endif
