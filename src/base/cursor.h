/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Reads a byte string from front to back. Reading past the end fails stickily: the cursor
 * stays failed, is empty from then on and yields zeros. Decode into locals, test
 * cursor_ok once, copy out after. Passed by value on purpose; borrows the bytes.
 */
struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

static inline struct cursor
cursor_over(const void *bytes, size_t len_bytes)
{
	const uint8_t *at = bytes;

	return (struct cursor){at, at + len_bytes, false};
}

static inline bool
cursor_ok(const struct cursor *c)
{
	return !c->failed;
}

static inline size_t
cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

/* The next n bytes, or NULL and a failed cursor. */
static inline const uint8_t *
cursor_take(struct cursor *c, size_t n)
{
	const uint8_t *at = c->at;

	if (n > cursor_left(c)) {
		c->failed = true;
		c->at = c->end;
		return NULL;
	}
	c->at += n;
	return at;
}

static inline void
cursor_skip(struct cursor *c, size_t n)
{
	(void)cursor_take(c, n);
}

/* A cursor over the next n bytes, which this one steps over. */
static inline struct cursor
cursor_sub(struct cursor *c, size_t n)
{
	const uint8_t *at = cursor_take(c, n);

	if (at == NULL)
		return (struct cursor){c->end, c->end, true};
	return cursor_over(at, n);
}

static inline uint16_t
load_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
load_be32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return __builtin_bswap32(v);
}

static inline uint64_t
load_be64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return __builtin_bswap64(v);
}

static inline uint32_t
load_le32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

static inline uint64_t
load_le64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* An unsigned big-endian number of n = 0..8 bytes. */
static inline uint64_t
load_be(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static inline uint8_t
cursor_u8(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 1);

	return p == NULL ? 0 : *p;
}

static inline uint16_t
cursor_be16(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 2);

	return p == NULL ? 0 : load_be16(p);
}

static inline uint32_t
cursor_be32(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 4);

	return p == NULL ? 0 : load_be32(p);
}

static inline uint64_t
cursor_be64(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 8);

	return p == NULL ? 0 : load_be64(p);
}

#endif
