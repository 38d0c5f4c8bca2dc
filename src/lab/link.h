/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_LINK_H
#define LAB_LINK_H

#include "base/counter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct link;
struct text;

/*
 * The link emulator's engine: frames in with a time and a direction, frames out with a
 * time. No clock, no input or output, no thread. Whether the nth frame of a direction is
 * lost, held back and so on depends on the seed, the direction and n alone, so that a
 * change of one setting leaves the others' choices as they were.
 *
 * 	queue, drops its tail -> rate -> loss -> delay, jitter, reordering -> copies,
 * 	corruption
 */
enum link_key {
#define LINK(id, name, type, greatest, fallback, argument, help) LINK_##id,
#include "lab/link.def"
#undef LINK
	LINK_KEYS
};

enum link_type {
	LINK_TYPE_time, LINK_TYPE_rate, LINK_TYPE_share, LINK_TYPE_count, LINK_TYPE_real,
	LINK_TYPE_order,
};

struct link_row {
	const char *name;
	enum link_type type;
	size_t offset;   /* in struct link_way */
	double greatest; /* in the member's unit */
	const char *fallback, *argument, *help;
};
extern const struct link_row link_rows[LINK_KEYS];

typedef int64_t link_time; /* ns */
typedef uint64_t link_rate, link_count;
typedef double link_share, link_real;
typedef bool link_order; /* is kept */

/* One direction. */
struct link_way {
#define LINK(id, name, type, greatest, fallback, argument, help) link_##type id;
#include "lab/link.def"
#undef LINK
};

/* The defaults: a link that does nothing but let frames through. */
void link_way_default(struct link_way *way);
/* "delay", "20ms". The message names the key and what it takes. */
int link_way_set(struct link_way *way, const char *key, const char *value,
    struct err *err);
/* "delay=20ms,rate=50M,loss=1%". */
int link_way_parse(struct link_way *way, const char *text, struct err *err);
/* -1 if settings do not go together. */
int link_way_check(const struct link_way *way, struct err *err);
/* The keys that are not as by default, as link_way_parse reads them. */
void link_way_print(const struct link_way *way, struct text *out);

enum link_counter {
#define COUNTER(id, help) LINK_COUNT_##id,
#include "lab/counter.def"
#undef COUNTER
	LINK_COUNTERS
};
extern const struct counter_row link_counter_rows[LINK_COUNTERS];

enum { LINK_AHEAD, LINK_BACK, LINK_WAYS }; /* A to B, B to A */
enum { LINK_FRAME_MAX = 65600, LINK_SLOTS_MAX = 1 << 22 };

struct link_config {
	struct link_way ways[LINK_WAYS];
	uint64_t seed;
	uint32_t frame_bytes; /* the longest frame, at most LINK_FRAME_MAX */
	uint32_t slots;       /* frames under way, both directions together, at most */
};

int link_new(const struct link_config *config, struct link **out, struct err *err);
void link_free(struct link *link); /* may be NULL */

/* A frame that leaves. */
struct link_frame {
	unsigned char *data;
	uint32_t bytes;
	uint32_t slot;
	int64_t due_ns;    /* when it should leave */
};

/* Where the next frame goes: room for frame_bytes, always there, the same until
 * link_put. */
unsigned char *link_room(struct link *link);
/* The frame of so many octets in link_room came in at a time that never goes back. */
void link_put(struct link *link, unsigned way, int64_t now_ns, uint32_t bytes);
/* When the next frame of a direction leaves; INT64_MAX: none is under way. */
int64_t link_next_ns(const struct link *link, unsigned way);
/* Takes a frame that is due out; false if none is. To be given back. */
bool link_take(struct link *link, unsigned way, int64_t now_ns, struct link_frame *out);
void link_give_back(struct link *link, const struct link_frame *frame);

/* LINK_COUNTERS of a direction. */
const uint64_t *link_counters(const struct link *link, unsigned way);

#endif
