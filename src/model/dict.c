/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Distinct texts by number: an open-addressing table of codes over an array of entries,
 * the bytes themselves in blocks that never move, so that a borrowed text stays put until
 * the dictionary is cleared.
 */
#include "model/dict.h"

#include "base/hash.h"
#include "base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 16, FIRST_SLOTS = 64 };

struct block {
	struct block *next;
	size_t used, cap;
	char bytes[];
};

struct entry {
	struct str text;
	uint32_t hash;
};

struct dict {
	struct entry *entries;
	uint32_t *slots; /* code + 1; 0: free */
	size_t count, cap, slot_count;
	uint64_t seed;
	struct block *blocks;
};

struct dict *
dict_new(void)
{
	struct dict *d = must(calloc(1, sizeof *d));

	d->seed = random_seed();
	d->slot_count = FIRST_SLOTS;
	d->slots = must(calloc(d->slot_count, sizeof *d->slots));
	return d;
}

static void
blocks_free(struct block *b)
{
	struct block *next;

	for (; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
}

void
dict_free(struct dict *d)
{
	if (d == NULL)
		return;
	blocks_free(d->blocks);
	free(d->entries);
	free(d->slots);
	free(d);
}

void
dict_clear(struct dict *d)
{
	if (d->count == 0)
		return;
	d->count = 0;
	memset(d->slots, 0, d->slot_count * sizeof *d->slots);
	if (d->blocks != NULL) {
		blocks_free(d->blocks->next);
		d->blocks->next = NULL;
		d->blocks->used = 0;
	}
}

static const char *
keep(struct dict *d, const char *s, size_t n)
{
	struct block *b = d->blocks;
	size_t cap = n > BLOCK_BYTES ? n : BLOCK_BYTES;

	if (b == NULL || b->cap - b->used < n) {
		b = must(malloc(sizeof *b + cap));
		b->cap = cap;
		b->used = 0;
		b->next = d->blocks;
		d->blocks = b;
	}
	if (n > 0)
		memcpy(b->bytes + b->used, s, n);
	b->used += n;
	return b->bytes + b->used - n;
}

/* The slot that holds the text, or the free one where it belongs. */
static uint32_t *
find_slot(const struct dict *d, const char *s, size_t n, uint32_t hash)
{
	size_t i = hash & (d->slot_count - 1);
	const struct entry *e;

	for (; d->slots[i] != 0; i = (i + 1) & (d->slot_count - 1)) {
		e = &d->entries[d->slots[i] - 1];
		if (e->hash == hash && e->text.len == n && memcmp(e->text.data, s,
		    n) == 0)
			break;
	}
	return &d->slots[i];
}

static void
grow(struct dict *d)
{
	size_t i;

	d->cap = d->cap == 0 ? FIRST_SLOTS / 2 : d->cap * 2;
	d->entries = must(realloc(d->entries, d->cap * sizeof *d->entries));
	d->slot_count = d->cap * 2;
	free(d->slots);
	d->slots = must(calloc(d->slot_count, sizeof *d->slots));
	for (i = 0; i < d->count; i++)
		*find_slot(d, d->entries[i].text.data, d->entries[i].text.len,
		    d->entries[i].hash) = (uint32_t)i + 1;
}

uint32_t
dict_code(struct dict *d, const char *s, size_t n)
{
	uint32_t hash = (uint32_t)hash64(s, n, d->seed);
	uint32_t *slot = find_slot(d, s, n, hash);

	if (*slot != 0)
		return *slot - 1;
	if (d->count == d->cap) {
		grow(d);
		slot = find_slot(d, s, n, hash);
	}
	assert(d->count < UINT32_MAX - 1 && n <= UINT32_MAX);
	d->entries[d->count] = (struct entry){{keep(d, s, n), (uint32_t)n}, hash};
	*slot = (uint32_t)++d->count;
	return *slot - 1;
}

uint32_t
dict_find(const struct dict *d, const char *s, size_t n)
{
	return *find_slot(d, s, n, (uint32_t)hash64(s, n, d->seed)) - 1;
}

struct str
dict_get(const struct dict *d, uint32_t code)
{
	assert(code < d->count);
	return d->entries[code].text;
}

size_t
dict_count(const struct dict *d)
{
	return d->count;
}
