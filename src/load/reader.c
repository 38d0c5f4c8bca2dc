/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cuts TSV and CSV into records. A buffer holds the longest record allowed; a longer one,
 * or a quote that is not closed within that, spoils only the line that it begins on.
 * Cells are copied with their quotes and escapes undone; other delimiters have neither.
 */
#include "load/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "load/load.h"

enum { BUFFER_BYTES = LOAD_LINE_MAX + 256 * 1024 };

void
reader_init(struct reader *r, const char *name, int fd)
{
	*r = (struct reader){.name = name, .fd = fd, .next_line = 1};
	text_init(&r->cells);
	if ((r->buffer = malloc(BUFFER_BYTES)) == NULL) {
		fputs("weir: out of memory\n", stderr);
		abort();
	}
	r->data = r->buffer;
}

void
reader_init_memory(struct reader *r, const char *name, const void *bytes, size_t n)
{
	*r = (struct reader){.name = name,
			     .fd = -1,
			     .data = bytes,
			     .len = n,
			     .is_end = true,
			     .next_line = 1};
	text_init(&r->cells);
}

void
reader_done(struct reader *r)
{
	free(r->buffer);
	text_done(&r->cells);
}

/* Reads on behind what is unread, which moves to the front. */
static int
refill(struct reader *r, struct err *err)
{
	ssize_t got;

	memmove(r->buffer, r->buffer + r->at, r->len - r->at);
	r->len -= r->at;
	r->at = 0;
	do
		got = read(r->fd, r->buffer + r->len, BUFFER_BYTES - r->len);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_set(err, errno, "%s: cannot read: %s", r->name,
			       strerror(errno));
	r->is_end = got == 0;
	r->len += (size_t)got;
	return 0;
}

/*
 * Length of the record at s, its line end included; 0 if it does not end within n bytes,
 * and then whether a quote is open there.
 */
static size_t
record_len(const struct reader *r, const char *s, size_t n, bool *is_open)
{
	const char *end;
	bool is_quoted = false, is_cell_start = true;
	size_t i;

	*is_open = false;
	if (!r->is_csv) {
		end = memchr(s, '\n', n);
		return end == NULL ? 0 : (size_t)(end - s) + 1;
	}
	for (i = 0; i < n; i++) {
		if (s[i] == '"' && (is_quoted || is_cell_start))
			is_quoted = !is_quoted;
		else if (s[i] == '\n' && !is_quoted)
			return i + 1;
		/* A doubled quote closes and opens again. */
		is_cell_start = s[i] == ',' || s[i] == '"';
	}
	*is_open = is_quoted;
	return 0;
}

static size_t
line_len(const char *s, size_t n)
{
	const char *end = memchr(s, '\n', n);

	return end == NULL ? n : (size_t)(end - s) + 1;
}

/* Makes the whole next record available; 1, 0 at the end, -1 on error. */
static int
take_record(struct reader *r, size_t *out, struct err *err)
{
	size_t left, len, limit;
	bool is_open;

	for (;;) {
		left = r->len - r->at;
		limit = left < LOAD_LINE_MAX ? left : LOAD_LINE_MAX;
		len = record_len(r, r->data + r->at, limit, &is_open);
		if (len > 0 || left >= LOAD_LINE_MAX || r->is_end)
			break;
		if (refill(r, err) != 0)
			return -1;
	}
	if (left == 0)
		return 0;
	r->problem = NULL;
	if (len == 0 && is_open) {
		len = line_len(r->data + r->at, limit);
		r->problem = "a quote in this line is not closed";
	} else if (len == 0) {
		len = limit;
		if (limit == LOAD_LINE_MAX)
			r->problem = "longer than 1 MiB";
	}
	*out = len;
	return 1;
}

/* The rest of a line that is too long. */
static int
skip_line(struct reader *r, struct err *err)
{
	size_t len;

	for (;;) {
		len = line_len(r->data + r->at, r->len - r->at);
		r->at += len;
		if (len > 0 && r->data[r->at - 1] == '\n')
			return 0;
		if (r->is_end)
			return 0;
		if (refill(r, err) != 0)
			return -1;
	}
}

static void
end_cell(struct reader *r)
{
	if (r->count < READER_CELLS_MAX)
		r->ends[r->count] = r->cells.len;
	r->count++;
}

