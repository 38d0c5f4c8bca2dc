/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of a scenario. Their names differ in length, as names do; what tells them
 * apart on the wire are sizes and, in requests, lengths of paths. Content is holes, which
 * nothing transports in fewer octets, but for scenarios that compress: there it is words.
 */
#include "lab/corpus.h"

#include "base/draw.h"
#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t
size_draw(const struct scenario *s, struct draw *draw)
{
	double low = (double)s->files_min, high = (double)s->files_max,
	    share = draw_share(draw);
	double size = s->files_even ? low + (high - low) * share
	    : exp(log(low) + (log(high) - log(low)) * share);

	size = floor(size * s->files_scale);
	return size < 1 ? 1 : (uint64_t)size;
}

/* "017-" and 3 to 26 letters. */
static void
name_draw(char *out, size_t number, struct draw *draw)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	size_t i, n = 3 + draw_below(draw, 24),
	    at = (size_t)sprintf(out, "%03zu-", number);

	for (i = 0; i < n; i++)
		out[at + i] = letters[draw_below(draw, 26)];
	out[at + n] = '\0';
}

int
corpus_draw(struct corpus *files, const struct scenario *s, uint64_t seed,
    struct err *err)
{
	struct draw draw = draw_of(seed, "files");
	struct corpus_file *list;
	size_t i;

	if ((list = calloc(s->files_count, sizeof *list)) == NULL)
		return err_set(err, ENOMEM, "%s: out of memory", s->name);
	for (i = 0; i < s->files_count; i++) {
		char name[40];

		list[i].bytes = size_draw(s, &draw);
		name_draw(name, i, &draw);
		snprintf(list[i].name, sizeof list[i].name, "%s.%.16s", name,
		    s->files_suffix);
		/*
		 * a file is what it is called everywhere, so that what learned it
		 * knows it
		 */
		snprintf(list[i].path, sizeof list[i].path,
		    s->client_program == CLIENT_apt
		    ? "debian/pool/main/f/%s/%s_1.0_all.deb" : "%s", list[i].name,
		    list[i].name);
	}
	files->list = list;
	files->count = s->files_count;
	return 0;
}

void
corpus_done(struct corpus *files)
{
	free(files->list);
	*files = (struct corpus){0};
}

/* Makes the folders above a path. */
static int
folders_make(char *path, size_t from, struct err *err)
{
	char *slash;

	for (slash = strchr(path + from, '/'); slash != NULL; slash = strchr(slash + 1,
	    '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) != 0 && errno != EEXIST)
			return err_set(err, errno, "%s: %s", path, strerror(errno));
		*slash = '/';
	}
	return 0;
}

/* Words of a vocabulary, frequent ones more often, as in what people write. */
static int
words_write(FILE *file, uint64_t bytes, struct draw *draw)
{
	enum { WORDS = 3000 };
	static const char letters[] = "etaoinshrdlucmfwypvbgkqjxz";
	static char words[WORDS][12];
	uint64_t done = 0;
	size_t i, k;

	if (words[0][0] == '\0') {
		struct draw spell = draw_of(1, "vocabulary");

		for (i = 0; i < WORDS; i++)
			for (k = 0; k < 2 + draw_below(&spell, 9); k++)
				words[i][k] = letters[draw_below(&spell, 26)];
	}
	while (done < bytes) {
		double share = draw_share(draw);
		const char *word = words[(size_t)(share * share * share * WORDS)];

		for (i = 0; word[i] != '\0' && done < bytes; i++, done++)
			putc(word[i], file);
		if (done++ < bytes)
			putc(draw_below(draw, 12) == 0 ? '\n' : ' ', file);
	}
	return ferror(file) ? -1 : 0;
}

static int
file_make(const struct corpus_file *f, bool is_text, const char *path, struct draw *draw,
    struct err *err)
{
	FILE *file = fopen(path, "w");
	int status = 0;

	if (file == NULL)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	if (is_text)
		status = words_write(file, f->bytes, draw);
	else
		status = ftruncate(fileno(file), (off_t)f->bytes);
	if (fclose(file) != 0 || status != 0)
		return err_set(err, errno, "%s: cannot be written: %s", path,
		    strerror(errno));
	return 0;
}

int
corpus_make(const struct corpus *files, const struct scenario *s, uint64_t seed,
    const char *folder, struct err *err)
{
	struct draw draw = draw_of(seed, "content");
	char path[4096];
	size_t i;

	for (i = 0; i < files->count; i++) {
		int n = snprintf(path, sizeof path, "%s/%s", folder, files->list[i].path);

		if (n < 0 || (size_t)n >= sizeof path)
			return err_set(err, ENAMETOOLONG, "%s: the path is too long",
			    folder);
		if (folders_make(path, strlen(folder) + 1, err) != 0 ||
		    file_make(&files->list[i], s->files_text, path, &draw, err) != 0)
			return -1;
	}
	return 0;
}

void
corpus_catalogue(const struct corpus *files, struct text *out)
{
	size_t i;

	text_str(out, "name\tsize\tpath\tencoding\n");
	for (i = 0; i < files->count; i++) {
		const struct corpus_file *f = &files->list[i];

		text_printf(out, "%s\t%llu\t%s\t\n", f->name,
		    (unsigned long long)f->bytes, f->path);
		if (f->encoded > 0)
			text_printf(out, "%s\t%llu\t%s\tgzip\n", f->name,
			    (unsigned long long)f->encoded, f->path);
	}
}

const struct corpus_file *
corpus_find(const struct corpus *files, const char *path)
{
	size_t i;

	path += *path == '/';
	for (i = 0; i < files->count; i++)
		if (strcmp(files->list[i].path, path) == 0)
			return &files->list[i];
	return NULL;
}
