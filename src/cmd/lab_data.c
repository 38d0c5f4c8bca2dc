/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds what is there of a lab's data set. */
#include "cmd/lab_data.h"

#include "base/err.h"
#include "base/memory.h"
#include "catalog/catalog.h"
#include "lab/tables.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RUN_BYTES_MAX = 1 << 16 };

static const char *const first_scenarios[] = {
    "one-hop", "six-hops", "vpn", "reuse", "pipelining", "http2", "browser", NULL};
static const char *const first_places[] = {"subnet", "switch",  "edge",
					   "border", "transit", NULL};

const char *
lab_data_path(struct lab_data *data, const char *fmt, ...)
{
	va_list args;
	char *s;

	va_start(args, fmt);
	if (vasprintf(&s, fmt, args) < 0)
		s = NULL;
	va_end(args);
	must(s);
	if (data->text_count == data->text_cap) {
		data->text_cap = data->text_cap ? data->text_cap * 2 : 256;
		data->texts =
		    must(realloc(data->texts, data->text_cap * sizeof *data->texts));
	}
	data->texts[data->text_count++] = s;
	return s;
}

static const char *
if_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? path : NULL;
}

static int
make_folder(const char *path, struct err *err)
{
	if (mkdir(path, 0777) == 0 || errno == EEXIST)
		return 0;
	return err_set(err, errno, "%s: %s", path, strerror(errno));
}

/* Place in a list of names, its length for others: a '-' may follow. */
static unsigned
rank(const char *name, const char *const *list)
{
	unsigned i;

	for (i = 0; list[i] != NULL; i++) {
		size_t n = strlen(list[i]);

		if (strncmp(name, list[i], n) == 0 && (name[n] == '\0' || name[n] == '-'))
			break;
	}
	return i;
}

static int
compare_names(const char *a, const char *b, const char *const *list)
{
	unsigned ra = rank(a, list), rb = rank(b, list);

	return ra != rb ? (ra < rb ? -1 : 1) : strcmp(a, b);
}

static int
compare_scenarios(const void *a, const void *b)
{
	return compare_names(((const struct lab_data_scenario *)a)->name,
			     ((const struct lab_data_scenario *)b)->name,
			     first_scenarios);
}

static int
compare_places(const void *a, const void *b)
{
	return compare_names(((const struct lab_data_place *)a)->name,
			     ((const struct lab_data_place *)b)->name, first_places);
}

/* ---- one scenario ---- */

static void
find_places(struct lab_data *data, const char *dir, struct lab_data_scenario *s)
{
	const char *places = lab_data_path(data, "%s/places", dir);
	struct dirent *entry;
	size_t cap = 0;
	DIR *list;

	if ((list = opendir(places)) == NULL)
		return; /* none are recorded yet */
	while ((entry = readdir(list)) != NULL) {
		const char *path, *name;

		if (entry->d_name[0] == '.')
			continue;
		name = lab_data_path(data, "%s", entry->d_name);
		path = lab_data_path(data, "%s/%s", places, name);
		if (if_folder(path) == NULL)
			continue;
		if (s->place_count == cap) {
			cap = cap ? cap * 2 : 8;
			s->places = must(realloc(s->places, cap * sizeof *s->places));
		}
		s->places[s->place_count++] = (struct lab_data_place){
		    name, if_folder(lab_data_path(data, "%s/store", path)),
		    if_folder(lab_data_path(data, "%s/softflowd", path)),
		    if_folder(lab_data_path(data, "%s/router", path))};
	}
	closedir(list);
	qsort(s->places, s->place_count, sizeof *s->places, compare_places);
}

static const char *
read_run(struct lab_data *data, const char *path)
{
	char text[RUN_BYTES_MAX];
	FILE *file = fopen(path, "re");
	size_t n;

	if (file == NULL)
		return "";
	n = fread(text, 1, sizeof text - 1, file);
	text[n] = '\0';
	fclose(file);
	return lab_data_path(data, "%s", text);
}

static int
count_files(const char *path, uint64_t *out, struct err *err)
{
	struct catalog *catalog = catalog_new();
	int status = catalog_read(catalog, path, err);

	catalog_seal(catalog);
	*out = catalog_count(catalog);
	catalog_free(catalog);
	return status;
}

/* Filters of the times before and after the first download that is judged. */
static int
split_times(struct lab_data *data, const char *dir, struct lab_data_scenario *s,
	    struct err *err)
{
	int64_t between;
	char when[32];
	bool has_both;

	if (!lab_downloads_split(&s->downloads, &between, &has_both))
		return err_set(err, EINVAL,
			       "%s/truth.tsv: training and other downloads overlap in "
			       "time; what is learned must lie before what is judged",
			       dir);
	if (!has_both)
		return 0;
	time_print(between, STYLE_MACHINE, when);
	s->before = lab_data_path(data, "start < %s", when);
	s->after = lab_data_path(data, "start >= %s", when);
	return 0;
}

static int
open_scenario(struct lab_data *data, const char *dir, const char *name,
	      struct lab_data_scenario *s, struct err *err)
{
	const char *folder = lab_data_path(data, "%s/%s", dir, name);
	const char *truth = lab_data_path(data, "%s/truth.tsv", folder);
	struct err none = {0};

