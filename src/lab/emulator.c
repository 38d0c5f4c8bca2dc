/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop: let out what is due, take in what has come, sleep until either happens again.
 * The clock is read once a burst. The kernel's slack on timers is turned off.
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
	DENSE_NS = 100000, /* frames come one upon the other: at most so long apart */
	PAUSE_NS = 50000,
	/* header, two VLAN tags, an octet by which longer ones are seen */
	FRAME_MORE = 14 + 8 + 1,
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
emulator_open(const struct emulator_config *config, struct emulator **out,
	      struct err *err)
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
		for (n = 0; n < EMULATOR_BURST &&
		    link_take(e->link, way, now_ns, &frames[n]); n++)
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
	int64_t next = link_next_ns(e->link, LINK_AHEAD);
	int64_t other = link_next_ns(e->link, LINK_BACK);
	int64_t left;

	next = other < next ? other : next;
	if (next == INT64_MAX)
		return false;
	left = next - emulator_now_ns();
	*out = left <= 0 ? (struct timespec){0}
	    : (struct timespec){left / 1000000000, left % 1000000000};
	return true;
}

/* Takes in what is there, at the ends that are ready; whether anything was. An end that
 * gave a whole burst stays ready. */
static int
take_in(struct emulator *e, bool is_ready[LINK_WAYS], struct err *err)
{
	unsigned way;
	int n, sum = 0;

	for (way = 0; way < LINK_WAYS; way++) {
		if (!is_ready[way])
			continue;
		if ((n = kinds[e->config.kind]->take_in(e, way, err)) < 0)
			return -1;
		is_ready[way] = n == EMULATOR_BURST;
		sum += n;
	}
	return sum;
}

/*
 * Sleeps until a frame comes, is due, or the caller wants something: true. While frames
 * come one upon the other it sleeps a little in any case, for then a call each is worth
 * less than a burst.
 */
static bool
wait(struct emulator *e, int wake_fd, bool is_dense, bool is_ready[LINK_WAYS],
     struct err *err)
{
	struct pollfd polled[] = {{wake_fd, POLLIN, 0},
	    {kinds[e->config.kind]->fd(e->ports[0]), POLLIN, 0},
	    {kinds[e->config.kind]->fd(e->ports[1]), POLLIN, 0}};
	struct timespec time;
	bool is_timed = time_left(e, &time);

	if (is_ready[0] || is_ready[1]) {
		is_timed = true;
		time = (struct timespec){0};
	} else if (is_dense) {
		if (!is_timed || time.tv_sec > 0 || time.tv_nsec > PAUSE_NS)
			time = (struct timespec){0, PAUSE_NS};
		is_timed = true;
	}
	if (ppoll(polled, is_dense ? 1 : 3, is_timed ? &time : NULL, NULL) < 0 &&
	    errno != EINTR) {
		err_set(err, errno, "poll: %s", strerror(errno));
		return true;
	}
	is_ready[0] = is_ready[0] || is_dense || polled[1].revents != 0;
	is_ready[1] = is_ready[1] || is_dense || polled[2].revents != 0;
	return polled[0].revents != 0;
}

int
emulator_run(struct emulator *e, int wake_fd, struct err *err)
{
	bool is_ready[LINK_WAYS] = {true, true}, is_dense;
	int64_t now, before = 0;
	unsigned way;
	int came;

	(void)prctl(PR_SET_TIMERSLACK, 1);
	do {
		if ((came = take_in(e, is_ready, err)) < 0)
			return -1;
		now = emulator_now_ns();
		for (way = 0; way < LINK_WAYS; way++)
			let_out(e, way, now);
		is_dense = came > 0 && now - before < DENSE_NS;
		before = came > 0 ? now : before;
	} while (!wait(e, wake_fd, is_dense, is_ready, err));
	return err->code != 0 ? -1 : 0;
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
