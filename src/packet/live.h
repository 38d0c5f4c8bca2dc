/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PACKET_LIVE_H
#define PACKET_LIVE_H

#include "packet/capture.h"
#include "packet/source.h"

struct err;
struct live;
struct text;

/*
 * Live capture on an interface by a TPACKET_V3 ring of the kernel; other devices and link
 * types by libpcap. The calls mirror capture.h's.
 *
 * Opening makes everything ready but lets no frame in; live_start does. Workers of one
 * group share the interface's frames by the addresses of their packets, so that both
 * directions of a conversation, and all of its fragments, meet the same worker.
 */
int live_open(const struct source_config *config, struct live **out, struct err *err);
int live_start(struct live *live, struct err *err);
void live_close(struct live *live); /* may be NULL */

/*
 * The next frame; CAPTURE_END where there is none now. may_advance invalidates the frames
 * given before; without it CAPTURE_REFILL tells that the next frame needs that.
 */
enum capture_event live_next(struct live *live, bool may_advance, struct record *out,
    struct err *err);

/* readable when there are frames; -1 while closed */
int live_fd(const struct live *live);

/*
 * Looks whether the interface is there and up, and opens the capture again once it is
 * back. To be called a few times a second. What changed is told in note, "" if nothing
 * did.
 */
void live_check(struct live *live, int64_t now_ms, struct text *note);

uint32_t live_interface(const struct live *live); /* see source_interface */
bool live_needs_rights(const struct live *live); /* see source_needs_rights */

/* LIVE_COUNTERS of them, renewed by this call. */
const uint64_t *live_counters(struct live *live);

/* The program by which workers share frames: addresses mixed to 32 bits, the same for
 * both directions. For the tests. */
struct sock_filter;
const struct sock_filter *live_share_program(unsigned *count);

#endif
