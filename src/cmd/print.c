/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir print: rows of a store as text. The filter and the fields asked for decide which
 * columns are read at all.
 */
#include "cmd/common.h"

#include "filter/filter.h"
#include "model/flow.h"
#include "model/sink.h"
#include "report/report.h"

#include <errno.h>
#include <string.h>

struct print {
	const char *store, *format, *output, *fields, *from, *to;
	uint64_t limit;
};

static const struct option_row options[] = {
	OPTION_STORE_ROW(struct print),
	OPTION_FORMAT_ROW(struct print, "table, tsv, csv or ndjson"),
	OPTION_OUTPUT_ROW(struct print),
	{"fields", 'f', OPTION_TEXT, offsetof(struct print, fields), "LIST", NULL, 0, 0,
	    "columns: ids of fields or names of layouts with commas between"},
	{"from", 0, OPTION_TEXT, offsetof(struct print, from), "TIME", NULL, 0, 0,
	    "only flows that end at this time or later"},
	{"to", 0, OPTION_TEXT, offsetof(struct print, to), "TIME", NULL, 0, 0,
	    "only flows that start before this time"},
	{"limit", 'l', OPTION_NUMBER, offsetof(struct print, limit), "ROWS", "0", 0, 0,
	    "stop after so many rows; 0 is no limit"},
};

static int
parse_window(const struct print *p, struct store_scan_config *scan, struct err *err)
{
	scan->from = 0;
	scan->to = INT64_MAX;
	if (p->from == NULL && p->to == NULL) {
		scan->to = 0;
		return 0;
	}
	if (p->from != NULL && !time_parse(p->from, strlen(p->from), &scan->from))
		return err_set(err, EINVAL, "--from takes %s, not '%s'",
		    types[TYPE_time].help, p->from);
	if (p->to != NULL && !time_parse(p->to, strlen(p->to), &scan->to))
		return err_set(err, EINVAL, "--to takes %s, not '%s'",
		    types[TYPE_time].help, p->to);
	return 0;
}

/* The columns that printing reads: those asked for, operands of derived ones included. */
static int
mark_fields(const char *list, uint64_t needed[4], struct err *err)
{
	unsigned fields[SCHEMA_FIELDS_MAX], n, i;

	if (report_fields(&flow_schema, list, fields, &n, err) != 0)
		return -1;
	for (i = 0; i < n; i++)
		row_mark(needed, fields[i]);
	return 0;
}

static int
run(void *values, const char **operands, int count, struct err *err)
{
	struct print *p = values;
	struct sink *sink = NULL;
	struct flows_query q = {0};
	struct err close_err = {0};
	int status = EXIT_USAGE;

	if (need_option(p->store, "--store DIR", err) != 0 ||
	    flows_query_init(&q, p->store, operands, count, err) != 0 ||
	    parse_window(p, &q.query.scan, err) != 0 || mark_fields(p->fields, q.needed,
	    err) != 0)
		goto done;
	filter_fields(q.filter, q.needed);
	q.query.scan.needed = q.needed;
	q.query.limit_rows = p->limit;
	if (output_open(&flow_schema, p->format, p->output, p->fields, &sink, err) != 0)
		goto done;
	status = query_run(&q.query, sink, NULL, err) == 0 ? EXIT_GOOD : EXIT_TROUBLE;
	if (sink_close(sink, err->code != 0 ? &close_err : err) != 0)
		status = EXIT_TROUBLE;
	if (err->code == EPIPE) /* head(1) had enough */
		err_clear(err);
done:
	flows_query_done(&q);
	return status;
}

static void
more_help(struct text *out)
{
	text_str(out, "Formats and layouts:\n");
	report_help(out, &flow_schema);
	text_str(out, "\nFilter:\n");
	filter_help(out, &flow_schema);
}

const struct command command_print = {
	.name = "print",
	.summary = "Prints flows of a store",
	.operands = "[FILTER]",
	.about = "Prints the flows that the filter picks, as they lie in the store: a "
	    "row is a biflow with src as the initiator where that is known. The last "
	    "words are the filter; quote it where the shell would see signs in it.\n\n"
	    "Rows that are still in a writer's journal are printed too, each once.",
	.examples = "weir print --store flows 'port 443 and bytes > 1M'\n"
	"weir print --store flows -o ndjson --fields start,src,dst,span,reverse_span "
	"proto tcp",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.values_size = sizeof(struct print),
	.run = run,
	.more_help = more_help,
};
