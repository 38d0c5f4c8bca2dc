/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef METER_CONTROL_H
#define METER_CONTROL_H

#include "meter/meter.h"

struct flow;

/* A flow in memory. The row is what it would be if it ended now. */
struct meter_live {
	const struct flow *row;
	uint32_t number;           /* of its place in the table */
	enum meter_expire timeout; /* the one that runs */
	/* when it is over without a further packet, packets' time */
	int64_t due_ns;
};
typedef void meter_walk_fn(void *context, const struct meter_live *live);

/*
 * Shows the flows in the next n places of the table; *cursor is 0 at first. False at the
 * end. Between two calls packets may be metered: a flow that begins or ends then may be
 * shown or not, any other is shown once.
 */
bool meter_walk(const struct meter *meter, uint32_t *cursor, uint32_t n,
    meter_walk_fn *each, void *context);

/* Throws all flows away and counts what was in no record yet. Returns how many they
 * were. */
uint64_t meter_forget(struct meter *meter);

uint32_t meter_timeout(const struct meter *meter, enum meter_expire which); /* seconds */
uint32_t meter_expire_interval(const struct meter *meter);
/* As meter_config_timeout. Flows that are in memory already follow a shorter timeout once
 * meter_reschedule has gone through the table, as meter_walk does. */
int meter_set_timeout(struct meter *meter, const char *text, struct err *err);
bool meter_reschedule(struct meter *meter, uint32_t *cursor, uint32_t n);

/* Writes all flows, as meter_flush does, and forgets the time: for a live meter when the
 * system's clock was set. */
int meter_restart(struct meter *meter, struct err *err);

#endif
