/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir collect: NetFlow and IPFIX datagrams into a store, or shown as they come, until
 * SIGINT or SIGTERM; then everything received is written and a summary printed.
 */
#include "collect/collect.h"

#include "base/sandbox.h"
#include "cmd/collect_control.h"
#include "cmd/common.h"
#include "cmd/control.h"
#include "cmd/log.h"
#include "model/flow.h"
#include "model/sink.h"
#include "store/store.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct values {
	struct control_values control;
	const char *listen, *store, *format, *output, *fields;
	uint64_t buffer_bytes, connections, pen;
	int64_t rotate_us, idle_us;
	bool is_synced, no_sandbox;
};

static const struct option_row options[] = {
	{"listen", 'l', OPTION_TEXT, offsetof(struct values, listen), "HOST:PORT",
	    ":2055", 0, 0,
	    "address to receive at, [IPV6]:PORT and :PORT too; tcp: or sctp: in front "
	    "takes connections, commas stand between several; port 0 takes a free one"},
	{"connections", 0, OPTION_NUMBER, offsetof(struct values, connections), "N",
	    "256", 1,
	    65536,
	    "connections at once; a quarter of them, at least one, of one address"},
	{"idle", 0, OPTION_TIME, offsetof(struct values, idle_us), "TIME", "1h", 0, 0,
	    "close a connection that is silent for so long"},
	{"pen", 0, OPTION_NUMBER, offsetof(struct values, pen), "NUMBER", "32473", 1,
	    UINT32_MAX - 1, "enterprise number under which weir's own elements are read"},
	OPTION_STORE_ROW(struct values),
	{"format", 'o', OPTION_TEXT, offsetof(struct values, format), "FORMAT", NULL, 0,
	    0, "print the flows as they come: table, tsv, csv or ndjson"},
	OPTION_OUTPUT_ROW(struct values),
	{"fields", 'f', OPTION_TEXT, offsetof(struct values, fields), "LIST", NULL, 0, 0,
	    "columns to print"},
	{"buffer", 'B', OPTION_NUMBER, offsetof(struct values, buffer_bytes), "BYTES",
	    "16Mi", 4096, 1 << 30, "size of the socket's receive buffer"},
	{"rotate", 0, OPTION_TIME, offsetof(struct values, rotate_us), "TIME", "5m", 0, 0,
	    "a new segment of the store every so often"},
	{"sync", 0, OPTION_FLAG, offsetof(struct values, is_synced), NULL, NULL, 0, 0,
	    "sync the journal at every write instead of once a second"},
	{"no-sandbox", 0, OPTION_FLAG, offsetof(struct values, no_sandbox), NULL, NULL, 0,
	    0, "keep all rights; else capabilities, paths and system calls that are not "
	    "needed any more are given up once all is open"},
	OPTION_CONTROL_ROWS(struct values, control),
};

static int
open_sinks(const struct values *v, struct store **store, struct sink **out,
    struct err *err)
{
	struct store_config config = {.writer = "collect", .clock = STORE_CLOCK_RECEIPT,
	    .sync = v->is_synced ? STORE_SYNC_ALWAYS : STORE_SYNC_SECOND,
	    .rotation_s = (uint32_t)(v->rotate_us / 1000000)};
	struct sink *sinks[2];
	struct err close_err = {0};
	size_t n = 0;

	if (v->store != NULL) {
		if (store_open(v->store, &config, store, err) != 0)
			return -1;
		if (store_notes(*store)[0] != '\0')
			complain("%s", store_notes(*store));
		if (store_sink(*store, &flow_schema, &sinks[n], err) != 0)
			return -1;
		n++;
	}
	if (v->format != NULL) {
		if (output_open(&flow_schema, v->format, v->output, v->fields, &sinks[n],
		    err) != 0)
			goto fail;
		n++;
	}
	if (tee_open(sinks, n, out, err) == 0)
		return 0;
fail:
	while (n > 0)
		sink_close(sinks[--n], &close_err);
	return -1;
}

static void
summary(const struct collector *collector, const struct store *store, FILE *to)
{
	struct text t;

	text_init(&t);
	collector_print(collector, &t);
	if (store != NULL) {
		text_str(&t, "store\n");
		counters_print(&t, store_counter_rows, store_counters(store),
		    STORE_COUNTERS);
	}
	fputs(t.data, to);
	text_done(&t);
}

