/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads flows from delimited text. Records are gathered some hundred at a time, their
 * cells brought into our words if the table is of another program (dialect.h), then each
 * column is parsed by its type; lines with a wrong cell fall out. What is left is
 * completed (end, packets), turned round or joined where one direction is the server's,
 * and goes to the sink by batches.
 */
#include "load/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "load/heading.h"
#include "load/join.h"
#include "load/reader.h"
#include "load/turn.h"
#include "model/batch.h"
#include "model/sink.h"

enum {
	BLOCK_ROWS = 512,
	BLOCK_BYTES = 4 << 20, /* of cells that a block may hold before it is parsed */
};

const struct counter_row load_counter_rows[LOAD_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "load/counter.def"
#undef COUNTER
};

struct load {
	struct reader reader;
	const struct load_config *config;
	struct sink *sink;
	struct load_stats *stats;
	struct err *err;
	unsigned reported;
	struct heading heading;
	/* the block */
	struct text bytes;
	size_t *ends; /* BLOCK_ROWS times column_count, into bytes */
	uint64_t lines[BLOCK_ROWS];
	bool is_bad[BLOCK_ROWS];
	size_t rows;
	struct str cells[BLOCK_ROWS];
	struct batch *raw;
	struct join *join;
	struct batch *out;
};

__attribute__((format(printf, 3, 4))) static void
bad_line(struct load *l, uint64_t line, const char *fmt, ...)
{
	unsigned most = l->config->reports == 0 ? 10 : l->config->reports;
	char words[512];
	struct text text;
	va_list args;

	l->stats->counters[LOAD_bad_lines]++;
	if (l->reported >= most || l->config->report == NULL)
		return;
	va_start(args, fmt);
	vsnprintf(words, sizeof words, fmt, args);
	va_end(args);
	text_init(&text);
	text_printf(&text, "%s:%llu: %s", l->reader.name, (unsigned long long)line,
		    words);
	if (++l->reported == most)
		text_str(&text, " (further wrong lines are counted, not shown)");
	l->config->report(l->config->report_arg, text.data);
	text_done(&text);
}

static int
push_out(struct load *l)
{
	if (l->out->rows > 0 && sink_push(l->sink, l->out, l->err) != 0)
		return -1;
	batch_clear(l->out);
	return 0;
}

static int
emit(struct load *l, const struct flow *flow)
{
	batch_append(l->out, flow);
	l->stats->counters[LOAD_rows]++;
	return batch_is_full(l->out) ? push_out(l) : 0;
}

static void
turn(struct load *l, struct flow *f)
{
	turn_round(f);
	if (!flow_has(f, bytes))
		flow_set(f, bytes, 0);
	if (!flow_has(f, packets))
		flow_set(f, packets, 0);
	flow_set(f, biflow_direction, DIRECTION_port);
	l->stats->counters[LOAD_turned]++;
}

/* A row that stays alone. */
static int
emit_alone(struct load *l, struct flow *f)
{
	if (!l->config->no_turn && !flow_has(f, biflow_direction) &&
	    turn_is_from_server(f) &&
	    flow_has(f, reverse_bytes) == flow_has(f, reverse_packets))
		turn(l, f);
	return emit(l, f);
}

/* The client's row goes first: by the ports, or the one that began first. Of two that
 * began at once, as times of whole seconds have it, the one from the higher port. */
static int
emit_joined(struct load *l, struct flow *a, struct flow *b)
{
	bool is_a_server = turn_is_from_server(a), is_b_server = turn_is_from_server(b);
	bool is_b_first = is_a_server ||
	    (!is_b_server && (b->start < a->start ||
	    (b->start == a->start && a->src_port < b->src_port)));
	struct flow *forward = is_b_first ? b : a;

	turn_join(forward, is_b_first ? a : b);
	flow_set(forward, biflow_direction,
		 is_a_server || is_b_server ? DIRECTION_port : DIRECTION_first);
	l->stats->counters[LOAD_joined]++;
	return emit(l, forward);
}

