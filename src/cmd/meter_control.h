/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_METER_CONTROL_H
#define CMD_METER_CONTROL_H

#include <stdint.h>

struct control;
struct control_values;
struct err;
struct meter_control;
struct meter_outputs;
struct run;
struct statistics;

/*
 * The commands that a running weir meter takes. Opened before rights are given up,
 * started once the run is there; both are borrowed.
 */
int meter_control_open(const struct control_values *v, struct meter_control **out,
    struct err *err);
int meter_control_start(struct meter_control *mc, struct run *run,
    const struct meter_outputs *outputs, struct err *err);
/* Before the run is freed. NULL is allowed, here and above. */
void meter_control_close(struct meter_control *mc);

int64_t meter_now_us(void); /* the system's clock, since 1970 */

/* All counters of a run, its outputs' too. */
int meter_control_gather(struct run *run, const struct meter_outputs *outputs,
    int64_t started_us, struct statistics *out, struct err *err);
/* What the outputs have counted; by the thread that drives them. */
void meter_outputs_count(const struct meter_outputs *outputs, struct statistics *out);

#endif
