/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the options of weir meter (rows in meter.c) mean together.
 */
#include "cmd/meter.h"

#include "base/err.h"
#include "base/text.h"
#include "cmd/common.h"
#include "model/flow.h"
#include "model/schema.h"
#include "packet/bpf.h"
#include "packet/tunnel.h"
#include "run/run.h"

#include <errno.h>
#include <string.h>

int
meter_config_make(const struct meter_values *v, struct meter_config *out, struct err *err)
{
	size_t i;

	meter_config_default(out);
	out->max_flows = (uint32_t)v->max_flows;
	out->request_min = (uint32_t)v->request_min;
	out->cut_exchanges = !v->no_cut && !v->is_directional;
	out->directional = v->is_directional;
	out->labels = (uint32_t)v->labels;
	out->sample_interval = (uint32_t)(v->sample_random > 1 ? v->sample_random
	    : v->sample);
	out->sample_is_random = v->sample_random > 1;
	if (v->sample > 1 && v->sample_random > 1)
		return err_set(err, EINVAL,
		    "--sample and --sample-random exclude each other");
	for (i = 0; i < v->timeouts.count; i++)
		if (meter_config_timeout(out, v->timeouts.items[i], err) != 0)
			return -1;
	for (i = 0; i < v->macs.count; i++)
		if (meter_config_mac(out, v->macs.items[i], err) != 0)
			return -1;
	out->has_segments = v->tunnels != 0;
	if (meter_config_key(out, v->key, err) != 0)
		return -1;
	return meter_config_check(out, err);
}

int
meter_summary_parse(const char *name, enum meter_summary *out, struct err *err)
{
	static const char *const names[] = {[SUMMARY_FRAMES] = "frames",
	    [SUMMARY_SOFTFLOWD] = "softflowd", [SUMMARY_JSON] = "json"};
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(names[i], name) == 0) {
			*out = (enum meter_summary)i;
			return 0;
		}
	}
	return err_set(err, EINVAL, "--summary takes frames, softflowd or json, not '%s'",
	    name);
}

const char *
meter_interface_split(const char *text, uint32_t *index)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t number;

	*index = 0;
	if (digits == 0 || text[digits] != ':' || !parse_u64(text, digits, &number) ||
	    number > UINT32_MAX)
		return text;
	*index = (uint32_t)number;
	return text + digits + 1;
}

unsigned
meter_worker_count(const struct meter_values *v)
{
	return v->receive != NULL ? 1 : (unsigned)(v->interfaces.count * v->workers);
}

/* A text that no link type takes is wrong in itself. */
static int
check_filter(const char *text, struct err *err)
{
	static const uint32_t linktypes[] = {1, 101, 113};
	struct packet_filter *filter;
	struct err why = {0}; /* keeps what Ethernet, the first, says */
	size_t i;

	for (i = 0; i < sizeof linktypes / sizeof *linktypes; i++) {
		if (packet_filter_compile(text, linktypes[i], 0, &filter, &why) == 0) {
			packet_filter_free(filter);
			return 0;
		}
	}
	return err_set(err, why.code, "%s (files are given with -r)", why.text);
}

int
meter_values_check(struct meter_values *v, struct err *err)
{
	struct send_config send;
	struct meter_config config;
	enum meter_summary summary;

	if (v->files.count == 0 && v->interfaces.count == 0 && v->receive == NULL)
		return need_option(NULL,
		    "-r FILE, -i INTERFACE or --receive-psamp HOST:PORT", err);
	if (v->files.count > 0 && v->interfaces.count > 0)
		return err_set(err, EINVAL,
		    "-r and -i do not go together: files have a time of "
		    "their own");
	if (v->receive != NULL && v->files.count + v->interfaces.count > 0)
		return err_set(err, EINVAL,
		    "--receive-psamp takes the place of -r and -i: the "
		    "packets come from there");
	if (meter_summary_parse(v->summary, &summary, err) != 0)
		return -1;
	if (v->store == NULL && v->export.collectors == NULL && v->format == NULL &&
	    !control_is_wanted(&v->control) && summary == SUMMARY_FRAMES)
		return err_set(err, EINVAL,
		    "say where flows go: --store DIR, -n HOST:PORT or "
		    "-o FORMAT; --control, --metrics or --summary softflowd if only "
		    "counters are wanted");
	if (v->files.count > 0 && (control_is_wanted(&v->control) ||
	    v->control.group != NULL))
		return err_set(err, EINVAL,
		    "--control and --metrics are for live captures (-i, "
		    "--receive-psamp)");
	if (meter_worker_count(v) > RUN_WORKERS_MAX)
		return err_set(err, EINVAL,
		    "--workers: %d threads at most, for all interfaces "
		    "together", RUN_WORKERS_MAX);
	if (check_filter(v->filter, err) != 0 || export_make(&v->export, &send,
	    err) != 0 || tunnel_kinds(v->tunnel, &v->tunnels, err) != 0)
		return -1;
	return meter_config_make(v, &config, err);
}

void
meter_more_help(struct text *out)
{
	meter_config_help(out);
	text_str(out, "\nKinds of tunnels (--tunnel LIST):\n");
	tunnel_help(out);
	text_str(out, "\nFields of a flow:\n");
	schema_help(out, &flow_schema);
}
