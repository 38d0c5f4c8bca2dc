/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where weir meter's flows go. The text output of a live run is reached through a sink
 * that can exchange what is behind it, for files that are moved away while it runs.
 */
#include "cmd/meter.h"

#include "base/err.h"
#include "base/sandbox.h"
#include "cmd/common.h"
#include "cmd/log.h"
#include "model/flow.h"
#include "model/sink.h"
#include "send/send.h"
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct text_output {
	struct sink sink; /* first */
	struct sink *inner;
	const struct meter_values *v;
};

static int
text_push(struct sink *sink, struct batch *batch, struct err *err)
{
	return sink_push(((struct text_output *)sink)->inner, batch, err);
}

static int
text_flush(struct sink *sink, struct err *err)
{
	return sink_flush(((struct text_output *)sink)->inner, err);
}

static int
text_close(struct sink *sink, struct err *err)
{
	int status = sink_close(((struct text_output *)sink)->inner, err);

	free(sink);
	return status;
}

static int
text_open(const struct meter_values *v, struct sink **out, struct err *err)
{
	struct text_output *t = calloc(1, sizeof *t);

	if (t == NULL)
		return err_set(err, ENOMEM, "out of memory");
	t->sink = (struct sink){text_push, text_flush, text_close};
	t->v = v;
	if (output_open(&flow_schema, v->format, v->output, v->fields, &t->inner,
	    err) != 0) {
		free(t);
		return -1;
	}
	*out = &t->sink;
	return 0;
}

int
meter_outputs_reopen(struct meter_outputs *o, struct err *err)
{
	struct text_output *t = (struct text_output *)o->text;
	struct sink *fresh;
	int status;

	if (t == NULL || t->v->output == NULL)
		return 0;
	if (output_open(&flow_schema, t->v->format, t->v->output, t->v->fields, &fresh,
	    err) != 0)
		return -1; /* the old one goes on */
	status = sink_close(t->inner, err);
	t->inner = fresh;
	return status;
}

static void
close_reports(struct meter_outputs *o)
{
	struct err err = {0};

	while (o->report_count > 0)
		sink_close(o->reports[--o->report_count], &err);
}

/* Interfaces that have an index, to tell collectors what it stands for. */
static unsigned
name_interfaces(const struct meter_values *v, struct wire_interface out[OPTION_LIST_MAX])
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < v->interfaces.count; i++) {
		out[n].name = meter_interface_split(v->interfaces.items[i],
		    &out[n].index);
		n += out[n].index != 0;
	}
	return n;
}

/* A sink of flows, or for each worker one of packets. */
static int
open_send(const struct meter_values *v, bool is_live, struct meter_outputs *out,
    struct err *err)
{
	size_t i, workers = is_live ? meter_worker_count(v) : 1;
	struct send_config send;
	struct meter_config meter;

	if (export_make(&v->export, &send, err) != 0 || meter_config_make(v, &meter,
	    err) != 0)
		return -1;
	send.is_live = is_live;
	send.encode.key_fields = out->key_fields;
	send.encode.key_count = meter_key_fields(&meter, out->key_fields);
	send.encode.process = (uint32_t)getpid();
	send.encode.sampling = (uint32_t)(v->sample_random > 1 ? v->sample_random
	    : v->sample);
	send.encode.is_sampling_random = v->sample_random > 1;
	send.encode.interfaces = out->interfaces;
	send.encode.interface_count = name_interfaces(v, out->interfaces);
	if (!send.encode.is_psamp)
		return send_open(&send, &out->send, err);
	for (i = 0; i < workers; i++, send.encode.domain++) {
		if (send_open(&send, &out->reports[i], err) != 0)
			return -1;
		out->report_count++;
	}
	return 0;
}

int
meter_outputs_open(const struct meter_values *v, bool is_live, struct meter_outputs *out,
    struct err *err)
{
	struct store_config config = {.clock = is_live ? STORE_CLOCK_RECEIPT
	    : STORE_CLOCK_PACKET,
	    .sync = is_live ? STORE_SYNC_SECOND : STORE_SYNC_SEGMENTS,
	    .rotation_s = (uint32_t)(v->rotate_us / 1000000)};
	struct sink *sinks[3];
	struct err close_err = {0};
	size_t n = 0;

