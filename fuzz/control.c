/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control protocol: any line parses to words that lie in it or to an error, and any
 * text framed in any pieces ends where its end is.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "serve/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_request(const uint8_t *data, size_t size)
{
	size_t len = size < REQUEST_LINE_MAX ? size : REQUEST_LINE_MAX;
	char *line = malloc(len + 1);
	struct request r;
	struct err err = {0};

	if (line == NULL)
		return;
	memcpy(line, data, len);
	if (request_parse(line, len, &r, &err) == 0) {
		assert(r.name >= line && r.name < line + len && *r.name != '\0');
		assert(strchr(r.name, ' ') == NULL);
		assert(r.argument == NULL ||
		    (r.argument > r.name && *r.argument != '\0' && *r.argument != ' ' &&
			strlen(r.argument) <= len));
	} else {
		assert(err.code != 0);
	}
	free(line);
}

/* Undoes the framing: the end is found once, at the end, and the text is the same. */
static void
check_frame(const char *text, size_t len)
{
	struct text framed, back;
	bool is_line_start = true, is_end = false;
	size_t half = len / 2, at, next;

	text_init(&framed);
	text_init(&back);
	frame_text(&framed, text, half, &is_line_start);
	frame_text(&framed, text + half, len - half, &is_line_start);
	frame_end(&framed, NULL, &is_line_start);
	for (at = 0; at < framed.len && !is_end; at = next) {
		char *newline = memchr(framed.data + at, '\n', framed.len - at);

		assert(newline != NULL);
		next = (size_t)(newline + 1 - framed.data);
		is_end = next - at == 5 && memcmp(framed.data + at, ". ok\n", 5) == 0;
		if (!is_end) {
			at += framed.data[at] == '.';
			text_bytes(&back, framed.data + at, next - at);
		}
	}
	assert(is_end && at == framed.len);
	assert(back.len >= len && back.len <= len + 1);
	assert(memcmp(back.data, text, len) == 0);
	text_done(&framed);
	text_done(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_request(data, size);
	check_frame((const char *)data, size);
	return 0;
}
