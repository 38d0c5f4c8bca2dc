/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that are replaced as a whole. */
#include "lab/note.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

int
note_write(const char *folder, const char *name, const struct text *text, struct err *err)
{
	char path[PATH_BYTES], part[PATH_BYTES];
	FILE *file;
	bool is_good;

	snprintf(path, sizeof path, "%.4000s/%.60s", folder, name);
	snprintf(part, sizeof part, "%.4000s/%.60s.part", folder, name);
	if ((file = fopen(part, "w")) == NULL)
		return err_set(err, errno, "%s: %s", part, strerror(errno));
	is_good = fwrite(text->data, 1, text->len, file) == text->len &&
	    fflush(file) == 0 && fsync(fileno(file)) == 0;
	if (fclose(file) != 0 || !is_good || rename(part, path) != 0)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	return 0;
}

int
note_read(const char *folder, const char *name, struct text *out, struct err *err)
{
	char path[PATH_BYTES], bytes[16384];
	FILE *file;
	size_t n;

	snprintf(path, sizeof path, "%.4000s/%.60s", folder, name);
	if ((file = fopen(path, "r")) == NULL)
		return errno == ENOENT ? 0 : err_set(err, errno, "%s: %s", path,
		    strerror(errno));
	while ((n = fread(bytes, 1, sizeof bytes, file)) > 0)
		text_bytes(out, bytes, n);
	if (ferror(file)) {
		fclose(file);
		return err_set(err, EIO, "%s: cannot be read", path);
	}
	fclose(file);
	return 0;
}

void
note_value(const struct text *lines, const char *key, char *out, unsigned size)
{
	const char *line = lines->data;
	size_t len = strlen(key);

	out[0] = '\0';
	for (; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0 && line[len] == '\t') {
			snprintf(out, size, "%.*s", (int)strcspn(line + len + 1, "\n"),
			    line + len + 1);
			return;
		}
	}
}

uint64_t
note_number(const struct text *lines, const char *key)
{
	char value[40];
	uint64_t n = 0;

	note_value(lines, key, value, sizeof value);
	return parse_u64(value, strlen(value), &n) ? n : 0;
}

int
note_lines(const char *path, long from, note_line *each, void *to, struct err *err)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int status = 0;

	if (file == NULL)
		return errno == ENOENT ? 0 : err_set(err, errno, "%s: %s", path,
		    strerror(errno));
	if (fseek(file, from, SEEK_SET) != 0)
		status = err_set(err, errno, "%s: %s", path, strerror(errno));
	while (status == 0 && (n = getline(&line, &cap, file)) > 0 &&
	    line[n - 1] == '\n') {
		line[n - 1] = '\0';
		if (each(to, line, (size_t)n - 1, err) != 0)
			status = err_prefix(err, "%s: '%.60s': ", path, line);
	}
	free(line);
	fclose(file);
	return status;
}
