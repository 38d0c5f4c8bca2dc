/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_EMULATOR_H
#define LAB_EMULATOR_H

#include "lab/link.h"

#include <stdbool.h>

struct emulator;
struct err;
struct text;

/*
 * An emulated link between two interfaces, each in a namespace. Frames go in as their
 * sender segmented them and leave as they are. One thread, which sleeps until the next
 * frame comes or is due.
 */
enum emulator_kind {
	/* TAP devices are made; they are hosts' or routers' own interfaces */
	EMULATOR_TAP,
	/* interfaces that exist, by packet sockets: what comes in at one leaves by the
	 * other, so they are ends of veth pairs whose other ends are the hosts' */
	EMULATOR_PACKET,
};

struct emulator_end {
	const char *space;  /* a namespace's full name; NULL: this one */
	const char *device;
};

enum { EMULATOR_ENDS = LINK_WAYS };

struct emulator_config {
	struct link_config link; /* frame_bytes follows from mtu */
	uint32_t mtu;            /* 68 to 65521 */
	enum emulator_kind kind;
	struct emulator_end ends[EMULATOR_ENDS];
};

enum emulator_counter {
#define COUNTER(id, help) EMULATOR_COUNT_##id,
#include "lab/emulator.def"
#undef COUNTER
	EMULATOR_COUNTERS
};
extern const struct counter_row emulator_counter_rows[EMULATOR_COUNTERS];

int emulator_open(const struct emulator_config *config, struct emulator **out,
    struct err *err);
void emulator_close(struct emulator *emulator); /* TAP devices go; may be NULL */

/*
 * Carries frames until wake_fd is readable (0) or something fails for good (-1). May be
 * called again.
 */
int emulator_run(struct emulator *emulator, int wake_fd, struct err *err);

/* Counters of a direction, EMULATOR_COUNTERS of them, renewed by this call. Those of the
 * engine are link_counters of emulator_link. */
const uint64_t *emulator_counters(struct emulator *emulator, unsigned way);
const struct link *emulator_link(const struct emulator *emulator);

#endif
