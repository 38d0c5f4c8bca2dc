/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A place has weir's meter, and one of two pairs of a meter and its collector, which talk
 * over the lo of the place's namespace. Collectors start first and end last.
 */
#include "lab/meters.h"

#include "base/err.h"
#include "base/text.h"
#include "lab/netflow.h"
#include "lab/process.h"
#include "lab/softflowd.h"
#include "lab/topology.h"
#include "lab/wait.h"
#include "lab/words.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { OWN, COLLECTOR, PLAIN, PATH_BYTES = 600, SETTLE_MS = 500, SETTLE_TIMES = 60,
	GRACE_MS = 30000, BUFFER_BYTES = 64 << 20 /* for packets, of each meter */ };

static bool
has_softflowd(const struct meters_config *c, unsigned place)
{
	return c->scenario->meter_softflowd & 1u << place;
}

/* Two namespaces may be one for two places: each place has its port. */
static unsigned
port_of(unsigned place)
{
	return 19950 + place;
}

struct job {
	const struct meters_config *c;
	const struct scenario *s;
	unsigned place;
	char folder[PATH_BYTES]; /* of the place */
	struct words words;
};

/* weir's meter at the place's device, with what limits all meters of the scenario. */
static void
meter_words(struct job *job)
{
	words_add(&job->words, "%s", job->c->program);
	words_split(&job->words, "meter -i");
	words_add(&job->words, "%s", job->c->topology->places[job->place].device);
	words_add(&job->words, "--buffer=%u", BUFFER_BYTES);
	if (job->s->meter_active > 0)
		words_add(&job->words, "--timeout=active=%lldms",
		    (long long)job->s->meter_active / 1000);
	if (job->s->meter_sample > 1)
		words_add(&job->words, "--sample=%llu",
		    (unsigned long long)job->s->meter_sample);
}

static void
own_words(struct job *job)
{
	meter_words(job);
	words_split(&job->words, "--rotate 1h --store");
	words_add(&job->words, "%s/store", job->folder);
}

static void
plain_words(struct job *job)
{
	meter_words(job);
	words_split(&job->words, "--no-cut --plain --biflow --export ipfix");
	words_add(&job->words, "--send=127.0.0.1:%u", port_of(job->place));
}

static void
collect_words(struct job *job)
{
	words_add(&job->words, "%s", job->c->program);
	words_split(&job->words, "collect --rotate 1h --store");
	words_add(&job->words, "%s/router", job->folder);
	words_add(&job->words, "--listen=127.0.0.1:%u", port_of(job->place));
}

static void
softflowd_words(struct job *job)
{
	words_split(&job->words, "softflowd -d -v 9 -m 65536 -i");
	words_add(&job->words, "%s", job->c->topology->places[job->place].device);
	words_add(&job->words, "-B");
	words_add(&job->words, "%u", BUFFER_BYTES);
	words_add(&job->words, "-n");
	words_add(&job->words, "127.0.0.1:%u", port_of(job->place));
	/* in its folder */
	words_split(&job->words, "-p softflowd.pid -c " SOFTFLOWD_SOCKET);
	if (job->s->network_ipv6)
		words_add(&job->words, "-6");
	if (job->s->meter_active > 0) {
		words_add(&job->words, "-t");
		words_add(&job->words, "maxlife=%lld",
		    (long long)(job->s->meter_active + 999999) / 1000000);
		words_split(&job->words, "-t expint=1");
	}
	if (job->s->meter_sample > 1) {
		words_add(&job->words, "-s");
		words_add(&job->words, "%llu", (unsigned long long)job->s->meter_sample);
	}
}

static void
nfcapd_words(struct job *job)
{
	words_split(&job->words, "nfcapd -t 3600 -B 8388608 -b 127.0.0.1 -p");
	words_add(&job->words, "%u", port_of(job->place));
	words_add(&job->words, "-w");
	words_add(&job->words, "%s/nfcapd", job->folder);
}

struct kind {
	const char *name,
	    *ready; /* words in its log when it works; NULL: when it listens */
	void (*words)(struct job *);
	/* Asks it to end; NULL: SIGTERM does. */
	int (*stop)(const char *folder, const char *log, struct err *err);
	int status; /* that it ends with */
};

static const struct kind kinds[2][METERS_OF_PLACE] = {
	{[OWN] = {"meter", "capturing on", own_words},
	    [COLLECTOR] = {"collect", NULL, collect_words},
	    [PLAIN] = {"plain", "capturing on", plain_words}},
	{[OWN] = {"meter", "capturing on", own_words},
	    [COLLECTOR] = {"nfcapd", NULL, nfcapd_words},
	    [PLAIN] = {"softflowd", "starting data collection", softflowd_words,
		softflowd_stop, 1}},
};