/* What is not needed once all is open is given up; threads come after it. */
static int
give_up_rights(const struct values *v, struct err *err)
{
	char *output = folder_of(v->output), *control = folder_of(v->control.path);
	struct sandbox sandbox = {.grants = command_collect.sandbox,
	    .writable = {v->store, output}, .removable = {control}};
	struct text notes;
	int status;

	text_init(&notes);
	status = v->no_sandbox ? 0 : sandbox_enter(&sandbox, &notes, err);
	if (notes.len > 0)
		log_say(LOG_DETAIL, "collect: sandbox: %.*s", (int)notes.len - 1,
		    notes.data);
	text_done(&notes);
	free(output);
	free(control);
	return status;
}

static int
run(void *values, const char **operands, int count, struct err *err)
{
	struct values *v = values;
	struct collector_config config = {.listen = v->listen,
	    .buffer_bytes = (int)v->buffer_bytes, .stop_fd = -1, .pen = (uint32_t)v->pen,
	    .connections_max = (unsigned)v->connections,
	    .connections_per_host = (unsigned)(v->connections / 4 + (v->connections < 4)),
	    .idle_us = v->idle_us,
	    /* what is only stored is stored as it lies */
	    .batch_rows = v->format == NULL ? STORE_GROUP_ROWS : 0};
	struct collector *collector = NULL;
	struct store *store = NULL;
	/* what is asked while it runs is between them */
	struct sink *sink = NULL, *taker;
	struct collect_control *control = NULL;
	struct err close_err = {0};
	struct text where;
	sigset_t stops;
	bool has_run = false;
	int status = EXIT_TROUBLE;

	if (count > 0) {
		err_set(err, EINVAL,
		    "'%s' is left over; the address is given with --listen", operands[0]);
		return EXIT_USAGE;
	}
	if (v->store == NULL && v->format == NULL) {
		err_set(err, EINVAL, "say where flows go: --store DIR or -o FORMAT");
		return EXIT_USAGE;
	}
	sigemptyset(&stops);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGTERM);
	sigprocmask(SIG_BLOCK, &stops, NULL);
	config.stop_fd = signalfd(-1, &stops, SFD_CLOEXEC);
	/* An address that cannot be had is told before anything is made. */
	if (collector_open(&config, &collector, err) != 0 ||
	    open_sinks(v, &store, &sink, err) != 0)
		goto done;
	taker = sink;
	if (collect_control_open(&v->control, &taker, &control, err) != 0 ||
	    give_up_rights(v, err) != 0 ||
	    collect_control_start(control, collector, store, err) != 0)
		goto done;
	text_init(&where);
	collector_describe(collector, &where);
	fprintf(stderr, "weir: collect: listening on %s\n", where.data);
	text_done(&where);
	has_run = true;
	if (collector_run(collector, taker, err) == 0)
		status = EXIT_GOOD;
done:
	collect_control_close(control);
	if (sink_close(sink, err->code != 0 ? &close_err : err) != 0)
		status = EXIT_TROUBLE;
	if (has_run)
		summary(collector, store, v->format != NULL ? stderr : stdout);
	collector_close(collector);
	store_close(store);
	if (config.stop_fd >= 0)
		close(config.stop_fd);
	return status;
}

const struct command command_collect = {
	.name = "collect",
	.summary = "Receives NetFlow v1, v5, v7, v9 and IPFIX",
	.operands = "--listen HOST:PORT",
	.about = "Receives export datagrams by UDP, and IPFIX by TCP and SCTP "
	    "connections, and stores their flows, until SIGINT or SIGTERM. Versions are "
	    "told by the datagrams themselves. Data that come before their template are "
	    "kept for it, within bounds; unknown and enterprise elements are stepped "
	    "over and counted; sampling told by options data is noted with each "
	    "flow.\n\n"
	    "A second after a flow was received it is in the journal, where print sees "
	    "it and kill -9 cannot lose it. The summary at the end counts everything "
	    "that was lost: by the kernel, by sequence numbers, by damage, for want of "
	    "a template.",
	.examples = "weir collect --listen :2055 --store flows\n"
	    "weir collect --listen :2055,tcp::4739 --store flows\n"
	    "weir collect --listen 127.0.0.1:2055 -o ndjson",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.values_size = sizeof(struct values),
	.sandbox = SANDBOX_FILES | SANDBOX_NETWORK | SANDBOX_THREADS,
	.run = run,
};