	*s = (struct lab_data_scenario){
	    .name = lab_data_path(data, "%s", name),
	    .catalogue = lab_data_path(data, "%s/catalogue.tsv", folder),
	    .results = lab_data_path(data, "%s/results", folder),
	    .log = lab_data_path(data, "%s/results/log", folder)};
	s->run = read_run(data, lab_data_path(data, "%s/run.tsv", folder));
	s->has_fact = lab_fact_find(name, &s->fact);
	if (access(truth, F_OK) != 0)
		return 0; /* skipped, or it has only begun */
	if (lab_downloads_read(&s->downloads, truth, &none) != 0)
		return none.code == ENODATA ? 0
					    : err_set(err, none.code, "%s", none.text);
	if (make_folder(s->results, err) != 0 ||
	    count_files(s->catalogue, &s->files, err) != 0 ||
	    split_times(data, folder, s, err) != 0)
		return -1;
	find_places(data, folder, s);
	return 0;
}

static bool
is_scenario(struct lab_data *data, const char *dir, const char *name)
{
	return name[0] != '.' &&
	       (access(lab_data_path(data, "%s/%s/truth.tsv", dir, name), F_OK) == 0 ||
		access(lab_data_path(data, "%s/%s/run.tsv", dir, name), F_OK) == 0);
}

static int
lock_data(struct lab_data *data, const char *dir, struct err *err)
{
	const char *path = lab_data_path(data, "%s/lock", data->models);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		data->lock_fd = fd + 1;
		return 0;
	}
	err_set(err, errno, "%s: another weir lab table is at work there", dir);
	close(fd);
	return -1;
}

int
lab_data_open(struct lab_data *data, const char *dir, struct err *err)
{
	struct dirent *entry;
	size_t cap = 0;
	int status = 0;
	DIR *list;

	if ((list = opendir(dir)) == NULL)
		return err_set(err, errno, "%s: %s", dir, strerror(errno));
	while (status == 0 && (entry = readdir(list)) != NULL) {
		if (!is_scenario(data, dir, entry->d_name))
			continue;
		if (data->count == cap) {
			cap = cap ? cap * 2 : 16;
			data->scenarios =
			    must(realloc(data->scenarios, cap * sizeof *data->scenarios));
		}
		status = open_scenario(data, dir, entry->d_name,
				       &data->scenarios[data->count++], err);
	}
	closedir(list);
	if (status != 0)
		return -1;
	if (data->count == 0)
		return err_set(err, ENOENT,
			       "%s: no scenario in it: there is no folder with a "
			       "truth.tsv or run.tsv; weir lab run makes them",
			       dir);
	qsort(data->scenarios, data->count, sizeof *data->scenarios, compare_scenarios);
	data->models = lab_data_path(data, "%s/models", dir);
	data->log = lab_data_path(data, "%s/models/log", dir);
	return make_folder(data->models, err) != 0 ? -1 : lock_data(data, dir, err);
}

void
lab_data_close(struct lab_data *data)
{
	size_t i;

	for (i = 0; i < data->count; i++) {
		lab_downloads_done(&data->scenarios[i].downloads);
		free(data->scenarios[i].places);
	}
	for (i = 0; i < data->text_count; i++)
		free(data->texts[i]);
	if (data->lock_fd > 0)
		close(data->lock_fd - 1);
	free(data->scenarios);
	free(data->texts);
	*data = (struct lab_data){0};
}

/* ---- the table of runs ---- */

/* The value of a key in run.tsv. */
static struct str
run_value(const struct lab_data_scenario *s, const char *key)
{
	const char *line = s->run;
	size_t n = strlen(key);

	while (*line != '\0') {
		size_t len = strcspn(line, "\n");

		if (len > n && strncmp(line, key, n) == 0 && line[n] == '\t')
			return (struct str){line + n + 1, (uint32_t)(len - n - 1)};
		line += len + (line[len] == '\n');
	}
	return (struct str){"", 0};
}

void
lab_data_tell(const struct lab_data_scenario *s, struct lab_tables *tables)
{
	struct lab_run run = {0};
	struct str state = run_value(s, "state"), reason = run_value(s, "reason");
	struct text places, words;
	size_t i;

#define TEXT(t) ((struct str){(t), (uint32_t)strlen(t)})
#define TELL(id)                                                                         \
	do {                                                                             \
		struct str value = run_value(s, #id);                                    \
		if (value.len > 0)                                                       \
			lab_set(&run, RUN, id, value);                                   \
	} while (0)
	text_init(&places);
	text_init(&words);
	text_bytes(&words, state.data, state.len);
	if (state.len == 0)
		text_str(&words, "no run.tsv");
	if (reason.len > 0)
		text_printf(&words, ": %.*s", (int)reason.len, reason.data);
	for (i = 0; i < s->place_count; i++)
		text_printf(&places, "%s%s", i > 0 ? " " : "", s->places[i].name);
	lab_set(&run, RUN, row, TEXT("run"));
	lab_set(&run, RUN, scenario, TEXT(s->name));
	lab_set(&run, RUN, state, ((struct str){words.data, (uint32_t)words.len}));
	lab_set(&run, RUN, downloads, s->downloads.count);
	lab_set(&run, RUN, training, s->downloads.training);
	lab_set(&run, RUN, files, s->files);
	lab_set(&run, RUN, places, ((struct str){places.data, (uint32_t)places.len}));
	if (s->has_fact) {
		lab_set(&run, RUN, article, s->fact.words);
		lab_set(&run, RUN, source, s->fact.source);
	}
	if (s->has_fact && s->fact.has_percent)
		lab_set(&run, RUN, article_percent, s->fact.percent);
	TELL(date);
	TELL(kernel);
	TELL(seed);
	TELL(scale);
	TELL(less);
	TELL(weir);
#undef TELL
#undef TEXT
	lab_tables_run(tables, &run);
	text_done(&words);
	text_done(&places);
}
