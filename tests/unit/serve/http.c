/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metrics by HTTP: what is there, what is not, and requests that are not HTTP.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "serve/http.h"
#include "rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const struct {
	const char *request, *status, *body;
} requests[] = {
	{"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	    "HTTP/1.1 200 OK", "\r\n\r\n(nothing)\n"},
	{"GET /metrics HTTP/1.0\r\n\r\n", " 200 OK", "text/plain; version=0.0.4"},
	{"GET / HTTP/1.0\r\n\r\n", " 200 OK", "href=\"/metrics\""},
	{"HEAD /metrics HTTP/1.0\r\n\r\n", " 200 OK", "Content-Length: 10"},
	{"GET /etc/passwd HTTP/1.0\r\n\r\n", " 404 ", "only /metrics"},
	{"GET /shutdown HTTP/1.0\r\n\r\n", " 404 ", "only /metrics"},
	{"POST /metrics HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", " 405 ",
	    "Allow: GET, HEAD"},
	{"DELETE / HTTP/1.0\r\n\r\n", " 405 ", "only GET"},
};

static int
http_connect(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static void
test_http(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct rig rig;
	struct serve_config config;
	struct http *http, *second;
	struct err err = {0};
	char *text;
	size_t i;
	int fd;

	(void)state;
	rig_path(&rig, "unused");
	config = rig_config(&rig);
	config.path = NULL;
	rig_start(&rig, &config);
	if (http_open(rig.server, "127.0.0.1:0", (struct sockaddr *)&address, &http,
	    &err) != 0 || http_start(http, &err) != 0)
		fail_msg("%s", err.text);
	assert_true(http_port(http) != 0);
	for (i = 0; i < sizeof requests / sizeof *requests; i++) {
		fd = http_connect(http_port(http));
		put(fd, requests[i].request);
		text = get(fd, NULL);
		if (strstr(text, requests[i].status) == NULL ||
		    strstr(text, requests[i].body) == NULL)
			fail_msg("%s is answered with %s", requests[i].request, text);
		free(text);
		close(fd);
	}
	/* What is no HTTP is refused; the next one is served. */
	fd = http_connect(http_port(http));
	put(fd, "\x16\x03\x01 nonsense\r\n\r\n");
	text = get(fd, NULL);
	assert_null(strstr(text, "200 OK"));
	free(text);
	close(fd);
	fd = http_connect(http_port(http));
	put(fd, requests[1].request);
	text = get(fd, NULL);
	assert_non_null(strstr(text, "200 OK"));
	free(text);
	close(fd);
	assert_int_equal(server_counters(rig.server)[SERVE_scrapes], 4);
	assert_int_equal(server_counters(rig.server)[SERVE_http_errors], 4);
	/* The port is taken. */
	address.sin_port = htons(http_port(http));
	assert_int_equal(http_open(rig.server, "here", (struct sockaddr *)&address,
	    &second, &err), -1);
	assert_non_null(strstr(err.text, "metrics at here: "));
	http_close(http);
	http_close(NULL);
	server_close(rig.server);
	server_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
