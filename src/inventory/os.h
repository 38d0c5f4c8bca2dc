/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef INVENTORY_OS_H
#define INVENTORY_OS_H

#include <stdbool.h>
#include <stddef.h>

enum { OS_NAME_MAX = 32 };

struct os_guess {
	char family[OS_NAME_MAX]; /* of operating system: Linux, Windows, Apple, BSD */
	double probability;
};

/*
 * The family of operating system that sends such a SYN, from its fingerprint in p0f
 * notation (ver:ittl:olen:mss:wsize,scale:olayout:quirks:pclass). By the tables
 * data/os.tsv (size, window, TTL) and data/layout.tsv (order of options). False if the
 * text is no fingerprint or nothing in the tables is like it.
 */
bool os_from_syn(const char *fingerprint, size_t n, struct os_guess *out);

/* "bookworm" or "bookworm-security" to "Debian 12" (data/distribution.tsv); NULL if the
 * suite is not known. */
const char *os_from_suite(const char *suite, size_t n);

#endif
