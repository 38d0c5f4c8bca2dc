/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WIRE_STREAM_H
#define WIRE_STREAM_H

#include "wire/decode.h"
#include "wire/run.h"

/* A data set that came before its template, its octets behind it. */
struct waiting {
	uint16_t id;
	uint16_t len;
	uint32_t uptime_ms;
	int64_t export_us;
	int64_t received_us;
};

/* What an exporter's domain has told so far. */
struct stream {
	struct addr exporter;
	uint16_t version;
	uint32_t domain;
	uint32_t session; /* 0: datagrams */

	struct template **templates; /* by id */
	unsigned template_count, template_cap;

	struct samplers samplers;
	uint32_t own_pen; /* of weir's own elements, by their descriptions; 0: not told */
	int64_t init_us; /* when the exporter started; 0: not told */
	struct addr said; /* the address that it says it has */
	bool has_said;

	uint32_t sequence; /* the one that should come next */
	bool has_sequence;

	uint8_t *waiting;
	size_t waiting_len, waiting_cap;

	int64_t first_us, last_us; /* when datagrams came */
	uint64_t counters[WIRE_COUNTERS];
};

struct streams {
	struct stream **slots;
	size_t slot_count; /* a power of two, twice the limit */
	unsigned count, max;
	uint64_t seed;
};

int streams_init(struct streams *streams, unsigned max);
void streams_done(struct streams *streams);
/* Finds or makes it; NULL when there are too many. */
struct stream *streams_get(struct streams *streams, const struct addr *exporter,
    uint16_t version, uint32_t domain, uint32_t session);
/* Takes one of a session out of the table, which the caller frees; NULL: none. */
struct stream *streams_take(struct streams *streams, uint32_t session);
void wire_stream_free(struct stream *s);
/* Adds what `from` counted. */
void wire_stream_add(struct stream *s, const struct stream *from);

struct template *stream_template(const struct stream *s, uint16_t id);
/* Takes the template, in place of one with the same id, which is freed. -1: no room. */
int stream_template_put(struct stream *s, struct template *t, unsigned max);
void stream_template_remove(struct stream *s, uint16_t id);

/* rate 0 is ignored. id -1: of the exporter as a whole. */
void stream_sampler_put(struct stream *s, int64_t id, uint32_t rate);
/* The rate of records that name no sampler; 0 where it is not known. */
uint32_t stream_sampling(const struct stream *s);

/* Keeps a data set; false: no room. Sets older than ten minutes make room. */
bool stream_wait(struct stream *s, const struct waiting *w, const uint8_t *octets,
    size_t max);

#endif
