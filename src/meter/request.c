/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which of a client's bursts are requests, by sizes alone. Of config.request_min octets
 * and more they are, but for several small ones at once that waited for each other:
 * window updates, pings, keystrokes.
 *
 * Requests of HTTP/2 in TLS may be smaller: header fields that were sent before are an
 * octet each. What else its clients send is frames of few lengths. So where a record is
 * seen to have one of them alone, the acknowledgement of settings that every client sends
 * once, it tells what a record adds, and then what is as long as no such frame is a
 * request. What is as long as a PING or a GOAWAY is one if more than that comes back. Two
 * window updates, of the connection and of a stream, are sent for so many octets of an
 * answer, mostly for half a window: after a shorter one what is as long as they are is a
 * request, and so it is where the client was silent through more than usual windows hold,
 * until the answer has very many.
 */
#include "meter/state.h"

enum {
	USUAL_MSS = 1460, /* where no SYN was seen */
	/* octets of a request at most whose client may pipeline: apt's have some 150; a
	 * browser's have more, and grow by cookies */
	TERSE = 300,
	/* tenths of the first burst: two requests of about its length */
	SEVERAL = 19,
};
enum { /* octets of frames with their headers: RFC 9113, 4.1 and 6 */
	HTTP2_HEADER = 9,         /* and an acknowledgement of settings */
	HTTP2_WINDOW_UPDATE = 13, /* RST_STREAM is as long */
	HTTP2_PING = 17,          /* GOAWAY is as long */
	TLS_ALERT = 2,            /* octets of its content */
	HTTP2_FIELDS = 2,         /* compressed header fields of a request at least */
};
enum {
	/* exchanges after which no settings are acknowledged any more: handshake,
	 * preface, first request */
	SETTLED = 3,
	/* octets that a TLS client has sent before: ClientHello, Finished and the preface
	 * have more, the banner of SSH less */
	GREETING = 256,
	HELLO = 150, /* octets of a ClientHello at least */
	/* octets received for which a client updates windows at least (Go's) */
	UPDATE_MIN = 4 << 10,
	UPDATE_HALF = 32000,    /* others: half of the usual window of 65,535 */
	UPDATES_MIN = 16 << 10, /* and several at once */
	/* more than usual windows let through without an update */
	WIDE = 128 << 10,
	/* octets received for which a client with wide windows updates them at least
	 * (browsers: three million; curl: 16) */
	UPDATE_WIDE = 1 << 20,
};

/*
 * Whether a burst that begins an exchange after an answer holds several requests: more
 * than one segment does (an interface that merges segments shows those that a client sent
 * together as one; on the wire the second would come before the answer to the first), or
 * the second burst is twice the first, before octets long and terse. A client that
 * pipelines sends one request, and when the answer has shown that the server keeps the
 * connection, all others that it may. A connection's first burst may be a large greeting
 * and says nothing.
 */
bool
burst_is_several_requests(const struct meter *m, const struct stream *s, uint64_t fresh,
    uint64_t before)
{
	const struct exchange *x = exchange_of(m, s);
	uint32_t mss = s->mss;

	if (x == NULL || x->ordinal == 0)
		return false;
	return fresh > (mss != 0 ? mss : USUAL_MSS) ||
	       (x->ordinal == 1 && before > 0 && before <= TERSE &&
	           fresh * 10 >= before * SEVERAL);
}

/* Takes note of n octets of the client's that are too few for a request. By those that
 * come twice in a row, as window updates and pings do, several at once are known. */
static void
burst_note(struct stream *s, uint64_t n)
{
	if (n == s->last_burst)
		s->burst = (uint8_t)n;
	s->last_burst = n <= UINT8_MAX ? (uint8_t)n : 0;
}

/* Takes note of what n octets say of the connection, after so many of the client's and an
 * answer that ends at high. */
static void
habits_note(const struct stream *s, struct exchange *x, uint64_t n, uint64_t before,
    uint64_t high)
{
	/* TLS 1.3 adds 22 octets to a record; 1.2 with GCM or CCM 29, with ChaCha20
	 * 21. */
	static const uint8_t overheads[] = {22, 29, 21};

	if ((uint16_t)(high / HEARD_UNIT - x->heard_at) >= WIDE / HEARD_UNIT)
		x->is_wide = 1;
	x->heard_at = (uint16_t)(high / HEARD_UNIT);
	if (x->tls_overhead != 0 || x->ordinal > SETTLED || before < GREETING)
		return;
	for (size_t i = 0; i < sizeof overheads; i++)
		if (n == overheads[i] + (uint64_t)HTTP2_HEADER || (n == s->last_burst &&
		        n == overheads[i] + (uint64_t)HTTP2_WINDOW_UPDATE))
			x->tls_overhead = overheads[i];
}

/* Whether an answer is too short for window updates: than least or, of a client with wide
 * windows, than those are. */
