/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir meter on interfaces, until it is told to end: SIGINT and SIGTERM write all flows
 * and end it, a second one ends it at once, SIGHUP opens -w's file anew, SIGUSR1 writes
 * the statistics to the log. The threads are in src/run; this one waits for signals.
 *
 * Rights are given up in this order: interfaces are opened, then the user is changed, the
 * outputs are opened as this user, then the sandbox is entered, then the threads start.
 */
#include "cmd/meter.h"

#include "base/err.h"
#include "base/sandbox.h"
#include "base/service.h"
#include "base/text.h"
#include "collect/packets.h"
#include "cmd/common.h"
#include "cmd/log.h"
#include "cmd/meter_control.h"
#include "cmd/statistics.h"
#include "packet/capture.h"
#include "packet/source.h"
#include "run/run.h"
#include "send/send.h"

#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* To open interfaces again. */
static const uint64_t CAPTURE_RIGHTS = 1ull << CAP_NET_RAW | 1ull << CAP_NET_ADMIN;

/* collectors are told of frames without IP a minute later anyway */
enum { IGNORED_MS = 5000 };

struct live_run {
	const struct meter_values *v;
	struct meter_outputs outputs;
	struct run_config config;
	struct run *run;
	struct meter_control *control;
	enum meter_summary summary;
	int64_t started_us;
	struct packets *packets; /* that are reported to us; or NULL */
	int groups[OPTION_LIST_MAX]; /* of an interface's workers */
	int signals, ready, pid_file, notify;
	bool is_ending; /* a signal asked for it */
	uint64_t ignored_packets, ignored_octets;
};

static void
note(void *arg, const char *text)
{
	log_say(LOG_TELL, "meter: %s", text);
}

static int
debug(void *arg, int step)
{
	return log_level_step(step);
}

static void
outputs_refresh(void *arg)
{
	send_refresh(((struct live_run *)arg)->outputs.send);
}

static int
report_packets(void *arg, unsigned worker, const struct packet *packets, size_t n,
    size_t seen, struct err *err)
{
	struct live_run *r = arg;
	struct export_reports reports = {.packets = packets, .n = n, .seen = seen,
	    .ingress = r->config.workers[worker].ingress};

	if (reports.ingress == 0)
		reports.ingress = source_interface(r->config.workers[worker].source);
	reports.now_us = meter_now_us();
	return export_packets(r->outputs.reports[worker], &reports, err);
}

static void
outputs_print(void *arg, struct text *out)
{
	struct live_run *r = arg;

	if (r->packets != NULL) {
		text_str(out, "reports received\n");
		packets_print(r->packets, out);
	}
	meter_outputs_print(&r->outputs, out);
}

static int
outputs_reopen(void *arg, struct err *err)
{
	return meter_outputs_reopen(&((struct live_run *)arg)->outputs, err);
}

/* All workers of an interface. */
static int
open_interface(struct live_run *r, const char *text, int *group, struct err *err)
{
	struct source_config config = {.filter = r->v->filter, .tunnels = r->v->tunnels,
	    .workers = (unsigned)r->v->workers,
	    .snaplen = (uint32_t)r->v->snaplen, .buffer_bytes = r->v->buffer_bytes,
	    .is_promiscuous = !r->v->no_promisc, .group = group};
	struct run_worker *worker;
	unsigned i;
	uint32_t index;

	config.interface = meter_interface_split(text, &index);
	for (i = 0; i < config.workers; i++) {
		worker = &r->config.workers[r->config.count];
		worker->ingress = index;
		if (source_open_with(&config, &worker->source, err) != 0)
			return -1;
		r->config.count++;
	}
	return 0;
}

