/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the control sockets of all commands have in common.
 */
#include "cmd/control.h"

#include "base/err.h"
#include "model/type.h"
#include "serve/http.h"
#include "serve/metrics.h"
#include "wire/address.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct control {
	const char *metrics;
	struct sockaddr_storage address; /* of HTTP */
	struct server *server;
	struct http *http;
};

int
control_open(const struct control_values *v, const struct serve_command *rows, size_t n,
    void *context, struct control **out, struct err *err)
{
	struct serve_config config = {.path = v->path, .group = v->group,
	    .commands = rows,
	    .command_count = n, .context = context};
	struct control *c;
	socklen_t len;

	if (v->group != NULL && v->path == NULL)
		return err_set(err, EINVAL, "--control-group needs --control");
	if ((c = calloc(1, sizeof *c)) == NULL)
		return err_set(err, ENOMEM, "control: out of memory");
	c->metrics = v->metrics;
	if ((v->metrics != NULL &&
	     address_resolve(v->metrics, true, &c->address, &len, err) != 0) ||
	    server_open(&config, &c->server, err) != 0 ||
	    (v->metrics != NULL && http_open(c->server, v->metrics,
	     (const struct sockaddr *)&c->address, &c->http, err) != 0)) {
		control_close(c);
		return -1;
	}
	*out = c;
	return 0;
}

int
control_start(struct control *c, struct err *err)
{
	if (c == NULL)
		return 0;
	if (server_start(c->server, err) != 0)
		return -1;
	return c->http != NULL ? http_start(c->http, err) : 0;
}

void
control_close(struct control *c)
{
	if (c == NULL)
		return;
	http_close(c->http);
	server_close(c->server);
	free(c);
}

uint16_t
control_port(const struct control *c)
{
	return c == NULL || c->http == NULL ? 0 : http_port(c->http);
}

const uint64_t *
control_counters(const struct control *c)
{
	return server_counters(c->server);
}

void
control_say(struct serve_reply *reply, const char *fmt, ...)
{
	char line[512];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line, sizeof line, fmt, args);
	va_end(args);
	n = n < 0 ? 0 : n < (int)sizeof line ? n : (int)sizeof line - 1;
	if (!reply->is_json) {
		text_bytes(&reply->text, line, (size_t)n);
		text_char(&reply->text, '\n');
		return;
	}
	text_str(&reply->text, "{\"message\":");
	text_json(&reply->text, line, (size_t)n);
	text_str(&reply->text, "}\n");
}

void
control_since(struct text *out, int64_t started_us)
{
	char since[32];

	time_print(started_us / 1000000 * 1000000, STYLE_MACHINE, since);
	text_printf(out, "weir[%d]: Accumulated statistics since %.19s UTC:\n",
	    (int)getpid(), since);
}

void
control_json_counters(struct text *out, bool is_first, const char *module,
    const struct counter_row *rows, const uint64_t *values, size_t n)
{
	size_t i;

	text_printf(out, "%s\"%s\":{", is_first ? "" : ",", module);
	for (i = 0; i < n; i++) {
		text_printf(out, "%s\"%s\":", i > 0 ? "," : "", rows[i].id);
		text_u64(out, values[i]);
	}
	text_char(out, '}');
}

void
control_metrics_head(struct text *out, const char *command, int64_t started_us)
{
	metrics_family(out, "weir_build_info", METRIC_GAUGE,
	    "1, and the version by its label");
	metrics_sample_u64(out, "weir_build_info", "version", WEIR_VERSION, 1);
	metrics_family(out, "weir_start_time_seconds", METRIC_GAUGE,
	    "when the program began, in seconds since 1970, and its command");
	metrics_sample(out, "weir_start_time_seconds", "command", command,
	    (double)started_us / 1e6);
}

void
control_metrics_tail(struct text *out, const struct control *control)
{
	metrics_counters(out, "control", serve_counter_rows, control_counters(control),
	    SERVE_COUNTERS);
}
