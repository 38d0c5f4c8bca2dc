/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue of messages beside a plain array that does the same: random puts, partial
 * sends and drops leave the same octets in the same order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "send/queue.h"

#include <string.h>

enum { OCTETS = 1000, MESSAGES = 12, ROUNDS = 200000 };

/* The twin: messages in order, the first sent octets of the first are gone. */
struct twin {
	uint8_t octets[MESSAGES][OCTETS];
	uint32_t lens[MESSAGES];
	unsigned count;
	size_t begun, total;
};

static uint32_t
draw_u64(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

static void
twin_drop(struct twin *t)
{
	t->total -= t->lens[0];
	memmove(t->octets, t->octets + 1, (MESSAGES - 1) * sizeof t->octets[0]);
	memmove(t->lens, t->lens + 1, (MESSAGES - 1) * sizeof t->lens[0]);
	t->count--;
	t->begun = 0;
}

static void
put(struct queue *q, struct twin *t, uint64_t *seed)
{
	uint8_t message[OCTETS];
	uint32_t len = 1 + draw_u64(seed) % 400, i;
	bool is_first = draw_u64(seed) % 8 == 0, fits;

	for (i = 0; i < len; i++)
		message[i] = (uint8_t)draw_u64(seed);
	fits = t->count < MESSAGES && t->total + len <= OCTETS &&
	    !(is_first && t->begun > 0);
	if (is_first)
		assert_int_equal(queue_put_first(q, message, len, len), fits);
	else
		assert_int_equal(queue_put(q, message, len, len), fits);
	if (!fits)
		return;
	if (is_first) {
		memmove(t->octets + 1, t->octets, (MESSAGES - 1) * sizeof t->octets[0]);
		memmove(t->lens + 1, t->lens, (MESSAGES - 1) * sizeof t->lens[0]);
	}
	memcpy(t->octets[is_first ? 0 : t->count], message, len);
	t->lens[is_first ? 0 : t->count] = len;
	t->count++;
	t->total += len;
}

/* What is to be sent next is what the twin says; then some of it counts as sent. */
static void
send_some(struct queue *q, struct twin *t, uint64_t *seed)
{
	bool is_one = draw_u64(seed) % 2;
	uint8_t got[OCTETS], want[OCTETS];
	struct queue_message done;
	struct iovec parts[2];
	size_t len = 0, at = 0, sent;
	unsigned i;
	int n = queue_parts(q, is_one, parts);

	assert_int_equal(n == 0, t->count == 0);
	for (i = 0; i < (unsigned)n; i++) {
		memcpy(got + len, parts[i].iov_base, parts[i].iov_len);
		len += parts[i].iov_len;
	}
	for (i = 0; i < t->count && (i == 0 || !is_one); i++) {
		memcpy(want + at, t->octets[i] + (i == 0 ? t->begun : 0),
		    t->lens[i] - (i == 0 ? t->begun : 0));
		at += t->lens[i] - (i == 0 ? t->begun : 0);
	}
	assert_int_equal(len, at);
	assert_memory_equal(got, want, len);
	if (len == 0)
		return;
	sent = draw_u64(seed) % (len + 1);
	t->begun += sent;
	while (queue_sent(q, &sent, &done)) {
		assert_int_equal(done.len, t->lens[0]);
		assert_int_equal(done.records, done.len);
		at = t->begun - t->lens[0];
		twin_drop(t);
		t->begun = at;
	}
	assert_int_equal(queue_is_begun(q), t->begun > 0);
}

static void
test_twin(void **state)
{
	static struct twin t;
	struct queue *q = queue_new(OCTETS, MESSAGES);
	struct queue_message dropped;
	uint64_t seed = 20261130;
	unsigned round;

	(void)state;
	assert_non_null(q);
	for (round = 0; round < ROUNDS; round++) {
		switch (draw_u64(&seed) % 8) {
		case 0:
			assert_int_equal(queue_drop(q, &dropped), t.count > 0);
			if (t.count > 0) {
				assert_int_equal(dropped.len, t.lens[0]);
				twin_drop(&t);
			}
			break;
		case 1: case 2: case 3:
			send_some(q, &t, &seed);
			break;
		default:
			put(q, &t, &seed);
		}
		assert_int_equal(queue_is_empty(q), t.count == 0);
		assert_int_equal(queue_has_room(q, 300, 2),
		    t.total + 300 <= OCTETS && t.count + 2 <= MESSAGES);
	}
	queue_free(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_twin)};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
