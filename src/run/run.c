/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes, starts and ends the threads of a run.
 */
#include "run/private.h"

#include "model/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

const struct counter_row run_counter_rows[RUN_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "run/counter.def"
#undef COUNTER
};

static int
worker_init(struct run *run, struct worker *w, const struct run_worker *config,
    struct err *err)
{
	struct meter_config meter = run->config.meter;

	w->run = run;
	w->source = config->source;
	w->ingress = config->ingress;
	if (mailbox_init(&w->box) != 0)
		return err_set(err, errno, "no eventfd: %s", strerror(errno));
	run->count++; /* from here on run_free knows it */
	meter.write_quiet = meter.is_live = true;
	meter.show = run->config.packets != NULL ? worker_show : NULL;
	meter.show_arg = w;
	meter.max_flows /= run->config.count;
	if (meter.max_flows < 64)
		meter.max_flows = 64;
	w->meter = meter_new(&meter, &w->sink, err);
	return w->meter == NULL ? -1 : 0;
}

int
run_new(const struct run_config *config, struct run **out, struct err *err)
{
	struct run *run = calloc(1, sizeof *run);
	unsigned i;

	if (run == NULL)
		return err_set(err, ENOMEM, "out of memory");
	run->config = *config;
	run->is_gathering = true;
	run->output.wake_fd = -1;
	pthread_mutex_init(&run->commands, NULL);
	if ((run->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0 ||
	    mailbox_init(&run->output) != 0) {
		err_set(err, errno, "no eventfd: %s", strerror(errno));
		goto fail;
	}
	run->workers = aligned_alloc(64, config->count * sizeof *run->workers);
	if (run->workers == NULL) {
		err_set(err, ENOMEM, "out of memory");
		goto fail;
	}
	memset(run->workers, 0, config->count * sizeof *run->workers);
	for (i = 0; i < config->count; i++) {
		if (worker_init(run, &run->workers[i], &config->workers[i], err) != 0)
			goto fail;
	}
	*out = run;
	return 0;

fail:
	run_free(run);
	return -1;
}

void
run_free(struct run *run)
{
	struct batch *batch;
	unsigned i;

	if (run == NULL)
		return;
	for (i = 0; i < run->count; i++) {
		struct worker *w = &run->workers[i];

		while ((batch = ring_take(&w->full)) != NULL ||
		    (batch = ring_take(&w->empty)) != NULL)
			batch_free(batch);
		meter_free(w->meter);
		mailbox_done(&w->box);
	}
	free(run->workers);
	if (run->output.wake_fd >= 0)
		mailbox_done(&run->output);
	if (run->event_fd >= 0)
		close(run->event_fd);
	pthread_mutex_destroy(&run->commands);
	free(run);
}

void
run_tell(struct run *run)
{
	uint64_t one = 1;
	ssize_t n = write(run->event_fd, &one, sizeof one);

	(void)n; /* full: it is readable anyway */
}

int
run_fd(const struct run *run)
{
	return run->event_fd;
}

int
run_start(struct run *run, struct err *err)
{
	unsigned i;
	int code;

	for (i = 0; i < run->count; i++) {
		if (source_start(run->workers[i].source, err) != 0)
			return -1;
	}
	if ((code = pthread_create(&run->thread, NULL, output_main, run)) != 0)
		return err_set(err, code, "no thread: %s", strerror(code));
	run->has_thread = true;
	for (i = 0; i < run->count; i++) {
		struct worker *w = &run->workers[i];

		if ((code = pthread_create(&w->thread, NULL, worker_main, w)) != 0) {
			for (; i < run->count; i++) { /* those that never were are over */
				mailbox_close(&run->workers[i].box);
				flag_set(&run->workers[i].is_over, true);
			}
			run_stop(run, RUN_DROP);
			return err_set(err, code, "no thread: %s", strerror(code));
		}
		w->has_thread = true;
	}
	return 0;
}

void
run_stop(struct run *run, enum run_end how)
{
	unsigned i;

	if (how == RUN_DROP)
		flag_set(&run->is_dropping, true);
	flag_set(&run->is_stopping, true);
	for (i = 0; i < run->count; i++)
		mailbox_wake(&run->workers[i].box);
	mailbox_wake(&run->output);
}

int
run_wait(struct run *run, struct err *err)
{
	int status = 0;
	unsigned i;

	for (i = 0; i < run->count; i++) {
		struct worker *w = &run->workers[i];

		if (w->has_thread)
			pthread_join(w->thread, NULL);
		w->has_thread = false;
		if (w->err.code != 0)
			status = err_set(err, w->err.code, "%s", w->err.text);
	}
	if (run->has_thread)
		pthread_join(run->thread, NULL);
	run->has_thread = false;
	if (run->err.code != 0)
		status = err_set(err, run->err.code, "%s", run->err.text);
	return status;
}
