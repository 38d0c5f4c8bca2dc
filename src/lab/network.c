/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network by ip(8) and nft(8), which do each step, and by what space.c does without
 * them. Every namespace is written down (leftover.h) before it is made; devices in it go
 * with it.
 */
#include "lab/network_private.h"

#include "base/err.h"
#include "base/text.h"
#include "lab/process.h"
#include "lab/program.h"
#include "lab/space.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS = 32, END_MS = 2000 };

/* A second one would share the names and the file of the first. */
static bool is_open;

/* ---- beginning and end ---- */

/* In a child, so that this program's namespace stays as it is. */
static int
try_namespace(struct err *err)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 ? 0 : errno);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, EPERM,
		    "network namespaces are not allowed here (%s): use a "
		    "machine or container that may make them (CAP_SYS_ADMIN)",
		    strerror(pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : errno));
	return 0;
}

int
network_possible(struct err *err)
{
	if (geteuid() != 0)
		return err_set(err, EPERM, "needs root, to make network namespaces");
	if (program_need("ip", err) != 0)
		return -1;
	return try_namespace(err);
}

int
network_open(struct network **out, struct err *err)
{
	struct network *net = NULL;

	if (is_open)
		return err_set(err, EBUSY, "a program has one network at a time");
	if (network_possible(err) != 0 || leftover_clean(NULL, err) != 0)
		return -1;
	if ((net = calloc(1, sizeof *net)) == NULL)
		return err_set(err, ENOMEM, "out of memory");
	if (leftover_open(&net->left, err) != 0) {
		free(net);
		return -1;
	}
	is_open = true;
	*out = net;
	return 0;
}

void
network_close(struct network *net)
{
	unsigned i;

	if (net == NULL)
		return;
	for (i = 0; i < net->emulators; i++)
		process_end(net->emulator[i], END_MS);
	leftover_close(net->left);
	for (i = 0; i < net->emulators; i++)
		process_free(net->emulator[i]);
	free(net);
	is_open = false;
}

int
network_clean(struct text *told, struct err *err)
{
	return leftover_clean(told, err);
}

/* ---- commands in a namespace ---- */

int
network_find(const struct network *net, const char *space, const char **out,
    struct err *err)
{
	*out = space == NULL ? NULL : network_space_name(net, space);
	if (space != NULL && *out == NULL)
		return err_set(err, ENOENT, "the network has no namespace '%s'", space);
	return 0;
}

const char *
network_space_name(const struct network *net, const char *space)
{
	char name[SPACE_NAME_MAX + 1];
	unsigned i;

	snprintf(name, sizeof name, "weir-%ld-%s", (long)getpid(), space);
	for (i = 0; i < net->spaces; i++) {
		if (strcmp(net->names[i], name) == 0)
			return net->names[i];
	}
	return NULL;
}

/* Cuts a line into words at its blanks. -1: too many. */
static int
split(char *line, const char *words[WORDS])
{
	char *word, *rest;
	int n = 0;

	for (word = strtok_r(line, " ", &rest); word != NULL;
	    word = strtok_r(NULL, " ", &rest)) {
		if (n == WORDS - 1)
			return -1;
		words[n++] = word;
	}
	words[n] = NULL;
	return n;
}

int
network_run_ip(const char *name, struct err *err, const char *fmt, ...)
{
	const char *words[WORDS];
	char line[NETWORK_LINE_BYTES], copy[NETWORK_LINE_BYTES];
	va_list args;
	int n, start;

	start = name == NULL ? snprintf(line, sizeof line, "ip ")
	    : snprintf(line, sizeof line, "ip -n %s ", name);
	va_start(args, fmt);
	n = vsnprintf(line + start, sizeof line - (size_t)start, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof line - (size_t)start)
		return err_set(err, E2BIG, "ip: the command is too long: %s", line);
	memcpy(copy, line, sizeof copy);
	if (split(line, words) < 0)
		return err_set(err, E2BIG, "ip: the command has too many words: %s",
		    copy);
	if (program_run(words, NULL, NULL, err) != 0)
		return err_prefix(err, "%s: ", copy);
	return 0;
}

