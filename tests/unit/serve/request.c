/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests, good and bad, and that a framed answer always shows its end and can be
 * undone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/text.h"
#include "serve/request.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *line, *name, *argument, *error; /* name or error */
	bool is_framed, is_json;
} requests[] = {
	{"statistics", "statistics", NULL, NULL, false, false},
	{"statistics\r", "statistics", NULL, NULL, false, false},
	{"  statistics  ", "statistics", NULL, NULL, false, false},
	{"weir statistics", "statistics", NULL, NULL, true, false},
	{"json statistics", "statistics", NULL, NULL, false, true},
	{"weir json timeouts udp=5m", "timeouts", "udp=5m", NULL, true, true},
	{"weir\tjson\ttimeouts\tudp=5m", "timeouts", "udp=5m", NULL, true, true},
	{"timeouts   a  b ", "timeouts", "a  b", NULL, false, false},
	{"json weir help", "weir", "help", NULL, false, true},
	{"weir", "weir", NULL, NULL, false, false},
	{"json", "json", NULL, NULL, false, false},
	{"weir json", "json", NULL, NULL, true, false},
	{"debug+", "debug+", NULL, NULL, false, false},
	{"", NULL, NULL, "the request is empty", false, false},
	{"   ", NULL, NULL, "the request is empty", false, false},
	{"\x7f\x45\x4c\x46", NULL, NULL, "octet 1 of the request", false, false},
	{"weir stat\xc3\xa4", NULL, NULL, "octet 10 of the request", true, false},
	{"a\x01", NULL, NULL, "octet 2 of the request", false, false},
};

static void
test_requests(void **state)
{
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof requests / sizeof *requests; i++) {
		struct request r;
		struct err err = {0};
		int status;
		char *line;

		len = strlen(requests[i].line);
		line = malloc(len + 1); /* just so long, for the sanitizer */
		assert_non_null(line);
		memcpy(line, requests[i].line, len);
		status = request_parse(line, len, &r, &err);
		assert_int_equal(r.is_framed, requests[i].is_framed);
		if (requests[i].error != NULL) {
			assert_int_equal(status, -1);
			assert_non_null(strstr(err.text, requests[i].error));
		} else {
			assert_int_equal(status, 0);
			assert_string_equal(r.name, requests[i].name);
			assert_int_equal(r.is_json, requests[i].is_json);
			if (requests[i].argument == NULL)
				assert_null(r.argument);
			else
				assert_string_equal(r.argument, requests[i].argument);
		}
		free(line);
	}
}

static const struct {
	const char *text, *framed;
} frames[] = {
	{"", ". ok\n"},
	{"a\n", "a\n. ok\n"},
	{"a", "a\n. ok\n"},
	{".\n", "..\n. ok\n"},
	{". ok\n", ".. ok\n. ok\n"},
	{"a\n.b\n\n..c", "a\n..b\n\n...c\n. ok\n"},
	{"a.b\n", "a.b\n. ok\n"},
};

/* In one piece and octet by octet. */
static void
test_frames(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof frames / sizeof *frames; i++) {
		bool whole_start = true, octet_start = true;
		struct text whole, octets;

		text_init(&whole);
		text_init(&octets);
		frame_text(&whole, frames[i].text, strlen(frames[i].text), &whole_start);
		for (j = 0; frames[i].text[j] != '\0'; j++)
			frame_text(&octets, &frames[i].text[j], 1, &octet_start);
		frame_end(&whole, NULL, &whole_start);
		frame_end(&octets, NULL, &octet_start);
		assert_string_equal(whole.data, frames[i].framed);
		assert_string_equal(octets.data, frames[i].framed);
		text_done(&whole);
		text_done(&octets);
	}
}

static void
test_error_is_one_line(void **state)
{
	bool is_line_start = true;
	struct text t;

	(void)state;
	text_init(&t);
	frame_text(&t, "half", 4, &is_line_start);
	frame_end(&t, "a\n. ok\nb", &is_line_start);
	assert_string_equal(t.data, "half\n. error a . ok b\n");
	text_done(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_error_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
