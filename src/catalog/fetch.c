/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asking servers, by libcurl's multi interface: a few slots, each with one request that
 * runs or waits to be made again. Requests start no faster than the rate allows.
 */
#include "catalog/fetch.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/memory.h"
#include "base/text.h"
#include "catalog/fetch_curl.h"
#include "catalog/partial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEADER_MAX = 256, WAIT_MS = 200, RETRY_AFTER_MAX_S = 60 };

enum slot_state { SLOT_FREE, SLOT_RUNNING, SLOT_WAITING };

struct slot {
	CURL *easy;
	enum slot_state state;
	size_t url; /* its number */
	uint64_t retries;
	int64_t again_us; /* when a waiting one goes on */
	bool by_get;      /* the server refuses HEAD */
	/* headers of the last response */
	char etag[HEADER_MAX], encoding[HEADER_MAX], range[HEADER_MAX], length[32];
	bool two_lengths;
};

struct fetch {
	const struct fetch_config *config;
	const char *const *urls;
	size_t n, next, answered;
	CURLM *multi;
	struct slot *slots;
	size_t slot_count;
	int64_t start_us; /* no request before */
	struct partial *partial;
	int (*answer)(void *arg, size_t i, const struct answer *answer, struct err *err);
	void *arg;
};

/* A header's value without control characters, cut to its room. */
static void
keep_header(char *to, size_t room, const char *value, size_t n)
{
	size_t i, len = 0;

	while (n > 0 && (*value == ' ' || *value == '\t'))
		value++, n--;
	while (n > 0 && strchr("\r\n \t", value[n - 1]) != NULL)
		n--;
	for (i = 0; i < n && len + 1 < room; i++)
		to[len++] = value[i] >= ' ' && value[i] != 0x7f ? value[i] : '?';
	to[len] = '\0';
}

static size_t
on_header(char *line, size_t one, size_t n, void *arg)
{
	struct slot *slot = arg;
	char length[sizeof slot->length];
	const struct {
		const char *name;
		char *to;
	} wanted[] = {{"etag:", slot->etag},
		      {"content-encoding:", slot->encoding},
		      {"content-range:", slot->range}};
	size_t i, len;

	n *= one;
	if (n > 5 && memcmp(line, "HTTP/", 5) == 0) {
		slot->etag[0] = slot->encoding[0] = slot->range[0] = slot->length[0] =
		    '\0';
		slot->two_lengths = false;
		return n;
	}
	for (i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		len = strlen(wanted[i].name);
		if (n > len && strncasecmp(line, wanted[i].name, len) == 0)
			keep_header(wanted[i].to, HEADER_MAX, line + len, n - len);
	}
	len = strlen("content-length:");
	if (n > len && strncasecmp(line, "content-length:", len) == 0) {
		keep_header(length, sizeof length, line + len, n - len);
		if (slot->length[0] != '\0' && strcmp(slot->length, length) != 0)
			slot->two_lengths = true;
		memcpy(slot->length, length, sizeof length);
	}
	return n;
}

/* One byte is enough; a server that sends all of it is hung up on. */
static size_t
refuse_body(char *bytes, size_t one, size_t n, void *arg)
{
	return n * one > 1 ? 0 : n * one;
}

static void
start(struct fetch *f, struct slot *slot)
{
	CURL *easy = slot->easy;

	curl_easy_reset(easy);
	fetch_common(easy, f->config, f->urls[slot->url]);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(f->config->timeout_us / 1000));
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, slot);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, refuse_body);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
	if (slot->by_get)
		curl_easy_setopt(easy, CURLOPT_RANGE, "0-0");
	else
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	if (f->config->encoding != NULL) {
		curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, f->config->encoding);
		/* The size of what is sent is wanted, not of what it unpacks to. */
		curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
	}
	slot->etag[0] = slot->encoding[0] = slot->range[0] = slot->length[0] = '\0';
	slot->two_lengths = false;
	slot->state = SLOT_RUNNING;
	if (f->config->rate > 0)
		f->start_us = clock_us(CLOCK_MONOTONIC) + 1000000 /
		    (int64_t)f->config->rate;
	curl_multi_add_handle(f->multi, easy);
}

