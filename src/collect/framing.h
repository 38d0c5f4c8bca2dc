/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef COLLECT_FRAMING_H
#define COLLECT_FRAMING_H

#include <stddef.h>
#include <stdint.h>

/* IPFIX messages in a stream of octets (RFC 7011, 10.4): each says its length. */
enum { FRAMING_SPACE = 1 << 17 }; /* a message of 65,535 octets, and what came with it */

struct framing {
	uint8_t *octets; /* FRAMING_SPACE, the caller's */
	size_t len;      /* octets that were read and not yet taken */
};

enum framing_verdict {
	FRAMING_OK,
	/* no IPFIX message begins here: nothing after it can be trusted */
	FRAMING_BAD,
	FRAMING_FAILED, /* take said so */
};

/* Where to read more octets to; at least one fits. The caller adds to len. */
static inline uint8_t *
framing_room(struct framing *f, size_t *out_len)
{
	*out_len = FRAMING_SPACE - f->len;
	return f->octets + f->len;
}

/* Passes each whole message to take, which returns 0, or -1 to stop; keeps the rest. */
enum framing_verdict framing_take(struct framing *f,
    int (*take)(void *context, const uint8_t *msg, size_t len), void *context);

#endif
