/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When flows end. A timing wheel holds every flow in the slot of the second in which its
 * timeout was over when it was put there. Packets do not move flows on; the wheel does
 * when it comes to one that has had packets since. All time is the packets'.
 */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "meter/control.h"
#include "meter/state.h"

enum { INTERVAL_MAX_S = 3600 };
enum { BEHIND_MAX = 64, CALM_PACKETS = 4096, HASTY_MAX = 64 };
static const int64_t SECOND_US = 1000000;
static const int64_t BEHIND_US = 60 * 1000000ll;

/* The next whole interval of the clock, at which flows that are over are looked for. */
static void
turn_plan(struct meter *m)
{
	int64_t interval_us = m->config.expire_interval_s * SECOND_US;
	int64_t tick_us = m->config.is_live ? TICK_LIVE_US : TICK_US;

	if (interval_us == 0)
		interval_us = tick_us;
	m->turn_us = (m->tick * tick_us / interval_us + 1) * interval_us;
}

/* As in softflowd, 0 switches a timeout off: the next more general one holds, and is why
 * the flow ends. */
static void
timeouts_fill(struct meter *m)
{
	static const struct {
		enum meter_expire which, instead;
	} rows[] = {
		{METER_EXPIRE_tcp, METER_EXPIRE_general},
		{METER_EXPIRE_tcp_fin, METER_EXPIRE_tcp},
		{METER_EXPIRE_tcp_closed, METER_EXPIRE_tcp_fin},
		{METER_EXPIRE_tcp_rst, METER_EXPIRE_tcp},
		{METER_EXPIRE_udp, METER_EXPIRE_general},
		{METER_EXPIRE_icmp, METER_EXPIRE_general},
	};

	for (int i = 0; i < METER_EXPIRES; i++) {
		m->timeout_us[i] = (int64_t)m->config.timeout_s[i] * SECOND_US;
		m->timeout_reason[i] = (uint8_t)i;
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (m->timeout_us[rows[i].which] != 0)
			continue;
		m->timeout_us[rows[i].which] = m->timeout_us[rows[i].instead];
		m->timeout_reason[rows[i].which] = m->timeout_reason[rows[i].instead];
	}
}

int
limits_set(struct meter *m, struct err *err)
{
	if (m->config.expire_interval_s > INTERVAL_MAX_S)
		return err_set(err, EINVAL,
		    "timeout expint=%u: flows are looked at every %d "
		    "seconds at the latest", m->config.expire_interval_s, INTERVAL_MAX_S);
	timeouts_fill(m);
	m->limit_us = LIMIT_MAX_S * SECOND_US;
	m->limit_reason = METER_EXPIRE_maxlife;
	for (int i = 0; i < METER_EXPIRES; i++) {
		if (meter_expire_rows[i].is_idle && m->config.timeout_s[i] > IDLE_MAX_S)
			return err_set(err, EINVAL,
			    "timeout %s=%u: idle flows are kept for %d "
			    "seconds at most (5 days)", meter_expire_rows[i].id,
			    m->config.timeout_s[i], IDLE_MAX_S);
	}
	for (int i = METER_EXPIRE_active; i <= METER_EXPIRE_maxlife; i++) {
		if (m->config.timeout_s[i] > LIMIT_MAX_S)
			return err_set(err, EINVAL,
			    "timeout %s=%u: a record lasts %d seconds at most "
			    "(11 days)", meter_expire_rows[i].id, m->config.timeout_s[i],
			    LIMIT_MAX_S);
		if (m->timeout_us[i] != 0 && m->timeout_us[i] < m->limit_us) {
			m->limit_us = m->timeout_us[i];
			m->limit_reason = (enum meter_expire)i;
		}
	}
	return 0;
}

/* The flow's timeout may be over by now; else it is put further on. */
static void
flow_check(struct meter *m, uint32_t flow)
{
	struct hot *hot = hot_at(m, flow);
	bool is_over = m->clock_us - hot_last_us(m, hot) > m->timeout_us[hot->list];

	if (is_over && hot->list != METER_EXPIRE_exchange_quiet) {
		flow_end(m, flow, (enum meter_expire)m->timeout_reason[hot->list]);
		return;
	}
	wheel_remove(m, hot);
	if (is_over) {
		if (stream_is_answered(m, hot))
			record_cut(m, flow, METER_EXPIRE_exchange_quiet, END_REASON_end);
		hot->list = METER_EXPIRE_tcp;
	}
	if (m->config.is_live && !record_is_empty(m, flow, hot) &&
	    m->clock_us - hot->start_us >= m->limit_us)
		record_cut(m, flow, m->limit_reason, END_REASON_active);
	wheel_put(m, flow, hot);
}

