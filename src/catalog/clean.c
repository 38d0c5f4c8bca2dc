/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts of strangers: valid, printable and of bounded length, or made so.
 */
#include "catalog/clean.h"

#include "catalog/builder.h"

#include <stdio.h>

static const char REPLACEMENT[] = "\xef\xbf\xbd"; /* U+FFFD */

void
clean_init(struct clean *clean)
{
	*clean = (struct clean){0};
	text_init(&clean->space);
}

void
clean_done(struct clean *clean)
{
	text_done(&clean->space);
}

const char *
clean_name(const struct clean *clean)
{
	return clean->name;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t
utf8_length(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned least = 0x80, most = 0xbf;
	size_t len, i;

	if (p[0] < 0x80)
		return p[0] >= ' ' && p[0] != 0x7f;
	len = p[0] >= 0xc2 && p[0] <= 0xdf ? 2
	      : (p[0] & 0xf0) == 0xe0	     ? 3
	      : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
					     : 0;
	if (len == 0 || len > n)
		return 0;
	if (p[0] == 0xe0)
		least = 0xa0;
	if (p[0] == 0xed)
		most = 0x9f;
	if (p[0] == 0xf0)
		least = 0x90;
	if (p[0] == 0xf4)
		most = 0x8f;
	if (p[1] < least || p[1] > most)
		return 0;
	for (i = 2; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	/* C1 control characters */
	return p[0] == 0xc2 && p[1] < 0xa0 ? 0 : len;
}

static bool
is_clean(const struct str *s)
{
	size_t i, len;

	for (i = 0; i < s->len; i += len) {
		if ((len = utf8_length(s->data + i, s->len - i)) == 0)
			return false;
	}
	return true;
}

/* A changed copy in the space, which has room, so that earlier copies stay. */
static struct str
changed(struct clean *clean, const struct str *s, bool is_path)
{
	size_t from = clean->space.len, i, len;

	for (i = 0; i < s->len; i += len) {
		len = utf8_length(s->data + i, s->len - i);
		if (len > 0)
			text_bytes(&clean->space, s->data + i, len);
		else if (is_path)
			text_printf(&clean->space, "%%%02X", (unsigned char)s->data[i]);
		else
			text_str(&clean->space, REPLACEMENT);
		len += len == 0;
	}
	return (struct str){clean->space.data + from,
	    (uint32_t)(clean->space.len - from)};
}

/* The longest beginning of at most max bytes that ends between characters, or words. */
static uint32_t
cut_length(const struct str *s, uint32_t max, char between)
{
	uint32_t len = max;

	while (len > 0 && (between != 0 ? s->data[len] != between
					: ((unsigned char)s->data[len] & 0xc0) == 0x80))
		len--;
	return len;
}

static uint32_t
most_bytes(unsigned field)
{
	return field == CATALOGUE_path	    ? BUILD_PATH_MAX
	       : field == CATALOGUE_depends ? BUILD_DEPENDS_MAX
					    : BUILD_TEXT_MAX;
}

bool
clean_row(struct clean *clean, struct build *build, struct catalogue *row,
	  const struct origin *origin)
{
	unsigned i;
	size_t room = 0;

	snprintf(clean->name, sizeof clean->name, "%.*s",
		 (int)(row->name.len < 120 ? row->name.len : 120), row->name.data);
	for (i = 0; i < CATALOGUE_FIELDS; i++)
		room += catalogue_schema.fields[i].type == TYPE_text ? 3 * most_bytes(i)
		    : 0;
	text_clear(&clean->space);
	text_room(&clean->space, room);
	for (i = 0; i < CATALOGUE_FIELDS; i++) {
		struct str *s = (void *)((char *)row + catalogue_schema.fields[i].offset);

		if (catalogue_schema.fields[i].type != TYPE_text ||
		    !row_has(row->present, i))
			continue;
		if (s->len > most_bytes(i)) {
			if (i == CATALOGUE_name || i == CATALOGUE_path) {
				build_note(build, BUILD_too_long, origin, clean->name);
				return false;
			}
			build_note(build, BUILD_cut_text, origin, clean->name);
			s->len = cut_length(s, most_bytes(i),
			    i == CATALOGUE_depends ? ' ' : 0);
		}
		if (is_clean(s))
			continue;
		build_note(build, BUILD_bad_text, origin, clean->name);
		if (i == CATALOGUE_path && !catalogue_has(row, path_len))
			catalogue_set(row, path_len,
				      (uint32_t)encoded_path_length(s->data, s->len));
		*s = changed(clean, s, i == CATALOGUE_path);
	}
	return true;
}