static int
emit_waiting(struct load *l)
{
	struct flow f;
	size_t at = 0;

	while (l->join != NULL && join_rest(l->join, &at, &f)) {
		if (emit_alone(l, &f) != 0)
			return -1;
	}
	if (l->join != NULL)
		join_clear(l->join);
	return 0;
}

static int
take_flow(struct load *l, struct flow *f)
{
	struct flow other;

	if (l->config->no_turn || l->config->no_join || flow_has(f, reverse_bytes) ||
	    flow_has(f, reverse_packets) || flow_has(f, biflow_direction) ||
	    !flow_has(f, src_port) || !flow_has(f, dst_port))
		return emit_alone(l, f);
	if (l->join == NULL)
		l->join = join_new(LOAD_JOIN_ROWS);
	if (join_take(l->join, f, &other))
		return emit_joined(l, &other, f);
	if (join_is_full(l->join) && emit_waiting(l) != 0)
		return -1;
	join_add(l->join, f);
	return 0;
}

/* What the columns that are not there would say. False if the row cannot be. */
static bool
complete(struct load *l, size_t row, struct flow *f)
{
	const struct column *duration = &l->raw->columns[FLOW_duration];
	int64_t end;
	unsigned i;

	if (!l->heading.has_end && flow_has(f, start)) {
		end = f->start;
		if (l->heading.has_duration && !column_is_null(duration, row) &&
		    __builtin_add_overflow(end, (int64_t)column_u64(duration, row),
					   &end)) {
			bad_line(l, l->lines[row], "column 'duration': too long");
			return false;
		}
		flow_set(f, end, end);
	}
	if (!l->heading.has_packets && flow_has(f, bytes)) {
		flow_set(f, packets,
			 f->bytes / 1500 + (f->bytes % 1500 > 0 || f->bytes == 0));
		l->stats->counters[LOAD_packets_estimated]++;
	}
	if (l->heading.dialect != NULL)
		dialect_ports(l->heading.dialect, f);
	for (i = 0; i < flow_schema.stored; i++) {
		if (flow_schema.fields[i].is_required &&
		    !flow_schema.fields[i].is_reverse && !row_has(f->present, i)) {
			bad_line(l, l->lines[row],
				 "column '%s': empty, but it must be filled",
				 flow_schema.fields[i].id);
			return false;
		}
	}
	if (f->end < f->start) {
		bad_line(l, l->lines[row],
			 "end is before start; exchange them or correct one");
		return false;
	}
	return true;
}

/* Parses the block's cells of one column; a wrong one spoils its line. */
static void
parse_column(struct load *l, size_t column)
{
	unsigned field = l->heading.columns[column].field;
	struct column *c = batch_flat(l->raw, field);
	const struct type *type = &types[c->type];
	size_t row, at = 0;
	char cell[READER_SHOWN];

	for (row = 0; row < l->rows; row++) {
		size_t i = row * l->heading.count + column;
		size_t from = i == 0 ? 0 : l->ends[i - 1];

		l->cells[row] =
		    (struct str){l->bytes.data + from, (uint32_t)(l->ends[i] - from)};
	}
	while ((at += type->parse(c, at, l->cells + at, l->rows - at)) < l->rows) {
		column_set_null(c, at);
		if (!l->is_bad[at])
			bad_line(l, l->lines[at], "column '%s': '%s' is not %s",
				 flow_schema.fields[field].id,
				 reader_shown(l->cells[at], cell), type->help);
		l->is_bad[at++] = true;
	}
}

static int
finish_block(struct load *l)
{
	struct flow f;
	size_t i;
	int status = 0;

	batch_clear(l->raw);
	for (i = 0; i < l->heading.count; i++)
		parse_column(l, i);
	l->raw->rows = l->rows;
	for (i = 0; i < l->rows && status == 0; i++) {
		if (l->is_bad[i])
			continue;
		batch_row(l->raw, i, &f);
		if (complete(l, i, &f))
			status = take_flow(l, &f);
	}
	l->rows = 0;
	text_clear(&l->bytes);
	return status;
}