/* With flows by MAC address and no own one given, the interfaces' are our own. */
static void
find_own_macs(struct live_run *r)
{
	struct meter_config *config = &r->config.meter;
	struct ifreq request;
	uint32_t index;
	size_t i;
	int fd, j;

	if (!meter_key_rows[config->key].has_mac || config->mac_count > 0 ||
	    (fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return;
	for (i = 0; i < r->v->interfaces.count && i < METER_MACS_MAX; i++) {
		memset(&request, 0, sizeof request);
		strncpy(request.ifr_name, meter_interface_split(r->v->interfaces.items[i],
		    &index), sizeof request.ifr_name - 1);
		if (ioctl(fd, SIOCGIFHWADDR, &request) != 0 ||
		    request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
			continue;
		for (j = 0; j < 6; j++)
			config->macs[config->mac_count] =
			    config->macs[config->mac_count] << 8 |
			    (uint8_t)request.ifr_hwaddr.sa_data[j];
		config->mac_count++;
	}
	close(fd);
}

static int
next_reported(void *context, bool may_refill, struct record *out, struct err *err)
{
	static const enum capture_event events[] = {[PACKETS_NONE] = CAPTURE_END,
	    [PACKETS_ONE] = CAPTURE_RECORD, [PACKETS_REFILL] = CAPTURE_REFILL};
	struct received one = {0};
	enum packets_event event = packets_next(context, may_refill, &one);

	*out = (struct record){.frame = one.octets, .captured = one.captured,
	    .wire = one.wire,
	    .linktype = one.linktype, .time_ns = one.time_ns};
	return events[event];
}

/* Packets that are reported to us, in place of an interface. */
static int
open_reported(struct live_run *r, struct err *err)
{
	struct source_reader reader = {.next = next_reported};
	struct source_config config = {.filter = r->v->filter, .tunnels = r->v->tunnels,
	    .snaplen = (uint32_t)r->v->snaplen, .reader = &reader};

	if (packets_open(r->v->receive, (int)r->v->buffer_bytes, &r->packets, err) != 0)
		return -1;
	reader.context = r->packets;
	reader.fd = packets_fd(r->packets);
	if (source_open_with(&config, &r->config.workers[0].source, err) != 0)
		return -1;
	r->config.count = 1;
	return 0;
}

static void
print_statistics(struct live_run *r, FILE *to)
{
	static struct statistics s; /* large */
	struct run_request request = {.command = RUN_statistics};
	struct err err = {0};
	struct text t;
	char *line, *rest;
	int status;

	text_init(&t);
	if (to == NULL || r->summary == SUMMARY_FRAMES)
		status = run_command(r->run, &request, &t, &err);
	else if ((status = meter_control_gather(r->run, &r->outputs, r->started_us, &s,
	    &err)) == 0)
		(r->summary == SUMMARY_JSON ? statistics_json : statistics_text)(&s, &t);
	if (status != 0)
		log_say(LOG_TROUBLE, "meter: %s", err.text);
	if (to != NULL) {
		fputs(t.data, to);
	} else {
		for (line = strtok_r(t.data, "\n", &rest); line != NULL;
		    line = strtok_r(NULL, "\n", &rest))
			log_say(LOG_TELL, "%s", line);
	}
	text_done(&t);
}

static void
take_signal(struct live_run *r)
{
	struct signalfd_siginfo info;
	struct err err = {0};

	if (read(r->signals, &info, sizeof info) != sizeof info)
		return;
	switch (info.ssi_signo) {
	case SIGHUP:
		if (run_reopen(r->run, &err) != 0)
			log_say(LOG_TROUBLE, "meter: %s", err.text);
		break;
	case SIGUSR1:
		print_statistics(r, NULL);
		break;
	default:
		r->is_ending = true;
	}
}

static int
open_signals(struct err *err)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
	sigset_t set;
	size_t i;
	int fd;

	sigemptyset(&set);
	for (i = 0; i < sizeof numbers / sizeof *numbers; i++)
		sigaddset(&set, numbers[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if ((fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		err_set(err, errno, "no signalfd: %s", strerror(errno));
	return fd;
}

/* Frames that are no IP packets, for what is told to collectors. */
static void
send_ignored(void *arg)
{
	struct live_run *r = arg;

	send_note_ignored(r->outputs.send, r->ignored_packets, r->ignored_octets,
	    meter_now_us());
}

static void
note_ignored(struct live_run *r)
{
	static struct run_stats s; /* large */
	struct err err = {0};
	int i;

	if (run_stats(r->run, &s, &err) != 0)
		return; /* a thread is busy: the next time */
	r->ignored_packets = r->ignored_octets = 0;
	for (i = 0; i < PACKET_COUNTERS; i++) {
		if (i == PACKET_COUNT_ip)
			continue;
		r->ignored_packets += s.source.counters[i];
		r->ignored_octets += s.source.counter_bytes[i];
	}
	(void)run_visit_outputs(r->run, send_ignored, r, &err);
}

static void
tell(const char *line)
{
	log_say(LOG_TELL, "meter: %s", line);
}

static void
outputs_news(void *arg)
{
	meter_outputs_news(&((struct live_run *)arg)->outputs, tell);
}

/* Collectors that take nothing, and those that do again, are told. */
static void
look_at_collectors(struct live_run *r)
{
	struct err err = {0};

	(void)run_visit_outputs(r->run, outputs_news, r, &err);
}

/* Serves signals until the run should end. */
static void
serve(struct live_run *r)
{
	struct pollfd fds[2] = {{r->signals, POLLIN, 0}, {run_fd(r->run), POLLIN, 0}};
	int64_t watchdog = notify_watchdog_ms();
	int wait_ms = r->outputs.send != NULL ? IGNORED_MS : -1;

	if (watchdog > 0 && r->notify >= 0 && (wait_ms < 0 || watchdog < wait_ms))
		wait_ms = (int)watchdog;
	do {
		if (poll(fds, 2, wait_ms) == 0 && r->outputs.send != NULL) {
			look_at_collectors(r);
			note_ignored(r);
		}
		if (fds[0].revents != 0)
			take_signal(r);
		if (watchdog > 0 && r->notify >= 0 && run_is_alive(r->run))
			notify_send(r->notify, "WATCHDOG=1");
	} while (fds[1].revents == 0 && !r->is_ending);
	notify_send(r->notify, "STOPPING=1\nSTATUS=Writing all flows");
}

/* What is not needed from here on is given up. */
static int
give_up_rights(struct live_run *r, struct err *err)
{
	const struct meter_values *v = r->v;
	char *output = folder_of(v->output), *pid = folder_of(v->pid_file);
	char *control = folder_of(v->control.path);
	struct sandbox sandbox = {.writable = {NULL, output},
	    .removable = {pid, control}};
	int status;
	unsigned i;

	for (i = 0; i < r->config.count; i++) {
		if (source_needs_rights(r->config.workers[i].source)) {
			sandbox.capabilities |= CAPTURE_RIGHTS;
			sandbox.grants |= SANDBOX_CAPTURE;
		}
	}
	status = meter_sandbox(v, &sandbox, err);
	free(output);
	free(pid);
	free(control);
	return status;
}

/* All that needs rights, in the order in which these can be given up. */
static int
open_all(struct live_run *r, struct err *err)
{
	const struct meter_values *v = r->v;
	size_t i;

	if (meter_config_make(v, &r->config.meter, err) != 0 ||
	    (r->signals = open_signals(err)) < 0)
		return -1;
	r->notify = notify_open();
	for (i = 0; i < v->interfaces.count; i++) {
		r->groups[i] = -1;
		if (open_interface(r, v->interfaces.items[i], &r->groups[i], err) != 0)
			return -1;
	}
	find_own_macs(r);
	if (v->receive != NULL && open_reported(r, err) != 0)
		return -1;
	if (v->is_daemon && service_background(&r->ready, err) != 0)
		return -1;
	if (v->pid_file != NULL && pid_file_make(v->pid_file, &r->pid_file, err) != 0)
		return -1;
	if (v->user != NULL && sandbox_user(v->user, CAPTURE_RIGHTS, err) != 0)
		return -1;
	if (meter_outputs_open(v, true, &r->outputs, err) != 0 ||
	    meter_control_open(&v->control, &r->control, err) != 0)
		return -1;
	return give_up_rights(r, err);
}

/* Everything runs: those who wait for it are told. */
static void
tell_ready(struct live_run *r)
{
	char status[256];
	unsigned n = r->config.count;

	if (r->packets != NULL)
		snprintf(status, sizeof status,
		    "receiving reports of packets, listening on port "
		    "%u, socket buffer %d bytes", packets_port(r->packets),
		    packets_buffer(r->packets));
	else
		snprintf(status, sizeof status, "capturing on %s%s with %u worker%s",
		    r->v->interfaces.items[0], r->v->interfaces.count > 1 ? " and others"
		    : "", n,
		    n == 1 ? "" : "s");
	log_say(LOG_TELL, "meter: %s", status);
	if (r->ready >= 0) {
		log_to_syslog();
		service_ready(r->ready);
	}
	if (r->notify >= 0) {
		char message[sizeof status + 32];

		snprintf(message, sizeof message, "READY=1\nSTATUS=%s", status);
		notify_send(r->notify, message);
	}
}

/* From now on SIGINT and SIGTERM do what they do by default: end the process. */
static void
let_signals_end(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int
meter_live(const struct meter_values *v, struct err *err)
{
	struct live_run r = {.v = v, .signals = -1, .ready = -1, .pid_file = -1,
	    .notify = -1};
	int status = EXIT_TROUBLE;
	unsigned i;

	r.started_us = meter_now_us();
	if (v->is_verbose)
		(void)log_level_step(1);
	if (meter_summary_parse(v->summary, &r.summary, err) != 0 ||
	    open_all(&r, err) != 0)
		goto done;
	r.config.outputs = (struct run_outputs){.sink = r.outputs.sink, .arg = &r,
	    .flush_ms = meter_outputs_wait(&r.outputs) ? 1000 : 0,
	    .refresh = r.outputs.send != NULL ? outputs_refresh : NULL,
	    .print = outputs_print,
	    .reopen = outputs_reopen};
	r.config.packets = r.outputs.report_count > 0 ? report_packets : NULL;
	r.config.note = note;
	r.config.debug = debug;
	r.config.arg = &r;
	if (run_new(&r.config, &r.run, err) != 0 || run_start(r.run, err) != 0 ||
	    meter_control_start(r.control, r.run, &r.outputs, err) != 0)
		goto done;
	tell_ready(&r);
	serve(&r);
	let_signals_end();
	run_stop(r.run, RUN_EXPORT);
	if (run_wait(r.run, err) == 0)
		status = EXIT_GOOD;
	meter_control_close(r.control); /* from here on the run is this thread's */
	r.control = NULL;
	meter_outputs_drain(&r.outputs);
	print_statistics(&r, v->is_daemon ? NULL : v->format != NULL ? stderr : stdout);
done:
	if (r.run != NULL) {
		run_stop(r.run, RUN_DROP);
		(void)run_wait(r.run, err);
	}
	meter_control_close(r.control);
	if (meter_outputs_close(&r.outputs, err) != 0)
		status = EXIT_TROUBLE;
	run_free(r.run);
	for (i = 0; i < r.config.count; i++)
		source_close(r.config.workers[i].source);
	packets_close(r.packets);
	pid_file_remove(v->pid_file, r.pid_file);
	if (r.notify >= 0)
		close(r.notify);
	if (r.signals >= 0)
		close(r.signals);
	if (err->code == EPIPE)
		err_clear(err);
	return status;
}
