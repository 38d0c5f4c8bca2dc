/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir lab reference: a reference catalogue by downloading real files through weir's own
 * meter, with what was measured of each, and labelled flows that weir learn takes.
 */
#include "cmd/lab.h"

#include "base/memory.h"
#include "catalog/catalog.h"
#include "cmd/common.h"
#include "cmd/lab_fetch.h"
#include "cmd/lab_step.h"
#include "lab/measure.h"
#include "lab/network.h"
#include "lab/process.h"
#include "lab/sheet.h"
#include "model/catalogue.h"
#include "model/sink.h"
#include "report/report.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct values {
	const char *output, *folder, *interface, *format, *fields;
	uint64_t times, rate;
	int64_t pause_us, timeout_us, tolerance_us;
	bool is_insecure;
};

/* What a terminal of 100 columns shows; -f has the rest. */
static const char measure_columns[] = "name,size,downloads,span,header,bytes,again";

static const struct option_row options[] = {
    {"write", 'w', OPTION_TEXT, offsetof(struct values, output), "CATALOG", NULL, 0, 0,
     "the catalogue to write"},
    {"times", 'n', OPTION_NUMBER, offsetof(struct values, times), "TIMES", "3", 1, 100000,
     "downloads of each file"},
    {"interface", 'i', OPTION_TEXT, offsetof(struct values, interface), "INTERFACE", NULL,
     0, 0, "of URLs: the interface that the downloads come by; if not given the one that "
     "the route to them leaves by"},
    {"dir", 'd', OPTION_TEXT, offsetof(struct values, folder), "DIR", NULL, 0, 0,
     "where the store, the labels and the logs go; if not given CATALOG.lab"},
    {"rate", 0, OPTION_NUMBER, offsetof(struct values, rate), "OCTETS", "0", 0, 0,
     "octets a second of a download at most; 0 is no limit"},
    {"pause", 0, OPTION_TIME, offsetof(struct values, pause_us), "TIME", "1s", 0, 0,
     "of URLs: rest after each download"},
    {"timeout", 0, OPTION_TIME, offsetof(struct values, timeout_us), "TIME", "10m", 0, 0,
     "give up a download after this time"},
    {"tolerance", 0, OPTION_TIME, offsetof(struct values, tolerance_us), "TIME", "2s", 0,
     0, "how long after curl was started its connection may begin"},
    {"insecure", 0, OPTION_FLAG, offsetof(struct values, is_insecure), NULL, NULL, 0, 0,
     "do not look at certificates"},
    OPTION_FORMAT_ROW(struct values, "table, tsv, csv or ndjson (of what was measured)"),
    {"fields", 'f', OPTION_TEXT, offsetof(struct values, fields), "LIST", NULL, 0, 0,
     "columns to print"},
};

struct reference {
	const struct values *v;
	const char *source;
	char folder[PATH_MAX], root[PATH_MAX];
	bool is_folder; /* the source */
	struct lab_targets targets;
	struct lab_fetch_counts counts;
};

static int
path_of(const struct reference *r, const char *name, char out[PATH_MAX], struct err *err)
{
	if (snprintf(out, PATH_MAX, "%s/%s", r->folder, name) < PATH_MAX)
		return 0;
	return err_set(err, ENAMETOOLONG, "%s: too long a name", r->folder);
}

/* ---- what to download ---- */

static bool
is_listing(const char *source)
{
	return lab_is_url(source) && source[strlen(source) - 1] == '/';
}

/* A list of a folder, by weir catalog build listing. */
static int
read_listing(struct reference *r, struct err *err)
{
	char path[PATH_MAX], log[PATH_MAX];
	struct lab_step step = {.output = path,
				.log = log,
				.argv = {"", "catalog", "build", "listing", r->source,
					 "--measure", "--rate", "5", "-w", path}};

	if (path_of(r, "listing.tsv", path, err) != 0 ||
	    path_of(r, "listing.log", log, err) != 0 || lab_step_run(&step, err) != 0)
		return -1;
	return lab_targets_listed(&r->targets, path, r->source, err);
}

