/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of each exporter's domain. Streams stand in a hash table of a fixed size with
 * a secret seed, because strangers choose their keys; those of datagrams are never
 * evicted, so that nobody can push out a good one by sending from many addresses, those
 * of connections end with them. Templates are an array sorted by id.
 */
#include "wire/stream.h"

#include "base/hash.h"
#include "base/search.h"

#include <stdlib.h>
#include <string.h>

static const int64_t WAITING_US = 600 * 1000000ll;

int
streams_init(struct streams *streams, unsigned max)
{
	*streams = (struct streams){.max = max, .slot_count = 2, .seed = random_seed()};
	while (streams->slot_count < (size_t)max * 2)
		streams->slot_count *= 2;
	streams->slots = calloc(streams->slot_count, sizeof *streams->slots);
	return streams->slots == NULL ? -1 : 0;
}

void
wire_stream_free(struct stream *s)
{
	unsigned i;

	for (i = 0; i < s->template_count; i++)
		free(s->templates[i]);
	free(s->templates);
	free(s->waiting);
	free(s);
}

void
streams_done(struct streams *streams)
{
	size_t i;

	for (i = 0; streams->slots != NULL && i < streams->slot_count; i++) {
		if (streams->slots[i] != NULL)
			wire_stream_free(streams->slots[i]);
	}
	free(streams->slots);
}

static size_t
home_of(const struct streams *streams, const struct addr *exporter, uint16_t version,
    uint32_t domain, uint32_t session)
{
	uint64_t hash = hash64(exporter, sizeof *exporter, streams->seed ^
	    ((uint64_t)version << 32 | domain) ^ (uint64_t)session << 40);

	return hash & (streams->slot_count - 1);
}

struct stream *
streams_get(struct streams *streams, const struct addr *exporter, uint16_t version,
    uint32_t domain, uint32_t session)
{
	size_t i = home_of(streams, exporter, version, domain, session);
	struct stream *s;

	for (; (s = streams->slots[i]) != NULL; i = (i + 1) & (streams->slot_count - 1)) {
		if (s->domain == domain && s->version == version &&
		    s->session == session && memcmp(&s->exporter, exporter,
		    sizeof *exporter) == 0)
			return s;
	}
	if (streams->count == streams->max || (s = calloc(1, sizeof *s)) == NULL)
		return NULL;
	s->exporter = *exporter;
	s->version = version;
	s->domain = domain;
	s->session = session;
	streams->slots[i] = s;
	streams->count++;
	return s;
}

/* Empties a slot; what stands behind it and would no longer be found moves up. */
static void
empty(struct streams *streams, size_t hole)
{
	size_t mask = streams->slot_count - 1, i = hole, home;
	struct stream *s;

	for (;;) {
		i = (i + 1) & mask;
		if ((s = streams->slots[i]) == NULL)
			break;
		home = home_of(streams, &s->exporter, s->version, s->domain, s->session);
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		streams->slots[hole] = s;
		hole = i;
	}
	streams->slots[hole] = NULL;
	streams->count--;
}

struct stream *
streams_take(struct streams *streams, uint32_t session)
{
	struct stream *s;
	size_t i;

	for (i = 0; i < streams->slot_count; i++) {
		if ((s = streams->slots[i]) == NULL || s->session != session)
			continue;
		empty(streams, i);
		return s;
	}
	return NULL;
}

void
wire_stream_add(struct stream *s, const struct stream *from)
{
	unsigned i;

	for (i = 0; i < WIRE_COUNTERS; i++)
		s->counters[i] += from->counters[i];
	if (s->first_us == 0 || from->first_us < s->first_us)
		s->first_us = from->first_us;
	if (from->last_us > s->last_us)
		s->last_us = from->last_us;
}

static inline bool
is_before(const void *table, size_t i, uint64_t id)
{
	struct template *const *templates = table;

	return templates[i]->id < id;
}

/* Where the id stands or would stand. */
static unsigned
template_place(const struct stream *s, uint16_t id)
{
	return (unsigned)search_first(s->templates, 0, s->template_count, id, is_before);
}

struct template *
stream_template(const struct stream *s, uint16_t id)
{
	unsigned i = template_place(s, id);

	return i < s->template_count && s->templates[i]->id == id ? s->templates[i]
	    : NULL;
}

int
stream_template_put(struct stream *s, struct template *t, unsigned max)
{
	unsigned i = template_place(s, t->id), cap;
	struct template **grown;

	if (i < s->template_count && s->templates[i]->id == t->id) {
		free(s->templates[i]);
		s->templates[i] = t;
		return 0;
	}
	if (s->template_count == max)
		return -1;
	if (s->template_count == s->template_cap) {
		cap = s->template_cap == 0 ? 8 : s->template_cap * 2;
		if ((grown = realloc(s->templates, cap * sizeof *grown)) == NULL)
			return -1;
		s->templates = grown;
		s->template_cap = cap;
	}
	memmove(s->templates + i + 1, s->templates + i,
	    (s->template_count - i) * sizeof *s->templates);
	s->templates[i] = t;
	s->template_count++;
	return 0;
}

void
stream_template_remove(struct stream *s, uint16_t id)
{
	unsigned i = template_place(s, id);

	if (i == s->template_count || s->templates[i]->id != id)
		return;
	free(s->templates[i]);
	s->template_count--;
	memmove(s->templates + i, s->templates + i + 1,
	    (s->template_count - i) * sizeof *s->templates);
}

void
stream_sampler_put(struct stream *s, int64_t id, uint32_t rate)
{
	struct samplers *all = &s->samplers;
	unsigned i;

	if (rate == 0)
		return;
	for (i = 0; i < all->count && all->ids[i] != id; i++)
		;
	if (i == SAMPLERS)
		return;
	all->ids[i] = id;
	all->rates[i] = rate;
	if (i == all->count)
		all->count++;
}

uint32_t
stream_sampling(const struct stream *s)
{
	unsigned i;

	for (i = 0; i < s->samplers.count; i++) {
		if (s->samplers.ids[i] == -1)
			return s->samplers.rates[i];
	}
	return s->samplers.count == 1 ? s->samplers.rates[0] : 0;
}

static void
waiting_expire(struct stream *s, int64_t now_us)
{
	size_t at = 0, to = 0, n;
	struct waiting w;

	while (at < s->waiting_len) {
		memcpy(&w, s->waiting + at, sizeof w);
		n = sizeof w + w.len;
		if (now_us - w.received_us < WAITING_US) {
			memmove(s->waiting + to, s->waiting + at, n);
			to += n;
		}
		at += n;
	}
	s->waiting_len = to;
}

bool
stream_wait(struct stream *s, const struct waiting *w, const uint8_t *octets, size_t max)
{
	size_t need = sizeof *w + w->len, cap;
	uint8_t *grown;

	if (s->waiting_len + need > max)
		waiting_expire(s, w->received_us);
	if (s->waiting_len + need > max)
		return false;
	if (s->waiting_len + need > s->waiting_cap) {
		cap = s->waiting_cap == 0 ? 4096 : s->waiting_cap * 2;
		while (cap < s->waiting_len + need)
			cap *= 2;
		if ((grown = realloc(s->waiting, cap)) == NULL)
			return false;
		s->waiting = grown;
		s->waiting_cap = cap;
	}
	memcpy(s->waiting + s->waiting_len, w, sizeof *w);
	memcpy(s->waiting + s->waiting_len + sizeof *w, octets, w->len);
	s->waiting_len += need;
	return true;
}