/* Turns the wheel to the clock; every flow that passes is looked at. */
static void
wheel_turn(struct meter *m)
{
	int64_t to = tick_of(m, m->clock_us);

	if (to - m->tick > WHEEL)
		m->tick = to - WHEEL; /* once round is enough */
	while (m->tick < to) {
		uint32_t head = wheel_head(++m->tick);

		while (hot_at(m, head)->next != head)
			flow_check(m, hot_at(m, head)->next);
		m->wheel_used[(head - 1) / 64] &= ~((uint64_t)1 << (head - 1) % 64);
	}
}

/*
 * Makes room: writes the flow that is due first. Those that had packets since they were
 * put there go further on, and those that had one much later than the flows written
 * before this one go to the end of their slot, so that a flood of new flows does not push
 * out the flows that live. Both at most so often: what room costs is bounded.
 */
void
expire_oldest(struct meter *m)
{
	enum { TRIES = 64 };
	uint32_t flow = wheel_first(m);
	int64_t idle_us = 0;

	for (int tries = 0; tries < TRIES; tries++) {
		struct hot *hot = hot_at(m, flow);

		idle_us = m->clock_us - hot_last_us(m, hot);
		if (wheel_slot(m, hot) == hot->prev &&
		    idle_us >= m->victim_idle_us / 8 * 7)
			break;
		wheel_remove(m, hot);
		wheel_put(m, flow, hot);
		flow = wheel_first(m);
	}
	m->victim_idle_us += (idle_us - m->victim_idle_us) / 16;
	flow_end(m, flow, METER_EXPIRE_resources);
}

/* All flows at once: they are written one by one (METER_EXPIRES: are not), but what they
 * have is given back as a whole. */
static void
end_all(struct meter *m, enum meter_expire why)
{
	for (uint32_t head = 1; head <= WHEEL; head++) {
		uint32_t flow = hot_at(m, head)->next, next;

		for (; flow != head; flow = next) {
			next = hot_at(m, flow)->next;
			__builtin_prefetch(hot_at(m, next));
			if (why == METER_EXPIRES)
				record_forget(m, flow);
			else
				record_finish(m, flow, why);
		}
	}
	flows_clear(m);
}

static void
clock_start(struct meter *m, int64_t now_us)
{
	m->hasty = m->since_reset > CALM_PACKETS ? 0 : m->hasty + 1;
	m->behind = 0;
	m->since_reset = 0;
	m->clock_us = now_us;
	m->tick = tick_of(m, now_us);
	turn_plan(m);
}

/* A leap of days is made in steps of one, for that is what flows' times can be told
 * from. */
static void
clock_advance(struct meter *m, int64_t now_us)
{
	while (m->index.live > 0 && now_us - m->clock_us > DAY_US) {
		m->clock_us += DAY_US;
		wheel_turn(m);
	}
	m->clock_us = now_us;
	if (now_us >= m->turn_us) {
		fragment_tick(m);
		wheel_turn(m);
		turn_plan(m);
	}
}

/*
 * The packets' clock only runs forward, unless many packets in a row agree that it was
 * wrong: then everything is written and it starts again. One packet more than a day
 * behind will do, for no flow could tell such a time, as between captures put one behind
 * the other; but not again and again, for it costs more than a packet does.
 */
void
clock_set(struct meter *m, int64_t now_us)
{
	m->since_reset++;
	if (m->clock_us < 0)
		clock_start(m, now_us);
	if (now_us >= m->clock_us) {
		m->behind = 0;
		clock_advance(m, now_us);
		return;
	}
	m->counters[METER_backwards]++;
	if ((m->clock_us - now_us > DAY_US &&
	        (m->since_reset > CALM_PACKETS || m->hasty < HASTY_MAX)) ||
	    (m->clock_us - now_us > BEHIND_US && ++m->behind >= BEHIND_MAX)) {
		m->counters[METER_clock_resets]++;
		fragment_drain(m, FRAGMENT_ALL);
		end_all(m, METER_EXPIRE_flush);
		clock_start(m, now_us);
	}
}

int
meter_time(struct meter *m, int64_t now_ns, struct err *err)
{
	m->err = err;
	if (now_ns / 1000 > m->clock_us && now_ns <= METER_TIME_MAX_NS)
		clock_advance(m, now_ns / 1000);
	return m->status;
}

int
meter_flush(struct meter *m, struct err *err)
{
	m->err = err;
	fragment_drain(m, FRAGMENT_ALL);
	end_all(m, METER_EXPIRE_flush);
	return meter_push(m, err);
}

int
meter_restart(struct meter *m, struct err *err)
{
	m->err = err;
	if (m->clock_us < 0)
		return m->status;
	m->counters[METER_clock_resets]++;
	fragment_drain(m, FRAGMENT_ALL);
	end_all(m, METER_EXPIRE_flush);
	m->clock_us = -1;
	m->behind = 0;
	return m->status;
}

uint64_t
meter_forget(struct meter *m)
{
	uint64_t live;

	fragment_drain(m, FRAGMENT_ALL);
	live = m->index.live;
	end_all(m, METER_EXPIRES);
	return live;
}
