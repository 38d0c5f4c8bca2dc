/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir catalog: lists of files with their sizes. One operand says what to do, the next
 * what to do it with; each verb has a file of its own.
 */
#include "cmd/catalog.h"

#include "catalog/build.h"
#include "model/catalogue.h"
#include "model/leak.h"
#include "report/report.h"

#include <errno.h>
#include <string.h>

#define AT(member) offsetof(struct catalog_values, member)

static const struct option_row options[] = {
	OPTION_OUTPUT_ROW(struct catalog_values),
	OPTION_FORMAT_ROW(struct catalog_values,
	    "table, tsv, csv or ndjson (show, diff, leak)"),
	{"fields", 'f', OPTION_TEXT, AT(fields), "LIST", NULL, 0, 0,
	    "columns that are printed: ids of fields or names of layouts, with commas "
	    "between"},
	{"base", 0, OPTION_TEXT, AT(base), "URL", NULL, 0, 0,
	    "build: where the list's paths begin; gives each file its host and whole "
	    "path"},
	{"suite", 0, OPTION_TEXT, AT(suite), "NAME", NULL, 0, 0,
	    "build: the suite or channel, where the list names none"},
	{"arch", 0, OPTION_LIST, AT(archs), "ARCH", NULL, 0, 0,
	    "build: only this architecture and what is for all; may be given often"},
	{"units", 0, OPTION_TEXT, AT(units), "UNITS", NULL, 0, 0,
	    "build: 1 kB is 1024 bytes (binary) or 1000 (decimal)"},
	{"indexes", 0, OPTION_FLAG, AT(wants_indexes), NULL, NULL, 0, 0,
	    "build debian: list a mirror's indexes too, as apt update fetches them"},
	{"depth", 0, OPTION_NUMBER, AT(depth), "FOLDERS", "0", 0, 64,
	    "build listing: look into folders so deep below the URL"},
	{"measure", 0, OPTION_FLAG, AT(wants_sizes), NULL, NULL, 0, 0,
	    "build: ask servers, by HEAD, for sizes that are unknown or rounded"},
	{"parallel", 0, OPTION_NUMBER, AT(parallel), "REQUESTS", "4", 1, 64,
	    "build: so many requests at once"},
	{"rate", 0, OPTION_NUMBER, AT(rate), "REQUESTS", "10", 0, 100000,
	    "build: start at most so many requests a second; 0 is no limit"},
	{"retries", 0, OPTION_NUMBER, AT(retries), "TIMES", "3", 0, 100,
	    "build: make a request that failed again so often"},
	{"timeout", 0, OPTION_TIME, AT(timeout_us), "TIME", "30s", 0, 0,
	    "build: give up a request after this time"},
	{"accept-encoding", 0, OPTION_TEXT, AT(encoding), "LIST", NULL, 0, 0,
	    "build: measure what is sent to clients that take these encodings, such as "
	    "gzip"},
	{"catalog", 'c', OPTION_LIST, AT(more), "CATALOG", NULL, 0, 0,
	    "show, leak: a further catalogue; may be given often"},
	{"sort", 0, OPTION_TEXT, AT(sort), "FIELD", NULL, 0, 0,
	    "show: order by this field; -FIELD has the greatest first (default size)"},
	{"statistics", 0, OPTION_FLAG, AT(wants_statistics), NULL, NULL, 0, 0,
	    "show: the catalogue in numbers in place of its files"},
	{"summary", 0, OPTION_FLAG, AT(wants_summary), NULL, NULL, 0, 0,
	    "leak: shares by class of size in place of files"},
	{"mss", 0, OPTION_NUMBER, AT(mss), "BYTES", "1448", 100, 65535,
	    "leak: payload of a whole segment, for the grade wire"},
	{"limit", 'l', OPTION_NUMBER, AT(limit), "ROWS", "0", 0, 0,
	    "show, leak: stop after so many rows; 0 is no limit"},
};

