/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_COLLECT_CONTROL_H
#define CMD_COLLECT_CONTROL_H

struct collect_control;
struct collector;
struct control_values;
struct err;
struct sink;
struct store;

/*
 * The commands that a running weir collect takes. The collector's thread answers them
 * when it flushes its sink, once a second: so it is a sink before the others.
 *
 * Binds the addresses; *sink, which is borrowed, becomes the sink to give to the
 * collector. Nothing was asked for: *out is NULL and *sink stays.
 */
int collect_control_open(const struct control_values *v, struct sink **sink,
    struct collect_control **out, struct err *err);
/* Right before collector_run. store may be NULL. The functions here allow NULL. */
int collect_control_start(struct collect_control *cc, const struct collector *collector,
    const struct store *store, struct err *err);
/* Right after collector_run. */
void collect_control_close(struct collect_control *cc);

#endif
