/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes of a capture file: a regular one lies in a window that moves along it
 * (window.c), any other is read by read(2) into one reused buffer, where what is left of
 * an incomplete record is moved to the front first.
 */
#include "packet/capture_private.h"

#include "base/err.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	READ_BYTES = 1 << 18, /* at once, so that it is still in L2 when it is parsed */
	WINDOW_BYTES = 2 << 20,
};

/* Moves the window so that n bytes lie at buffer[at]; as capture_need. */
static int
need_mapped(struct capture *c, size_t n, struct err *err)
{
	uint64_t at = capture_offset(c), left;
	struct stat st;

	/* It may have grown since, as files do that are still written. */
	if (at + n > c->size && fstat(c->fd, &st) == 0 && (uint64_t)st.st_size > c->size)
		c->size = (uint64_t)st.st_size;
	left = c->size > at ? c->size - at : 0;
	if (left < n && left <= c->end - c->at)
		return 0;
	if (window_move(&c->window, at,
	    left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES) != 0)
		return err_set(err, errno,
		    "%s: at offset %" PRIu64 ": cannot be mapped: %s; "
		    "give it as: cat %s | weir ... -r -",
		    c->name, at, strerror(errno), c->name);
	c->buffer = c->window.bytes;
	c->base = c->window.from;
	c->at = (size_t)(at - c->base);
	c->end = c->window.len;
	return c->end - c->at >= n;
}

int
capture_need(struct capture *c, size_t n, struct err *err)
{
	ssize_t got;

	if (c->end - c->at >= n)
		return 1;
	if (c->is_mapped)
		return need_mapped(c, n, err);
	memmove(c->buffer, c->buffer + c->at, c->end - c->at);
	c->base += c->at;
	c->end -= c->at;
	c->at = 0;
	while (c->end < n && !c->is_eof) {
		size_t room = BUFFER_BYTES - c->end;

		got = read(c->fd, c->buffer + c->end,
		    room < READ_BYTES ? room : READ_BYTES);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, errno, "%s: at offset %" PRIu64 ": %s",
			    c->name, c->base + c->end, strerror(errno));
		c->is_eof = got == 0;
		c->end += (size_t)got;
	}
	return c->end >= n;
}

int
capture_skip(struct capture *c, uint64_t n, struct err *err)
{
	int status;
	size_t part;

	while (n > 0) {
		if ((status = capture_need(c, 1, err)) <= 0)
			return status;
		part = c->end - c->at < n ? c->end - c->at : (size_t)n;
		c->at += part;
		n -= part;
	}
	return 1;
}
