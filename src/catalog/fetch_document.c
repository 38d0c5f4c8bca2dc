/* SPDX-License-Identifier: BSD-2-Clause */
/* One document by libcurl, into a file without a name. */
#include "catalog/fetch.h"

#include "base/err.h"
#include "catalog/fetch_curl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct document {
	int fd;
	uint64_t bytes, max_bytes;
	bool is_too_large;
	const struct fetch_config *config;
};

static size_t
keep_body(char *bytes, size_t one, size_t n, void *arg)
{
	struct document *d = arg;
	size_t at = 0;
	ssize_t done;

	n *= one;
	d->bytes += n;
	if (d->bytes > d->max_bytes) {
		d->is_too_large = true;
		return 0;
	}
	while (at < n) {
		done = write(d->fd, bytes + at, n - at);
		if (done < 0 && errno != EINTR)
			return 0;
		at += done > 0 ? (size_t)done : 0;
	}
	return n;
}

static int
on_progress(void *arg, curl_off_t total, curl_off_t now, curl_off_t a, curl_off_t b)
{
	return fetch_is_stopped(((struct document *)arg)->config);
}

static int
nameless_file(struct err *err)
{
	const char *folder = getenv("TMPDIR");
	int fd = open(folder != NULL && *folder != '\0' ? folder : "/tmp",
		      O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	FILE *file;

	if (fd >= 0)
		return fd;
	/* A file system without O_TMPFILE. */
	if ((file = tmpfile()) == NULL || (fd = fcntl(fileno(file), F_DUPFD_CLOEXEC, 0)) <
	    0)
		err_set(err, errno, "a temporary file: %s", strerror(errno));
	if (file != NULL)
		fclose(file);
	return fd;
}

static CURLcode
get_once(CURL *easy, struct document *d, const char *url, long *status)
{
	CURLcode code;

	curl_easy_reset(easy);
	fetch_common(easy, d->config, url);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, d);
	curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
	/* A large document may take long, but not stand still. */
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
			 (long)(d->config->timeout_us / 1000000 + 1));
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(easy, CURLOPT_XFERINFODATA, d);
	d->bytes = 0;
	code = curl_easy_perform(easy);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, status);
	return code;
}

int
fetch_get(const struct fetch_config *config, const char *url, uint64_t max_bytes,
	  struct err *err)
{
	struct document d = {.fd = nameless_file(err), .max_bytes = max_bytes,
	    .config = config};
	uint64_t tries = 0;
	CURL *easy;
	CURLcode code = CURLE_OUT_OF_MEMORY;
	long status = 0;

	if (d.fd < 0)
		return -1;
	if (fetch_library(err) != 0) {
		close(d.fd);
		return -1;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if ((easy = curl_easy_init()) != NULL) {
		for (;;) {
			code = get_once(easy, &d, url, &status);
			if (!fetch_is_passing(code, code == CURLE_OK ? 0 : status) ||
			    tries++ >= config->retries || fetch_is_stopped(config))
				break;
			usleep(250000);
			if (ftruncate(d.fd, 0) != 0 || lseek(d.fd, 0, SEEK_SET) != 0)
				break;
		}
		curl_easy_cleanup(easy);
	}
	curl_global_cleanup();
	if (code == CURLE_OK && lseek(d.fd, 0, SEEK_SET) == 0)
		return d.fd;
	if (d.is_too_large)
		err_set(err, EFBIG, "%s: more than %llu bytes: not a list of files?", url,
			(unsigned long long)max_bytes);
	else if (status >= 400)
		err_set(err, EIO, "%s: the server answers %ld", url, status);
	else
		err_set(err, EIO, "%s: %s", url, curl_easy_strerror(code));
	close(d.fd);
	return -1;
}
