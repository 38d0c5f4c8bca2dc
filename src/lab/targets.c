/* SPDX-License-Identifier: BSD-2-Clause */
/* URLs of reference downloads, from where a user has them. */
#include "lab/targets.h"

#include "base/err.h"
#include "base/memory.h"
#include "lab/sheet.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 32 };

void
lab_targets_init(struct lab_targets *t)
{
	*t = (struct lab_targets){0};
	text_init(&t->strings);
	text_char(&t->strings, '\0');
}

void
lab_targets_done(struct lab_targets *t)
{
	free(t->list);
	text_done(&t->strings);
	*t = (struct lab_targets){0};
}

bool
lab_is_url(const char *text)
{
	return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

void
lab_url_host(const char *url, char *out, size_t out_bytes)
{
	const char *host = strstr(url, "://");

	host = host == NULL ? url : host + 3;
	snprintf(out, out_bytes, "%.*s", (int)strcspn(host, "/?#"), host);
}

static size_t
keep(struct lab_targets *t, const char *s, size_t n)
{
	size_t at = t->strings.len;

	text_bytes(&t->strings, s, n);
	text_char(&t->strings, '\0');
	return at;
}

static int
hex(char c)
{
	const char *digits = "0123456789abcdef", *at;

	c = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
	at = c == '\0' ? NULL : strchr(digits, c);
	return at == NULL ? -1 : (int)(at - digits);
}

/* The last part of a path with its %xx as bytes; control characters and what a TSV could
 * not hold become '?'. */
static size_t
keep_name(struct lab_targets *t, const char *path, size_t n)
{
	size_t at = t->strings.len, i;
	const char *slash;

	while (n > 1 && path[n - 1] == '/')
		n--;
	slash = memrchr(path, '/', n);
	if (slash != NULL && slash + 1 < path + n) {
		n -= (size_t)(slash + 1 - path);
		path = slash + 1;
	}
	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)path[i];

		if (c == '%' && i + 2 < n && hex(path[i + 1]) >= 0 &&
		    hex(path[i + 2]) >= 0) {
			c = (unsigned char)(16 * hex(path[i + 1]) + hex(path[i + 2]));
			i += 2;
		}
		text_char(&t->strings, c < ' ' || c == 0x7f || c == '\\' ? '?' : (char)c);
	}
	text_char(&t->strings, '\0');
	return at;
}

/* The port of "host:port"; false if it is none. */
static bool
port_of(const char *host, bool is_tls, uint16_t *out)
{
	const char *end = strrchr(host, ']'),
		   *colon = strchr(end != NULL ? end : host, ':');
	uint64_t port;

	*out = is_tls ? 443 : 80;
	if (colon == NULL)
		return true;
	if (!parse_u64(colon + 1, strlen(colon + 1), &port) || port == 0 ||
	    port > UINT16_MAX)
		return false;
	*out = (uint16_t)port;
	return true;
}

int
lab_targets_add(struct lab_targets *t, const char *url, const char *name, struct err *err)
{
	struct lab_target one = {0};
	char host[300];
	const char *path, *at;
	size_t n;

	if (!lab_is_url(url))
		return err_set(err, EINVAL, "'%.200s' is no URL of http or https", url);
	for (at = url; *at != '\0'; at++)
		if ((unsigned char)*at <= ' ' || *at == '\\' || *at == '"' || *at == 0x7f)
			return err_set(err, EINVAL,
				       "'%.200s': blanks, quotes and control "
				       "characters must be percent-encoded in a URL",
				       url);
	if (at - url > LAB_URL_MAX)
		return err_set(err, EINVAL, "'%.80s...': longer than %d bytes", url,
			       LAB_URL_MAX);
	if (t->count == LAB_TARGETS_MAX)
		return err_set(err, E2BIG, "more than %d files", LAB_TARGETS_MAX);
	one.is_tls = url[4] == 's';
	lab_url_host(url, host, sizeof host);
	if (host[0] == '\0' || host[0] == ':' || strchr(host, '@') != NULL ||
	    !port_of(host, one.is_tls, &one.port))
		return err_set(err, EINVAL, "'%.200s': no host and port", url);
	path = strstr(url, "://") + 3;
	path += strcspn(path, "/?#");
	n = strcspn(path, "#");
	if (t->count == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->list = must(realloc(t->list, t->cap * sizeof *t->list));
	}
	one.url = keep(t, url, (size_t)(path - url) + n);
	one.path = keep(t, *path == '/' ? path + 1 : path, *path == '/' ? n - 1 : n);
	one.name = name != NULL && *name != '\0' ? keep(t, name, strlen(name))
		   : *path == '/' && n > 1       ? keep_name(t, path, strcspn(path, "?#"))
						 : keep(t, host, strlen(host));
	t->list[t->count++] = one;
	return 0;
}

