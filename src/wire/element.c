/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names and types of the registry's elements, from element.def. The rows stand in order
 * of their number, so that a binary search finds one.
 */
#include "wire/element.h"

#include "base/search.h"

static const struct element elements[] = {
#define ELEMENT(id, name, type) {id, #name, #type},
#include "wire/element.def"
#undef ELEMENT
};

enum { ELEMENTS = sizeof elements / sizeof *elements };

static inline bool
is_before(const void *table, size_t i, uint64_t id)
{
	const struct element *all = table;

	return all[i].id < id;
}

const struct element *
element_find(uint16_t id)
{
	size_t at = search_first(elements, 0, ELEMENTS, id, is_before);

	return at < ELEMENTS && elements[at].id == id ? &elements[at] : NULL;
}
