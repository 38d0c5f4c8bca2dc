/* SPDX-License-Identifier: BSD-2-Clause */
/* What a run leaves beside the stores: small files, each written anew as a whole. */
#include "lab/run_private.h"

#include "base/err.h"
#include "lab/note.h"
#include "model/type.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

double
run_seconds(const struct run *r)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return r->seconds +
	    (double)((int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 - r->begun_us) / 1e6;
}

/* What is to be done in the time that is left: some of it for what was not foreseen. */
static const double spare_share = 0.95, least_share = 0.3;

void
run_less(struct run *r, double all_s)
{
	double left = r->config->limit_s - run_seconds(r),
	       least = r->config->limit_s * least_share;
	struct pace_cut cut = pace_cut(&r->pace, r->s->scenario_less == LESS_sizes, all_s,
	    spare_share * (left > least ? left : least));
	struct scenario *s = &r->cut;

	/* what it would have taken as it was asked for */
	if (r->foreseen == 0)
		r->foreseen = all_s;
	s->files_scale *= cut.sizes;
	s->scenario_downloads = (uint64_t)((double)s->scenario_downloads * cut.downloads);
	s->scenario_train = (uint64_t)((double)s->scenario_train * cut.downloads);
	if (s->scenario_downloads == 0)
		s->scenario_downloads = 1;
	if (s->scenario_quick > s->scenario_downloads)
		s->scenario_quick = s->scenario_downloads;
}

void
run_less_text(const struct run *r, char out[96])
{
	int n = 0;

	out[0] = '\0';
	if (r->foreseen == 0)
		return;
	if (r->cut.files_scale != r->asked->files_scale)
		n = snprintf(out, 96, "sizes times %.3g, ",
		    r->cut.files_scale / r->asked->files_scale);
	if (r->cut.scenario_downloads != r->asked->scenario_downloads)
		n += snprintf(out + n, (size_t)(96 - n), "%llu of %llu downloads, ",
		    (unsigned long long)r->cut.scenario_downloads,
		    (unsigned long long)r->asked->scenario_downloads);
	snprintf(out + n, (size_t)(96 - n), "as %.0f s were foreseen", r->foreseen);
}

/* Only where something did. */
static void
less_write(const struct run *r, struct text *t)
{
	char less[96];

	run_less_text(r, less);
	if (less[0] == '\0')
		return;
	text_printf(t, "less\t%s\nforeseen\t%.1f\nscale_asked\t", less, r->foreseen);
	text_f64(t, r->asked->files_scale);
	text_printf(t, "\ndownloads_asked\t%llu\ntrain_asked\t%llu\n",
	    (unsigned long long)r->asked->scenario_downloads,
	    (unsigned long long)r->asked->scenario_train);
}

int
run_state_write(struct run *r, const char *state, const char *reason, struct err *err)
{
	struct utsname name;
	struct text t;
	char room[40];
	unsigned i;
	int status;

	uname(&name);
	text_init(&t);
	text_printf(&t, "state\t%s\n", state);
	if (reason != NULL)
		text_printf(&t, "reason\t%s\n", reason);
	text_printf(&t, "scenario\t%s\ndate\t", r->s->name);
	text_bytes(&t, room, time_print(r->date_us, STYLE_MACHINE, room));
	text_printf(&t, "\nkernel\t%s %s\nmachine\t%s\nprocessors\t%ld\nweir\t%s\n"
	    "seed\t%llu\n"
	    "scale\t", name.sysname, name.release, name.machine,
	    sysconf(_SC_NPROCESSORS_ONLN), WEIR_VERSION,
	    (unsigned long long)r->config->seed);
	text_f64(&t, r->s->files_scale);
	text_char(&t, '\n');
	if (r->topology.tunnel != NULL)
		text_printf(&t, "tunnel\t%s\n", r->topology.tunnel);
	less_write(r, &t);
	text_printf(&t, "seconds\t%.1f\nblocks\t%u\nblocks_done\t%u\ndownloads\t%llu\n"
	    "train\t%llu\n"
	    "rows\t%llu\n"
	    "octets\t%llu\n"
	    "failed_runs\t%llu\n"
	    "other_requests\t%llu\n"
	    "refused\t%llu\n", run_seconds(r), r->plan.block_count, r->blocks_done,
	    (unsigned long long)r->s->scenario_downloads,
	    (unsigned long long)r->s->scenario_train, (unsigned long long)r->counts.rows,
	    (unsigned long long)r->counts.octets, (unsigned long long)r->failed,
	    (unsigned long long)r->counts.others, (unsigned long long)r->counts.refused);
	for (i = 0; i < PLACES; i++)
		text_printf(&t, "dropped_%s\t%llu\nsoftflowd_dropped_%s\t%llu\n",
		    place_names[i],
		    (unsigned long long)r->losses.dropped[i], place_names[i],
		    (unsigned long long)r->losses.softflowd[i]);
	status = note_write(r->folder, "run.tsv", &t, err);
	text_done(&t);
	return status;
}

