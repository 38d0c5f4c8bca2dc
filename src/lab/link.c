/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A frame lies in a slot from when it comes in until it has left. Each direction has a
 * ring of frames in the order of their leaving, and a heap for those that leave out of
 * it; what leaves next is the earlier of the two heads. Choices are draws from a counter:
 * the number of the frame, hashed with a key of its own for each kind of choice.
 */
#include "lab/link.h"

#include "base/draw.h"
#include "base/err.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

const struct counter_row link_counter_rows[LINK_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "lab/counter.def"
#undef COUNTER
};

enum choice {
	DRAW_LOSS,
	DRAW_JITTER,
	DRAW_REORDER,
	DRAW_COPY,
	DRAW_CORRUPT,
	DRAW_BIT,
	DRAWS
};
enum { ETHERNET_BYTES = 14 };

struct entry {
	int64_t due_ns;
	uint64_t number; /* of frames of this direction, copies too, in order of their
			    coming */
	uint32_t slot, bytes;
};

/* One that waits for the rate: when its sending begins. */
struct waiter {
	int64_t start_ns;
	uint64_t bytes;
};

struct way {
	struct link_way set;
	uint64_t keys[DRAWS];
	uint64_t came;                     /* frames: what draws are made of */
	uint64_t number;
	/* rate and queue */
	int64_t free_ns;                   /* when the wire is free */
	uint64_t rest;                     /* of a bit's time, in 1/rate ns */
	struct waiter *waiters;
	uint64_t waiter_mask, first_waiter, waiter_count, waiting_bytes;
	/* losses */
	bool is_bad;                       /* in a burst */
	bool was_lost;
	double enter, leave;               /* a burst, by frame */
	/* under way */
	struct entry *ring, *heap;
	uint64_t first, count, heap_count; /* of ring, of heap */
	int64_t last_due_ns;               /* of those that are in order */
	uint64_t last_number;              /* greatest that left */
	uint64_t counters[LINK_COUNTERS];
};

struct link {
	struct link_config config;
	struct way ways[LINK_WAYS];
	unsigned char *memory;
	size_t stride, memory_bytes;
	uint64_t ring_mask;
	uint32_t *free_slots;
	uint32_t free_count, room;
};

/* ---- draws ---- */

static uint64_t
draw_bits(const struct way *way, enum choice what, uint64_t n)
{
	return draw_scatter(way->keys[what] + n * DRAW_STEP);
}

/* From 0 to below 1. */
static double
draw(const struct way *way, enum choice what, uint64_t n)
{
	return (double)(draw_bits(way, what, n) >> 11) * 0x1p-53;
}

/* ---- new and free ---- */