static bool
is_too_early(const struct exchange *x, uint64_t answer, uint64_t least)
{
	return !x->is_continuation &&
	    (answer < least || (x->is_wide && !x->is_eager && answer < UPDATE_WIDE));
}

/* Whether an answer is too short for n octets that would be updates of two windows, its
 * own among them. Clients that do not wait for half a window show that from the start, or
 * by many. */
static bool
is_too_early_for_two(const struct stream *s, struct exchange *x, uint64_t n,
    uint64_t answer, uint64_t high)
{
	if (answer >= UPDATE_MIN && answer < UPDATE_HALF &&
	    (high < 2 * UPDATE_HALF || (n == s->burst && n == s->last_burst)))
		x->is_eager = 1;
	return is_too_early(x, answer, x->is_eager ? UPDATE_MIN : UPDATE_HALF);
}

/* Whether n octets are two to four records of HTTP/2, each with one window update or
 * two. */
static bool
are_updates(const struct exchange *x, uint64_t n)
{
	for (unsigned records = 2; records <= 4; records++) {
		uint64_t frames = n - (uint64_t)records * x->tls_overhead;

		if (frames % HTTP2_WINDOW_UPDATE == 0 &&
		    frames >= records * HTTP2_WINDOW_UPDATE &&
		    frames <= 2 * records * HTTP2_WINDOW_UPDATE)
			return true;
	}
	return false;
}

/*
 * Whether n octets are two to four small bursts that waited for each other: in one
 * segment or, where the client is not seen, in one acknowledgement. Or two window updates
 * of HTTP/2 in one TLS record, of which the second adds its frame alone.
 */
static bool
is_several(const struct stream *s, const struct exchange *x, uint64_t n, uint64_t answer,
    bool is_unseen)
{
	bool is_known = x != NULL && x->tls_overhead != 0;

	if (s->burst == 0)
		return false;
	if (n != s->burst + (uint64_t)HTTP2_WINDOW_UPDATE &&
	    (n > 4u * s->burst || n % s->burst != 0) &&
	    !(is_known && is_unseen && are_updates(x, n)))
		return false;
	return !is_known || !is_too_early(x, answer, UPDATES_MIN);
}

/* What n octets are, fewer than other requests have. */
static enum burst
short_burst(const struct exchange *x, uint64_t n)
{
	if (n < x->tls_overhead + (uint64_t)(HTTP2_HEADER + HTTP2_FIELDS) ||
	    n == x->tls_overhead + (uint64_t)HTTP2_WINDOW_UPDATE)
		return BURST_SMALL;
	return n == x->tls_overhead + (uint64_t)HTTP2_PING ? BURST_PERHAPS
	    : BURST_REQUEST;
}

enum burst
burst_of(const struct meter *m, struct stream *s, unsigned client, uint64_t n,
    bool is_whole, uint32_t more)
{
	struct exchange *x = exchange_of(m, s);
	const struct half *c = &s->half[client], *a = &s->half[client ^ 1];
	uint64_t answer = u40_get(&a->span) + more, high = u48_get(&a->high) + more;
	enum burst kind = BURST_SMALL;
	bool is_known, is_two;

	if (x != NULL)
		habits_note(s, x, n, u48_get(&c->high), high);
	is_known = x != NULL && x->tls_overhead != 0;
	is_two = is_known && n == x->tls_overhead + 2ull * HTTP2_WINDOW_UPDATE;
	if (is_two)
		kind = is_whole && is_too_early_for_two(s, x, n, answer, high)
		    ? BURST_REQUEST : BURST_SMALL;
	else if (n >= m->config.request_min)
		kind = is_several(s, x, n, answer,
		    !(s->syn.bits & SYN_BASE_OWN << client))
		    ? BURST_SMALL : BURST_REQUEST;
	else if (is_whole && is_known)
		kind = short_burst(x, n);
	if (is_known && kind != BURST_SMALL && !is_two)
		s->last_burst = 0;
	else if (is_two || n < m->config.request_min)
		burst_note(s, n);
	return kind;
}

bool
burst_is_answered(const struct exchange *x, uint64_t n)
{
	return n != x->tls_overhead + (uint64_t)HTTP2_PING &&
	    n != x->tls_overhead + (uint64_t)TLS_ALERT;
}

bool
burst_opens(const struct exchange *x, uint64_t before, uint64_t n)
{
	/* Finished of TLS 1.3 with SHA-256 and SHA-384, with a ChangeCipherSpec before it
	 * or not; of 1.2 with a key of X25519, P-256 or P-384 before it, GCM or
	 * ChaCha20. */
	static const uint8_t ends[] = {58, 74, 64, 80, 93, 126, 158, 85, 118, 150};
	uint64_t end = x->ordinal == 0 ? n : before;

	if (x->ordinal == 0 ? before < HELLO : x->ordinal > 1 || !x->is_opening)
		return false;
	for (size_t i = 0; i < sizeof ends; i++)
		if (end == ends[i])
			return true;
	return false;
}
