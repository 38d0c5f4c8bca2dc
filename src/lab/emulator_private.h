/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_EMULATOR_PRIVATE_H
#define LAB_EMULATOR_PRIVATE_H

#include "lab/emulator.h"

/* The two ways to reach interfaces: how frames of a direction are taken in and let
 * out. */
struct port;

struct emulator {
	struct emulator_config config;
	struct link *link;
	struct port *ports[EMULATOR_ENDS];
	/* by direction: in at this end */
	uint64_t counters[EMULATOR_ENDS][EMULATOR_COUNTERS];
};

struct port_kind {
	int (*open)(const struct emulator_config *config, unsigned end, struct port **out,
	    struct err *err);
	void (*close)(struct port *port);
	int (*fd)(const struct port *port);
	/*
	 * Puts what has come in at an end into the engine, a burst at most; how many
	 * frames, or -1 if the interface is gone.
	 */
	int (*take_in)(struct emulator *e, unsigned end, struct err *err);
	/* Lets out by an end n frames. */
	void (*let_out)(struct emulator *e, unsigned end, const struct link_frame *frames,
	    unsigned n);
	/* Sets the counter of what the kernel dropped on its way in. */
	void (*missed)(struct emulator *e, unsigned end);
};
extern const struct port_kind port_tap, port_packet;

enum { EMULATOR_BURST = 64 };

int64_t emulator_now_ns(void); /* CLOCK_MONOTONIC */

#endif