static int
run(void *values, const char **operands, int count, struct err *err)
{
	static const struct {
		const char *verb;
		int (*run)(const struct catalog_values *, const char **, int,
		    struct err *);
	} verbs[] = {{"build", verb_build}, {"merge", verb_merge}, {"diff", verb_diff},
	    {"show", verb_show}, {"leak", verb_leak}};
	size_t i;

	for (i = 0; i < sizeof verbs / sizeof *verbs && count > 0; i++) {
		if (strcmp(operands[0], verbs[i].verb) == 0)
			return verbs[i].run(values, operands + 1, count - 1, err);
	}
	err_set(err, EINVAL,
	    "needs a verb: build, merge, diff, show or leak; --help shows how");
	return EXIT_USAGE;
}

static void
more_help(struct text *out)
{
	size_t i;

	text_str(out, "Kinds of lists that build reads:\n");
	for (i = 0; i < builder_count; i++)
		text_printf(out, "  %-10s %s\n", builders[i].kind, builders[i].reads);
	text_str(out, "\nFields of a catalogue:\n");
	schema_help(out, &catalogue_schema);
	text_str(out, "\nGrades of evidence of leak:\n");
	for (i = 0; i < LEAK_GRADES; i++)
		text_printf(out, "  %-10s %s\n", leak_rows[i].id, leak_rows[i].help);
	text_str(out, "\nFormats and layouts:\n");
	report_help(out, &catalogue_schema);
}

const struct command command_catalog = {
	.name = "catalog",
	.summary = "Builds, merges, compares and shows catalogues, and what sizes give "
	    "away",
	.operands = "build KIND INPUT... | merge CATALOG... | diff OLD NEW | show "
	    "CATALOG [FILTER] | leak CATALOG [FILTER]",
	.about = "A catalogue is a TSV file whose first line names its columns, fields "
	    "of the list below. All but name and size may be empty, columns may be "
	    "missing and stand in any order; lines that begin with # are comments. It "
	    "may be compressed (gz, xz, lz4, zst), and CSV is read too. Every command "
	    "that reads one leaves out lines in which something is wrong, tells the "
	    "first of them, counts them and ends with exit status 1.\n\n"
	    "build makes one of what archives and servers publish. INPUT is a file, "
	    "plain or compressed, a URL, - for standard input or, where the kind says "
	    "so, a folder. What is no list of its kind ends the run with a message that "
	    "names file and place. Entries that lack what a file needs are left out, "
	    "counted, and the first of each sort is shown with its place.\n\n"
	    "Sizes with a unit are rounded. Such a file is kept with its slack, the "
	    "bytes by which the size may be off, and identification leaves it out. With "
	    "--measure its server is asked for the exact size, as for files whose size "
	    "the list does not say. Answers are kept in CATALOG.partial until the "
	    "catalogue is written: a run that was broken off goes on where it was.\n\n"
	    "merge joins catalogues, drops doubles and tells of files that contradict "
	    "each other: same name, version, architecture, suite and path, another "
	    "size.\n\n"
	    "diff prints by which files two catalogues differ: added, removed, or "
	    "changed, which is another version, size or path of the same name, "
	    "architecture, suite and encoding.\n\n"
	    "show prints the files that the filter picks, by size.\n\n"
	    "leak tells how well a download of each file can be told from those of the "
	    "others, by grades of evidence: how many files fit what is seen, itself "
	    "included. With --summary it prints, by class of size, how often the first "
	    "of equally likely guesses would be right (top-1) and how many files stand "
	    "alone (unique), both in percent. Only files that the filter picks are "
	    "looked at.",
	.examples = "weir catalog build debian /var/lib/apt/lists -w debian.tsv\n"
	    "weir catalog build rpm repodata/repomd.xml -w fedora.tsv\n"
	    "weir catalog build npm left-pad.json --measure --rate 2 -w npm.tsv\n"
	    "weir catalog diff debian-monday.tsv debian.tsv -o tsv\n"
	    "weir catalog leak debian.tsv --summary 'suite = bookworm'\n"
	    "weir catalog show debian.tsv --sort -released 'size > 10M'",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.values_size = sizeof(struct catalog_values),
	.run = run,
	.more_help = more_help,
};
