/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One row per client program: what its command line is. Whatever comes is thrown away;
 * names are numbers, but for Chromium, which is told the address of files.example.
 */
#include "lab/client.h"

#include "base/err.h"
#include "base/text.h"
#include "lab/access.h"
#include "lab/apt.h"
#include "lab/assets.h"
#include "lab/process.h"
#include "lab/origin.h"
#include "lab/topology.h"
#include "lab/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

const char *const action_names[] = {"whole", "range", "resume", "abort", "unmodified"};

enum { PATH_BYTES = 512 };

struct job {
	const struct client_config *c;
	const struct scenario *s;
	const struct plan_run *run;
	const char *home; /* of the slot */
	struct words *words;
};

static const struct corpus_file *
file_of(const struct job *job, uint32_t i)
{
	return &job->c->files->list[job->c->plan->files[job->run->first + i]];
}

static const char *
host_of(const struct job *job)
{
	return job->c->topology->server_address[job->run->server];
}

/* "http://192.0.2.1", of IPv6 with brackets. */
static void
base_url(const struct job *job, char *out, size_t size)
{
	snprintf(out, size, job->s->network_ipv6 ? "%s://[%s]" : "%s://%s",
	    job->s->server_tls == TLS_none ? "http" : "https", host_of(job));
}

static void
urls_add(const struct job *job, const char *option)
{
	char base[80];
	uint32_t i;

	base_url(job, base, sizeof base);
	for (i = 0; i < job->run->count; i++) {
		if (option != NULL)
			words_split(job->words, option);
		words_add(job->words, "%s/%s", base, file_of(job, i)->path);
	}
}

static void
wget_words(const struct job *job)
{
	words_split(job->words, "wget -nv --no-config --no-hsts --no-check-certificate "
	    "-T 60 -t 1 "
	    "-O /dev/null");
	urls_add(job, NULL);
}

static void
requests_words(const struct job *job)
{
	words_split(job->words, "/usr/bin/python3 -B -W ignore -c");
	words_add(job->words, "%s", asset_lab_requests);
	urls_add(job, NULL);
}

static void
pipeline_words(const struct job *job)
{
	uint32_t i;

	words_split(job->words, "/usr/bin/python3 -B -c");
	words_add(job->words, "%s", asset_lab_pipeline);
	words_add(job->words, "%s", host_of(job));
	words_add(job->words, "%u", origin_port(job->s));
	words_add(job->words, "%llu", (unsigned long long)job->s->client_depth);
	for (i = 0; i < job->run->count; i++)
		words_add(job->words, "/%s", file_of(job, i)->path);
}

/* ---- curl ---- */

