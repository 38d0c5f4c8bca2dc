/* SPDX-License-Identifier: BSD-2-Clause */
/* What steps of the lab are made of: see lab_made.h. */
#include "cmd/lab_made.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/text.h"
#include "cmd/lab_step.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 8, BLOCK_BYTES = 1 << 16 };

/* ---- content ---- */

/* " SIZE HASH", or why it cannot be read. */
static void
describe_file(const char *path, struct text *out)
{
	char block[BLOCK_BYTES];
	FILE *file = fopen(path, "re");
	uint64_t hash = 0, size = 0;
	size_t n;

	if (file == NULL) {
		text_printf(out, " %s\n", strerror(errno));
		return;
	}
	while ((n = fread(block, 1, sizeof block, file)) > 0) {
		hash = hash64(block, n, hash);
		size += n;
	}
	if (ferror(file))
		text_str(out, " cannot be read\n");
	else
		text_printf(out, " %llu %016llx\n", (unsigned long long)size,
		    (unsigned long long)hash);
	fclose(file);
}

/* A line a file; name is what it is called below what the step reads. */
static void
describe_tree(const char *path, const char *name, int depth, struct text *out)
{
	char below[PATH_MAX], below_name[PATH_MAX];
	struct dirent **names;
	struct stat st;
	int n, i;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
		text_str(out, name);
		describe_file(path, out);
		return;
	}
	n = scandir(path, &names, NULL, alphasort);
	for (i = 0; i < n; i++) {
		const char *one = names[i]->d_name;

		if (one[0] != '.' && depth < DEPTH_MAX &&
		    snprintf(below, sizeof below, "%s/%s", path, one) <
			(int)sizeof below &&
		    snprintf(below_name, sizeof below_name, "%s/%s", name, one) <
			(int)sizeof below_name)
			describe_tree(below, below_name, depth + 1, out);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

/* Hashed once: it stays the same as long as it runs. */
static void
describe_self(struct text *out)
{
	static struct text self;

	if (self.len == 0) {
		text_init(&self);
		text_str(&self, "weir " WEIR_VERSION);
		describe_file("/proc/self/exe", &self);
	}
	text_bytes(out, self.data, self.len);
}

/* ---- words ---- */

/* Length of a path that stands at the head of a word, or of a folder on the way to it. */
static size_t
path_head(const char *word, const char *path, size_t len)
{
	return len > 0 && strncmp(word, path, len) == 0 &&
		       (word[len] == '\0' || word[len] == '/' || word[len] == '=')
		   ? len
		   : 0;
}

/* What the step calls the path at the head of a word; its length, 0: there is none. */
static size_t
name_path(const struct lab_step *step, const char *word, char name[32])
{
	const char *slash = strrchr(step->output, '/');
	size_t best = path_head(word, step->output, strlen(step->output)), n;
	int i;

	snprintf(name, 32, "{output}");
	for (i = 0; step->inputs[i] != NULL; i++) {
		n = path_head(word, step->inputs[i], strlen(step->inputs[i]));
		if (n > best) {
			best = n;
			snprintf(name, 32, "{%d}", i);
		}
	}
	if (best == 0 && slash != NULL) {
		best = path_head(word, step->output, (size_t)(slash - step->output));
		snprintf(name, 32, "{folder}");
	}
	return best;
}

static void
describe_word(const struct lab_step *step, const char *word, struct text *out)
{
	bool is_head = true;
	char name[32];
	size_t n;

	while (*word != '\0') {
		if (is_head && (n = name_path(step, word, name)) > 0) {
			text_str(out, name);
			word += n;
			is_head = false;
			continue;
		}
		is_head = *word == '=';
		text_char(out, *word++);
	}
	text_char(out, '\n');
}

void
lab_made_describe(const struct lab_step *step, struct text *out)
{
	char name[32];
	int i;

	describe_self(out);
	for (i = 0; step->argv[i] != NULL; i++)
		describe_word(step, step->argv[i], out);
	for (i = 0; step->inputs[i] != NULL; i++) {
		snprintf(name, sizeof name, "{%d}", i);
		describe_tree(step->inputs[i], name, 0, out);
	}
}

/* ---- FILE.made ---- */

static bool
made_path(const struct lab_step *step, char out[PATH_MAX])
{
	return snprintf(out, PATH_MAX, "%s.made", step->output) < PATH_MAX;
}

bool
lab_made_is(const struct lab_step *step, const struct text *made)
{
	char path[PATH_MAX];
	struct text before;
	bool is;

	text_init(&before);
	is = access(step->output, R_OK) == 0 && made_path(step, path) &&
	     lab_file_read(path, &before) == 0 && before.len == made->len &&
	     memcmp(before.data, made->data, made->len) == 0;
	text_done(&before);
	return is;
}

int
lab_made_keep(const struct lab_step *step, const struct text *made, struct err *err)
{
	char path[PATH_MAX];

	if (!made_path(step, path))
		return err_set(err, ENAMETOOLONG, "%s: too long a name", step->output);
	return lab_file_write(path, made, err);
}

void
lab_made_forget(const struct lab_step *step)
{
	char path[PATH_MAX];

	if (made_path(step, path))
		unlink(path);
}
