/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Links of a list's page. This is no HTML parser: it looks for <a href=...>, takes the
 * text behind </a> up to the next link without its tags, and there looks for words that
 * are a date or a size. Whatever else the page has is passed over.
 */
#include "catalog/html.h"

#include "base/err.h"
#include "base/text.h"
#include "catalog/builder.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { BEHIND_MAX = 4096, WORD_MAX = 64 };

static int
hex_value(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

void
percent_decode(struct text *out, const char *s)
{
	for (; *s != '\0'; s++) {
		int high = *s == '%' ? hex_value(s[1]) : -1;
		int low = high >= 0 ? hex_value(s[2]) : -1;

		if (low < 0 || (high == 0 && low == 0)) {
			text_char(out, *s);
			continue;
		}
		text_char(out, (char)(high << 4 | low));
		s += 2;
	}
}

void
percent_encode(struct text *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (isalnum((unsigned char)*s) || strchr("-._~!$&'()*+,;=@", *s) != NULL)
			text_char(out, *s);
		else
			text_printf(out, "%%%02X", (unsigned char)*s);
	}
}

static void
entity_decode(struct text *out, const char *s, size_t n)
{
	static const struct {
		const char *entity;
		char is;
	} entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'},
			{"&#39;", '\''}, {"&#x27;", '\''}, {"&nbsp;", ' '}};
	size_t i, k, len;

	for (i = 0; i < n; i++) {
		for (k = 0; s[i] == '&' && k < sizeof entities / sizeof *entities; k++) {
			len = strlen(entities[k].entity);
			if (n - i >= len && memcmp(s + i, entities[k].entity, len) == 0)
				break;
		}
		if (s[i] == '&' && k < sizeof entities / sizeof *entities) {
			text_char(out, entities[k].is);
			i += strlen(entities[k].entity) - 1;
		} else {
			text_char(out, s[i]);
		}
	}
}

/* The value of href in the tag at s, which ends at end. */
static bool
find_href(const char *s, const char *end, const char **value, size_t *n)
{
	const char *at;
	char quote;

	for (at = s; at + 5 < end; at++) {
		if (strncasecmp(at, "href", 4) != 0 || !isspace((unsigned char)at[-1]))
			continue;
		at += 4;
		while (at < end && isspace((unsigned char)*at))
			at++;
		if (at == end || *at++ != '=')
			return false;
		while (at < end && isspace((unsigned char)*at))
			at++;
		quote = at < end && (*at == '"' || *at == '\'') ? *at++ : 0;
		*value = at;
		while (at < end && (quote ? *at != quote : !isspace((unsigned char)*at)))
			at++;
		*n = (size_t)(at - *value);
		return true;
	}
	return false;
}

/* The text behind a link, tags as blanks, in words; finds date and size. */
static void
find_words(char *behind, char *date, char *size)
{
	char *word, *next = NULL, *rest = behind;
	char both[2 * WORD_MAX + 2];
	uint64_t bytes, slack;
	int64_t when;

	date[0] = size[0] = '\0';
	for (word = strtok_r(rest, " \t\r\n", &next); word != NULL;
	     word = strtok_r(NULL, " \t\r\n", &next)) {
		if (strlen(word) >= WORD_MAX)
			continue;
		if (date[0] == '\0' && strchr(word, '-') != NULL && strlen(word) > 7) {
			next += strspn(next != NULL ? next : "", " \t\r\n");
			snprintf(both, sizeof both, "%s %.*s", word,
				 (int)strcspn(next, " \t\r\n"), next);
			if (strlen(both) < WORD_MAX && date_parse(both, strlen(both),
			    &when)) {
				strcpy(date, both);
				next += strcspn(next, " \t\r\n");
				continue;
			}
			if (date_parse(word, strlen(word), &when)) {
				strcpy(date, word);
				continue;
			}
		}
		if (size[0] == '\0' && (strcmp(word, "-") == 0 ||
					size_parse(word, strlen(word), UNITS_BINARY,
					&bytes, &slack)))
			strcpy(size, word);
	}
}

/* "12 KB" in two words is one size: a blank before a unit goes. */
static void
put_behind(struct text *out, const char *s, const char *end)
{
	bool in_tag = false;

	for (; s < end && out->len < BEHIND_MAX; s++) {
		if (*s == '<')
			in_tag = true;
		text_char(out, in_tag ? ' ' : *s);
		if (*s == '>')
			in_tag = false;
	}
}

static void
join_units(char *s)
{
	char *to = s, *from;

	for (from = s; *from != '\0'; from++) {
		if (*from == ' ' && to > s && isdigit((unsigned char)to[-1]) &&
		    strchr("KMGTkmgt", from[1]) != NULL && from[1] != '\0' &&
		    (from[2] == 'B' || from[2] == 'b' || from[2] == 'i'))
			continue;
		*to++ = *from;
	}
	*to = '\0';
}

/* The next "<a" that begins a tag, or NULL. */
static const char *
find_anchor(const char *at)
{
	while ((at = strcasestr(at, "<a")) != NULL && !isspace((unsigned char)at[2]))
		at += 2;
	return at;
}

static uint64_t
count_lines(const char *from, const char *to)
{
	uint64_t lines = 0;

	while ((from = memchr(from, '\n', (size_t)(to - from))) != NULL)
		lines++, from++;
	return lines;
}

int
html_links(struct unpack *in,
	   int (*link)(void *arg, const struct html_link *link, struct err *err),
	   void *arg,
	   struct err *err)
{
	char date[WORD_MAX], size[WORD_MAX], *page;
	const char *at, *next, *tag_end, *value, *from;
	struct text href, behind;
	struct html_link found = {.date = date, .size = size, .line = 1};
	size_t n, links = 0;
	int ret = 0;

	if (unpack_all(in, BUILD_DOCUMENT_MAX, &page, &n, err) != 0)
		return -1;
	text_init(&href);
	text_init(&behind);
	for (from = page, at = find_anchor(page); ret == 0 && at != NULL; at = next) {
		found.line += count_lines(from, at);
		from = at;
		next = find_anchor(at + 2);
		tag_end = strchr(at, '>');
		if (tag_end == NULL)
			break;
		if (next != NULL && tag_end > next)
			continue;
		if (!find_href(at + 3, tag_end, &value, &n))
			continue;
		text_clear(&href);
		text_clear(&behind);
		entity_decode(&href, value, n);
		value = strcasestr(tag_end, "</a");
		if (value != NULL && (next == NULL || value < next))
			put_behind(&behind, value,
			    next != NULL ? next : page + strlen(page));
		join_units(behind.data);
		find_words(behind.data, date, size);
		found.href = href.data;
		links++;
		ret = link(arg, &found, err);
	}
	if (ret == 0 && links == 0)
		ret = err_set(err, EINVAL, "%s: has no links: no list of a folder",
			      unpack_label(in));
	text_done(&href);
	text_done(&behind);
	free(page);
	return ret;
}
