/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEND_QUEUE_H
#define SEND_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * Whole messages in the order of sending, in a ring of octets; the first one may be sent
 * in part. Bounded in octets and messages.
 */
struct queue;

struct queue_message {
	uint32_t len, records;
};

struct queue *queue_new(size_t octets, unsigned messages); /* NULL: out of memory */
void queue_free(struct queue *q);

/* False: no room. */
bool queue_put(struct queue *q, const uint8_t *octets, uint32_t len, uint32_t records);
/* In front of all, where the first one has not been begun. */
bool queue_put_first(struct queue *q, const uint8_t *octets, uint32_t len,
    uint32_t records);

bool queue_has_room(const struct queue *q, size_t octets, unsigned messages);
bool queue_is_empty(const struct queue *q);
/* The octets to be sent next, those of one message only or of all; returns how many
 * parts. */
int queue_parts(const struct queue *q, bool is_one, struct iovec parts[2]);
/* n octets were sent: takes the first message out if it is whole, or is part of n, and
 * lowers *n; false: it is not done yet. */
bool queue_sent(struct queue *q, size_t *n, struct queue_message *out);
/* Takes the first message out, sent or not; false: none. */
bool queue_drop(struct queue *q, struct queue_message *out);
/* Of the first message, which must be there, from its start. */
void queue_peek(const struct queue *q, size_t at, uint8_t *to, size_t n);
bool queue_is_begun(const struct queue *q);

#endif
