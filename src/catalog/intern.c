/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Distinct texts by number: open addressing over a growing string. The seed is random,
 * for a list's texts are a stranger's choice.
 */
#include "catalog/intern.h"

#include "base/hash.h"
#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void
intern_init(struct intern *t)
{
	*t = (struct intern){.cap = 4096, .starts_cap = 256, .slots_count = 512};
	t->bytes = must(malloc(t->cap));
	t->starts = must(malloc(t->starts_cap * sizeof *t->starts));
	t->slots = must(malloc(t->slots_count * sizeof *t->slots));
	memset(t->slots, 0, t->slots_count * sizeof *t->slots);
	t->seed = random_seed();
	t->bytes[0] = '\0';
	t->len = 1;
	t->starts[0] = 0;
	t->count = 1;
}

void
intern_done(struct intern *t)
{
	free(t->bytes);
	free(t->starts);
	free(t->slots);
	*t = (struct intern){0};
}

void
intern_freeze(struct intern *t)
{
	free(t->slots);
	t->slots = NULL;
	t->slots_count = 0;
	t->bytes = must(realloc(t->bytes, t->cap = t->len));
	t->starts = must(realloc(t->starts,
	    (t->starts_cap = t->count) * sizeof *t->starts));
}

static void
rehash(struct intern *t)
{
	size_t mask = t->slots_count * 2 - 1, at;
	uint64_t hash;
	uint32_t i;

	t->slots_count *= 2;
	free(t->slots);
	t->slots = must(calloc(t->slots_count, sizeof *t->slots));
	for (i = 1; i < t->count; i++) {
		hash = hash64(intern_text(t, i), intern_length(t, i), t->seed);
		at = hash & mask;
		while (t->slots[at] != 0)
			at = (at + 1) & mask;
		t->slots[at] = (hash >> 32 << 32) | i;
	}
}

/* The slot that a text is in, or that it would take. Most others are told from it by
 * their hash alone. */
static size_t
find_slot(const struct intern *t, const char *s, size_t n, uint64_t hash)
{
	size_t mask = t->slots_count - 1, at = hash & mask;
	uint32_t number;

	for (; t->slots[at] != 0; at = (at + 1) & mask) {
		if ((t->slots[at] ^ hash) >> 32 != 0)
			continue;
		number = (uint32_t)t->slots[at];
		if (intern_length(t, number) == n &&
		    memcmp(intern_text(t, number), s, n) == 0)
			break;
	}
	return at;
}

uint32_t
intern_find(const struct intern *t, const char *s, size_t n)
{
	return n > 0 ? (uint32_t)t->slots[find_slot(t, s, n, hash64(s, n, t->seed))] : 0;
}

uint32_t
intern_add(struct intern *t, const char *s, size_t n)
{
	uint64_t hash;
	size_t at;
	uint32_t number;

	assert(t->slots != NULL);
	n = n > 0 ? strnlen(s, n) : 0;
	if (n == 0)
		return 0;
	hash = hash64(s, n, t->seed);
	at = find_slot(t, s, n, hash);
	if (t->slots[at] != 0)
		return (uint32_t)t->slots[at];
	while (t->len + n + 1 > t->cap)
		t->bytes = must(realloc(t->bytes, t->cap *= 2));
	if (t->count == t->starts_cap)
		t->starts = must(realloc(t->starts,
		    (t->starts_cap *= 2) * sizeof *t->starts));
	number = t->count++;
	t->starts[number] = t->len;
	memcpy(t->bytes + t->len, s, n);
	t->bytes[t->len + n] = '\0';
	t->len += n + 1;
	t->slots[at] = (hash >> 32 << 32) | number;
	if (t->count > t->slots_count / 2)
		rehash(t);
	return number;
}
