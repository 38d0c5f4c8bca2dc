/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The answers of a run that may be broken off: URL, status, size, times, type, encoding
 * and tag with tabs between. URLs are interned, answers stand by their numbers.
 */
#include "catalog/partial.h"

#include "base/err.h"
#include "base/memory.h"
#include "base/text.h"
#include "catalog/intern.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CELLS = 8 };

struct kept {
	uint64_t status, size;
	int64_t released_us, date_us;
	uint32_t content_type, encoding, etag;
};

struct partial {
	char *path;
	int fd;
	struct intern urls, texts;
	struct kept *kept; /* by number of the URL */
	size_t cap;
	struct text line;
};

/* Cells of a line; false if it was cut or is not ours. */
static bool
read_cells(struct partial *p, const char *line, size_t len)
{
	const char *cell[CELLS], *end = line + len, *at = line;
	size_t n[CELLS], i;
	struct kept kept;
	uint32_t number;

	for (i = 0; i < CELLS; i++) {
		const char *tab = at <= end ? memchr(at, '\t', (size_t)(end - at)) : NULL;

		if ((tab == NULL) != (i + 1 == CELLS))
			return false;
		cell[i] = at;
		n[i] = (size_t)((tab != NULL ? tab : end) - at);
		at += n[i] + 1;
	}
	if (n[0] == 0 || !parse_u64(cell[1], n[1], &kept.status) || !parse_u64(cell[2],
	    n[2], &kept.size) || !parse_i64(cell[3], n[3], &kept.released_us) ||
	    !parse_i64(cell[4], n[4], &kept.date_us) || kept.size > INT64_MAX)
		return false;
	kept.content_type = intern_add(&p->texts, cell[5], n[5]);
	kept.encoding = intern_add(&p->texts, cell[6], n[6]);
	kept.etag = intern_add(&p->texts, cell[7], n[7]);
	number = intern_add(&p->urls, cell[0], n[0]);
	if (number >= p->cap) {
		p->cap = p->cap ? 2 * p->cap : 1024;
		p->kept = must(realloc(p->kept, p->cap * sizeof *p->kept));
	}
	p->kept[number] = kept;
	return true;
}

/* Reads what is there and cuts off what follows the last good line. */
static int
read_kept(struct partial *p, struct err *err)
{
	FILE *file = fopen(p->path, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	off_t good = 0;
	int ret = 0;

	if (file == NULL)
		return errno == ENOENT ? 0
				       : err_set(err, errno, "%s: %s", p->path,
				           strerror(errno));
	while ((n = getline(&line, &cap, file)) > 0) {
		if (line[n - 1] != '\n' || memchr(line, '\0', (size_t)n) != NULL ||
		    !read_cells(p, line, (size_t)n - 1))
			break;
		good += n;
	}
	if (ferror(file) || truncate(p->path, good) != 0)
		ret = err_set(err, errno, "%s: %s", p->path, strerror(errno));
	free(line);
	fclose(file);
	return ret;
}

int
partial_open(const char *path, struct partial **out, struct err *err)
{
	struct partial *p = must(calloc(1, sizeof *p));

	p->fd = -1;
	intern_init(&p->urls);
	intern_init(&p->texts);
	text_init(&p->line);
	if (path != NULL) {
		p->path = must(strdup(path));
		if (read_kept(p, err) != 0)
			goto fail;
		p->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
		if (p->fd < 0) {
			err_set(err, errno, "%s: %s", path, strerror(errno));
			goto fail;
		}
	}
	*out = p;
	return 0;

fail:
	partial_close(p);
	return -1;
}

void
partial_close(struct partial *p)
{
	if (p == NULL)
		return;
	if (p->fd >= 0)
		close(p->fd);
	intern_done(&p->urls);
	intern_done(&p->texts);
	text_done(&p->line);
	free(p->kept);
	free(p->path);
	free(p);
}

static const char *
text_or_null(const struct partial *p, uint32_t number)
{
	return number != 0 ? intern_text(&p->texts, number) : NULL;
}

bool
partial_find(struct partial *p, const char *url, struct answer *out)
{
	uint32_t number = intern_find(&p->urls, url, strlen(url));
	const struct kept *k;

	if (number == 0)
		return false;
	k = &p->kept[number];
	*out = (struct answer){.status = k->status,
			       .size = k->size,
			       .released_us = k->released_us,
			       .date_us = k->date_us,
			       .content_type = text_or_null(p, k->content_type),
			       .encoding = text_or_null(p, k->encoding),
			       .etag = text_or_null(p, k->etag),
			       .is_resumed = true};
	return true;
}

int
partial_add(struct partial *p, const char *url, const struct answer *a, struct err *err)
{
	ssize_t n;

	if (p->fd < 0 || strpbrk(url, "\t\n") != NULL)
		return 0;
	text_clear(&p->line);
	text_printf(&p->line, "%s\t%llu\t%llu\t%lld\t%lld\t%s\t%s\t%s\n", url,
		    (unsigned long long)a->status, (unsigned long long)a->size,
		    (long long)a->released_us, (long long)a->date_us,
		    a->content_type != NULL ? a->content_type : "",
		    a->encoding != NULL ? a->encoding : "",
		    a->etag != NULL ? a->etag : "");
	n = write(p->fd, p->line.data, p->line.len);
	if (n != (ssize_t)p->line.len)
		return err_set(err, n < 0 ? errno : ENOSPC, "%s: cannot write: %s",
		    p->path, n < 0 ? strerror(errno) : "disk full");
	return 0;
}