static void
log_path(const struct meters_config *c, unsigned place, unsigned i, const char *end,
    char out[PATH_BYTES])
{
	snprintf(out, PATH_BYTES, "%.400s/%s-%s.%s", c->logs, place_names[place],
	    kinds[has_softflowd(c, place)][i].name, end);
}

static int
meter_start(struct meters *m, unsigned place, unsigned i, struct err *err)
{
	const struct meters_config *c = m->config;
	const struct kind *kind = &kinds[has_softflowd(c, place)][i];
	const char *space = c->topology->places[place].space;
	char log[PATH_BYTES], output[PATH_BYTES];
	struct job job = {.c = c, .s = c->scenario, .place = place};
	struct process_config config = {.space = space, .folder = job.folder,
	    .output = output,
	    .log = log};
	int status;

	snprintf(job.folder, sizeof job.folder, "%.400s/%s", c->folder,
	    place_names[place]);
	log_path(c, place, i, "log", log);
	log_path(c, place, i, "out", output);
	remove(log); /* what it said before is not what we wait for */
	words_init(&job.words);
	kind->words(&job);
	config.argv = words_argv(&job.words);
	status = process_start(&config, &m->list[place][i], err);
	words_done(&job.words);
	if (status != 0)
		return -1;
	return kind->ready != NULL
	    ? wait_for_words(m->list[place][i], kind->name, log, kind->ready, 20000, err)
	    : wait_for_port(m->list[place][i], kind->name, log, space, true,
	    port_of(place),
		20000, err);
}

/* nfcapd's folder is of this block alone. */
static int
folders_make(const struct meters_config *c, unsigned place, struct err *err)
{
	char path[PATH_BYTES];
	int n = snprintf(path, sizeof path, "%.400s/%s", c->folder, place_names[place]);

	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	if (!has_softflowd(c, place))
		return 0;
	snprintf(path + n, sizeof path - (size_t)n, "/nfcapd");
	if (netflow_forget(path, err) != 0)
		return -1;
	return mkdir(path, 0755) == 0 ? 0 : err_set(err, errno, "%s: %s", path,
	    strerror(errno));
}

int
meters_start(struct meters *m, const struct meters_config *config, struct err *err)
{
	static const unsigned order[] = {COLLECTOR, OWN, PLAIN};
	unsigned place, i;

	*m = (struct meters){.config = config};
	for (place = 0; place < PLACES; place++) {
		if (config->topology->places[place].space == NULL)
			continue;
		if (folders_make(config, place, err) != 0)
			goto fail;
		for (i = 0; i < METERS_OF_PLACE; i++)
			if (meter_start(m, place, order[i], err) != 0)
				goto fail;
	}
	return 0;
fail:
	meters_drop(m);
	return -1;
}

static int
meter_signal(struct meters *m, unsigned place, unsigned i, struct err *err)
{
	const struct kind *kind = &kinds[has_softflowd(m->config, place)][i];
	char folder[PATH_BYTES], log[PATH_BYTES];

	if (kind->stop == NULL) {
		process_signal(m->list[place][i], SIGTERM);
		return 0;
	}
	snprintf(folder, sizeof folder, "%.400s/%s", m->config->folder,
	    place_names[place]);
	log_path(m->config, place, i, "stop", log);
	return kind->stop(folder, log, err);
}

/* Asks one of each place to end, then waits for them: they work side by side. */
static int
all_end(struct meters *m, unsigned i, struct err *err)
{
	unsigned place;
	int status = 0;

	for (place = 0; place < PLACES; place++)
		if (m->list[place][i] != NULL && meter_signal(m, place, i, err) != 0)
			return -1;
	for (place = 0; place < PLACES; place++) {
		struct process *process = m->list[place][i];
		const struct kind *kind = &kinds[has_softflowd(m->config, place)][i];
		char log[PATH_BYTES];

		if (process == NULL)
			continue;
		if (process_wait(process, GRACE_MS) == PROCESS_STOP)
			return err_set(err, EINTR, "stopped");
		process_end(process, 0);
		if (process_status(process) != kind->status && status == 0) {
			log_path(m->config, place, i, "log", log);
			status = err_set(err, EIO,
			    "%s at %s ended with status %d; see %s",
			    kind->name, place_names[place], process_status(process), log);
		}
		process_free(process);
		m->list[place][i] = NULL;
	}
	return status;
}

