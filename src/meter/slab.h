/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef METER_SLAB_H
#define METER_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * Items of one size by number, from 1; 0 is none. Address space for all is reserved at
 * the start, memory comes from the kernel as items are first used.
 */
struct slab {
	uint8_t *base;
	size_t item_bytes;
	size_t reserved_bytes;
	uint32_t cap;
	uint32_t used;      /* numbers handed out so far, the highest */
	uint32_t free_head; /* linked through the first 4 bytes */
	uint32_t live;
};

int slab_init(struct slab *slab, size_t item_bytes, uint32_t cap, bool is_huge,
    struct err *err);
void slab_done(struct slab *slab);
/* A zeroed item, or 0 if all are taken. */
uint32_t slab_take(struct slab *slab);
void slab_give(struct slab *slab, uint32_t number);
/* Gives all items and their memory back. */
void slab_clear(struct slab *slab);

static inline void *
slab_at(const struct slab *slab, uint32_t number)
{
	return slab->base + (size_t)number * slab->item_bytes;
}

/* Address space that costs nothing until touched; NULL and err without it. */
void *region_map(size_t bytes, bool is_huge, struct err *err);
void region_unmap(void *region, size_t bytes);

#endif
