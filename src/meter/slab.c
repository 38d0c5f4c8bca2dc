/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slabs: arrays reserved whole by mmap without backing, so that they never move and grow
 * by being touched; the big ones ask for 2 MiB pages. Freed items form a list and are
 * used again first.
 */
#include "meter/slab.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"

enum { HUGE_PAGE = 2 << 20 };

/* Whole pages of 2 MiB where the region has any, which then hold nothing else. */
static size_t
region_bytes(size_t bytes)
{
	return bytes < HUGE_PAGE ? bytes
	    : (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

void *
region_map(size_t bytes, bool is_huge, struct err *err)
{
	size_t room = region_bytes(bytes), more = room < HUGE_PAGE ? 0 : HUGE_PAGE;
	uint8_t *region = mmap(NULL, room + more, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t front;

	if (region == MAP_FAILED) {
		err_set(err, errno,
		    "meter: no room for %zu bytes of flow table: %s; lower the "
		    "number of flows or raise the memory limit", bytes, strerror(errno));
		return NULL;
	}
	/* Where a region begins within such a page would be chance, and with it how much
	 * memory its first and last items take. */
	front = more == 0 ? 0 : -(uintptr_t)region % HUGE_PAGE;
	if (front > 0)
		munmap(region, front);
	if (more > front)
		munmap(region + front + room, more - front);
	if (is_huge)
		(void)madvise(region + front, room, MADV_HUGEPAGE);
	return region + front;
}

void
region_unmap(void *region, size_t bytes)
{
	if (region != NULL)
		munmap(region, region_bytes(bytes));
}

int
slab_init(struct slab *slab, size_t item_bytes, uint32_t cap, bool is_huge,
    struct err *err)
{
	*slab = (struct slab){.item_bytes = item_bytes, .cap = cap};
	slab->reserved_bytes = ((size_t)cap + 1) * item_bytes;
	slab->base = region_map(slab->reserved_bytes, is_huge, err);
	return slab->base == NULL ? -1 : 0;
}

void
slab_done(struct slab *slab)
{
	region_unmap(slab->base, slab->reserved_bytes);
	slab->base = NULL;
}

void
slab_clear(struct slab *slab)
{
	size_t bytes = ((size_t)slab->used + 1) * slab->item_bytes;

	/* Memory that goes back to the kernel comes again as zeros. */
	if (slab->used > 0 && madvise(slab->base, bytes, MADV_DONTNEED) != 0)
		memset(slab->base, 0, bytes);
	slab->used = slab->free_head = slab->live = 0;
}

uint32_t
slab_take(struct slab *slab)
{
	uint32_t number = slab->free_head;

	if (number != 0) {
		memcpy(&slab->free_head, slab_at(slab, number), sizeof slab->free_head);
		memset(slab_at(slab, number), 0, slab->item_bytes);
	} else if (slab->used < slab->cap) {
		number = ++slab->used; /* fresh pages are zero */
	} else {
		return 0;
	}
	slab->live++;
	return number;
}

void
slab_give(struct slab *slab, uint32_t number)
{
	assert(number != 0 && number <= slab->used && slab->live > 0);
	memcpy(slab_at(slab, number), &slab->free_head, sizeof slab->free_head);
	slab->free_head = number;
	slab->live--;
}
