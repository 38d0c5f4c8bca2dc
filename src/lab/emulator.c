/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop: let out what is due, take in what has come, sleep until either happens again. The
 * clock is read once a burst. The kernel's slack on timers is turned off.
 */
#include "lab/emulator_private.h"

#include "base/err.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum {
	LATE_NS = 1000000,
	FRAME_MORE = 14 + 8 + 1, /* header, two VLAN tags, an octet by which longer ones are seen */
};

const struct counter_row emulator_counter_rows[EMULATOR_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "lab/emulator.def"
#undef COUNTER
};

static const struct port_kind *const kinds[] = {
	[EMULATOR_TAP] = &port_tap,
	[EMULATOR_PACKET] = &port_packet,
};

int64_t
emulator_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int
emulator_open(const struct emulator_config *config, struct emulator **out, struct err *err)
{
	struct emulator *e = calloc(1, sizeof *e);
	unsigned i;

	if (e == NULL)
		return err_set(err, ENOMEM, "out of memory");
	e->config = *config;
	e->config.link.frame_bytes = config->mtu + FRAME_MORE;
	if (config->mtu < 68 || config->mtu > 65521) {
		err_set(err, EINVAL, "mtu: 68 to 65521");
		goto fail;
	}
	if (link_new(&e->config.link, &e->link, err) != 0)
		goto fail;
	for (i = 0; i < EMULATOR_ENDS; i++) {
		if (kinds[config->kind]->open(&e->config, i, &e->ports[i], err) != 0)
			goto fail;
	}
	*out = e;
	return 0;

fail:
	emulator_close(e);
	return -1;
}

void
emulator_close(struct emulator *e)
{
	unsigned i;

	if (e == NULL)
		return;
	for (i = 0; i < EMULATOR_ENDS; i++) {
		if (e->ports[i] != NULL)
			kinds[e->config.kind]->close(e->ports[i]);
	}
	link_free(e->link);
	free(e);
}

/* Lets out what is due in a direction. */
static void
let_out(struct emulator *e, unsigned way, int64_t now_ns)
{
	struct link_frame frames[EMULATOR_BURST];
	unsigned n, i;

	do {
		for (n = 0; n < EMULATOR_BURST && link_take(e->link, way, now_ns, &frames[n]); n++)
			e->counters[way][EMULATOR_COUNT_late] +=
			    now_ns - frames[n].due_ns > LATE_NS;
		if (n > 0)
			kinds[e->config.kind]->let_out(e, 1 - way, frames, n);
		for (i = 0; i < n; i++)
			link_give_back(e->link, &frames[i]);
	} while (n == EMULATOR_BURST);
}

/* Until the next frame of either direction is due: false if none is under way. */
static bool
time_left(const struct emulator *e, struct timespec *out)
{
	int64_t next = link_next_ns(e->link, LINK_AHEAD), other = link_next_ns(e->link, LINK_BACK);
	int64_t left;

	next = other < next ? other : next;
	if (next == INT64_MAX)
		return false;
	left = next - emulator_now_ns();
	*out = left <= 0 ? (struct timespec){0}
	    : (struct timespec){left / 1000000000, left % 1000000000};
	return true;
}

int
emulator_run(struct emulator *e, int wake_fd, struct err *err)
{
	const struct port_kind *kind = kinds[e->config.kind];
	struct pollfd polled[] = {{kind->fd(e->ports[0]), POLLIN, 0},
	    {kind->fd(e->ports[1]), POLLIN, 0}, {wake_fd, POLLIN, 0}};
	bool is_ready[LINK_WAYS] = {true, true}, has_due;
	struct timespec wait;
	int64_t now;
	unsigned way;
	int n;

	(void)prctl(PR_SET_TIMERSLACK, 1);
	for (;;) {
		now = emulator_now_ns();
		for (way = 0; way < LINK_WAYS; way++) {
			if (!is_ready[way])
				continue;
			if ((n = kind->take_in(e, way, now, err)) < 0)
				return -1;
			is_ready[way] = n == EMULATOR_BURST;
		}
		now = emulator_now_ns();
		for (way = 0; way < LINK_WAYS; way++)
			let_out(e, way, now);
		has_due = time_left(e, &wait);
		if (is_ready[0] || is_ready[1]) {
			has_due = true;
			wait = (struct timespec){0};
		}
		if (ppoll(polled, 3, has_due ? &wait : NULL, NULL) < 0 && errno != EINTR)
			return err_set(err, errno, "poll: %s", strerror(errno));
		for (way = 0; way < LINK_WAYS; way++)
			is_ready[way] = is_ready[way] || polled[way].revents != 0;
		if (polled[2].revents != 0)
			return 0;
	}
}

const uint64_t *
emulator_counters(struct emulator *e, unsigned way)
{
	kinds[e->config.kind]->missed(e, way);
	return e->counters[way];
}

const struct link *
emulator_link(const struct emulator *e)
{
	return e->link;
}