	*out = (struct meter_outputs){.v = v};
	if (v->store != NULL) {
		if (store_open(v->store, &config, &out->store, err) != 0)
			return -1;
		if (store_notes(out->store)[0] != '\0')
			complain("%s", store_notes(out->store));
		if (store_sink(out->store, &flow_schema, &sinks[n], err) != 0)
			goto fail;
		n++;
	}
	if (v->export.collectors != NULL) {
		if (open_send(v, is_live, out, err) != 0)
			goto fail;
		if (out->send != NULL)
			sinks[n++] = out->send;
	}
	if (v->format != NULL) {
		if (text_open(v, &sinks[n], err) != 0)
			goto fail;
		out->text = sinks[n++];
	}
	if (tee_open(sinks, n, &out->sink, err) == 0)
		return 0;
fail:
	while (n > 0)
		sink_close(sinks[--n], &close_err);
	close_reports(out);
	store_close(out->store);
	*out = (struct meter_outputs){0};
	return -1;
}

int
meter_outputs_close(struct meter_outputs *o, struct err *err)
{
	int status = sink_close(o->sink, err);

	close_reports(o);
	store_close(o->store);
	*o = (struct meter_outputs){0};
	return status;
}

bool
meter_outputs_wait(const struct meter_outputs *o)
{
	return o->store != NULL ||
	    (o->send != NULL && strcmp(o->v->export.transport, "udp") != 0);
}

static void
complain_line(const char *line)
{
	complain("%s", line);
}

/* What became of the collectors since the last call. */
static void
tell_news(struct sink *sink, void (*tell)(const char *line))
{
	struct text t;
	char *line, *rest;

	text_init(&t);
	send_news(sink, &t);
	for (line = t.len == 0 ? NULL : strtok_r(t.data, "\n", &rest); line != NULL;
	    line = strtok_r(NULL, "\n", &rest))
		tell(line);
	text_done(&t);
}

void
meter_outputs_news(const struct meter_outputs *o, void (*tell)(const char *line))
{
	if (o->send != NULL)
		tell_news(o->send, tell);
}

void
meter_outputs_drain(struct meter_outputs *o)
{
	unsigned i;

	for (i = 0; i < o->report_count; i++) {
		send_drain(o->reports[i]);
		tell_news(o->reports[i], complain_line);
	}
	if (o->send == NULL)
		return;
	send_drain(o->send);
	meter_outputs_news(o, complain_line);
	export_complain(o->send, &o->v->export);
}

int
meter_outputs_check_lost(const struct meter_outputs *o, struct err *err)
{
	unsigned i;

	if (o->v == NULL) /* they are not open */
		return 0;
	for (i = 0; i < o->report_count; i++) {
		if (export_check_lost(o->reports[i], &o->v->export, err) != 0)
			return -1;
	}
	return export_check_lost(o->send, &o->v->export, err);
}

void
meter_outputs_print(const struct meter_outputs *o, struct text *out)
{
	unsigned i;

	for (i = 0; i < o->report_count; i++) {
		text_str(out, "reports of packets\n");
		send_print(o->reports[i], out);
	}
	if (o->send != NULL) {
		text_str(out, "send\n");
		send_print(o->send, out);
	}
	if (o->store != NULL) {
		text_str(out, "store\n");
		counters_print(out, store_counter_rows, store_counters(o->store),
		    STORE_COUNTERS);
	}
}

int
meter_sandbox(const struct meter_values *v, struct sandbox *sandbox, struct err *err)
{
	struct text notes;
	int status;

	if (v->no_sandbox)
		return 0;
	text_init(&notes);
	sandbox->grants |= command_meter.sandbox;
	sandbox->writable[0] = v->store;
	status = sandbox_enter(sandbox, &notes, err);
	if (notes.len > 0)
		log_say(LOG_DETAIL, "meter: sandbox: %.*s", (int)notes.len - 1,
		    notes.data);
	text_done(&notes);
	return status;
}
