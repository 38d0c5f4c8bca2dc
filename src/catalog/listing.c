/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A web server's list of a folder. nginx's JSON is an array of objects; the HTML of
 * nginx, Apache and their kin has a link per entry, then its date and size in some order,
 * up to the next link. Folders are looked into as deep as asked for, if the list came
 * from a URL. nginx rounds sizes with autoindex_exact_size off, Apache always: those have
 * slack.
 */
#include "base/err.h"
#include "base/text.h"
#include "catalog/builder.h"
#include "catalog/html.h"
#include "catalog/json.h"

#include <errno.h>
#include <strings.h>

enum { FOLDERS_MAX = 100000 };

/* A folder still to be read. */
struct folder {
	char *url;
	uint64_t depth;
};

struct listing {
	struct build *build;
	const char *url; /* of the list at hand: its label */
	uint64_t depth;
	uint64_t number; /* of the entry */
	struct folder *folders;
	size_t count, cap, at;
	struct text link, name;
};

static bool
is_folder_link(const char *href, size_t n)
{
	return n > 0 && href[n - 1] == '/';
}

static int
push_folder(struct listing *l, const char *url, const struct origin *origin,
	    struct err *err)
{
	if (!is_url(url) || !build_follows(l->build)) {
		build_note(l->build, BUILD_no_file, origin, url);
		return 0;
	}
	if (l->depth >= build_config_of(l->build)->depth) {
		build_note(l->build, BUILD_too_deep, origin, url);
		return 0;
	}
	if (l->count == FOLDERS_MAX)
		return err_set(err, E2BIG, "%s: more than %d folders below it", l->url,
			       FOLDERS_MAX);
	if (l->count == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 16;
		l->folders = realloc(l->folders, l->cap * sizeof *l->folders);
		if (l->folders == NULL)
			return err_set(err, ENOMEM, "%s: out of memory", l->url);
	}
	l->folders[l->count] = (struct folder){strdup(url), l->depth + 1};
	if (l->folders[l->count++].url == NULL)
		return err_set(err, ENOMEM, "%s: out of memory", l->url);
	return 0;
}

/* Only what lies below the list's own folder: no parents, sorting links, other
 * servers. */
static bool
is_below(const struct listing *l, const char *href)
{
	size_t n = strcspn(l->url, "?#");
	const char *host;

	if (*href == '\0' || *href == '?' || *href == '#' || strncmp(href, "..",
	    2) == 0 || strncmp(href, "./", 3) == 0)
		return false;
	while (n > 0 && l->url[n - 1] != '/')
		n--;
	if (is_url(href))
		return is_url(l->url) && strncmp(href, l->url, n) == 0 &&
		    strlen(href) > n;
	if (*href == '/') {
		host = is_url(l->url) ? strstr(l->url, "://") + 3 : NULL;
		host = host != NULL ? strchr(host, '/') : NULL;
		return host != NULL && href[1] != '/' &&
		    (size_t)(l->url + n - host) < strlen(href) && strncmp(href, host,
		    (size_t)(l->url + n - host)) == 0;
	}
	return strcspn(href, ":") >= strcspn(href, "/"); /* no mailto: */
}

