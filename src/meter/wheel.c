/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A timing wheel of one slot a second, or of four when metering live. A slot is a
 * circular list through the flows, whose head is one of the first items of the slab of
 * flows, so that a flow leaves its list without knowing which one it is in. Flows with
 * packets stay where they are; when the wheel comes to one it is put further on
 * (expire.c).
 */
#include <string.h>

#include "meter/state.h"

uint32_t
wheel_slot(const struct meter *m, const struct hot *hot)
{
	int64_t over_us = hot_last_us(m, hot) + m->timeout_us[hot->list], limit_us, due;

	if (m->config.is_live) {
		/* A record that has no packet yet cannot begin before now. */
		limit_us = m->limit_us + (hot_is_empty(hot, carry_of(m, hot))
		    ? m->clock_us
		    : hot->start_us);
		over_us = limit_us < over_us ? limit_us : over_us;
	}
	due = tick_of(m, over_us) + 1;
	if (due <= m->tick)
		due = m->tick + 1;
	if (due >= m->tick + WHEEL)
		due = m->tick + WHEEL - 1;
	return wheel_head(due);
}

void
wheel_put(struct meter *m, uint32_t flow, struct hot *hot)
{
	uint32_t head = wheel_slot(m, hot);
	uint32_t tail = hot_at(m, head)->prev;
	hot->prev = tail;
	hot->next = head;
	hot_at(m, tail)->next = flow;
	hot_at(m, head)->prev = flow;
	m->wheel_used[(head - 1) / 64] |= (uint64_t)1 << (head - 1) % 64;
}

void
wheel_init(struct meter *m)
{
	memset(m->wheel_used, 0, sizeof m->wheel_used);
	for (uint32_t i = 1; i <= WHEEL; i++) {
		uint32_t head = slab_take(&m->hot);

		assert(head == i);
		hot_at(m, head)->prev = hot_at(m, head)->next = head;
	}
}

uint32_t
wheel_first(struct meter *m)
{
	uint32_t from = wheel_head(m->tick + 1) - 1;

	for (uint32_t i = 0; i <= WHEEL / 64; i++) {
		uint32_t word = (from / 64 + i) % (WHEEL / 64);
		uint64_t bits = m->wheel_used[word];

		if (i == 0)
			bits &= ~(uint64_t)0 << from % 64;
		for (; bits != 0; bits &= bits - 1) {
			uint32_t head = word * 64 + (uint32_t)__builtin_ctzll(bits) + 1;

			if (hot_at(m, head)->next != head)
				return hot_at(m, head)->next;
			m->wheel_used[word] &= ~(bits & -bits);
		}
	}
	return 0;
}
