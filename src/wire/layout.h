/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WIRE_LAYOUT_H
#define WIRE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct batch;
struct column;

/* Where a row of export.def holds. */
enum {
	EXPORT_V9 = 1, EXPORT_IPFIX = 2, EXPORT_OWN = 4,
	EXPORT_UPTIMES = 8, EXPORT_WHOLE = 16, EXPORT_MILLIS = 32, EXPORT_MICROS = 64,
	EXPORT_NANOS = 128,
};

enum {
	LAYOUTS_MAX = 256,
	LAYOUTS_WIDE = 16,  /* of those, kept for layouts with all groups */
	LAYOUTS_CACHE = 64, /* a power of two */
};

/* One field of a layout: where in the record, from which column, how. */
struct part {
	uint16_t field; /* as the forward direction has it */
	uint16_t offset;
	uint16_t len;
	uint8_t conversion;
	uint16_t index; /* of the template's field */
	bool is_most_known; /* 239 knows fewer ways than we */
};

/* A template of ours and the plan to write its records. */
struct layout {
	uint64_t groups;
	uint16_t id;
	bool is_sent;
	uint16_t nulls_len; /* of the bitmap that stands first; 0: none */
	uint16_t field_count, part_count, variable_count;
	uint16_t fixed_len; /* of the record, its variable fields left out */
	uint16_t template_len;
	uint8_t *template;  /* a template record as it is sent */
	struct part *parts; /* the variable ones last */
};

struct layouts {
	unsigned where; /* EXPORT_ bits that hold */
	bool is_biflow;
	uint32_t pen;
	uint64_t late; /* groups that some meters never fill, once there was a value */
	unsigned count;
	struct layout *all[LAYOUTS_MAX];
	uint16_t cache[LAYOUTS_CACHE]; /* of all, by hash of the groups */
};

void layouts_done(struct layouts *s);

/*
 * The groups of which each row of a batch has a value in a direction, into
 * groups[0..rows-1]; never 0. A layout stands for one such set.
 */
void layouts_groups(struct layouts *s, const struct batch *batch, bool is_turned,
    uint64_t *groups);

/* The index of the layout for a set of groups, made when first asked for; with too many
 * already there that of a wider set. -1: out of memory. */
int layouts_get(struct layouts *s, uint64_t groups);

/* A bit for each of the first 64 fields of a layout's template, the first lowest, set
 * where it tells one of n fields of a flow: flowKeyIndicator (RFC 7011, 4.4). */
uint64_t layout_keys(const struct layout *l, const uint16_t *fields, unsigned n);

/* The column of a field in a direction; NULL where there is none. */
const struct column *layout_column(const struct batch *batch, unsigned field,
    bool is_turned);

#endif
