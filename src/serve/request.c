/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control protocol's lines: what a request says, and how a framed answer shows its
 * end.
 */
#include "serve/request.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

/* If the line begins with this word and goes on after it, steps over both. */
static bool
skip_word(char **at, const char *word)
{
	size_t len = strlen(word);
	char *next;

	if (strncmp(*at, word, len) != 0 || (*at)[len] != ' ')
		return false;
	next = *at + len + strspn(*at + len, " ");
	if (*next == '\0')
		return false;
	*at = next;
	return true;
}

int
request_parse(char *line, size_t len, struct request *out, struct err *err)
{
	char *at, *end;
	size_t i;

	*out = (struct request){0};
	if (len > 0 && line[len - 1] == '\r')
		len--;
	line[len] = '\0';
	for (i = 0; i < len; i++) {
		if (line[i] == '\t')
			line[i] = ' ';
	}
	at = line + strspn(line, " ");
	out->is_framed = skip_word(&at, "weir");
	for (i = 0; i < len; i++) {
		if (line[i] < 0x20 || line[i] > 0x7e)
			return err_set(err, EINVAL,
			    "octet %zu of the request is no printable "
			    "ASCII", i + 1);
	}
	while (len > 0 && line[len - 1] == ' ')
		line[--len] = '\0';
	out->is_json = skip_word(&at, "json");
	if (*at == '\0')
		return err_set(err, EINVAL,
		    "the request is empty; help lists the commands");
	out->name = at;
	end = at + strcspn(at, " ");
	if (*end == ' ') {
		*end++ = '\0';
		out->argument = end + strspn(end, " ");
	}
	return 0;
}

void
frame_text(struct text *out, const char *text, size_t len, bool *is_line_start)
{
	const char *end = text + len, *stop;

	while (text < end) {
		if (*is_line_start && *text == '.')
			text_char(out, '.');
		stop = memchr(text, '\n', (size_t)(end - text));
		*is_line_start = stop != NULL;
		stop = stop == NULL ? end : stop + 1;
		text_bytes(out, text, (size_t)(stop - text));
		text = stop;
	}
}

void
frame_end(struct text *out, const char *message, bool *is_line_start)
{
	if (!*is_line_start)
		text_char(out, '\n');
	*is_line_start = true;
	if (message == NULL) {
		text_str(out, ". ok\n");
		return;
	}
	text_str(out, ". error ");
	for (; *message != '\0'; message++)
		text_char(out, *message == '\n' || *message == '\r' ? ' ' : *message);
	text_char(out, '\n');
}
