/* SPDX-License-Identifier: BSD-2-Clause */
/* The cell is short: every piece is looked for anew from what is left of it. */
#include "evaluate/pieces.h"

#include "base/text.h"
#include "model/type.h"

#include <string.h>

bool
pieces_next(struct str *rest, struct piece_start *out, bool *is_wrong)
{
	const char *end, *space;
	uint64_t port;
	size_t n;

	*is_wrong = false;
	if (rest->len == 0)
		return false;
	end = memchr(rest->data, ';', rest->len);
	n = end != NULL ? (size_t)(end - rest->data) : rest->len;
	space = memchr(rest->data, ' ', n);
	*is_wrong = space == NULL ||
	    !parse_u64(rest->data, (size_t)(space - rest->data), &port) ||
	    port > UINT16_MAX ||
	    !time_parse(space + 1, n - (size_t)(space + 1 - rest->data), &out->start_us);
	if (*is_wrong)
		return false;
	out->port = (uint16_t)port;
	n += n < rest->len; /* the semicolon, and a blank */
	n += n < rest->len && rest->data[n] == ' ';
	rest->data += n;
	rest->len -= (uint32_t)n;
	return true;
}
