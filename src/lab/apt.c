/* SPDX-License-Identifier: BSD-2-Clause */
/* An archive and an apt of its own. */
#include "lab/apt.h"

#include "base/err.h"
#include "base/text.h"
#include "lab/process.h"
#include "lab/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = 512, HASH_CHARS = 64 };

static int
folder_make(const char *root, const char *below, struct err *err)
{
	char path[PATH_BYTES];
	size_t i, n = (size_t)snprintf(path, sizeof path, "%s/%s", root, below);

	if (n >= sizeof path)
		return err_set(err, ENAMETOOLONG, "%s: the path is too long", root);
	for (i = strlen(root) + 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		char was = path[i];

		path[i] = '\0';
		if (mkdir(path, 0755) != 0 && errno != EEXIST)
			return err_set(err, errno, "%s: %s", path, strerror(errno));
		path[i] = was;
	}
	return 0;
}

static int
file_write(const char *path, const struct text *text, struct err *err)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fwrite(text->data, 1, text->len, file) != text->len) {
		if (file != NULL)
			fclose(file);
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	}
	return fclose(file) == 0 ? 0 : err_set(err, errno, "%s: %s", path,
	    strerror(errno));
}

/* The hashes of files, a line each in the order of the command line, from sha256sum. */
static FILE *
hashes_open(const char *folder, const char *root, const char *const *paths, size_t n,
    struct err *err)
{
	char out[PATH_BYTES];
	struct words words;
	struct process_config config = {.folder = root, .output = out};
	FILE *file = NULL;
	size_t i;

	snprintf(out, sizeof out, "%.480s/apt.sha256", folder);
	words_init(&words);
	words_split(&words, "sha256sum --");
	for (i = 0; i < n; i++)
		words_add(&words, "%s", paths[i]);
	config.argv = words_argv(&words);
	if (process_run(&config, 600000, err) == 0 && (file = fopen(out, "r")) == NULL)
		err_set(err, errno, "%s: %s", out, strerror(errno));
	words_done(&words);
	return file;
}

static int
hash_next(FILE *file, char *out, struct err *err)
{
	char line[1024];

	if (fgets(line, sizeof line, file) == NULL ||
	    strspn(line, "0123456789abcdef") != HASH_CHARS)
		return err_set(err, EIO, "sha256sum's output is not what it should be");
	memcpy(out, line, HASH_CHARS);
	out[HASH_CHARS] = '\0';
	return 0;
}

static int
packages_write(const struct corpus *files, const char *root, const char *folder,
    const char *path, struct err *err)
{
	const char **paths = calloc(files->count, sizeof *paths);
	char hash[HASH_CHARS + 1];
	struct text text;
	FILE *hashes = NULL;
	int status = -1;
	size_t i;

	if (paths == NULL)
		return err_set(err, ENOMEM, "out of memory");
	text_init(&text);
	for (i = 0; i < files->count; i++)
		paths[i] = files->list[i].path;
	if ((hashes = hashes_open(folder, root, paths, files->count, err)) == NULL)
		goto done;
	for (i = 0; i < files->count; i++) {
		const struct corpus_file *f = &files->list[i];

		if (hash_next(hashes, hash, err) != 0)
			goto done;
		text_printf(&text, "Package: %s\nVersion: 1.0\nArchitecture: all\n"
		    "Maintainer: nobody\nFilename: %s\nSize: %llu\nSHA256: %s\n"
		    "Description: none\n\n", f->name, f->path + strlen("debian/"),
		    (unsigned long long)f->bytes, hash);
	}
	status = file_write(path, &text, err);
done:
	if (hashes != NULL)
		fclose(hashes);
	text_done(&text);
	free(paths);
	return status;
}

