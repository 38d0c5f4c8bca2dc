/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_FETCH_CURL_H
#define CATALOG_FETCH_CURL_H

#include "base/library.h"

#include <stdbool.h>

#define CURL_DISABLE_TYPECHECK /* its macros stand where ours have to */
#include <curl/curl.h>

struct err;
struct fetch_config;

/*
 * libcurl, loaded when it is first needed (base/library.h), for the files that ask
 * servers. After fetch_library its functions can be called by their names.
 */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#define FETCH_CURL_FUNCTIONS(X) \
	X(curl_easy_cleanup) \
	X(curl_easy_getinfo) \
	X(curl_easy_init) \
	X(curl_easy_perform) \
	X(curl_easy_reset) \
	X(curl_easy_setopt) \
	X(curl_easy_strerror) \
	X(curl_global_cleanup) \
	X(curl_global_init) \
	X(curl_multi_add_handle) \
	X(curl_multi_cleanup) \
	X(curl_multi_info_read) \
	X(curl_multi_init) \
	X(curl_multi_perform) \
	X(curl_multi_poll) \
	X(curl_multi_remove_handle)

struct fetch_curl_calls {
	FETCH_CURL_FUNCTIONS(LIBRARY_MEMBER)
};
enum { FETCH_CURL_CALLS = sizeof(struct fetch_curl_calls) / sizeof(void *) };
extern union fetch_curl {
	struct fetch_curl_calls call;
	void *all[FETCH_CURL_CALLS];
} fetch_curl;
#define curl_easy_cleanup fetch_curl.call.curl_easy_cleanup
#define curl_easy_getinfo fetch_curl.call.curl_easy_getinfo
#define curl_easy_init fetch_curl.call.curl_easy_init
#define curl_easy_perform fetch_curl.call.curl_easy_perform
#define curl_easy_reset fetch_curl.call.curl_easy_reset
#define curl_easy_setopt fetch_curl.call.curl_easy_setopt
#define curl_easy_strerror fetch_curl.call.curl_easy_strerror
#define curl_global_cleanup fetch_curl.call.curl_global_cleanup
#define curl_global_init fetch_curl.call.curl_global_init
#define curl_multi_add_handle fetch_curl.call.curl_multi_add_handle
#define curl_multi_cleanup fetch_curl.call.curl_multi_cleanup
#define curl_multi_info_read fetch_curl.call.curl_multi_info_read
#define curl_multi_init fetch_curl.call.curl_multi_init
#define curl_multi_perform fetch_curl.call.curl_multi_perform
#define curl_multi_poll fetch_curl.call.curl_multi_poll
#define curl_multi_remove_handle fetch_curl.call.curl_multi_remove_handle

/* -1: it is not installed. */
int fetch_library(struct err *err);

/* What every request has. */
void fetch_common(CURL *easy, const struct fetch_config *config, const char *url);
/* Whether a failure may pass by itself. */
bool fetch_is_passing(CURLcode code, long status);
bool fetch_is_stopped(const struct fetch_config *config);

#endif
