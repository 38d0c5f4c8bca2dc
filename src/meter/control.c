/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a person does to a running meter: look at its flows, throw them away, change its
 * timeouts. Looking and changing go through the table piece by piece, so that packets can
 * be metered in between.
 */
#include "meter/control.h"

#include "base/err.h"
#include "meter/state.h"

/* Takes the next n places of the flow table; *out is one that is a flow, or 0. */
static bool
next_flow(const struct meter *m, uint32_t *cursor, uint32_t *n, uint32_t *out)
{
	if (*cursor < WHEEL)
		*cursor = WHEEL;
	for (*out = 0; *n > 0 && *out == 0; --*n) {
		if (*cursor >= m->hot.used)
			return false;
		++*cursor;
		if (hot_at(m, *cursor)->next != 0)
			*out = *cursor;
	}
	return *out != 0;
}

bool
meter_walk(const struct meter *m, uint32_t *cursor, uint32_t n, meter_walk_fn *each,
    void *context)
{
	struct flow row;
	uint32_t flow;

	while (next_flow(m, cursor, &n, &flow)) {
		const struct hot *hot = hot_at(m, flow);
		struct meter_live live = {.row = &row, .number = flow - WHEEL,
		    .timeout = (enum meter_expire)hot->list};

		record_peek(m, flow, &row);
		live.due_ns = (hot_last_us(m, hot) + m->timeout_us[hot->list]) * 1000;
		each(context, &live);
	}
	return *cursor < m->hot.used;
}

uint32_t
meter_timeout(const struct meter *m, enum meter_expire which)
{
	return m->config.timeout_s[which];
}

uint32_t
meter_expire_interval(const struct meter *m)
{
	return m->config.expire_interval_s;
}

int
meter_set_timeout(struct meter *m, const char *text, struct err *err)
{
	struct meter_config before = m->config;
	struct err again = {0};

	if (meter_config_timeout(&m->config, text, err) != 0)
		return -1;
	if (limits_set(m, err) != 0) {
		m->config = before;
		(void)limits_set(m, &again);
		return -1;
	}
	m->turn_us = 0; /* the wheel's next turn was planned by the interval before */
	return 0;
}

bool
meter_reschedule(struct meter *m, uint32_t *cursor, uint32_t n)
{
	uint32_t flow;

	while (next_flow(m, cursor, &n, &flow)) {
		wheel_remove(m, hot_at(m, flow));
		wheel_put(m, flow, hot_at(m, flow));
	}
	return *cursor < m->hot.used;
}
