/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_CONTROL_H
#define CMD_CONTROL_H

#include "base/option.h"
#include "serve/server.h"

struct control;
struct err;

/*
 * The control socket and the metrics page of a command that runs on: its options, and
 * both servers. weir ctl is the other side.
 */
struct control_values {
	const char *path, *group, *metrics;
};

#define CONTROL_FOLDER "/run/weir"
#define CONTROL_PATH CONTROL_FOLDER "/meter.ctl"

/* Rows for a command whose values struct has a struct control_values of this name. */
#define OPTION_CONTROL_ROWS(type, member)                                               \
	{                                                                               \
		"control", 'c', OPTION_TEXT, offsetof(type, member.path), "SOCKET", \
		    NULL, 0, 0, "take commands at this Unix socket (weir-ctl(1)), mode " \
		    "0660" \
	},                                                                              \
	{                                                                               \
		"control-group", 0, OPTION_TEXT, offsetof(type, member.group), "GROUP", \
		    NULL, 0, 0, "the group of the control socket" \
	},                                                                              \
	{                                                                               \
		"metrics", 0, OPTION_TEXT, offsetof(type, member.metrics), "HOST:PORT", \
		    NULL, 0, 0, "metrics for Prometheus by HTTP at this address, path " \
		    "/metrics" \
	}

static inline bool
control_is_wanted(const struct control_values *v)
{
	return v->path != NULL || v->metrics != NULL;
}

/*
 * Binds both addresses; nothing is served before control_start. The rows must have a
 * command "metrics" and are borrowed, as is the context.
 */
int control_open(const struct control_values *v, const struct serve_command *rows,
    size_t n, void *context, struct control **out, struct err *err);
int control_start(struct control *control, struct err *err); /* NULL: does nothing */
/* Answers what was asked, removes the socket. Before what the context points to ends. */
void control_close(struct control *control);
/* The port of HTTP, 0 without; the server's counters, for a command's function. */
uint16_t control_port(const struct control *control);
const uint64_t *control_counters(const struct control *control);

/* {"message":"TEXT"} or the text as it is: answers of a line. */
void control_say(struct serve_reply *reply, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The line that statistics begin with. */
void control_since(struct text *out, int64_t started_us);
/* Members "module":{"id":value,...} of a JSON object, with a comma before but for the
 * first. */
void control_json_counters(struct text *out, bool is_first, const char *module,
    const struct counter_row *rows, const uint64_t *values, size_t n);
/* weir_build_info, weir_start_time_seconds: what every program has. */
void control_metrics_head(struct text *out, const char *command, int64_t started_us);
/* The server's own. */
void control_metrics_tail(struct text *out, const struct control *control);

#endif
