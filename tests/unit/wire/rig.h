/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_WIRE_RIG_H
#define TESTS_WIRE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/draw.h"
#include "base/err.h"
#include "model/batch.h"
#include "model/flow.h"
#include "wire/decode.h"
#include "wire/encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Datagrams that an encoder made, kept one behind the other. */
struct sent {
	uint8_t *octets;
	size_t len, cap;
	size_t ends[4096];
	unsigned count;
};

static inline int
sent_take(void *context, const struct wire_train *train, struct err *err)
{
	struct sent *s = context;
	unsigned i;

	(void)err;
	assert_true(s->count + train->count <= 4096);
	if (s->len + train->len > s->cap) {
		s->cap = (s->len + train->len) * 2;
		s->octets = realloc(s->octets, s->cap);
		assert_non_null(s->octets);
	}
	memcpy(s->octets + s->len, train->octets, train->len);
	for (i = 0; i < train->count; i++) {
		s->len += train->lens[i];
		s->ends[s->count++] = s->len;
	}
	return 0;
}

static inline size_t
sent_start(const struct sent *s, unsigned i)
{
	return i == 0 ? 0 : s->ends[i - 1];
}

static inline void
sent_done(struct sent *s)
{
	free(s->octets);
	*s = (struct sent){0};
}

/* Feeds datagrams to a new decoder; returns its counters in out_counters if not NULL. */
static inline struct batch *
decode_all(const struct sent *s, uint64_t *out_counters)
{
	struct wire_config config = {0};
	struct wire_decoder *d = wire_decoder_new(&config);
	struct batch *out = batch_new(&flow_schema, 65536);
	struct addr exporter = addr_v4(0x7f000001);
	struct err err = {0};
	unsigned i;
	int verdict;

	for (i = 0; i < s->count; i++) {
		verdict = wire_decode(d, &exporter, s->octets + sent_start(s, i),
		    s->ends[i] - sent_start(s, i), 1000, out, &err);
		assert_int_equal(verdict, WIRE_OK);
	}
	if (out_counters != NULL)
		memcpy(out_counters, wire_decoder_counters(d), WIRE_COUNTERS * 8);
	wire_decoder_free(d);
	return out;
}

#endif
