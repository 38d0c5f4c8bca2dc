/* SPDX-License-Identifier: BSD-2-Clause */
/* libcurl's functions, and what all requests have in common. */
#include "catalog/fetch_curl.h"

#include "base/err.h"
#include "catalog/fetch.h"

union fetch_curl fetch_curl;

static const char *const names[FETCH_CURL_CALLS] = {FETCH_CURL_FUNCTIONS(LIBRARY_NAME)};

int
fetch_library(struct err *err)
{
	return library_load("libcurl.so.4", "libcurl4", names, fetch_curl.all,
	    FETCH_CURL_CALLS, err);
}

bool
fetch_is_stopped(const struct fetch_config *config)
{
	return config->is_stopped != NULL && *config->is_stopped;
}

void
fetch_common(CURL *easy, const struct fetch_config *config, const char *url)
{
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)FETCH_REDIRECTS_MAX);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FILETIME, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "weir/" WEIR_VERSION);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)(config->timeout_us / 1000));
}

bool
fetch_is_passing(CURLcode code, long status)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return true;
	default:
		return status == 408 || status == 429 || status == 500 || status == 502 ||
		       status == 503 || status == 504;
	}
}
