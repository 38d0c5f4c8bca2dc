/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir load: flows from TSV or CSV into a store, or shown as they are understood.
 */
#include "load/load.h"

#include "cmd/common.h"
#include "load/dialect.h"
#include "model/flow.h"
#include "model/sink.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>

struct values {
	const char *store, *format, *output;
	bool no_turn, no_join, ignores_unknown;
};

static const struct option_row options[] = {
	OPTION_STORE_ROW(struct values),
	{"format", 'o', OPTION_TEXT, offsetof(struct values, format), "FORMAT", NULL, 0,
	    0, "print the rows instead of storing them: table, tsv, csv or ndjson"},
	OPTION_OUTPUT_ROW(struct values),
	{"no-turn", 0, OPTION_FLAG, offsetof(struct values, no_turn), NULL, NULL, 0, 0,
	    "leave rows that the server sent as they are"},
	{"no-join", 0, OPTION_FLAG, offsetof(struct values, no_join), NULL, NULL, 0, 0,
	    "leave the two directions of a conversation two rows"},
	{"ignore-unknown", 0, OPTION_FLAG, offsetof(struct values, ignores_unknown), NULL,
	    NULL, 0, 0, "read over columns whose names are not known"},
};

static void
report(void *arg, const char *text)
{
	complain("%s", text);
}

static int
open_sink(const struct values *v, struct store **store, struct sink **out,
    struct err *err)
{
	struct store_config config = {.clock = STORE_CLOCK_PACKET,
	    .sync = STORE_SYNC_SEGMENTS};

	if (v->format != NULL)
		return output_open(&flow_schema, v->format, v->output, NULL, out, err);
	if (store_open(v->store, &config, store, err) != 0)
		return -1;
	if (store_notes(*store)[0] != '\0')
		complain("%s", store_notes(*store));
	return store_sink(*store, &flow_schema, out, err);
}

static int
run(void *values, const char **operands, int count, struct err *err)
{
	struct values *v = values;
	struct load_config config = {.no_turn = v->no_turn, .no_join = v->no_join,
	    .ignores_unknown = v->ignores_unknown, .report = report};
	struct load_stats stats = {0};
	struct err close_err = {0};
	struct store *store = NULL;
	struct sink *sink = NULL;
	struct text t;
	int status = EXIT_TROUBLE, i;

	if (count == 0) {
		err_set(err, EINVAL,
		    "needs a FILE, TSV or CSV with a heading; - is standard input");
		return EXIT_USAGE;
	}
	if (v->format == NULL && need_option(v->store, "--store DIR (or -o FORMAT)",
	    err) != 0)
		return EXIT_USAGE;
	if (open_sink(v, &store, &sink, err) != 0)
		goto done;
	for (i = 0; i < count; i++) {
		progress_show("loading", (uint64_t)i, (uint64_t)count);
		if (load_file(operands[i], &config, sink, &stats, err) != 0)
			break;
	}
	status = err->code == 0 && stats.counters[LOAD_bad_lines] == 0 ? EXIT_GOOD
	    : EXIT_TROUBLE;
done:
	if (sink_close(sink, err->code != 0 ? &close_err : err) != 0)
		status = EXIT_TROUBLE;
	store_close(store);
	text_init(&t);
	counters_print(&t, load_counter_rows, stats.counters, LOAD_COUNTERS);
	progress_show("", 0, 0);
	fputs(t.data, v->format != NULL ? stderr : stdout);
	text_done(&t);
	return status;
}

static void
more_help(struct text *out)
{
	const struct dialect *d;
	size_t i;

	text_str(out, "Tables of other programs, told by their first line:\n");
	for (i = 0; (d = dialect_at(i)) != NULL; i++)
		text_printf(out, "  %s\n", d->program);
	text_str(out, "\nNames of columns:\n");
	schema_help(out, &flow_schema);
}

const struct command command_load = {
	.name = "load",
	.summary = "Loads flows from TSV or CSV into a store",
	.operands = "FILE...",
	.about = "Reads tables whose first line names fields, any subset of those "
	    "below: start, src, dst, proto and bytes must be there. A tab in the first "
	    "line makes the file TSV, else it is CSV. Times are epoch seconds (milli-, "
	    "micro- and nanoseconds are known by their digits) or ISO 8601; an empty cell is null. Without end a flow ends as it starts; without "
	    "packets they are the least that hold the bytes.\n\n"
	    "Tables that other programs print are known by their first line and read as "
	    "they are; columns that have no field here are read over. Times are taken "
	    "for UTC: nfdump prints those of its own zone, so run it with TZ=UTC.\n\n"
	    "A row that was sent from the server's port is turned round, so that src is "
	    "the client; the two directions of a conversation become one row. If only "
	    "the server's direction is there, bytes and packets are 0 and the counters "
	    "stand in reverse_bytes and reverse_packets.\n\n"
	    "A wrong line is left out, counted, and the first ten are reported with "
	    "file, line and column; the exit status is then 1.",
	.examples = "weir load flows.tsv --store flows\n"
	    "TZ=UTC nfdump -R /var/cache/nfdump -o csv | weir load - --store flows",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.values_size = sizeof(struct values),
	.run = run,
	.more_help = more_help,
};