int
lab_targets_read(struct lab_targets *t, const char *path, struct err *err)
{
	FILE *file = fopen(path, "re");
	unsigned long number = 0;
	char *line = NULL, *tab;
	size_t cap = 0, before = t->count;
	ssize_t n;
	int status = 0;

	if (file == NULL)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	while (status == 0 && (n = getline(&line, &cap, file)) > 0) {
		number++;
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		if ((tab = strchr(line, '\t')) != NULL)
			*tab++ = '\0';
		if (tab != NULL)
			tab[strcspn(tab, "\t")] = '\0';
		if (lab_targets_add(t, line, tab, err) != 0)
			status = err_prefix(err, "%s: line %lu: ", path, number);
	}
	if (status == 0 && ferror(file))
		status = err_set(err, errno, "%s: %s", path, strerror(errno));
	free(line);
	fclose(file);
	if (status == 0 && t->count == before)
		status = err_set(err, EINVAL,
				 "%s: no URL in it: one a line, http://host/path", path);
	return status;
}

/* ---- a folder ---- */

/* As clients send it. */
static void
encode(struct text *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (strchr("-._~/", *s) != NULL || (*s >= '0' && *s <= '9') ||
		    (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z'))
			text_char(out, *s);
		else
			text_printf(out, "%%%02X", (unsigned char)*s);
	}
}

static int
add_file(struct lab_targets *t, const char *base, const char *below, struct err *err)
{
	struct text url, name;
	int status;

	text_init(&url);
	text_init(&name);
	text_printf(&url, "%s/", base);
	encode(&url, below);
	for (; *below != '\0'; below++)
		text_char(&name,
			  (unsigned char)*below < ' ' || *below == '\\' ? '?' : *below);
	status = lab_targets_add(t, url.data, name.data, err);
	text_done(&url);
	text_done(&name);
	return status;
}

static int
walk(struct lab_targets *t, const char *folder, const char *below, const char *base,
     int depth, struct err *err)
{
	char path[4096], next[4096];
	struct dirent **names;
	struct stat st;
	int n, i, status = 0;

	if (snprintf(path, sizeof path, "%s/%s", folder, below) >= (int)sizeof path)
		return err_set(err, ENAMETOOLONG, "%s: too long a path", folder);
	if ((n = scandir(path, &names, NULL, alphasort)) < 0)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	for (i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		if (status == 0 && name[0] != '.' &&
		    snprintf(next, sizeof next, "%s%s%s", below, *below ? "/" : "",
			     name) < (int)sizeof next &&
		    snprintf(path, sizeof path, "%s/%s", folder, next) <
			(int)sizeof path &&
		    lstat(path, &st) == 0) {
			if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
				status = walk(t, folder, next, base, depth + 1, err);
			else if (S_ISREG(st.st_mode))
				status = add_file(t, base, next, err);
		}
		free(names[i]);
	}
	free(names);
	return status;
}

int
lab_targets_walk(struct lab_targets *t, const char *folder, const char *base,
		 struct err *err)
{
	size_t before = t->count;

	if (walk(t, folder, "", base, 0, err) != 0)
		return -1;
	return t->count > before ? 0 : err_set(err, ENOENT, "%s: no files in it", folder);
}

/* ---- a listing ---- */

int
lab_targets_listed(struct lab_targets *t, const char *catalogue, const char *url,
		   struct err *err)
{
	static const char *const columns[] = {"path", "host", "name", NULL};
	struct text one;
	struct sheet s;
	int more, status = 0;

	if (sheet_open(&s, catalogue, columns, 2, err) != 0)
		return -1;
	text_init(&one);
	while (status == 0 && (more = sheet_next(&s, err)) != 0) {
		struct str path = sheet_cell(&s, 0), host = sheet_cell(&s, 1);

		if (more < 0) {
			status = -1;
			break;
		}
		if (path.len == 0 || host.len == 0)
			continue;
		text_clear(&one);
		text_printf(&one, "%.*s://%.*s/%.*s", url[4] == 's' ? 5 : 4, url,
			    (int)host.len, host.data, (int)path.len, path.data);
		status = lab_targets_add(t, one.data, NULL, err);
	}
	text_done(&one);
	sheet_close(&s);
	return status;
}

/* ---- settling ---- */

static int
compare_by(const void *pa, const void *pb, void *strings)
{
	const struct lab_target *a = pa, *b = pb;
	const char *data = strings;

	return strcmp(data + a->url, data + b->url);
}

static int
compare_names(const void *pa, const void *pb, void *strings)
{
	const struct lab_target *a = *(const struct lab_target *const *)pa;
	const struct lab_target *b = *(const struct lab_target *const *)pb;

	return strcmp((const char *)strings + a->name, (const char *)strings + b->name);
}

void
lab_targets_settle(struct lab_targets *t)
{
	struct lab_target **by_name = must(calloc(t->count + 1, sizeof *by_name));
	size_t i, k, m, kept = 0;

	if (t->count > 0)
		qsort_r(t->list, t->count, sizeof *t->list, compare_by, t->strings.data);
	for (i = 0; i < t->count; i++)
		if (kept == 0 || strcmp(lab_target_text(t, t->list[kept - 1].url),
					lab_target_text(t, t->list[i].url)) != 0)
			t->list[kept++] = t->list[i];
	t->count = kept;
	for (i = 0; i < kept; i++)
		by_name[i] = &t->list[i];
	qsort_r(by_name, kept, sizeof *by_name, compare_names, t->strings.data);
	for (i = 0; i < kept; i = k) {
		for (k = i + 1; k < kept && compare_names(&by_name[i], &by_name[k],
							  t->strings.data) == 0;)
			k++;
		for (m = i; k - i > 1 && m < k; m++)
			by_name[m]->name = by_name[m]->url;
	}
	free(by_name);
}
