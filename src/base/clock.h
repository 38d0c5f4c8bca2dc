/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Time by a clock of the system: CLOCK_REALTIME is since 1970, UTC; CLOCK_MONOTONIC never
 * goes back. */
static inline int64_t
clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t
clock_us(clockid_t clock)
{
	return clock_ns(clock) / 1000;
}

static inline int64_t
clock_ms(clockid_t clock)
{
	return clock_ns(clock) / 1000000;
}

#endif