static uint64_t
power_of_two(uint64_t n)
{
	uint64_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

/*
 * Bursts by Gilbert's chain: in a burst every frame is lost. Its mean length is 1 /
 * leave, the share of lost frames enter / (enter + leave).
 */
static void
set_bursts(struct way *way)
{
	double loss = way->set.loss, burst = way->set.burst;

	if (burst == 0)
		return;
	way->leave = loss >= 1 ? 0 : 1 / burst;
	way->enter = loss >= 1 ? 1 : loss / (burst * (1 - loss));
	/* before the first frame the chain has run for ever; its draw is that of no frame
	 */
	way->is_bad = draw(way, DRAW_LOSS, UINT64_MAX) < loss;
}

static int
way_init(struct way *way, const struct link_config *config, unsigned index, uint64_t ring)
{
	int i;

	way->set = config->ways[index];
	for (i = 0; i < DRAWS; i++)
		way->keys[i] = draw_scatter(draw_scatter(config->seed + 1) ^
		    ((uint64_t)index * DRAWS + (uint64_t)i + 1) * DRAW_STEP);
	set_bursts(way);
	way->free_ns = way->last_due_ns = INT64_MIN;
	way->waiter_mask = power_of_two(way->set.queue + 1) - 1;
	way->ring = calloc(ring, sizeof *way->ring);
	way->heap = calloc(ring, sizeof *way->heap);
	way->waiters = calloc(way->waiter_mask + 1, sizeof *way->waiters);
	return way->ring == NULL || way->heap == NULL || way->waiters == NULL ? -1 : 0;
}

static int
config_check(const struct link_config *config, struct err *err)
{
	unsigned i;

	if (config->frame_bytes < 64 || config->frame_bytes > LINK_FRAME_MAX)
		return err_set(err, EINVAL, "a link's frames have 64 to %d octets",
		    LINK_FRAME_MAX);
	if (config->slots < 2 || config->slots > LINK_SLOTS_MAX)
		return err_set(err, EINVAL, "a link has 2 to %d frames under way",
		    LINK_SLOTS_MAX);
	for (i = 0; i < LINK_WAYS; i++) {
		if (link_way_check(&config->ways[i], err) != 0)
			return -1;
	}
	return 0;
}

int
link_new(const struct link_config *config, struct link **out, struct err *err)
{
	struct link *l;
	uint32_t i;

	if (config_check(config, err) != 0)
		return -1;
	if ((l = calloc(1, sizeof *l)) == NULL)
		return err_set(err, ENOMEM, "out of memory");
	l->config = *config;
	l->memory = MAP_FAILED;
	l->stride = (config->frame_bytes + 63) / 64 * 64;
	l->memory_bytes = l->stride * ((size_t)config->slots + 1); /* and the room */
	l->ring_mask = power_of_two(config->slots) - 1;
	l->memory = mmap(NULL, l->memory_bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	l->free_slots = calloc(config->slots, sizeof *l->free_slots);
	if (l->memory == MAP_FAILED || l->free_slots == NULL ||
	    way_init(&l->ways[0], config, 0, l->ring_mask + 1) != 0 ||
	    way_init(&l->ways[1], config, 1, l->ring_mask + 1) != 0) {
		link_free(l);
		return err_set(err, ENOMEM,
		    "no memory for a link of %u frames of %u octets", config->slots,
		    config->frame_bytes);
	}
	/* Slots used last are used first: they are in the caches, and others stay
	 * untouched. */
	for (i = config->slots; i > 0; i--)
		l->free_slots[l->free_count++] = i;
	*out = l;
	return 0;
}

void
link_free(struct link *link)
{
	int i;

	if (link == NULL)
		return;
	for (i = 0; i < LINK_WAYS; i++) {
		free(link->ways[i].ring);
		free(link->ways[i].heap);
		free(link->ways[i].waiters);
	}
	if (link->memory != MAP_FAILED)
		munmap(link->memory, link->memory_bytes);
	free(link->free_slots);
	free(link);
}

static unsigned char *
slot_data(const struct link *link, uint32_t slot)
{
	return link->memory + (size_t)slot * link->stride;
}

/* ---- under way ---- */

static bool
is_earlier(const struct entry *a, const struct entry *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void
heap_put(struct way *way, const struct entry *e)
{
	uint64_t at = way->heap_count++, up;

	for (; at > 0; at = up) {
		up = (at - 1) / 2;
		if (!is_earlier(e, &way->heap[up]))
			break;
		way->heap[at] = way->heap[up];
	}
	way->heap[at] = *e;
}

static void
heap_drop_first(struct way *way)
{
	struct entry e = way->heap[--way->heap_count];
	uint64_t at = 0, down;

	for (; (down = 2 * at + 1) < way->heap_count; at = down) {
		if (down + 1 < way->heap_count &&
		    is_earlier(&way->heap[down + 1], &way->heap[down]))
			down++;
		if (!is_earlier(&way->heap[down], &e))
			break;
		way->heap[at] = way->heap[down];
	}
	way->heap[at] = e;
}

static void
send_off(struct link *link, struct way *way, const struct entry *e, bool is_held)
{
	const struct entry *last =
	    &way->ring[(way->first + way->count - 1) & link->ring_mask];

	way->counters[LINK_COUNT_under_way]++;
	if (is_held || (way->count > 0 && e->due_ns < last->due_ns)) {
		heap_put(way, e);
		return;
	}
	way->ring[(way->first + way->count++) & link->ring_mask] = *e;
}

/* ---- in ---- */

/* Whether the nth frame is lost: the chain goes on with every frame. */
static bool
is_lost(struct way *way, uint64_t n)
{
	double d;

	if (way->set.loss == 0)
		return false;
	d = draw(way, DRAW_LOSS, n);
	if (way->set.burst == 0)
		return d < way->set.loss;
	if (n > 0)
		way->is_bad = way->is_bad ? d >= way->leave : d < way->enter;
	return way->is_bad;
}

/* Lets the frame wait for the rate; when it has passed, or false: it was dropped. */
static bool
pass_queue(struct way *way, int64_t now_ns, uint32_t bytes, int64_t *passed_ns)
{
	uint64_t wire_bits = (bytes + way->set.overhead) * 8;
	__uint128_t time;
	struct waiter *w;

	*passed_ns = now_ns;
	if (way->set.rate == 0)
		return true;
	for (; way->waiter_count > 0; way->waiter_count--, way->first_waiter++) {
		w = &way->waiters[way->first_waiter & way->waiter_mask];
		if (w->start_ns > now_ns)
			break;
		way->waiting_bytes -= w->bytes;
	}
	if (way->free_ns <= now_ns) {
		way->free_ns = now_ns;
		way->rest = 0;
	} else if (way->waiter_count >= way->set.queue) {
		way->counters[LINK_COUNT_queue_full]++;
		return false;
	} else if (way->set.queue_bytes > 0 &&
	    way->waiting_bytes + bytes > way->set.queue_bytes) {
		way->counters[LINK_COUNT_queue_bytes_full]++;
		return false;
	} else {
		w = &way->waiters[(way->first_waiter + way->waiter_count++) &
				  way->waiter_mask];
		*w = (struct waiter){way->free_ns, bytes};
		way->waiting_bytes += bytes;
	}
	time = (__uint128_t)wire_bits * 1000000000 + way->rest;
	way->free_ns += (int64_t)(time / way->set.rate);
	way->rest = (uint64_t)(time % way->set.rate);
	*passed_ns = way->free_ns;
	return true;
}

/* When the nth frame arrives that began its way at a time. */
static int64_t
arrival(struct way *way, uint64_t n, int64_t start_ns)
{
	int64_t due = start_ns + way->set.delay;

	if (way->set.jitter > 0)
		due += (int64_t)((double)way->set.jitter *
				 (2 * draw(way, DRAW_JITTER, n) - 1));
	if (due < start_ns)
		due = start_ns;
	if (way->set.order) {
		if (due < way->last_due_ns)
			due = way->last_due_ns;
		way->last_due_ns = due;
	}
	return due;
}

static void
change_bit(struct link *link, struct way *way, uint64_t n, const struct entry *e)
{
	uint64_t bit;

	if (e->bytes <= ETHERNET_BYTES)
		return;
	bit = draw_bits(way, DRAW_BIT, n) % ((e->bytes - ETHERNET_BYTES) * 8);
	slot_data(link, e->slot)[ETHERNET_BYTES + bit / 8] ^=
	    (unsigned char)(1 << bit % 8);
	way->counters[LINK_COUNT_corrupted]++;
}

/* Takes a slot off those that are free; one more is always kept as the room. */
static bool
slot_take(struct link *link, uint32_t *out)
{
	if (link->free_count == 0)
		return false;
	*out = link->free_slots[--link->free_count];
	return true;
}

unsigned char *
link_room(struct link *link)
{
	return slot_data(link, link->room);
}

void
link_put(struct link *link, unsigned index, int64_t now_ns, uint32_t bytes)
{
	struct way *way = &link->ways[index];
	uint64_t n = way->came++;
	struct entry e = {.bytes = bytes, .slot = link->room}, copy;
	bool lost = is_lost(way, n), is_held;
	int64_t passed_ns;

	way->counters[LINK_COUNT_came]++;
	way->counters[LINK_COUNT_came_bytes] += bytes;
	if (!pass_queue(way, now_ns, bytes, &passed_ns))
		return;
	if (lost) {
		way->counters[LINK_COUNT_lost]++;
		way->counters[LINK_COUNT_bursts] += !way->was_lost;
		way->was_lost = true;
		return;
	}
	way->was_lost = false;
	if (!slot_take(link, &link->room)) {
		way->counters[LINK_COUNT_no_room]++;
		return;
	}
	e.due_ns = arrival(way, n, passed_ns);
	e.number = way->number++;
	is_held = way->set.reorder > 0 && draw(way, DRAW_REORDER, n) < way->set.reorder;
	if (is_held) {
		e.due_ns += way->set.reorder_by;
		way->counters[LINK_COUNT_held_back]++;
	}
	if (way->set.corrupt > 0 && draw(way, DRAW_CORRUPT, n) < way->set.corrupt)
		change_bit(link, way, n, &e);
	send_off(link, way, &e, is_held);
	if (way->set.duplicate == 0 || draw(way, DRAW_COPY, n) >= way->set.duplicate)
		return;
	copy = e;
	if (!slot_take(link, &copy.slot)) {
		way->counters[LINK_COUNT_not_copied]++;
		return;
	}
	memcpy(slot_data(link, copy.slot), slot_data(link, e.slot), bytes);
	copy.number = way->number++;
	way->counters[LINK_COUNT_copied]++;
	send_off(link, way, &copy, is_held);
}

/* ---- out ---- */

/* The one that leaves next; NULL: none. */
static const struct entry *
head(const struct link *link, const struct way *way)
{
	const struct entry *first = &way->ring[way->first & link->ring_mask];

	if (way->heap_count == 0)
		return way->count > 0 ? first : NULL;
	return way->count > 0 && is_earlier(first, way->heap) ? first : way->heap;
}

int64_t
link_next_ns(const struct link *link, unsigned index)
{
	const struct entry *e = head(link, &link->ways[index]);

	return e == NULL ? INT64_MAX : e->due_ns;
}

bool
link_take(struct link *link, unsigned index, int64_t now_ns, struct link_frame *out)
{
	struct way *way = &link->ways[index];
	const struct entry *e = head(link, way);

	if (e == NULL || e->due_ns > now_ns)
		return false;
	*out =
	    (struct link_frame){slot_data(link, e->slot), e->bytes, e->slot, e->due_ns};
	way->counters[LINK_COUNT_left]++;
	way->counters[LINK_COUNT_left_bytes] += e->bytes;
	way->counters[LINK_COUNT_under_way]--;
	if (e->number < way->last_number)
		way->counters[LINK_COUNT_overtaken]++;
	else
		way->last_number = e->number;
	if (e == way->heap) {
		heap_drop_first(way);
	} else {
		way->first++;
		way->count--;
	}
	return true;
}

void
link_give_back(struct link *link, const struct link_frame *frame)
{
	link->free_slots[link->free_count++] = frame->slot;
}

const uint64_t *
link_counters(const struct link *link, unsigned way)
{
	return link->ways[way].counters;
}
