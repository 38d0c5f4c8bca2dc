/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_DRAW_H
#define BASE_DRAW_H

#include <stdint.h>

/*
 * Numbers that a seed decides: all of ours, in tests as well. SplitMix64 (Steele, Lea and
 * Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, figure 17).
 */
#define DRAW_STEP 0x9e3779b97f4a7c15u

/* Its finalizer: bits as if drawn, of any number. */
static inline uint64_t
draw_scatter(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* The next one of a state, which begins as the seed. */
static inline uint64_t
draw_u64(uint64_t *state)
{
	return draw_scatter(*state += DRAW_STEP);
}

struct draw {
	uint64_t state;
};

static inline uint64_t
draw_next(struct draw *draw)
{
	return draw_u64(&draw->state);
}

/* 0 to n - 1; n is above 0. */
static inline uint64_t
draw_below(struct draw *draw, uint64_t n)
{
	return (uint64_t)((__uint128_t)draw_next(draw) * n >> 64);
}

/* From 0 up to, but not 1. */
static inline double
draw_share(struct draw *draw)
{
	return (double)(draw_next(draw) >> 11) * 0x1p-53;
}

/* What a seed gives to one use of it: of the same seed another one for each word. */
static inline struct draw
draw_of(uint64_t seed, const char *use)
{
	struct draw draw = {seed};

	for (; *use != '\0'; use++)
		draw.state = draw_next(&draw) ^ (unsigned char)*use;
	return draw;
}

#endif