static int
find_targets(struct reference *r, struct err *err)
{
	struct stat st;
	int status;

	if (is_listing(r->source)) {
		status = read_listing(r, err);
	} else if (lab_is_url(r->source)) {
		status = lab_targets_add(&r->targets, r->source, NULL, err);
	} else if (strstr(r->source, "://") != NULL) {
		return lab_targets_add(&r->targets, r->source, NULL,
				       err); /* says what is wrong */
	} else if (stat(r->source, &st) != 0) {
		return err_set(err, errno, "%s: %s", r->source, strerror(errno));
	} else if (!S_ISDIR(st.st_mode)) {
		status = lab_targets_read(&r->targets, r->source, err);
	} else {
		r->is_folder = true;
		if (realpath(r->source, r->root) == NULL)
			return err_set(err, errno, "%s: %s", r->source, strerror(errno));
		status = lab_targets_walk(&r->targets, r->root, LAB_FETCH_BASE, err);
	}
	if (status == 0 && r->targets.count == 0)
		status = err_set(err, ENOENT, "%s: no files", r->source);
	lab_targets_settle(&r->targets);
	return status;
}

/* ---- what was measured ---- */

/* What the list has of each download beside the truth's columns. */
struct extras {
	const char **urls, **types, **etags;
	struct text strings;
};

static void
extras_done(struct extras *x)
{
	free(x->urls);
	free(x->types);
	free(x->etags);
	text_done(&x->strings);
}

static int
read_extras(const char *path, size_t count, struct extras *x, struct err *err)
{
	static const char *const columns[] = {"url", "content_type", "etag", NULL};
	size_t *at = must(calloc(3 * count + 1, sizeof *at)), n = 0, i;
	struct sheet s;
	int more;

	text_char(&x->strings, '\0');
	if (sheet_open(&s, path, columns, 1, err) != 0) {
		free(at);
		return -1;
	}
	while ((more = sheet_next(&s, err)) > 0 && n < count) {
		for (i = 0; i < 3; i++)
			at[3 * n + i] = sheet_keep(&s, (unsigned)i, &x->strings);
		n++;
	}
	sheet_close(&s);
	x->urls = must(calloc(count + 1, sizeof *x->urls));
	x->types = must(calloc(count + 1, sizeof *x->types));
	x->etags = must(calloc(count + 1, sizeof *x->etags));
	for (i = 0; i < count; i++) {
		x->urls[i] = x->strings.data + at[3 * i];
		x->types[i] = x->strings.data + at[3 * i + 1];
		x->etags[i] = x->strings.data + at[3 * i + 2];
	}
	free(at);
	return more < 0 ? -1 : 0;
}

static int
print_measures(const struct reference *r, const struct lab_measures *m, struct err *err)
{
	const char *fields = r->v->fields != NULL                 ? r->v->fields
			     : strcmp(r->v->format, "table") == 0 ? measure_columns
								  : "all";
	struct sink *sink = NULL;
	int status;

	if (output_open(&lab_measure_schema, r->v->format, NULL, fields, &sink, err) != 0)
		return -1;
	status = lab_measures_push(m, sink, err);
	return sink_close(sink, err) | status;
}

static void
set_text(struct catalogue *row, unsigned field, struct str *member, const char *text)
{
	if (*text == '\0')
		return;
	*member = (struct str){text, (uint32_t)strlen(text)};
	row_mark(row->present, field);
}

/* A file of the catalogue: its newest size, and what the server said of it then. */
static int
add_file(struct catalog *catalog, const struct lab_measure *m,
	 const struct lab_downloads *d, const struct extras *x, struct err *err)
{
	struct catalogue row = {0};
	char host[300];
	const char *path;
	size_t i = d->count;

	while (i > 0 && strcmp(x->urls[i - 1], m->url.data) != 0)
		i--;
	if (i-- == 0)
		return 0;
	lab_url_host(m->url.data, host, sizeof host);
	path = strstr(m->url.data, "://") + 3;
	path += strcspn(path, "/?");
	catalogue_set(&row, name, m->name);
	catalogue_set(&row, size, m->size);
	catalogue_set(&row, date, d->list[i].start_us);
	catalogue_set(&row, path_len, (uint32_t)strlen(path + (*path == '/')));
	set_text(&row, CATALOGUE_path, &row.path, path + (*path == '/'));
	set_text(&row, CATALOGUE_host, &row.host, host);
	set_text(&row, CATALOGUE_content_type, &row.content_type, x->types[i]);
	set_text(&row, CATALOGUE_etag, &row.etag, x->etags[i]);
	set_text(&row, CATALOGUE_source, &row.source, "download");
	return catalog_add(catalog, &row, err);
}