static int
release_write(const char *root, const char *folder, const char *dist, struct err *err)
{
	static const char *const inside = "main/binary-amd64/Packages";
	char base[PATH_BYTES], path[PATH_BYTES], hash[HASH_CHARS + 1];
	struct text text;
	struct stat st;
	FILE *hashes;
	int status;

	snprintf(base, sizeof base, "%.300s/%s", root, dist);
	snprintf(path, sizeof path, "%.400s/%s", base, inside);
	if (stat(path, &st) != 0)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	if ((hashes = hashes_open(folder, base, &inside, 1, err)) == NULL)
		return -1;
	status = hash_next(hashes, hash, err);
	fclose(hashes);
	if (status != 0)
		return -1;
	text_init(&text);
	text_printf(&text, "Origin: weir\nSuite: lab\nCodename: lab\nComponents: main\n"
	    "Architectures: amd64\nSHA256:\n %s %lld %s\n", hash, (long long)st.st_size,
	    inside);
	snprintf(path, sizeof path, "%.400s/Release", base);
	status = file_write(path, &text, err);
	text_done(&text);
	return status;
}

/* The options by which apt keeps to its folder. */
static void
options_add(struct words *words, const char *folder)
{
	static const char *const rooted[] = {"Dir::State=%s/apt/state",
	    "Dir::Cache=%s/apt/cache",
	    "Dir::State::status=%s/apt/status",
	    "Dir::Etc::SourceList=%s/apt/sources.list"};
	size_t i;

	for (i = 0; i < sizeof rooted / sizeof *rooted; i++) {
		char option[PATH_BYTES + 64];
		const char *mark = strchr(rooted[i], '%');

		snprintf(option, sizeof option, "%.*s%.400s%s", (int)(mark - rooted[i]),
		    rooted[i], folder, mark + 2);
		words_add(words, "-o");
		words_add(words, "%s", option);
	}
	words_split(words, "-o Dir::Etc::SourceParts=/dev/null "
	    "-o Dir::Etc::Main=/dev/null "
	    "-o Dir::Etc::Parts=/dev/null -o Dir::Etc::Preferences=/dev/null "
	    "-o Dir::Etc::PreferencesParts=/dev/null -o APT::Sandbox::User=root "
	    "-o APT::Architecture=amd64 -o Acquire::Languages=none "
	    "-o Acquire::http::Proxy=DIRECT");
}

static int
update_run(const char *folder, const char *space, struct err *err)
{
	char log[PATH_BYTES];
	struct words words;
	struct process_config config = {.space = space, .output = log, .log = log};
	int status;

	snprintf(log, sizeof log, "%.480s/apt.log", folder);
	words_init(&words);
	words_split(&words, "apt-get -q");
	options_add(&words, folder);
	words_add(&words, "update");
	config.argv = words_argv(&words);
	status = process_run(&config, 120000, err);
	words_done(&words);
	return status;
}

int
apt_prepare(const struct corpus *files, const char *root, const char *url,
    const char *folder, const char *space, struct err *err)
{
	static const char dist[] = "debian/dists/lab";
	char path[PATH_BYTES];
	struct text text;
	int status;

	if (folder_make(root, "debian/dists/lab/main/binary-amd64", err) != 0 ||
	    folder_make(folder, "apt/state/lists/partial", err) != 0 ||
	    folder_make(folder, "apt/cache/archives/partial", err) != 0)
		return -1;
	snprintf(path, sizeof path, "%.400s/%s/main/binary-amd64/Packages", root, dist);
	if (packages_write(files, root, folder, path, err) != 0 ||
	    release_write(root, folder, dist, err) != 0)
		return -1;
	text_init(&text);
	snprintf(path, sizeof path, "%.400s/apt/status", folder);
	status = file_write(path, &text, err);
	text_printf(&text, "deb [trusted=yes] %s lab main\n", url);
	snprintf(path, sizeof path, "%.400s/apt/sources.list", folder);
	if (status == 0)
		status = file_write(path, &text, err);
	text_done(&text);
	return status != 0 ? status : update_run(folder, space, err);
}

void
apt_download_words(struct words *words, const char *folder, const char *home,
    unsigned depth, const char *const *names, size_t n)
{
	size_t i;

	/* what is there already is not downloaded again */
	words_split(words, "sh -c");
	words_add(words, "rm -f ./*.deb; exec apt-get -q \"$@\"");
	words_add(words, "apt-get");
	options_add(words, folder);
	words_add(words, "-o");
	words_add(words, "Acquire::http::Pipeline-Depth=%u", depth > 1 ? depth : 0);
	words_add(words, "download");
	for (i = 0; i < n; i++)
		words_add(words, "%s", names[i]);
}
