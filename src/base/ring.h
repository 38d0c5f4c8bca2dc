/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A bounded queue of pointers between two threads: one puts, one takes, neither waits.
 * The two indices are on lines of their own, so that the threads do not share one.
 */
enum { RING_SLOTS = 64 };

struct ring {
	_Alignas(64) size_t head; /* where the next goes; the putting thread's */
	_Alignas(64) size_t tail; /* where the oldest is; the taking thread's */
	_Alignas(64) void *slots[RING_SLOTS];
};

/* False if it is full. */
static inline bool
ring_put(struct ring *r, void *item)
{
	size_t head = __atomic_load_n(&r->head, __ATOMIC_RELAXED);

	if (head - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) == RING_SLOTS)
		return false;
	r->slots[head % RING_SLOTS] = item;
	__atomic_store_n(&r->head, head + 1, __ATOMIC_RELEASE);
	return true;
}

/* NULL if it is empty. */
static inline void *
ring_take(struct ring *r)
{
	size_t tail = __atomic_load_n(&r->tail, __ATOMIC_RELAXED);
	void *item;

	if (tail == __atomic_load_n(&r->head, __ATOMIC_ACQUIRE))
		return NULL;
	item = r->slots[tail % RING_SLOTS];
	__atomic_store_n(&r->tail, tail + 1, __ATOMIC_RELEASE);
	return item;
}

static inline bool
ring_is_empty(const struct ring *r)
{
	return __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) ==
	    __atomic_load_n(&r->head, __ATOMIC_ACQUIRE);
}

#endif
