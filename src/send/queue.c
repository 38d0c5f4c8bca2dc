/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ring of octets and beside it a ring of messages, both of a fixed size.
 */
#include "send/queue.h"

#include <stdlib.h>
#include <string.h>

struct queue {
	uint8_t *octets;
	size_t cap, head, len; /* of octets; head: the first message's start */
	struct queue_message *messages;
	unsigned message_cap, first, count;
	uint32_t begun; /* octets of the first message that were sent */
};

struct queue *
queue_new(size_t octets, unsigned messages)
{
	struct queue *q = calloc(1, sizeof *q);

	if (q == NULL)
		return NULL;
	q->octets = malloc(octets);
	q->messages = malloc(messages * sizeof *q->messages);
	if (q->octets == NULL || q->messages == NULL) {
		queue_free(q);
		return NULL;
	}
	q->cap = octets;
	q->message_cap = messages;
	return q;
}

void
queue_free(struct queue *q)
{
	if (q == NULL)
		return;
	free(q->octets);
	free(q->messages);
	free(q);
}

static void
copy_in(struct queue *q, size_t at, const uint8_t *octets, size_t len)
{
	size_t front = q->cap - at < len ? q->cap - at : len;

	memcpy(q->octets + at, octets, front);
	memcpy(q->octets, octets + front, len - front);
}

bool
queue_has_room(const struct queue *q, size_t octets, unsigned messages)
{
	return q->cap - q->len >= octets && q->message_cap - q->count >= messages;
}

bool
queue_put(struct queue *q, const uint8_t *octets, uint32_t len, uint32_t records)
{
	if (!queue_has_room(q, len, 1))
		return false;
	copy_in(q, (q->head + q->len) % q->cap, octets, len);
	q->messages[(q->first + q->count) % q->message_cap] =
	    (struct queue_message){len, records};
	q->len += len;
	q->count++;
	return true;
}

bool
queue_put_first(struct queue *q, const uint8_t *octets, uint32_t len, uint32_t records)
{
	if (!queue_has_room(q, len, 1) || q->begun > 0)
		return false;
	q->head = (q->head + q->cap - len) % q->cap;
	q->first = (q->first + q->message_cap - 1) % q->message_cap;
	copy_in(q, q->head, octets, len);
	q->messages[q->first] = (struct queue_message){len, records};
	q->len += len;
	q->count++;
	return true;
}

bool
queue_is_empty(const struct queue *q)
{
	return q->count == 0;
}

bool
queue_is_begun(const struct queue *q)
{
	return q->begun > 0;
}

int
queue_parts(const struct queue *q, bool is_one, struct iovec parts[2])
{
	size_t at = (q->head + q->begun) % q->cap, len, front;

	if (q->count == 0)
		return 0;
	len = (is_one ? q->messages[q->first].len : q->len) - q->begun;
	front = q->cap - at < len ? q->cap - at : len;
	parts[0] = (struct iovec){q->octets + at, front};
	parts[1] = (struct iovec){q->octets, len - front};
	return len > front ? 2 : 1;
}

bool
queue_drop(struct queue *q, struct queue_message *out)
{
	if (q->count == 0)
		return false;
	*out = q->messages[q->first];
	q->head = (q->head + out->len) % q->cap;
	q->len -= out->len;
	q->first = (q->first + 1) % q->message_cap;
	q->count--;
	q->begun = 0;
	return true;
}

bool
queue_sent(struct queue *q, size_t *n, struct queue_message *out)
{
	size_t left;

	if (q->count == 0 || *n == 0)
		return false;
	left = q->messages[q->first].len - q->begun;
	if (*n < left) {
		q->begun += (uint32_t)*n;
		*n = 0;
		return false;
	}
	*n -= left;
	return queue_drop(q, out);
}

void
queue_peek(const struct queue *q, size_t at, uint8_t *to, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		to[i] = q->octets[(q->head + at + i) % q->cap];
}
