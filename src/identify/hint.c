/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hints, one function each, and the memory of what hosts run. A hint's factor for a
 * candidate says how much likelier the file is than an average one, given what the hint
 * knows; 1 where it knows nothing.
 */
#include "identify/hint.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	HOSTS_MAX = 1 << 16, /* further clients are not remembered */
	HOSTS_SLOTS = 2 * HOSTS_MAX, /* free ones end a search */
	HOST_TEXTS = 4,      /* suites and architectures told apart per client */
	HOST_RECENT = 64,    /* downloads of a client whose dependencies are looked at */
	SYSTEMS = 4096,      /* looks of SYNs told apart, by hash */
	ORDER_GAIN = 200,
};

static const double DAY_US = 86400e6;
/* How much likelier what is needed, and what needs it, is than an average file. */
static const double NEEDED_GAIN = 20, NEEDING_GAIN = 5;

/* How often a client downloaded files of these texts (suites, architectures). */
struct habit {
	uint32_t text[HOST_TEXTS], count[HOST_TEXTS], all;
};

struct host {
	struct addr client;
	bool is_used;
	struct habit suite, arch;
	uint32_t recent[HOST_RECENT], downloads; /* files, a ring */
};

/* Of hosts whose SYN looks the same. */
struct system {
	struct habit suite, arch;
};

struct hosts {
	struct host host[HOSTS_SLOTS];
	struct system system[SYSTEMS];
	uint32_t count;
};

struct hosts *
hosts_new(void)
{
	return must(calloc(1, sizeof(struct hosts)));
}

void
hosts_free(struct hosts *hosts)
{
	free(hosts);
}

/* The client's entry, or the free one where it would be: half of them are free. */
static struct host *
host_of(const struct hosts *hosts, const struct addr *client)
{
	uint32_t i = (uint32_t)hash64(client, sizeof *client, 0) % HOSTS_SLOTS;

	while (hosts->host[i].is_used &&
	       addr_compare(&hosts->host[i].client, client) != 0)
		i = (i + 1) % HOSTS_SLOTS;
	return (struct host *)&hosts->host[i];
}

static void
habit_add(struct habit *habit, uint32_t text)
{
	uint32_t i;

	if (text == 0)
		return;
	habit->all++;
	for (i = 0; i < HOST_TEXTS; i++)
		if (habit->count[i] == 0 || habit->text[i] == text) {
			habit->text[i] = text;
			habit->count[i]++;
			return;
		}
}

/* Architecture "all" says nothing of a host. */
static uint32_t
arch_of(const struct files *files, uint32_t file)
{
	uint32_t arch = files->file[file].arch;

	return strcmp(catalog_text(files->catalog, arch), "all") == 0 ? 0 : arch;
}

void
hosts_add(struct hosts *hosts, const struct files *files, const struct record *record,
	  uint32_t file)
{
	struct host *host = host_of(hosts, &record->client);
	uint32_t suite = files->file[file].suite, arch = arch_of(files, file);

	if (record->system != 0) {
		habit_add(&hosts->system[record->system % SYSTEMS].suite, suite);
		habit_add(&hosts->system[record->system % SYSTEMS].arch, arch);
	}
	if (!host->is_used && hosts->count == HOSTS_MAX)
		return;
	if (!host->is_used) {
		*host = (struct host){.client = record->client, .is_used = true};
		hosts->count++;
	}
	habit_add(&host->suite, suite);
	habit_add(&host->arch, arch);
	host->recent[host->downloads++ % HOST_RECENT] = file;
}

/* With n downloads seen, the share of this text against a half that knows nothing. */
static double
habit_factor(const struct habit *habit, uint32_t text)
{
	double share = 0.5 / HOST_TEXTS;
	uint32_t i;

	if (text == 0 || habit->all == 0)
		return 1;
	for (i = 0; i < HOST_TEXTS; i++)
		if (habit->count[i] > 0 && habit->text[i] == text)
			share += habit->count[i];
	return share / (habit->all + 0.5) * HOST_TEXTS;
}

static const struct host *
known_host(const struct hint_view *view)
{
	const struct host *host =
	    view->hosts != NULL ? host_of(view->hosts, &view->record->client) : NULL;

	return host != NULL && host->is_used ? host : NULL;
}

static double
weigh_suite(const struct hint_view *view, uint32_t file)
{
	const struct host *host = known_host(view);

	return host == NULL ? 1
			    : habit_factor(&host->suite, view->files->file[file].suite);
}

static double
weigh_arch(const struct hint_view *view, uint32_t file)
{
	const struct host *host = known_host(view);

	return host == NULL ? 1 : habit_factor(&host->arch, arch_of(view->files, file));
}

