/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_LEARN_H
#define IDENTIFY_LEARN_H

#include "base/counter.h"

#include <stdbool.h>
#include <stdint.h>

struct batch;
struct catalog;
struct err;
struct learn;
struct model;
struct model_config;

/*
 * Makes a catalogue of labelled downloads, as the article did. Labels say which file a
 * flow was; the flows tell its size: the middle response span less the header where spans
 * are known, else the smallest payload by the wire model (what was sent again only adds).
 * With sizes in the labels the header is learned from them; without, a usual header (200
 * bytes and the digits) is taken off, so that the catalogue's sizes are off by a
 * constant, which identify takes up in the header it finds by vote.
 */

enum learn_counter {
#define COUNTER(id, help) LEARN_##id,
#include "identify/learn.def"
#undef COUNTER
	LEARN_COUNTERS
};
extern const struct counter_row learn_counter_rows[LEARN_COUNTERS];

struct learn_config {
	double tolerance_s; /* a label's start may differ from its flow's by so much; 0: 2
			       s */
	bool timestamps_off; /* see struct identify_config */
};

struct learn *learn_new(const struct learn_config *config);
void learn_free(struct learn *learn);

/*
 * Reads labels, a TSV whose first line names its columns: name, and any of version, size,
 * client, client_port, server, server_port, start, end. What a label leaves out fits any
 * flow. An error names file and line.
 */
int learn_labels(struct learn *learn, const char *path, struct err *err);

/* Labels from a server's log; format in nginx's notation, see identify/labels.h. */
int learn_log(struct learn *learn, const char *path, const char *format, struct err *err);
/* Names, one a line: the first is that of the flow that started first, and so on. There
 * must be as many as flows that can be downloads. */
int learn_order(struct learn *learn, const char *path, struct err *err);

/* Takes flow rows, in any order. */
int learn_batch(struct learn *learn, const struct batch *flows, struct err *err);

/*
 * Adds a file per name and version to out, an unsealed catalogue. Labels that contradict
 * one another or their flows are left out and counted; the first is told in warning
 * (cleared otherwise).
 */
int learn_finish(struct learn *learn, struct catalog *out, struct err *warning,
		 struct err *err);

/*
 * Learns a classifier of the labelled flows' features instead: a class per name and
 * version. Flows that lack a feature are left out and counted, as are flows that labels
 * of different files name equally. Fewer than two classes are an error. The model is
 * freed by model_free.
 */
int learn_model(struct learn *learn, const struct model_config *config,
    struct model **out, struct err *err);

const uint64_t *learn_counters(const struct learn *learn); /* LEARN_COUNTERS values */

#endif