int
network_ip(struct network *net, const char *space, struct err *err, const char *fmt, ...)
{
	char line[NETWORK_LINE_BYTES];
	const char *name;
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof line, fmt, args);
	va_end(args);
	if (network_find(net, space, &name, err) != 0)
		return -1;
	return network_run_ip(name, err, "%s", line);
}

int
network_run_nft(const char *name, const char *rules, struct err *err)
{
	const char *words[] = {"nft", "-f", "-", NULL};
	int back, status;

	if (space_enter(name, &back, err) != 0)
		return -1;
	status = program_run(words, rules, NULL, err);
	space_leave(back);
	return status;
}

/* ---- namespaces ---- */

bool
network_is_word(const char *s, size_t max)
{
	size_t n = strspn(s,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

	return n > 0 && s[n] == '\0' && n <= max && s[0] != '.' && s[0] != '-';
}

int
network_space(struct network *net, const char *space, struct err *err)
{
	static const char *const settings[][2] = {{"net.ipv6.conf.all.accept_dad", "0"},
	    {"net.ipv6.conf.default.accept_dad", "0"}, {"net.ipv6.conf.default.accept_ra",
	    "0"}};
	char name[SPACE_NAME_MAX + 1];
	size_t i;
	int n;

	n = snprintf(name, sizeof name, "weir-%ld-%s", (long)getpid(), space);
	if (!network_is_word(space, SPACE_NAME_MAX) || n > SPACE_NAME_MAX)
		return err_set(err, EINVAL,
		    "'%s' is no name for a namespace: letters, digits, "
		    "- _ and ., %d at most", space, SPACE_NAME_MAX - 16);
	if (network_space_name(net, space) != NULL)
		return err_set(err, EEXIST, "the network has a namespace '%s' already",
		    space);
	if (net->spaces == NETWORK_SPACES)
		return err_set(err, ENOSPC, "a network has %d namespaces at most",
		    NETWORK_SPACES);
	if (leftover_note(net->left, err, "space %s", name) != 0 ||
	    network_run_ip(NULL, err, "netns add %s", name) != 0)
		return -1;
	memcpy(net->names[net->spaces++], name, sizeof name);
	/* A kernel without IPv6 has no such settings. */
	for (i = 0; i < sizeof settings / sizeof *settings; i++)
		(void)space_sysctl(name, settings[i][0], settings[i][1], NULL);
	return network_run_ip(name, err, "link set lo up");
}

int
network_sysctl(struct network *net, const char *space, const char *key, const char *value,
    struct err *err)
{
	const char *name;

	if (network_find(net, space, &name, err) != 0)
		return -1;
	if (name == NULL)
		return err_set(err, EINVAL, "%s: settings are those of a namespace", key);
	if (space_sysctl(name, key, value, err) != 0)
		return err_prefix(err, "namespace %s: ", space);
	return 0;
}

int
network_forward(struct network *net, const char *space, struct err *err)
{
	if (network_sysctl(net, space, "net.ipv4.ip_forward", "1", err) != 0)
		return -1;
	(void)network_sysctl(net, space, "net.ipv6.conf.all.forwarding", "1", NULL);
	return 0;
}

int
network_masquerade(struct network *net, const char *space, const char *device,
		   struct err *err)
{
	char rules[NETWORK_LINE_BYTES];
	const char *name;

	if (network_find(net, space, &name, err) != 0)
		return -1;
	if (!network_is_word(device, DEVICE_NAME_MAX))
		return err_set(err, EINVAL, "'%s' is no name of a device", device);
	snprintf(rules, sizeof rules, "table inet weir-%s {\n"
	    "chain out { type nat hook postrouting priority srcnat; "
	    "oifname \"%s\" masquerade; }\n}\n", device, device);
	if (network_run_nft(name, rules, err) != 0)
		return err_prefix(err, "namespace %s: no NAT: ", space);
	return 0;
}