/* Twice as long each time, or as the server says. */
static void
wait_again(struct slot *slot)
{
	curl_off_t after = 0;
	int64_t us = (int64_t)250000 << (slot->retries < 6 ? slot->retries : 6);

	curl_easy_getinfo(slot->easy, CURLINFO_RETRY_AFTER, &after);
	if (after > 0)
		us = (after < RETRY_AFTER_MAX_S ? after : RETRY_AFTER_MAX_S) * 1000000;
	slot->retries++;
	slot->again_us = clock_us(CLOCK_MONOTONIC) + us;
	slot->state = SLOT_WAITING;
}

/* The length of the whole file by the headers. */
static void
read_length(const struct slot *slot, struct answer *a)
{
	const char *text = slot->length;

	if (a->status == 206) {
		text = strrchr(slot->range, '/');
		text = text != NULL ? text + 1 : "";
	}
	if (slot->two_lengths) {
		a->verdict = ANSWER_FAILED;
		a->why = "two lengths that differ";
	} else if (*text == '\0' || strcmp(text, "*") == 0) {
		a->verdict = ANSWER_NO_LENGTH;
		a->why = "no Content-Length";
	} else if (!parse_u64(text, strlen(text), &a->size) || a->size > INT64_MAX) {
		a->verdict = ANSWER_FAILED;
		a->why = "a Content-Length that is no number of bytes";
	}
}

static void
read_answer(const struct slot *slot, CURLcode code, struct answer *a)
{
	long status = 0, redirects = 0;
	curl_off_t when = -1;
	char *type = NULL;

	curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(slot->easy, CURLINFO_REDIRECT_COUNT, &redirects);
	curl_easy_getinfo(slot->easy, CURLINFO_FILETIME_T, &when);
	curl_easy_getinfo(slot->easy, CURLINFO_CONTENT_TYPE, &type);
	*a = (struct answer){.status = (uint64_t)status,
			     .released_us = when >= 0 ? (int64_t)when * 1000000
			         : INT64_MIN,
			     .date_us = clock_us(CLOCK_REALTIME),
			     .retries = slot->retries,
			     .redirects = (uint64_t)redirects};
	a->content_type = type;
	a->etag = slot->etag[0] != '\0' ? slot->etag : NULL;
	if (slot->encoding[0] != '\0' && strcasecmp(slot->encoding, "identity") != 0)
		a->encoding = slot->encoding;
	if (code == CURLE_WRITE_ERROR && slot->by_get && status == 200)
		code = CURLE_OK; /* hung up on, as meant */
	if (code != CURLE_OK) {
		a->verdict = ANSWER_FAILED;
		a->why = curl_easy_strerror(code);
	} else if (status != 200 && status != 206) {
		a->verdict = ANSWER_FAILED;
		a->why = "not 200";
	} else {
		read_length(slot, a);
	}
}

static int
end_request(struct fetch *f, struct slot *slot, CURLcode code, struct err *err)
{
	struct answer a;
	char type[HEADER_MAX];
	long status = 0;

	curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_multi_remove_handle(f->multi, slot->easy);
	if (fetch_is_passing(code, status) && slot->retries < f->config->retries) {
		wait_again(slot);
		return 0;
	}
	if (code == CURLE_OK && !slot->by_get && (status == 405 || status == 501)) {
		slot->by_get = true;
		slot->again_us = 0;
		slot->state = SLOT_WAITING;
		return 0;
	}
	read_answer(slot, code, &a);
	if (a.content_type != NULL) {
		keep_header(type, sizeof type, a.content_type, strlen(a.content_type));
		a.content_type = type;
	}
	slot->state = SLOT_FREE;
	f->answered++;
	if (a.verdict == ANSWER_GOOD &&
	    partial_add(f->partial, f->urls[slot->url], &a, err) != 0)
		return -1;
	return f->answer(f->arg, slot->url, &a, err);
}

/* The next URL that no earlier run has asked for; false if there is none. */
static int
next_url(struct fetch *f, size_t *url, struct err *err)
{
	struct answer a;

	for (; f->next < f->n; f->next++) {
		if (!partial_find(f->partial, f->urls[f->next], &a)) {
			*url = f->next++;
			return 1;
		}
		f->answered++;
		if (f->answer(f->arg, f->next, &a, err) != 0)
			return -1;
	}
	return 0;
}