static void
gather(struct load *l)
{
	const struct heading *h = &l->heading;
	struct reader *r = &l->reader;
	size_t *ends = l->ends + l->rows * h->count, i;
	struct str cell;

	if (r->problem != NULL) {
		bad_line(l, r->line, "%s", r->problem);
		return;
	}
	if (r->count != h->cells) {
		bad_line(l, r->line, "%zu cells, but the heading has %zu", r->count,
			 h->cells);
		return;
	}
	if (h->dialect != NULL &&
	    dialect_is_nothing(reader_cell(r, h->columns[h->src].cell))) {
		l->stats->counters[LOAD_no_flows]++;
		return;
	}
	for (i = 0; i < h->count; i++) {
		cell = reader_cell(r, h->columns[i].cell);
		if (h->columns[i].form != NULL)
			h->columns[i].form(&l->bytes, cell, r, &h->clock);
		else
			text_bytes(&l->bytes, cell.data, cell.len);
		ends[i] = l->bytes.len;
	}
	l->lines[l->rows] = r->line;
	l->is_bad[l->rows++] = false;
}

static int
read_rows(struct load *l)
{
	int status;

	while ((status = reader_next(&l->reader, l->err)) > 0 &&
	       !heading_is_ending(&l->heading, &l->reader)) {
		if (heading_is_comment(&l->heading, &l->reader))
			continue;
		l->stats->counters[LOAD_lines]++;
		gather(l);
		if ((l->rows == BLOCK_ROWS || l->bytes.len >= BLOCK_BYTES) &&
		    finish_block(l) != 0)
			return -1;
	}
	/* What was read before an error is good. */
	if (finish_block(l) != 0 || emit_waiting(l) != 0 || push_out(l) != 0)
		return -1;
	return status < 0 ? status : 0;
}

static int
load_all(struct load *l)
{
	int status = heading_read(&l->heading, &l->reader, l->config->ignores_unknown,
				  l->err);

	if (status == 0 &&
	    (l->ends = calloc(BLOCK_ROWS * l->heading.count, sizeof *l->ends)) == NULL)
		status = err_set(l->err, ENOMEM, "%s: out of memory", l->reader.name);
	if (status == 0) {
		l->raw = batch_new(&flow_schema, BLOCK_ROWS);
		l->out = batch_new(&flow_schema, BATCH_ROWS);
		status = read_rows(l);
	}
	batch_free(l->raw);
	batch_free(l->out);
	join_free(l->join);
	free(l->ends);
	text_done(&l->bytes);
	reader_done(&l->reader);
	return status;
}

static struct load *
load_new(const struct load_config *config, struct sink *sink, struct load_stats *stats,
	 struct err *err)
{
	struct load *l = calloc(1, sizeof *l);

	if (l == NULL) {
		err_set(err, ENOMEM, "load: out of memory");
		return NULL;
	}
	l->config = config;
	l->sink = sink;
	l->stats = stats;
	l->err = err;
	text_init(&l->bytes);
	return l;
}

int
load_memory(const char *name, const void *bytes, size_t n,
	    const struct load_config *config, struct sink *sink, struct load_stats *stats,
	    struct err *err)
{
	struct load *l = load_new(config, sink, stats, err);
	int status;

	if (l == NULL)
		return -1;
	reader_init_memory(&l->reader, name, bytes, n);
	status = load_all(l);
	free(l);
	return status;
}

int
load_file(const char *path, const struct load_config *config, struct sink *sink,
	  struct load_stats *stats, struct err *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct load *l;
	int fd = STDIN_FILENO, status;

	if (!is_stdin && (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return err_set(err, errno, "%s: cannot open: %s", path, strerror(errno));
	if ((l = load_new(config, sink, stats, err)) == NULL) {
		status = -1;
	} else {
		reader_init(&l->reader, is_stdin ? "standard input" : path, fd);
		status = load_all(l);
		free(l);
	}
	if (!is_stdin)
		close(fd);
	return status;
}