static double
weigh_order(const struct hint_view *view, uint32_t file)
{
	uint32_t place = view->order != NULL ? view->order[file] : 0;
	double factor = 1 - view->in_order;

	if (place == 0 || !(view->in_order > 0) || view->low >= view->high)
		return 1;
	if (place > view->low && place < view->high)
		factor += view->in_order * fmin((double)view->last /
						    (view->high - view->low),
						ORDER_GAIN);
	return factor;
}

static double
weigh_release(const struct hint_view *view, uint32_t file)
{
	int64_t date = view->files->file[file].date_us;
	double age = (double)view->record->start_us - (double)date;

	if (date == INT64_MIN)
		return 1;
	if (age < -DAY_US)
		return 1.0 / 30;
	return age < 0 ? 1 : 1 + 2 * exp(-age / (14 * DAY_US));
}

/* A source is named after its archive: its text holds the host's name. */
static double
weigh_name(const struct hint_view *view, uint32_t file)
{
	uint32_t source = view->files->file[file].source;
	const char *text = catalog_text(view->files->catalog, source);

	if (view->server_name == NULL || *view->server_name == '\0' || source == 0)
		return 1;
	return strstr(text, view->server_name) != NULL ? 5 : 0.5;
}

/* Whether a file's list of what it needs names another file: words of names, a|b for
 * either. */
static bool
needs(const struct files *files, uint32_t file, uint32_t other)
{
	const char *list = catalog_text(files->catalog,
					catalog_more(files->catalog,
					&files->file[file])->depends),
		   *name = catalog_text(files->catalog, files->file[other].name),
		   *at = list;
	size_t n = strlen(name);

	while (n > 0 && (at = strstr(at, name)) != NULL) {
		if ((at == list || strchr(" |", at[-1]) != NULL) &&
		    strchr(" |", at[n]) != NULL) /* or its end */
			return true;
		at += n;
	}
	return false;
}

/* What a host fetches at once is mostly one file and what it needs. */
static double
weigh_depends(const struct hint_view *view, uint32_t file)
{
	const struct host *host = known_host(view);
	uint32_t i, n;

	if (host == NULL || !view->files->has_depends)
		return 1;
	n = host->downloads < HOST_RECENT ? host->downloads : HOST_RECENT;
	for (i = 0; i < n; i++)
		if (needs(view->files, host->recent[i], file))
			return NEEDED_GAIN;
	for (i = 0; i < n; i++)
		if (needs(view->files, file, host->recent[i]))
			return NEEDING_GAIN;
	return 1;
}

/* A host that downloaded nothing sure yet is like those whose SYN looks like its own. */
static double
weigh_system(const struct hint_view *view, uint32_t file)
{
	const struct system *system;

	if (view->hosts == NULL || view->record->system == 0 || known_host(view) != NULL)
		return 1;
	system = &view->hosts->system[view->record->system % SYSTEMS];
	return habit_factor(&system->suite, view->files->file[file].suite) *
	       habit_factor(&system->arch, arch_of(view->files, file));
}

typedef double hint_weigh(const struct hint_view *view, uint32_t file);

static const struct {
	const char *id;
	double weight;
	hint_weigh *weigh;
} hint_rows[HINTS] = {
#define HINT(id, weight, help) [HINT_##id] = {#id, weight, weigh_##id},
#include "identify/hint.def"
#undef HINT
};

static double
factor_of(const struct hint_view *view, enum hint hint, uint32_t file)
{
	double factor = hint_rows[hint].weigh(view, file), most = hint_rows[hint].weight;

	return factor > most ? most : factor < 1 / most ? 1 / most : factor;
}

/*
 * Hints tell candidates apart; how many of all files they favour is not known, so that
 * the mass of all candidates together stays what the spans say it is.
 */
void
hints_apply(const struct hint_view *view, struct verdict *v)
{
	double before = 0, after = 0, factor;
	uint32_t i, hint;

	if (v->count < 2)
		return;
	for (i = 0; i < v->count; i++) {
		before += v->candidate[i].probability;
		for (factor = 1, hint = 0; hint < HINTS; hint++)
			factor *= factor_of(view, hint, v->candidate[i].file);
		v->candidate[i].probability *= factor;
		after += v->candidate[i].probability;
	}
	if (!(after > 0))
		return;
	for (i = 0; i < v->count; i++)
		v->candidate[i].probability *= before / after;
	verdict_sort(v);
}

void
hints_tell(const struct hint_view *view, uint32_t file, struct text *out)
{
	double factor;
	uint32_t hint;

	for (hint = 0; hint < HINTS; hint++) {
		factor = factor_of(view, hint, file);
		if (factor != 1)
			text_printf(out, " %s x%.3g", hint_rows[hint].id, factor);
	}
}
