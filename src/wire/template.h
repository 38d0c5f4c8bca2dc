/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WIRE_TEMPLATE_H
#define WIRE_TEMPLATE_H

#include "model/flow.h"
#include "wire/alias.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct column;
struct run;

enum {
	TEMPLATE_FIELDS = 1024, /* more are refused */
	RECORD_MAX = 65507,     /* octets: what a datagram can hold */
	RUN_ROWS = 1024,        /* rows of one run */
	NULLS_BYTES = 16,       /* of the element that says which fields are null */
};

/* An element of a template as it came. pen is PEN_OWN for weir's own. */
struct template_field {
	uint32_t pen;
	uint16_t element;
	uint16_t len; /* ELEMENT_VARIABLE: in the record */
};

/* Converts n values, len octets each, stride octets apart, to out[0..n-1]. */
typedef void convert_fn(const struct run *run, const uint8_t *src, size_t stride,
    size_t n, size_t len, void *out);

/* One copy of the plan: an element of the record into a column. */
struct step {
	/* of flow_schema, unless the conversion is CONVERT_FIELDS or above */
	uint16_t field;
	uint16_t index;  /* of the template's field */
	uint16_t offset; /* in a record of fixed length */
	uint16_t len;
	uint8_t conversion;
	uint8_t flags;
	convert_fn *convert; /* NULL: text, lists and what fills no field */
};

/*
 * A template and the plan compiled from it: which octets of a record go to which column.
 * One allocation.
 */
struct template {
	uint16_t id;
	uint16_t field_count, scope_count, step_count;
	uint16_t record_len; /* the least, if the length varies */
	/* in front of the first field of variable length */
	uint16_t head_fields, head_len;
	bool is_options;
	bool is_fixed;
	bool is_flow;   /* has an address */
	bool is_section; /* reports packets (wire/section.h) */
	bool has_nulls; /* nulls are told by the record, not guessed from zeros */
	bool has_uptime;
	bool has_sampler;
	size_t bytes;   /* of the allocation */
	uint32_t unknown; /* elements that mean nothing here */
	uint64_t carried[FLOW_WORDS]; /* the fields that its steps fill */
	struct step *steps;
	struct template_field fields[];
};

/* NULL if the fields make no record: none, or all empty, or longer than RECORD_MAX. */
struct template *template_new(uint16_t id, const struct template_field *fields,
    unsigned count, unsigned scope_count, bool is_options);

bool template_equals(const struct template *t, const struct template_field *fields,
    unsigned count, unsigned scope_count, bool is_options);

/* Whether a conversion takes len octets. */
bool template_length_fits(enum conversion conversion, unsigned len);

/* Length of the record at src if a whole one fits in left, else 0; a template of variable
 * length also gets the place and length of each field. */
size_t template_walk(const struct template *t, const uint8_t *src, size_t left,
    const uint8_t **at, uint16_t *len);

/* convert.c: the kernel for a conversion from len octets to a column; NULL if none
 * fits. */
convert_fn *convert_find(enum conversion conversion, enum storage storage, size_t len);

#endif
