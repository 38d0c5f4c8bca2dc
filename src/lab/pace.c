/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Foreseeing a scenario's time. Sizes are drawn, and each download costs time that does
 * not hang on its size too, the start of a browser, say: so how long a run takes is a
 * line, fitted to the first runs by least squares. The line only tells how much of all
 * work is done; what that took, rests and all, is the clock's.
 */
#include "lab/pace.h"

#include <math.h>

static const double few_runs = 5, share_of_limit = 0.05, share_at_most = 0.25;
static const double sizes_least = 0.05;

struct pace_load
pace_load_of(const struct plan *plan, const struct corpus *files,
    const struct plan_run *run)
{
	struct pace_load load = {.downloads = run->count};
	uint32_t i;

	switch (run->action) {
	case ACTION_range:
		load.octets = (double)(run->end - run->cut + 1);
		return load;
	case ACTION_abort:
		load.octets = (double)run->cut;
		return load;
	case ACTION_unmodified:
		return load;
	default:
		break;
	}
	for (i = 0; i < run->count; i++)
		load.octets += (double)files->list[plan->files[run->first + i]].bytes;
	return load;
}

static void
add(struct pace_load *to, const struct pace_load *one)
{
	to->octets += one->octets;
	to->downloads += one->downloads;
}

void
pace_begin(struct pace *pace, double limit_s, unsigned parallel, const struct plan *plan,
    const struct corpus *files)
{
	uint32_t i;

	*pace = (struct pace){.limit_s = limit_s, .parallel = parallel};
	for (i = 0; i < plan->run_count; i++) {
		struct pace_load one = pace_load_of(plan, files, &plan->runs[i]);

		add(&pace->all, &one);
	}
}

void
pace_ended(struct pace *pace, const struct pace_load *load, double took_s)
{
	if (pace->count == PACE_SEEN_MAX)
		return;
	add(&pace->ended, load);
	pace->loads[pace->count] = *load;
	pace->seconds[pace->count++] = took_s;
}

/* Least squares of seconds / downloads on octets / downloads; neither part is below 0. */
struct pace_law
pace_law(const struct pace *pace)
{
	double x = 0, y = 0, xx = 0, xy = 0, n = pace->count;
	struct pace_law law = {0, 1};
	unsigned i;

	for (i = 0; i < pace->count; i++) {
		x += pace->loads[i].octets / pace->loads[i].downloads / n;
		y += pace->seconds[i] / pace->loads[i].downloads / n;
	}
	for (i = 0; i < pace->count; i++) {
		double dx = pace->loads[i].octets / pace->loads[i].downloads - x;

		xx += dx * dx;
		xy += dx * (pace->seconds[i] / pace->loads[i].downloads - y);
	}
	if (pace->count == 0 || y <= 0)
		return law;
	law.b_s = xx > 0 ? fmax(xy / xx, 0) : x > 0 ? y / x : 0;
	law.a_s = y - law.b_s * x;
	if (law.a_s < 0)
		law = (struct pace_law){0, y / x};
	return law;
}

static double
work(const struct pace_law *law, const struct pace_load *load)
{
	return law->a_s * load->downloads + law->b_s * load->octets;
}

bool
pace_foresee(const struct pace *pace, double elapsed_s,
    const struct pace_load *under_way, double *all_s)
{
	bool is_enough = pace->count >= fmax(few_runs, 2 * pace->parallel) &&
	    elapsed_s >= share_of_limit * pace->limit_s;
	struct pace_law law = pace_law(pace);
	double done = work(&law, &pace->ended) + work(&law, under_way) / 2;

	if (!is_enough && elapsed_s < share_at_most * pace->limit_s)
		return false;
	if (!(done > 0))
		return false;
	*all_s = elapsed_s * work(&law, &pace->all) / done;
	return true;
}

static double
two_digits(double share)
{
	return share >= 1 ? 1 : fmax(floor(share * 100) / 100, 0.01);
}

struct pace_cut
pace_cut(const struct pace *pace, bool is_sizes, double all_s, double wanted_s)
{
	struct pace_law law = pace_law(pace);
	double fixed = law.a_s * pace->all.downloads, moving = law.b_s * pace->all.octets;
	struct pace_cut cut = {1, 1};
	double share = wanted_s / all_s;

	if (is_sizes && moving > 0) {
		cut.sizes = (share * (fixed + moving) - fixed) / moving;
		cut.sizes = two_digits(fmax(cut.sizes, sizes_least));
		/* what is left to do is that of smaller files */
		share *= (fixed + moving) / (fixed + moving * cut.sizes);
	}
	cut.downloads = share > 0.995 ? 1 : two_digits(share);
	return cut;
}