/* One entry: href as in a URL, size as text or NULL. */
static int
add_entry(struct listing *l, const char *href, const char *date, const char *size,
	  uint64_t line, struct err *err)
{
	struct catalogue row = {0};
	struct origin origin = {l->url, "line", line};
	uint64_t slack = 0;
	int64_t when;
	const char *slash;

	if (strlen(href) > BUILD_PATH_MAX) {
		build_note(l->build, BUILD_too_long, &origin, NULL);
		return 0;
	}
	text_clear(&l->link);
	url_join(&l->link, l->url, href);
	if (is_folder_link(href, strlen(href)))
		return push_folder(l, l->link.data, &origin, err);
	slash = strrchr(href, '/');
	text_clear(&l->name);
	percent_decode(&l->name, slash != NULL ? slash + 1 : href);
	row_text(&row, CATALOGUE_name, l->name.data, l->name.len);
	row_string(&row, CATALOGUE_source, "listing");
	if (size != NULL && *size != '\0' && strcmp(size, "-") != 0) {
		if (!size_parse(size, strlen(size), UNITS_BINARY, &row.size, &slack)) {
			build_note(l->build, BUILD_bad_size, &origin, size);
			return 0;
		}
		row_mark(row.present, CATALOGUE_size);
		if (slack > 0)
			catalogue_set(&row, slack, slack);
	}
	if (date != NULL && date_parse(date, strlen(date), &when))
		catalogue_set(&row, released, when);
	if (is_url(l->link.data))
		return build_add(l->build, &row, l->link.data, &origin, err);
	row_text(&row, CATALOGUE_path, l->link.data, l->link.len);
	catalogue_set(&row, path_len, (uint32_t)l->link.len);
	return build_add(l->build, &row, NULL, &origin, err);
}

static int
take_link(void *arg, const struct html_link *link, struct err *err)
{
	struct listing *l = arg;

	if (!is_below(l, link->href))
		return 0;
	return add_entry(l, link->href, link->date, link->size, link->line, err);
}

/* { "name": ..., "type": "file" | "directory" | "other", "mtime": ..., "size": bytes } */
static int
take_object(struct listing *l, const json_t *object, uint64_t number, struct err *err)
{
	struct origin origin = {l->url, "object", number};
	const char *name = json_text(object, "name"), *type = json_text(object, "type");
	const json_t *size = json_object_get(object, "size");
	struct text href;
	char digits[24] = "";
	int ret;

	if (name == NULL || type == NULL || strchr(name, '/') != NULL || *name == '\0') {
		build_note(l->build, BUILD_bad_entry, &origin, name);
		return 0;
	}
	if (strcmp(type, "file") != 0 && strcmp(type, "directory") != 0) {
		build_note(l->build, BUILD_no_file, &origin, name);
		return 0;
	}
	if (json_is_integer(size) && json_integer_value(size) >= 0)
		snprintf(digits, sizeof digits, "%lld",
		    (long long)json_integer_value(size));
	text_init(&href);
	percent_encode(&href, name);
	if (*type == 'd')
		text_char(&href, '/');
	ret = add_entry(l, href.data, json_text(object, "mtime"), digits, number, err);
	text_done(&href);
	return ret;
}

static int
read_json(struct listing *l, struct unpack *in, struct err *err)
{
	json_t *root;
	size_t i;
	int ret = 0;

	if (json_read(in, &root, err) != 0)
		return -1;
	if (!json_is_array(root))
		ret = err_set(err, EINVAL, "%s: no array: no JSON autoindex", l->url);
	for (i = 0; ret == 0 && i < json_array_size(root); i++)
		ret = take_object(l, json_array_get(root, i), i + 1, err);
	json_decref(root);
	return ret;
}

static int
read_one(struct listing *l, struct unpack *in, struct err *err)
{
	const char *bytes;
	size_t n, i;

	l->url = unpack_label(in);
	if (unpack_peek(in, &bytes, &n, err) < 0)
		return -1;
	for (i = 0; i < n && strchr(" \t\r\n", bytes[i]) != NULL; i++)
		;
	if (i < n && bytes[i] == '[')
		return read_json(l, in, err);
	return html_links(in, take_link, l, err);
}

int
listing_read(struct build *build, struct unpack *in, struct err *err)
{
	struct listing l = {.build = build};
	struct unpack *inner;
	int ret;

	text_init(&l.link);
	text_init(&l.name);
	ret = read_one(&l, in, err);
	for (; ret == 0 && l.at < l.count; l.at++) {
		l.depth = l.folders[l.at].depth;
		if ((ret = build_open(build, l.folders[l.at].url, &inner, err)) == 0) {
			ret = read_one(&l, inner, err);
			unpack_close(inner);
		}
	}
	while (l.count > 0)
		free(l.folders[--l.count].url);
	free(l.folders);
	text_done(&l.link);
	text_done(&l.name);
	return ret;
}