/* What an earlier go made less of the same scenario. */
static void
less_read(struct run *r, const struct text *t)
{
	struct scenario *s = &r->cut;
	char value[64];

	note_value(t, "scale_asked", value, sizeof value);
	if (value[0] == '\0' || strtod(value, NULL) != s->files_scale ||
	    note_number(t, "downloads_asked") != s->scenario_downloads ||
	    note_number(t, "train_asked") != s->scenario_train)
		return; /* nothing, or of another one, which run_scenario_keep tells */
	note_value(t, "foreseen", value, sizeof value);
	r->foreseen = strtod(value, NULL);
	note_value(t, "scale", value, sizeof value);
	s->files_scale = strtod(value, NULL);
	s->scenario_downloads = note_number(t, "downloads");
	s->scenario_train = note_number(t, "train");
	if (s->scenario_quick > s->scenario_downloads)
		s->scenario_quick = s->scenario_downloads;
}

int
run_state_read(struct run *r, bool *is_done, struct err *err)
{
	char value[64], key[64];
	struct text t, old;
	unsigned i;
	int status;

	text_init(&t);
	text_init(&old);
	*is_done = false;
	if ((status = note_read(r->folder, "run.tsv", &t, err)) != 0 || t.len == 0)
		goto done;
	note_value(&t, "state", value, sizeof value);
	*is_done = strcmp(value, "done") == 0;
	if (note_number(&t, "seed") != r->config->seed &&
	    note_number(&t, "blocks_done") > 0) {
		status = err_set(err, EINVAL,
		    "%s was begun with seed %llu, not %llu; remove it "
		    "to begin anew", r->folder,
		    (unsigned long long)note_number(&t, "seed"),
		    (unsigned long long)r->config->seed);
		goto done;
	}
	less_read(r, &t);
	note_value(&t, "date", value, sizeof value);
	time_parse(value, strlen(value), &r->date_us);
	note_value(&t, "seconds", value, sizeof value);
	r->seconds = strtod(value, NULL);
	r->blocks_done = (uint32_t)note_number(&t, "blocks_done");
	r->counts = (struct truth_counts){note_number(&t, "rows"),
	    note_number(&t, "octets"),
	    note_number(&t, "other_requests"), note_number(&t, "refused")};
	r->failed = note_number(&t, "failed_runs");
	for (i = 0; i < PLACES; i++) {
		snprintf(key, sizeof key, "dropped_%s", place_names[i]);
		r->losses.dropped[i] = note_number(&t, key);
		snprintf(key, sizeof key, "softflowd_dropped_%s", place_names[i]);
		r->losses.softflowd[i] = note_number(&t, key);
	}
	if ((status = note_read(r->folder, "truth.tsv", &old, err)) == 0 && old.len > 0 &&
	    truth_keep(old.data, r->blocks_done, &r->truth, err) != 0)
		status = err_prefix(err, "%s/truth.tsv: ", r->folder);
done:
	text_done(&old);
	text_done(&t);
	return status;
}

int
run_scenario_keep(struct run *r, struct err *err)
{
	struct text now, old;
	int status;

	text_init(&now);
	text_init(&old);
	scenario_print(r->s, &now);
	status = note_read(r->folder, "scenario.lab", &old, err);
	if (status == 0 && old.len > 0 && strcmp(old.data, now.data) != 0 &&
	    r->blocks_done > 0)
		status = err_set(err, EINVAL,
		    "%s was begun with another scenario of this name, "
		    "or other options; remove it to begin anew", r->folder);
	if (status == 0)
		status = note_write(r->folder, "scenario.lab", &now, err);
	text_done(&old);
	text_done(&now);
	return status;
}

int
run_places_write(struct run *r, struct err *err)
{
	struct text t;
	unsigned i;
	int status;

	text_init(&t);
	text_str(&t, "place\tview\tstore\tplain\n");
	for (i = 0; i < PLACES; i++)
		if (r->topology.places[i].space != NULL)
			text_printf(&t, "%s\t%s\tstore\t%s\n", place_names[i],
			    view_names[r->topology.places[i].view],
			    r->s->meter_softflowd & 1u << i ? "softflowd" : "router");
	status = note_write(r->folder, "places.tsv", &t, err);
	text_done(&t);
	return status;
}

int
run_catalogue_write(struct run *r, struct err *err)
{
	struct text t;
	int status;

	text_init(&t);
	corpus_catalogue(&r->files, &t);
	status = note_write(r->folder, "catalogue.tsv", &t, err);
	text_done(&t);
	return status;
}

int
run_truth_write(struct run *r, struct err *err)
{
	struct text t;
	int status;

	text_init(&t);
	truth_header(&t);
	text_bytes(&t, r->truth.data, r->truth.len);
	status = note_write(r->folder, "truth.tsv", &t, err);
	text_done(&t);
	return status;
}