static void
report_format(const struct job *job, struct text *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	text_printf(out, "%%{stderr}" CLIENT_REPORT "\\t%s\\t%lld\\t",
	    action_names[job->run->action],
	    (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	access_format(ACCESS_curl, out);
	text_str(out, "\\n");
}

static const char *
curl_options(const struct job *job)
{
	return job->s->server_http == HTTP_2 ? "curl -qsSk -m 600 --http2"
	    : "curl -qsSk -m 600 --http1.1";
}

static void
curl_words(const struct job *job)
{
	struct text report;

	text_init(&report);
	report_format(job, &report);
	words_split(job->words, curl_options(job));
	if (job->s->client_depth > 1) {
		words_split(job->words, "--parallel --parallel-max");
		words_add(job->words, "%llu", (unsigned long long)job->s->client_depth);
	}
	if (job->s->server_gzip)
		words_add(job->words, "--compressed");
	words_add(job->words, "-w");
	words_add(job->words, "%s", report.data);
	if (job->run->action == ACTION_range) {
		words_add(job->words, "-r");
		words_add(job->words, "%llu-%llu", (unsigned long long)job->run->cut,
		    (unsigned long long)job->run->end);
	}
	if (job->run->action == ACTION_unmodified) {
		words_add(job->words, "-z");
		words_add(job->words, "%s/%s", job->c->origin->root,
		    file_of(job, 0)->path);
	}
	urls_add(job, "-o /dev/null");
	text_done(&report);
}

/* Two commands, the first of which loses its reader after so many octets. */
static void
curl_cut_words(const struct job *job)
{
	struct text report, script;
	char base[80];

	text_init(&report);
	text_init(&script);
	report_format(job, &report);
	base_url(job, base, sizeof base);
	text_printf(&script, "%s -w '%s' %s/%s | head -c %llu >/dev/null",
	    curl_options(job),
	    report.data, base, file_of(job, 0)->path, (unsigned long long)job->run->cut);
	if (job->run->action == ACTION_resume)
		text_printf(&script, "; exec %s -w '%s' -o /dev/null -r %llu- %s/%s",
		    curl_options(job), report.data, (unsigned long long)job->run->cut,
		    base, file_of(job, 0)->path);
	words_add(job->words, "sh");
	words_add(job->words, "-c");
	words_add(job->words, "%s", script.data);
	text_done(&script);
	text_done(&report);
}

static void
curl_any_words(const struct job *job)
{
	if (job->run->action == ACTION_resume || job->run->action == ACTION_abort)
		curl_cut_words(job);
	else
		curl_words(job);
}

/* ---- Chromium ---- */

/* A page that asks for one file after the other; its load ends when all are there. */
static void
page_write(const struct job *job, const char *name)
{
	char path[PATH_BYTES + 64];
	FILE *file;
	uint32_t i;

	snprintf(path, sizeof path, "%s/%s", job->c->origin->root, name);
	if ((file = fopen(path, "w")) == NULL)
		return; /* the run will say what is missing */
	fputs("<!DOCTYPE html><title>files</title><link rel=icon href=data:,>\n<script>\n"
	    "for (const path of [", file);
	for (i = 0; i < job->run->count; i++)
		fprintf(file, "'/%s',", file_of(job, i)->path);
	fputs("]) {\n\tconst request = new XMLHttpRequest();\n\trequest.open('GET', "
	    "path, false);\n"
	    "\trequest.overrideMimeType('text/plain; charset=x-user-defined');\n"
	    "\trequest.send();\n}\n</script>\n", file);
	fclose(file);
}

static void
chromium_words(const struct job *job)
{
	const char *scheme = job->s->server_tls == TLS_none ? "http" : "https";
	char page[64];

	snprintf(page, sizeof page, "page-%u.html", job->run->first);
	page_write(job, page);
	words_split(job->words, "chromium --headless=new --no-sandbox --disable-gpu "
	    "--no-first-run "
	    "--disable-background-networking --disable-component-update --disable-sync "
	    "--disable-default-apps --disable-extensions --disable-domain-reliability "
	    "--disable-dev-shm-usage --disk-cache-size=1 --media-cache-size=1 "
	    "--no-default-browser-check --dump-dom");
	words_add(job->words, "--user-data-dir=%s/profile", job->home);
	words_add(job->words, job->s->network_ipv6
	    ? "--host-resolver-rules=MAP files.example [%s], MAP * ~NOTFOUND"
	    : "--host-resolver-rules=MAP files.example %s, MAP * ~NOTFOUND",
	    host_of(job));
	if (job->s->server_tls != TLS_none) {
		words_add(job->words, "--ignore-certificate-errors-spki-list=%s",
		    job->c->origin->spki);
		words_add(job->words, "--ignore-certificate-errors");
	}
	if (job->s->server_http == HTTP_3) {
		words_add(job->words, "--enable-quic");
		words_add(job->words, "--origin-to-force-quic-on=files.example:%u",
		    origin_port(job->s));
	}
	words_add(job->words, "%s://files.example/%s", scheme, page);
}

static void
apt_job_words(const struct job *job)
{
	const char *names[1000]; /* KEY reuse has no more */
	uint32_t i;

	for (i = 0; i < job->run->count; i++)
		names[i] = file_of(job, i)->name;
	apt_download_words(job->words, job->c->folder, job->home,
	    (unsigned)job->s->client_depth, names, job->run->count);
}

static void (*const programs[])(const struct job *) = {
	[CLIENT_wget] = wget_words,
	[CLIENT_curl] = curl_any_words,
	[CLIENT_requests] = requests_words,
	[CLIENT_pipeline] = pipeline_words,
	[CLIENT_chromium] = chromium_words,
	[CLIENT_apt] = apt_job_words,
};

/* Each file once, compressed. */
static int
encoded_fetch(const struct client_config *c, struct err *err)
{
	char log[PATH_BYTES];
	struct words words;
	struct process_config config = {.space = c->topology->client[0], .output = log,
	    .log = log};
	size_t i;
	int status;

	snprintf(log, sizeof log, "%.400s/encoded.log", c->folder);
	words_init(&words);
	words_split(&words, "curl -qsSk --compressed");
	for (i = 0; i < c->files->count; i++) {
		words_split(&words, "-o /dev/null");
		words_add(&words, c->scenario->network_ipv6 ? "%s://[%s]/%s"
		    : "%s://%s/%s", c->scenario->server_tls == TLS_none ? "http"
		    : "https", c->topology->server_address[0], c->files->list[i].path);
	}
	config.argv = words_argv(&words);
	status = process_run(&config, 1800000, err);
	words_done(&words);
	return status;
}

int
client_prepare(const struct client_config *c, struct err *err)
{
	char url[120];

	if (c->scenario->server_gzip)
		return encoded_fetch(c, err);
	if (c->scenario->client_program != CLIENT_apt)
		return 0;
	snprintf(url, sizeof url, c->scenario->network_ipv6 ? "http://[%s]/debian"
	    : "http://%s/debian", c->topology->server_address[0]);
	return apt_prepare(c->files, c->origin->root, url, c->folder,
	    c->topology->client[0], err);
}

int
client_start(const struct client_config *c, const struct plan_run *run, unsigned slot,
    struct process **out, struct err *err)
{
	char home[PATH_BYTES], log[PATH_BYTES], output[PATH_BYTES],
	    variable[PATH_BYTES + 8];
	const char *const environment[] = {variable, "LC_ALL=C", "no_proxy=*", NULL};
	struct words words;
	struct process_config config = {.space = c->topology->client[run->client],
	    .environment = environment, .folder = home, .output = output, .log = log};
	struct job job = {c, c->scenario, run, home, &words};
	int status;

	snprintf(home, sizeof home, "%.400s/slot%u", c->folder, slot);
	snprintf(log, sizeof log, "%.400s/slot%u.log", c->folder, slot);
	snprintf(output, sizeof output, "%.400s/slot%u.out", c->folder, slot);
	snprintf(variable, sizeof variable, "HOME=%s", home);
	if (mkdir(home, 0700) != 0 && errno != EEXIST)
		return err_set(err, errno, "%s: %s", home, strerror(errno));
	remove(log); /* of a run that was broken off */
	words_init(&words);
	programs[c->scenario->client_program](&job);
	config.argv = words_argv(&words);
	status = process_start(&config, out, err);
	words_done(&words);
	return status;
}

int
client_ended(const struct client_config *c, unsigned slot, struct err *err)
{
	char from[PATH_BYTES], to[PATH_BYTES], octets[4096];
	FILE *in, *out = NULL;
	size_t n;
	int status = 0;

	snprintf(from, sizeof from, "%.400s/slot%u.log", c->folder, slot);
	snprintf(to, sizeof to, "%.400s/clients.log", c->folder);
	if ((in = fopen(from, "r")) == NULL)
		return errno == ENOENT ? 0 : err_set(err, errno, "%s: %s", from,
		    strerror(errno));
	if ((out = fopen(to, "a")) == NULL) {
		status = err_set(err, errno, "%s: %s", to, strerror(errno));
		goto done;
	}
	while ((n = fread(octets, 1, sizeof octets, in)) > 0)
		if (fwrite(octets, 1, n, out) != n)
			break;
	if (ferror(in) || ferror(out))
		status = err_set(err, errno, "%s: %s", to, strerror(errno));
done:
	fclose(in);
	if (out != NULL && fclose(out) != 0 && status == 0)
		status = err_set(err, errno, "%s: %s", to, strerror(errno));
	if (status == 0)
		remove(from);
	return status;
}

int64_t
client_limit_ms(const struct client_config *c, const struct plan_run *run)
{
	return 60000 + 60000 * (int64_t)run->count;
}