/* The rows "dropped" and "queue_full" of a meter's statistics, which end its output. */
static uint64_t
dropped_of(const char *output)
{
	FILE *file = fopen(output, "r");
	unsigned long long n;
	uint64_t sum = 0;
	char line[512];

	if (file == NULL)
		return 0;
	while (fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, " dropped %llu", &n) == 1 ||
		    sscanf(line, " queue_full %llu", &n) == 1)
			sum += n;
	fclose(file);
	return sum;
}

static int
softflowd_load(const struct meters_config *c, unsigned place, struct err *err)
{
	char folder[PATH_BYTES], store[PATH_BYTES], log[PATH_BYTES];

	snprintf(folder, sizeof folder, "%.400s/%s/nfcapd", c->folder,
	    place_names[place]);
	snprintf(store, sizeof store, "%.400s/%s/softflowd", c->folder,
	    place_names[place]);
	snprintf(log, sizeof log, "%.400s/%s-load.log", c->logs, place_names[place]);
	if (netflow_load(folder, store, c->program, (uint32_t)c->scenario->meter_sample,
	    log, err) != 0)
		return -1;
	return netflow_forget(folder, err);
}

/* Packets that softflowd's processed; what did not reach them is noted. */
static int
softflowds_count(const struct meters *m, struct meters_losses *losses,
    uint64_t *processed, struct err *err)
{
	unsigned place;

	*processed = 0;
	for (place = 0; place < PLACES; place++) {
		struct softflowd_counts counts;
		char folder[PATH_BYTES], log[PATH_BYTES];

		if (m->list[place][PLAIN] == NULL || !has_softflowd(m->config, place))
			continue;
		snprintf(folder, sizeof folder, "%.400s/%s", m->config->folder,
		    place_names[place]);
		log_path(m->config, place, PLAIN, "count", log);
		if (softflowd_count(folder, log, &counts, err) != 0)
			return -1;
		*processed += counts.processed;
		losses->softflowd[place] = counts.dropped;
	}
	return 0;
}

/*
 * softflowd gets packets by the block, and the last block only when it is full. So half a
 * megabyte follows the last download, as one flow from the first client to the server's
 * port 9 (discard).
 */
static int
push_through(const struct meters *m, struct err *err)
{
	const struct topology *t = m->config->topology;
	char script[300], log[PATH_BYTES];
	const char *const argv[] = {"bash", "-c", script, NULL};
	struct process_config config = {.argv = argv, .space = t->client[0], .log = log};

	snprintf(log, sizeof log, "%.400s/discard.log", m->config->logs);
	snprintf(script, sizeof script,
	    "exec 3<>/dev/udp/%s/9; for ((i = 0; i < 500; i++)); do "
	    "printf %%1000s >&3; done 2>/dev/null; exit 0", t->server_address[0]);
	return process_run(&config, GRACE_MS, err);
}

/* Until softflowd, which may be behind, has seen what there was to be seen. */
static int
settle(const struct meters *m, struct meters_losses *losses, struct err *err)
{
	uint64_t before, now = 0;
	unsigned i = 0;

	if (!stop_sleep(SETTLE_MS)) /* last acknowledgements are still on their way */
		return err_set(err, EINTR, "stopped");
	if (m->config->scenario->meter_softflowd != 0 && push_through(m, err) != 0)
		return -1;
	do {
		before = now;
		if (!stop_sleep(SETTLE_MS))
			return err_set(err, EINTR, "stopped");
		if (softflowds_count(m, losses, &now, err) != 0)
			return -1;
	} while (now != before && i++ < SETTLE_TIMES);
	return 0;
}

int
meters_stop(struct meters *m, struct meters_losses *losses, struct err *err)
{
	const struct meters_config *c = m->config;
	struct meters_losses lost = {0};
	unsigned place;

	if (settle(m, &lost, err) != 0)
		return -1;
	if (all_end(m, OWN, err) != 0 || all_end(m, PLAIN, err) != 0)
		return -1;
	if (!stop_sleep(SETTLE_MS)) /* what softflowd sent last */
		return err_set(err, EINTR, "stopped");
	if (all_end(m, COLLECTOR, err) != 0)
		return -1;
	for (place = 0; place < PLACES; place++) {
		char output[PATH_BYTES];

		if (c->topology->places[place].space == NULL)
			continue;
		log_path(c, place, OWN, "out", output);
		losses->dropped[place] += dropped_of(output);
		losses->softflowd[place] += lost.softflowd[place];
		if (has_softflowd(c, place) && softflowd_load(c, place, err) != 0)
			return -1;
	}
	return 0;
}

void
meters_drop(struct meters *m)
{
	unsigned place, i;

	for (place = 0; place < PLACES; place++)
		for (i = 0; i < METERS_OF_PLACE; i++) {
			process_free(m->list[place][i]);
			m->list[place][i] = NULL;
		}
}
