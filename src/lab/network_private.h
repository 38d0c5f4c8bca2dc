/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_NETWORK_PRIVATE_H
#define LAB_NETWORK_PRIVATE_H

#include "lab/leftover.h"
#include "lab/network.h"

#include <stddef.h>

enum { NETWORK_LINE_BYTES = 512, NETWORK_EMULATORS = 64 };

struct network {
	struct leftover *left;
	unsigned spaces, emulators;
	bool has_outside_6;
	char names[NETWORK_SPACES][SPACE_NAME_MAX + 1];
	struct process *emulator[NETWORK_EMULATORS];
};

/* A namespace's full name; -1 and err if there is none. space NULL: the machine's own,
 * whose full name is NULL. */
int network_find(const struct network *net, const char *space, const char **out,
    struct err *err);
/* Letters that no program takes for anything else: names of namespaces and devices. */
bool network_is_word(const char *s, size_t max);

/* Runs "ip WORDS" in a namespace by its full name, or with NULL here. */
int network_run_ip(const char *name, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Gives nft(8) rules, likewise. */
int network_run_nft(const char *name, const char *rules, struct err *err);

#endif
