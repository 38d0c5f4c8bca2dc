/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_SINK_H
#define MODEL_SINK_H

struct batch;
struct err;

/*
 * Where batches go: the store, a collector, standard output. Implementations embed this
 * as their first member. push borrows the batch for the call (it may derive columns, not
 * change rows; a queue may take the rows and leave an empty batch, batch_swap). flush
 * makes what was pushed durable or visible. close flushes and frees.
 */
struct sink {
	int (*push)(struct sink *sink, struct batch *batch, struct err *err);
	int (*flush)(struct sink *sink, struct err *err);
	int (*close)(struct sink *sink, struct err *err);
};

static inline int
sink_push(struct sink *sink, struct batch *batch, struct err *err)
{
	return sink->push(sink, batch, err);
}

static inline int
sink_flush(struct sink *sink, struct err *err)
{
	return sink->flush(sink, err);
}

/* sink may be NULL. */
static inline int
sink_close(struct sink *sink, struct err *err)
{
	return sink == 0 ? 0 : sink->close(sink, err);
}

#endif
