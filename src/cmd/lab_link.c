/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir lab link: the link emulator alone, between two interfaces of any namespaces. Its
 * settings are the rows of link.def.
 */
#include "base/text.h"
#include "cmd/lab.h"
#include "cmd/log.h"
#include "lab/emulator.h"
#include "lab/network.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { NAME_BYTES = 128, PRIORITY = -10 };

struct link_values {
	const char *set[LINK_KEYS];
	const char *ahead, *back, *format;
	uint64_t seed, mtu, slots;
	bool is_packet;
};

#define AT(member) offsetof(struct link_values, member)

static const struct option_row options[] = {
#define LINK(id, name, type, greatest, fallback, argument, help) \
	{name, 0, OPTION_TEXT, AT(set[LINK_##id]), argument, fallback, 0, 0, help},
#include "lab/link.def"
#undef LINK
	{"ahead", 0, OPTION_TEXT, AT(ahead), "SETTINGS", NULL, 0, 0,
	    "what is different from the first interface to the second: "
	    "delay=20ms,loss=1%,..."},
	{"back", 0, OPTION_TEXT, AT(back), "SETTINGS", NULL, 0, 0,
	    "what is different from the second interface to the first"},
	{"seed", 0, OPTION_NUMBER, AT(seed), "NUMBER", "1", 0, 0,
	    "chooses which frames are lost, held back and so on"},
	{"mtu", 0, OPTION_NUMBER, AT(mtu), "BYTES", "1500", 68, 65521,
	    "of the interfaces; longer frames are dropped"},
	{"slots", 0, OPTION_NUMBER, AT(slots), "FRAMES", "65536", 2, LINK_SLOTS_MAX,
	    "memory for so many frames under way, both directions together"},
	{"packet", 0, OPTION_FLAG, AT(is_packet), NULL, NULL, 0, 0,
	    "take interfaces that exist, by packet sockets, in place of making TAP "
	    "devices"},
	{"format", 'o', OPTION_TEXT, AT(format), "FORMAT", "text", 0, 0,
	    "of the statistics: text or ndjson"},
};

struct link_run {
	const struct link_values *v;
	struct emulator_config config;
	char names[EMULATOR_ENDS][NAME_BYTES]; /* operands, cut at the slash */
	const char *operands[EMULATOR_ENDS];
	struct emulator *emulator;
};

/* ---- settings ---- */

static int
read_ways(const struct link_values *v, struct link_config *config, struct err *err)
{
	const char *different[LINK_WAYS] = {v->ahead, v->back};
	unsigned way, i;

	for (way = 0; way < LINK_WAYS; way++) {
		for (i = 0; i < LINK_KEYS; i++) {
			if (link_way_set(&config->ways[way], link_rows[i].name, v->set[i],
			    err) != 0)
				return err_prefix(err, "--");
		}
		if (different[way] != NULL &&
		    link_way_parse(&config->ways[way], different[way], err) != 0)
			return err_prefix(err,
			    way == LINK_AHEAD ? "--ahead: " : "--back: ");
		if (link_way_check(&config->ways[way], err) != 0)
			return err_prefix(err, "--");
	}
	return 0;
}

/* "NAMESPACE/DEVICE" or "DEVICE". */
static int
read_end(struct link_run *r, unsigned end, const char *operand, struct err *err)
{
	char *name = r->names[end], *slash;

	if (strlen(operand) >= NAME_BYTES)
		return err_set(err, EINVAL, "'%.60s...' is too long", operand);
	strcpy(name, operand);
	if ((slash = strchr(name, '/')) != NULL)
		*slash = '\0';
	r->config.ends[end].space = slash == NULL ? NULL : name;
	r->config.ends[end].device = slash == NULL ? name : slash + 1;
	r->operands[end] = operand;
	if (name[0] == '\0' || r->config.ends[end].device[0] == '\0' ||
	    strlen(r->config.ends[end].device) > DEVICE_NAME_MAX)
		return err_set(err, EINVAL,
		    "'%s' should be NAMESPACE/DEVICE or DEVICE, with a "
		    "device of at most %d letters", operand, DEVICE_NAME_MAX);
	return 0;
}

/* ---- statistics ---- */

/* All counters of a direction, one after the other: the interfaces', the engine's. */
enum { COUNTERS = (int)LINK_COUNTERS + (int)EMULATOR_COUNTERS };

static void
gather(struct link_run *r, unsigned way, uint64_t out[COUNTERS])
{
	memcpy(out, link_counters(emulator_link(r->emulator), way),
	    LINK_COUNTERS * sizeof *out);
	memcpy(out + LINK_COUNTERS, emulator_counters(r->emulator, way),
	    EMULATOR_COUNTERS * sizeof *out);
}

static const struct counter_row *
row(unsigned i)
{
	return i < LINK_COUNTERS ? &link_counter_rows[i]
	    : &emulator_counter_rows[i - LINK_COUNTERS];
}

static void
put_text(struct link_run *r, struct text *out)
{
	uint64_t values[LINK_WAYS][COUNTERS];
	unsigned i;

	gather(r, LINK_AHEAD, values[LINK_AHEAD]);
	gather(r, LINK_BACK, values[LINK_BACK]);
	text_printf(out, "ahead is from %s to %s, back from %s to %s\n", r->operands[0],
	    r->operands[1], r->operands[1], r->operands[0]);
	text_printf(out, "  %-16s %14s %14s\n", "", "ahead", "back");
	for (i = 0; i < COUNTERS; i++) {
		if (values[0][i] == 0 && values[1][i] == 0)
			continue;
		text_printf(out, "  %-16s %14llu %14llu  %s\n", row(i)->id,
		    (unsigned long long)values[0][i], (unsigned long long)values[1][i],
		    row(i)->help);
	}
}

static void
put_ndjson(struct link_run *r, struct text *out)
{
	uint64_t values[COUNTERS];
	struct text set;
	unsigned way, i;

	text_init(&set);
	for (way = 0; way < LINK_WAYS; way++) {
		gather(r, way, values);
		text_str(out, "{\"from\":");
		text_json(out, r->operands[way], strlen(r->operands[way]));
		text_str(out, ",\"to\":");
		text_json(out, r->operands[1 - way], strlen(r->operands[1 - way]));
		text_clear(&set);
		link_way_print(&r->config.link.ways[way], &set);
		text_str(out, ",\"set\":");
		text_json(out, set.data, set.len);
		text_printf(out, ",\"seed\":%llu",
		    (unsigned long long)r->config.link.seed);
		for (i = 0; i < COUNTERS; i++)
			text_printf(out, ",\"%s\":%llu", row(i)->id,
			    (unsigned long long)values[i]);
		text_str(out, "}\n");
	}
	text_done(&set);
}

static void
print_statistics(struct link_run *r)
{
	struct text t;

	text_init(&t);
	if (strcmp(r->v->format, "ndjson") == 0)
		put_ndjson(r, &t);
	else
		put_text(r, &t);
	fwrite(t.data, 1, t.len, stdout);
	fflush(stdout);
	text_done(&t);
}

/* ---- running ---- */

static int
open_signals(struct err *err)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if ((fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		err_set(err, errno, "no signalfd: %s", strerror(errno));
	return fd;
}

static int
carry(struct link_run *r, int signals, struct err *err)
{
	const struct sched_param first = {.sched_priority = 1};
	struct signalfd_siginfo info;

	/* Where it is allowed: frames do not wait for programs that compute. */
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first) != 0)
		(void)setpriority(PRIO_PROCESS, 0, PRIORITY);
	log_say(LOG_TELL, "lab link: carries frames between %s and %s", r->operands[0],
	    r->operands[1]);
	while (emulator_run(r->emulator, signals, err) == 0) {
		if (read(signals, &info, sizeof info) != sizeof info)
			continue;
		print_statistics(r);
		if (info.ssi_signo != SIGUSR1)
			return EXIT_GOOD;
	}
	print_statistics(r);
	return EXIT_TROUBLE;
}

static int
run(void *values, const char **operands, int count, struct err *err)
{
	struct link_run r = {.v = values};
	int signals, status = EXIT_TROUBLE;

	if (count != EMULATOR_ENDS) {
		err_set(err, EINVAL, "needs two interfaces, NAMESPACE/DEVICE each");
		return EXIT_USAGE;
	}
	if (strcmp(r.v->format, "text") != 0 && strcmp(r.v->format, "ndjson") != 0) {
		err_set(err, EINVAL, "--format: text or ndjson, not '%s'", r.v->format);
		return EXIT_USAGE;
	}
	if (read_ways(r.v, &r.config.link, err) != 0 ||
	    read_end(&r, 0, operands[0], err) != 0 ||
	    read_end(&r, 1, operands[1], err) != 0)
		return EXIT_USAGE;
	r.config.link.seed = r.v->seed;
	r.config.link.slots = (uint32_t)r.v->slots;
	r.config.mtu = (uint32_t)r.v->mtu;
	r.config.kind = r.v->is_packet ? EMULATOR_PACKET : EMULATOR_TAP;
	if ((signals = open_signals(err)) < 0)
		return EXIT_TROUBLE;
	if (emulator_open(&r.config, &r.emulator, err) == 0)
		status = carry(&r, signals, err);
	emulator_close(r.emulator);
	close(signals);
	return status;
}

const struct command command_lab_link = {
	.name = "lab link",
	.summary = "Emulates a link: delay, jitter, rate, queue, losses, reordering, "
	    "copies",
	.operands = "[NAMESPACE/]DEVICE [NAMESPACE/]DEVICE",
	.about = "Makes a TAP device in each of two network namespaces and carries "
	    "frames between them as a link of the given settings would. A namespace is "
	    "named as ip-netns(8) does; without one the device is made where the "
	    "command runs. Each end gets its addresses by ip(8) and is gone when the "
	    "command ends. A setting holds for both directions; --ahead and --back "
	    "change those of one.\n\n"
	    "A frame waits in the queue until the rate has time for it, or is dropped "
	    "because too many wait; then it may be lost, which is not seen by the "
	    "queue; then it is under way for the delay. Losses by --burst follow "
	    "Gilbert's chain: a burst loses all its frames, and the shares and lengths "
	    "are means. A frame that is held back arrives --reorder-by later and is "
	    "overtaken by those that arrive in that time. Which frames are chosen "
	    "depends on --seed and on how many came before, so a run can be had "
	    "again.\n\n"
	    "Segments go through as they are: a TAP device merges none and cuts none. "
	    "With --packet, for interfaces that exist, their offloading is to be off "
	    "(ethtool -K), and so is that of what sends to them.\n\n"
	    "SIGUSR1 prints statistics, SIGINT and SIGTERM end the link after printing "
	    "them. Every frame is in them: came = dropped + lost + left - copied + "
	    "under_way. Needs root.",
	.examples = "ip netns add a; ip netns add b\n"
	"weir lab link --delay 20ms --rate 50M --loss 0.1% --burst 3 a/eth0 b/eth0 &\n"
	"ip -n a addr add 192.0.2.1/24 dev eth0; ip -n b addr add 192.0.2.2/24 dev "
	"eth0\n"
	"ip netns exec a ping 192.0.2.2",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.values_size = sizeof(struct link_values),
	.run = run,
};
