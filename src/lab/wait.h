/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_WAIT_H
#define LAB_WAIT_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct process;

/*
 * Waits until a program that was started is ready. err says which program, what did not
 * happen, and the last line of its log.
 */

/* Until its log has these words. */
int wait_for_words(struct process *process, const char *name, const char *log,
    const char *words, int64_t timeout_ms, struct err *err);
/* Until something listens on the port in a namespace, by TCP or UDP. */
int wait_for_port(struct process *process, const char *name, const char *log,
    const char *space, bool is_udp, unsigned port, int64_t timeout_ms, struct err *err);
/* Until a device is there in a namespace. */
int wait_for_device(struct process *process, const char *name, const char *log,
    const char *space, const char *device, int64_t timeout_ms, struct err *err);

#endif
