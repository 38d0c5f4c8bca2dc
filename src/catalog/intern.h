/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_INTERN_H
#define CATALOG_INTERN_H

#include <stddef.h>
#include <stdint.h>

/*
 * Distinct texts, numbered from 1; 0 is the empty text. Stored 0-terminated one behind
 * the other, with a hash table of their numbers.
 */
struct intern {
	char *bytes;
	size_t len, cap;
	size_t *starts; /* by number */
	uint32_t count, starts_cap;
	uint64_t *slots; /* upper half of the hash, number; 0: free */
	size_t slots_count;
	uint64_t seed;
};

void intern_init(struct intern *intern);
void intern_done(struct intern *intern);
/* The number of a text, which is added if new; a 0 byte in it ends it. */
uint32_t intern_add(struct intern *intern, const char *s, size_t n);

/* The number of a text; 0 if it is not there. */
uint32_t intern_find(const struct intern *intern, const char *s, size_t n);
/* Gives back the memory that only adding needs; nothing can be added afterwards. */
void intern_freeze(struct intern *intern);

static inline size_t
intern_length(const struct intern *intern, uint32_t number)
{
	size_t end = number + 1 < intern->count ? intern->starts[number + 1]
	    : intern->len;

	return end - intern->starts[number] - 1;
}

static inline const char *
intern_text(const struct intern *intern, uint32_t number)
{
	return intern->bytes + intern->starts[number];
}

#endif