static void
split_tsv(struct reader *r, const char *s, size_t n)
{
	static const char letters[] = "tnr\\", bytes[] = "\t\n\r\\";
	const char *letter;
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] == '\t') {
			end_cell(r);
			continue;
		}
		letter = s[i] == '\\' && i + 1 < n && s[i + 1] != '\0'
			     ? strchr(letters, s[i + 1])
			     : NULL;
		text_char(&r->cells, letter != NULL ? bytes[letter - letters] : s[i]);
		i += letter != NULL;
	}
	end_cell(r);
}

/* No quotes, no escapes, spaces around cells and a delimiter at the end. */
static void
split_plain(struct reader *r, const char *s, size_t n)
{
	size_t i, from, to;

	while (n > 0 && s[n - 1] == ' ')
		n--;
	n -= n > 0 && s[n - 1] == r->delimiter;
	for (i = 0; i <= n; i = to + 1) {
		for (from = i; from < n && s[from] == ' '; from++)
			;
		for (to = from; to < n && s[to] != r->delimiter; to++)
			;
		for (i = to; i > from && s[i - 1] == ' '; i--)
			;
		text_bytes(&r->cells, s + from, i - from);
		end_cell(r);
	}
}

static void
split_csv(struct reader *r, const char *s, size_t n)
{
	size_t i = 0;

	for (;;) {
		if (i < n && s[i] == '"') {
			for (i++; i < n; i++) {
				if (s[i] == '"' && (i + 1 >= n || s[i + 1] != '"'))
					break;
				i += s[i] == '"';
				text_char(&r->cells, s[i]);
			}
			i++;
			if (i < n && s[i] != ',')
				r->problem = "a closing quote is not followed by a "
					     "comma; write \"\" "
					     "for a quote in a cell";
		}
		for (; i < n && s[i] != ','; i++)
			text_char(&r->cells, s[i]);
		end_cell(r);
		if (i++ >= n)
			return;
	}
}

static void
count_lines(struct reader *r, const char *s, size_t n)
{
	const char *end = s + n, *at = s;

	r->line = r->next_line;
	while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		r->next_line++;
		at++;
	}
}

int
reader_next(struct reader *r, struct err *err)
{
	const char *s;
	size_t n;
	int status;

	do {
		if ((status = take_record(r, &n, err)) <= 0)
			return status;
		s = r->data + r->at;
		r->at += n;
		count_lines(r, s, n);
		if (r->problem != NULL && s[n - 1] != '\n' &&
		    !(r->is_end && r->at == r->len)) {
			r->next_line++;
			return skip_line(r, err) != 0 ? -1 : 1;
		}
		if (n > 0 && s[n - 1] == '\n')
			n--;
		if (n > 0 && s[n - 1] == '\r')
			n--;
	} while (n == 0 && r->problem == NULL);
	text_clear(&r->cells);
	r->count = 0;
	if (r->problem != NULL)
		return 1;
	if (memchr(s, '\0', n) != NULL)
		r->problem = "holds a NUL byte";
	else if (r->is_csv)
		split_csv(r, s, n);
	else if (r->delimiter == '\t')
		split_tsv(r, s, n);
	else
		split_plain(r, s, n);
	return 1;
}

int
reader_detect(struct reader *r, struct err *err)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t n;

	while (!r->is_end && r->len < LOAD_LINE_MAX &&
	       memchr(r->data, '\n', r->len) == NULL) {
		if (refill(r, err) != 0)
			return -1;
	}
	if (r->len >= 3 && memcmp(r->data, mark, 3) == 0)
		r->at = 3;
	for (; r->at < r->len && (r->data[r->at] == '\n' || r->data[r->at] == '\r');
	     r->at++)
		r->next_line += r->data[r->at] == '\n';
	n = line_len(r->data + r->at, r->len - r->at);
	r->is_csv = n > 0 && memchr(r->data + r->at, '\t', n) == NULL;
	r->delimiter = r->is_csv ? ',' : '\t';
	return 0;
}

const char *
reader_first(const struct reader *r, size_t *n)
{
	*n = line_len(r->data + r->at, r->len - r->at);
	return r->data + r->at;
}

void
reader_cut_at(struct reader *r, char delimiter)
{
	r->is_csv = delimiter == ',';
	r->delimiter = delimiter;
}

const char *
reader_shown(struct str s, char out[READER_SHOWN])
{
	size_t n = s.len < READER_SHOWN - 8 ? s.len : READER_SHOWN - 8, i;

	for (i = 0; i < n; i++)
		out[i] = (unsigned char)s.data[i] < 0x20 || s.data[i] == 0x7f ? '?'
									      : s.data[i];
	memcpy(out + n, s.len > n ? "..." : "", s.len > n ? 4 : 1);
	return out;
}
