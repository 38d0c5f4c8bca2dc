/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cuts a stream into IPFIX messages by the length in their headers.
 */
#include "collect/framing.h"

#include "base/cursor.h"

#include <string.h>

enum { HEADER = 16, VERSION = 10 };

enum framing_verdict
framing_take(struct framing *f, int (*take)(void *context, const uint8_t *msg,
    size_t len), void *context)
{
	enum framing_verdict verdict = FRAMING_OK;
	size_t at = 0, len;

	while (f->len - at >= 4) {
		len = load_be16(f->octets + at + 2);
		if (load_be16(f->octets + at) != VERSION || len < HEADER) {
			verdict = FRAMING_BAD;
			break;
		}
		if (f->len - at < len)
			break;
		if (take(context, f->octets + at, len) != 0) {
			verdict = FRAMING_FAILED;
			break;
		}
		at += len;
	}
	memmove(f->octets, f->octets + at, f->len - at);
	f->len -= at;
	return verdict;
}
