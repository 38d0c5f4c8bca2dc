/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_METER_H
#define CMD_METER_H

#include "base/option.h"
#include "cmd/control.h"
#include "cmd/command.h"
#include "cmd/exporting.h"
#include "meter/meter.h"
#include "run/run.h"

struct sink;
struct store;
struct text;

/* The files of weir meter: options, outputs, captures of files, live capture. */

struct meter_values {
	/* packets */
	struct option_list files, interfaces;
	const char *receive; /* where reports of packets come to */
	bool no_promisc;
	uint64_t snaplen, buffer_bytes, workers;
	char *filter; /* the operands */
	/* as a service */
	const char *pid_file, *user;
	bool is_daemon, no_sandbox, is_verbose;
	/* flows */
	struct option_list timeouts, macs;
	const char *key, *tunnel;
	uint32_t tunnels; /* what that means */
	uint64_t max_flows, request_min, sample, sample_random, labels;
	bool no_cut, is_directional;
	/* while and after it runs */
	struct control_values control;
	const char *summary;
	/* outputs */
	const char *store, *format, *output, *fields;
	struct export_values export;
	int64_t rotate_us;
};

/* Checks what no row can check, and finds out what texts mean. */
int meter_values_check(struct meter_values *v, struct err *err);
int meter_config_make(const struct meter_values *v, struct meter_config *out,
    struct err *err);
/* Live: how many sources there are, each with a thread. */
unsigned meter_worker_count(const struct meter_values *v);
/* "[INDEX:]NAME"; a name with a colon but no number before it is a name. index 0:
 * none. */
const char *meter_interface_split(const char *text, uint32_t *index);
void meter_more_help(struct text *out);

/* What is printed at the end. */
enum meter_summary { SUMMARY_FRAMES, SUMMARY_SOFTFLOWD, SUMMARY_JSON };
int meter_summary_parse(const char *name, enum meter_summary *out, struct err *err);

/* Where flows go: the store, collectors, text. */
struct meter_outputs {
	const struct meter_values *v;
	struct sink *sink; /* all of them */
	struct store *store;
	struct sink *send; /* NULL: nothing is sent */
	struct sink *reports[RUN_WORKERS_MAX]; /* of packets, one for each worker */
	unsigned report_count;
	struct wire_interface interfaces[OPTION_LIST_MAX]; /* whose names are sent */
	uint16_t key_fields[METER_KEY_FIELDS]; /* which are told, too */
	struct sink *text; /* NULL: nothing is printed */
};

/* is_live: times are those of the system's clock, nothing waits to be read again. */
int meter_outputs_open(const struct meter_values *v, bool is_live,
    struct meter_outputs *out, struct err *err);
int meter_outputs_close(struct meter_outputs *outputs, struct err *err);
/* Whether there is something to do now and then without new flows: a journal to sync, a
 * connection to make. */
bool meter_outputs_wait(const struct meter_outputs *outputs);
/* At the end: waits, within bounds, for what connections have still to send. */
void meter_outputs_drain(struct meter_outputs *outputs);
/* A line for each collector of flows that takes nothing since the last call, or again. */
void meter_outputs_news(const struct meter_outputs *outputs,
    void (*tell)(const char *line));
/* After draining: -1 and how many, if records were not sent. */
int meter_outputs_check_lost(const struct meter_outputs *outputs, struct err *err);
/* The outputs' counters. */
void meter_outputs_print(const struct meter_outputs *outputs, struct text *out);
/* Live: -w's file anew under its name, after it was moved away. */
int meter_outputs_reopen(struct meter_outputs *outputs, struct err *err);

/* Gives up all rights that are not needed once outputs and sources are open. */
struct sandbox;
int meter_sandbox(const struct meter_values *v, struct sandbox *sandbox, struct err *err);

/* The two ways to run; an exit status. */
int meter_files(const struct meter_values *v, struct err *err);
int meter_live(const struct meter_values *v, struct err *err);

#endif