static int
write_catalogue(const struct reference *r, const struct lab_measures *m,
		const struct lab_downloads *d, const struct extras *x, struct err *err)
{
	struct catalog *catalog = catalog_new();
	int status = 0;
	size_t i;

	for (i = 0; i < m->count && status == 0; i++)
		status = add_file(catalog, &m->list[i], d, x, err);
	if (status == 0) {
		catalog_seal(catalog);
		status = catalog_write(catalog, r->v->output, err);
	}
	catalog_free(catalog);
	return status;
}

/* Held against the meter's records: the table, the catalogue and the labels. */
static int
tell(struct reference *r, struct err *err)
{
	char list[PATH_MAX], store[PATH_MAX], rows[PATH_MAX], log[PATH_MAX],
	    labels[PATH_MAX];
	struct lab_measure_input in = {.tolerance_us = r->v->tolerance_us};
	struct lab_downloads downloads = {0};
	struct lab_records records = {0};
	struct lab_measures measures = {0};
	struct extras extras = {0};
	struct text taught;
	int status = -1;

	text_init(&taught);
	text_init(&extras.strings);
	if (path_of(r, "downloads.tsv", list, err) != 0 ||
	    path_of(r, "store", store, err) != 0 ||
	    path_of(r, "rows.tsv", rows, err) != 0 ||
	    path_of(r, "print.log", log, err) != 0 ||
	    path_of(r, "labels.tsv", labels, err) != 0)
		goto done;
	struct lab_step print = {.output = rows,
				 .log = log,
				 .inputs = {store},
				 .argv = {"", "print", "--store", store, "-o", "tsv",
					  "--fields", lab_rows_fields, "-w", rows}};
	if (lab_downloads_read(&downloads, list, err) != 0 ||
	    read_extras(list, downloads.count, &extras, err) != 0 ||
	    lab_step_run(&print, err) != 0 ||
	    lab_rows_read(&records, rows, &downloads, err) != 0)
		goto done;
	in.downloads = &downloads;
	in.records = &records;
	in.urls = extras.urls;
	lab_measure(&in, &measures);
	lab_downloads_labels(&downloads, NULL, &taught);
	if (print_measures(r, &measures, err) != 0 ||
	    write_catalogue(r, &measures, &downloads, &extras, err) != 0 ||
	    lab_file_write(labels, &taught, err) != 0)
		goto done;
	if (measures.metered < measures.downloads)
		complain("lab reference: the meter has no record of %llu of %llu "
			 "downloads; did they "
			 "come by another interface?",
			 (unsigned long long)(measures.downloads - measures.metered),
			 (unsigned long long)measures.downloads);
	fprintf(
	    stderr,
	    "%zu file%s written to %s. To learn from the same downloads:\n"
	    "    weir learn --store %s --labels %s\n",
	    measures.count, measures.count == 1 ? "" : "s", r->v->output, store, labels);
	status = 0;
done:
	lab_measures_done(&measures);
	lab_records_done(&records);
	lab_downloads_done(&downloads);
	extras_done(&extras);
	text_done(&taught);
	return status;
}

static int
prepare(struct reference *r, struct err *err)
{
	int n = r->v->folder != NULL
		    ? snprintf(r->folder, PATH_MAX, "%s", r->v->folder)
		    : snprintf(r->folder, PATH_MAX, "%s.lab", r->v->output);
	char full[PATH_MAX];

	if (n >= PATH_MAX)
		return err_set(err, ENAMETOOLONG, "%s: too long a name", r->v->output);
	if (mkdir(r->folder, 0777) != 0 && errno != EEXIST)
		return err_set(err, errno, "%s: %s", r->folder, strerror(errno));
	/* Programs that start in other folders read it too. */
	if (realpath(r->folder, full) == NULL)
		return err_set(err, errno, "%s: %s", r->folder, strerror(errno));
	memcpy(r->folder, full, sizeof full);
	return 0;
}