/* Starts what may start now; returns how many slots are busy, or -1. */
static int
start_slots(struct fetch *f, struct err *err)
{
	int64_t now = clock_us(CLOCK_MONOTONIC);
	int busy = 0, more;
	size_t i;

	for (i = 0; i < f->slot_count; i++) {
		struct slot *slot = &f->slots[i];
		bool may = now >= f->start_us && !fetch_is_stopped(f->config);

		if (slot->state == SLOT_FREE && may) {
			if ((more = next_url(f, &slot->url, err)) < 0)
				return -1;
			if (more > 0) {
				slot->retries = 0;
				slot->by_get = false;
				start(f, slot);
			}
		} else if (slot->state == SLOT_WAITING && may && now >= slot->again_us) {
			start(f, slot);
		}
		busy += slot->state != SLOT_FREE;
	}
	return busy;
}

/* How long to sleep at most, so that no start is late. */
static int
wait_ms(const struct fetch *f)
{
	int64_t now = clock_us(CLOCK_MONOTONIC), next = now + WAIT_MS * 1000, at;
	size_t i;

	for (i = 0; i < f->slot_count; i++) {
		const struct slot *slot = &f->slots[i];

		if (slot->state == SLOT_RUNNING ||
		    (slot->state == SLOT_FREE && f->next >= f->n))
			continue;
		at = slot->state == SLOT_WAITING && slot->again_us > f->start_us
			 ? slot->again_us
			 : f->start_us;
		next = at < next ? at : next;
	}
	return next > now ? (int)((next - now + 999) / 1000) : 0;
}

static int
run(struct fetch *f, struct err *err)
{
	CURLMsg *message;
	int busy, left;
	struct slot *slot;

	for (;;) {
		if ((busy = start_slots(f, err)) < 0)
			return -1;
		if (fetch_is_stopped(f->config) || (busy == 0 && f->next >= f->n))
			return 0;
		curl_multi_perform(f->multi, &left);
		while ((message = curl_multi_info_read(f->multi, &left)) != NULL) {
			curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
			if (message->msg == CURLMSG_DONE &&
			    end_request(f, slot, message->data.result, err) != 0)
				return -1;
		}
		if (f->config->progress != NULL)
			f->config->progress(f->answered, f->n);
		curl_multi_poll(f->multi, NULL, 0, wait_ms(f), NULL);
	}
}

static int
slots_init(struct fetch *f, struct err *err)
{
	size_t i;

	f->slot_count = f->config->parallel;
	if (f->slot_count < 1)
		f->slot_count = 1;
	if (f->slot_count > FETCH_PARALLEL_MAX)
		f->slot_count = FETCH_PARALLEL_MAX;
	f->slots = must(calloc(f->slot_count, sizeof *f->slots));
	if ((f->multi = curl_multi_init()) == NULL)
		return err_set(err, ENOMEM, "no memory for requests");
	for (i = 0; i < f->slot_count; i++) {
		if ((f->slots[i].easy = curl_easy_init()) == NULL)
			return err_set(err, ENOMEM, "no memory for requests");
	}
	return 0;
}

int
fetch_sizes(const struct fetch_config *config, const char *const *urls, size_t n,
	    int (*answer)(void *arg, size_t i, const struct answer *answer,
	    struct err *err),
	    void *arg, size_t *asked, struct err *err)
{
	struct fetch f = {.config = config, .urls = urls, .n = n, .answer = answer,
	    .arg = arg};
	size_t i;
	int ret = -1;

	if (partial_open(config->partial, &f.partial, err) != 0)
		return -1;
	if (fetch_library(err) != 0) {
		partial_close(f.partial);
		return -1;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (slots_init(&f, err) == 0)
		ret = run(&f, err);
	for (i = 0; f.slots != NULL && i < f.slot_count; i++) {
		if (f.slots[i].state == SLOT_RUNNING)
			curl_multi_remove_handle(f.multi, f.slots[i].easy);
		curl_easy_cleanup(f.slots[i].easy);
	}
	curl_multi_cleanup(f.multi);
	curl_global_cleanup();
	free(f.slots);
	partial_close(f.partial);
	*asked = f.answered;
	return ret;
}
