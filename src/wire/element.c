/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names and types of the registry's elements, from element.def. The rows stand in order
 * of their number, so that a binary search finds one.
 */
#include "wire/element.h"

#include <stddef.h>

static const struct element elements[] = {
#define ELEMENT(id, name, type) {id, #name, #type},
#include "wire/element.def"
#undef ELEMENT
};

const struct element *
element_find(uint16_t id)
{
	size_t low = 0, high = sizeof elements / sizeof *elements, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (elements[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == sizeof elements / sizeof *elements || elements[low].id != id)
		return NULL;
	return &elements[low];
}
