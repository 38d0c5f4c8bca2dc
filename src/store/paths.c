/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of files and folders. A journal and its segment share a stem: the schema, the
 * minute in which their interval starts, and a random id. Names found on disk are checked
 * character by character before they are used.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "model/schema.h"
#include "store/store_private.h"

int
path_make(char out[PATH_MAX], struct err *err, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(out, PATH_MAX, fmt, args);
	va_end(args);
	if (n < 0 || n >= PATH_MAX)
		return err_set(err, ENAMETOOLONG, "%.200s...: path is too long", out);
	return 0;
}

void
stem_make(char out[STEM_MAX], const struct schema *schema, int64_t interval_s,
	  uint64_t id)
{
	time_t t = interval_s;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		memset(&tm, 0, sizeof tm);
	snprintf(out, STEM_MAX, "%.64ss-%04d%02d%02dT%02d%02dZ-%016llx", schema->name,
		 (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		 tm.tm_min, (unsigned long long)id);
}

/* Letters, then -YYYYMMDDTHHMMZ-, then 16 hexadecimal digits. */
bool
stem_is_valid(const char *s, size_t n)
{
	static const char shape[] = "-00000000T0000Z-hhhhhhhhhhhhhhhh";
	size_t head = n - (sizeof shape - 1);

	if (n < sizeof shape || n >= STEM_MAX)
		return false;
	for (size_t i = 0; i < head; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '_')
			return false;
	for (size_t i = 0; shape[i] != '\0'; i++) {
		unsigned char c = (unsigned char)s[head + i];

		if (shape[i] == '0'   ? !isdigit(c)
		    : shape[i] == 'h' ? !isxdigit(c) || isupper(c)
				      : c != (unsigned char)shape[i])
			return false;
	}
	return true;
}

bool
stem_of(const char *name, const char *suffix, const struct schema *schema,
	char out[STEM_MAX])
{
	size_t n = strlen(name), m = strlen(suffix);

	if (n < m || strcmp(name + n - m, suffix) != 0 || !stem_is_valid(name, n - m))
		return false;
	if (schema != NULL) {
		size_t k = strlen(schema->name);

		if (strncmp(name, schema->name, k) != 0 ||
		    strncmp(name + k, "s-", 2) != 0)
			return false;
	}
	memcpy(out, name, n - m);
	out[n - m] = '\0';
	return true;
}

int
stem_folder(char out[PATH_MAX], const char *dir, const char *stem, struct err *err)
{
	const char *date = strchr(stem, '-') + 1;

	return path_make(out, err, "%s/date=%.4s-%.2s-%.2s", dir, date, date + 4,
			 date + 6);
}

int
folder_make(const char *path, struct err *err)
{
	if (mkdir(path, 0750) != 0 && errno != EEXIST)
		return err_set(err, errno, "%s: cannot make the folder: %s", path,
			       strerror(errno));
	return 0;
}

int
folder_sync(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result;

	if (fd < 0)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	if ((result = fsync(fd)) != 0)
		err_set(err, errno, "%s: fsync: %s", path, strerror(errno));
	close(fd);
	return result;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
names_add(struct names *names, const char *name)
{
	char *copy = strdup(name), **more;

	if ((names->count & (names->count - 1)) == 0) {
		size_t cap = names->count == 0 ? 1 : names->count * 2;

		if ((more = realloc(names->at, cap * sizeof *more)) == NULL) {
			free(copy);
			return false;
		}
		names->at = more;
	}
	if (copy == NULL)
		return false;
	names->at[names->count++] = copy;
	return true;
}

int
names_list(struct names *out, const char *path, struct err *err)
{
	struct names names = {0};
	struct dirent *entry;
	DIR *dir = opendir(path);

	if (dir == NULL && errno == ENOENT)
		return 1;
	if (dir == NULL)
		return err_set(
		    err, errno, "%s: cannot read the folder: %s%s", path, strerror(errno),
		    errno == EACCES ? "; check its owner and permissions" : "");
	while ((errno = 0, entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (!names_add(&names, entry->d_name)) {
			errno = ENOMEM;
			break;
		}
	}
	if (errno != 0) {
		err_set(err, errno, "%s: cannot read the folder: %s", path,
			strerror(errno));
		closedir(dir);
		names_free(&names);
		return -1;
	}
	closedir(dir);
	if (names.count > 0)
		qsort(names.at, names.count, sizeof *names.at, compare_names);
	*out = names;
	return 0;
}

void
names_free(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->at[i]);
	free(names->at);
	*names = (struct names){0};
}
