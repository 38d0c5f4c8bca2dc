/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What several commands do alike: where output goes, which rows a filter picks, and one
 * stream of batches into several sinks.
 */
#include "cmd/common.h"

#include "filter/filter.h"
#include "model/batch.h"
#include "model/flow.h"
#include "model/sink.h"
#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
need_option(const char *value, const char *option, struct err *err)
{
	if (value != NULL)
		return 0;
	return err_set(err, EINVAL, "%s is needed; --help shows how", option);
}

static int
open_file(const char *path, int *out, struct err *err)
{
	*out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (*out < 0)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	return 0;
}

int
output_open(const struct schema *schema, const char *format, const char *path,
    const char *fields, struct sink **out, struct err *err)
{
	unsigned list[SCHEMA_FIELDS_MAX];
	struct report_config config = {.fd = STDOUT_FILENO, .name = path,
	    .schema = schema,
	    .fields = list};

	if (report_format_parse(format, &config.format, err) != 0 ||
	    report_fields(schema, fields, list, &config.n, err) != 0)
		return -1;
	config.is_color = path == NULL && isatty(STDOUT_FILENO) &&
	    getenv("NO_COLOR") == NULL;
	if (path != NULL) {
		if (open_file(path, &config.fd, err) != 0)
			return -1;
		config.is_owned = true;
	} else {
		config.name = "standard output";
	}
	return report_open(&config, out, err);
}

int
output_text(const struct text *text, const char *path, struct err *err)
{
	const char *name = path == NULL ? "standard output" : path;
	int fd = STDOUT_FILENO, status = 0;
	size_t at = 0;
	ssize_t n;

	if (path != NULL && open_file(path, &fd, err) != 0)
		return -1;
	while (at < text->len && status == 0) {
		n = write(fd, text->data + at, text->len - at);
		if (n < 0 && errno != EINTR)
			status = err_set(err, errno, "%s: %s", name, strerror(errno));
		at += n > 0 ? (size_t)n : 0;
	}
	if (path != NULL && close(fd) != 0 && status == 0)
		status = err_set(err, errno, "%s: %s", name, strerror(errno));
	return status;
}

static int
select_by_filter(void *arg, struct batch *batch, uint64_t *alive, struct err *err)
{
	filter_select(arg, batch, alive);
	return 0;
}

int
flows_query_init(struct flows_query *q, const char *dir, const char **operands, int count,
    struct err *err)
{
	*q = (struct flows_query){0};
	q->text = operands_join(operands, count);
	if ((q->filter = filter_parse(&flow_schema, q->text, err)) == NULL)
		return -1;
	q->query.dir = dir;
	q->query.scan.schema = &flow_schema;
	if (!filter_is_any(q->filter)) {
		q->query.select = select_by_filter;
		q->query.select_arg = q->filter;
	}
	return 0;
}

void
flows_query_done(struct flows_query *q)
{
	filter_free(q->filter);
	free(q->text);
}

/* ---- tee ---- */

enum { TEE_MAX = 8 };

struct tee {
	struct sink sink;
	struct sink *sinks[TEE_MAX];
	size_t n;
};

static int
tee_push(struct sink *sink, struct batch *batch, struct err *err)
{
	struct tee *tee = (struct tee *)sink;
	size_t i;

	for (i = 0; i < tee->n; i++) {
		if (sink_push(tee->sinks[i], batch, err) != 0)
			return -1;
	}
	return 0;
}

static int
tee_flush(struct sink *sink, struct err *err)
{
	struct tee *tee = (struct tee *)sink;
	int status = 0;
	size_t i;

	for (i = 0; i < tee->n; i++)
		status |= sink_flush(tee->sinks[i], err);
	return status;
}

static int
tee_close(struct sink *sink, struct err *err)
{
	struct tee *tee = (struct tee *)sink;
	int status = 0;
	size_t i;

	for (i = 0; i < tee->n; i++)
		status |= sink_close(tee->sinks[i], err);
	free(tee);
	return status;
}

int
tee_open(struct sink *const *sinks, size_t n, struct sink **out, struct err *err)
{
	struct tee *tee;

	if (n > TEE_MAX)
		return err_set(err, EINVAL, "%d outputs at most", TEE_MAX);
	if ((tee = calloc(1, sizeof *tee)) == NULL)
		return err_set(err, ENOMEM, "out of memory");
	tee->sink = (struct sink){tee_push, tee_flush, tee_close};
	memcpy(tee->sinks, sinks, n * sizeof *sinks);
	tee->n = n;
	*out = &tee->sink;
	return 0;
}

char *
folder_of(const char *path)
{
	const char *slash = path == NULL ? NULL : strrchr(path, '/');

	if (path == NULL)
		return NULL;
	return slash == NULL ? strdup(".") : strndup(path,
	    slash == path ? 1 : (size_t)(slash - path));
}