static int
work(struct reference *r, struct err *err)
{
	struct lab_fetch_config config = {.folder = r->folder,
					  .root = r->is_folder ? r->root : NULL,
					  .interface = r->v->interface,
					  .times = r->v->times,
					  .rate = r->v->rate,
					  .timeout_us = r->v->timeout_us,
					  .is_insecure = r->v->is_insecure,
					  .pause_us = r->is_folder ? 0 : r->v->pause_us};

	if (lab_fetch(&config, &r->targets, &r->counts, err) != 0)
		return -1;
	if (r->counts.failed > 0)
		complain("lab reference: %llu download%s failed; the same command tries "
			 "again",
			 (unsigned long long)r->counts.failed,
			 r->counts.failed == 1 ? "" : "s");
	if (r->counts.before + r->counts.now == 0)
		return err_set(err, EIO, "no download succeeded");
	return tell(r, err);
}

static int
run(void *values, const char **operands, int count, struct err *err)
{
	struct reference r = {.v = values};
	struct values *v = values;
	int status = EXIT_USAGE;

	if (count != 1) {
		err_set(err, EINVAL, "needs one folder, URL, or file with URLs");
		return EXIT_USAGE;
	}
	if (need_option(v->output, "-w CATALOG", err) != 0)
		return EXIT_USAGE;
	if (strcmp(v->output, "-") == 0 && v->folder == NULL) {
		err_set(err, EINVAL, "-w - needs --dir DIR for what belongs to it");
		return EXIT_USAGE;
	}
	r.source = operands[0];
	lab_targets_init(&r.targets);
	/* A folder of results only for a source that there is; a listing is such a
	 * result. */
	if (stop_catch(err) != 0 || (is_listing(r.source) && prepare(&r, err) != 0) ||
	    find_targets(&r, err) != 0) {
		status = EXIT_TROUBLE;
		goto done;
	}
	if (r.is_folder && v->interface != NULL) {
		err_set(err, EINVAL,
		    "a folder is served and fetched in namespaces: it goes "
				     "without --interface");
		goto done;
	}
	/* What cannot be served leaves no folder either. */
	status = (!r.is_folder || network_possible(err) == 0) && prepare(&r, err) == 0 &&
		work(&r, err) == 0 && r.counts.failed == 0
	    ? EXIT_GOOD : EXIT_TROUBLE;
done:
	if (err->code == EPIPE)
		err_clear(err);
	lab_targets_done(&r.targets);
	return status;
}

static void
more_help(struct text *out)
{
	text_str(out, "What is measured of a file:\n");
	schema_help(out, &lab_measure_schema);
}

const struct command command_lab_reference = {
    .name = "lab reference",
    .summary = "Makes a catalogue by downloading files through weir's meter",
    .operands = "DIR | URL | FILE",
    .about = "Every file is downloaded TIMES times by curl, each time on a connection of "
	     "its own, "
	     "while weir meter looks on. DIR is a folder whose files are served by nginx "
	     "in network "
	     "namespaces of this machine, which needs root; wherever the files come from "
	     "later, "
	     "their sizes are the same. URL is a file, or, with a '/' at its end, a web "
	     "server's "
	     "list of a folder; FILE has a URL a line, behind a tab perhaps a name. URLs "
	     "are fetched "
	     "as this machine reaches them, and --interface names the interface that "
	     "they come "
	     "by.\n\n"
	     "What was measured is printed, a line a file: payload spans, octets and "
	     "packets, and "
	     "what the response has beside the file, the header. CATALOG gets the files, "
	     "DIR of "
	     "--dir the store of flows and labels.tsv, from which weir learn makes "
	     "catalogues and "
	     "classifiers.\n\n"
	     "A run that was broken off goes on where it was when the same command is "
	     "given again; "
	     "with a greater TIMES it adds to what is there.",
    .examples =
	"weir lab reference /srv/files -w files.tsv\n"
	"weir lab reference http://deb.debian.org/debian/pool/main/h/hello/ -i eth0 -n 5 "
	"-w hello.tsv",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_size = sizeof(struct values),
    .run = run,
    .more_help = more_help,
};
