/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What joins namespaces: veth pairs, emulated links, bridges, their addresses and routes.
 */
#include "lab/network_private.h"

#include "base/err.h"
#include "base/text.h"
#include "lab/process.h"
#include "lab/space.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { OPTIONS = 48, UP_MS = 5000, STEP_MS = 5 };

int
network_offload(struct network *net, const char *space, const char *device, bool is_on,
    struct err *err)
{
	const char *name;

	if (network_find(net, space, &name, err) != 0)
		return -1;
	return space_offload(name, device, is_on, err);
}

int
network_address(struct network *net, const char *space, const char *device,
		const char *address, struct err *err)
{
	const char *name;

	if (network_find(net, space, &name, err) != 0)
		return -1;
	return network_run_ip(name, err, "address add %s dev %s%s", address, device,
	    strchr(address, ':') != NULL ? " nodad" : "");
}

int
network_route(struct network *net, const char *space, const char *route, struct err *err)
{
	const char *name;

	if (network_find(net, space, &name, err) != 0)
		return -1;
	return network_run_ip(name, err, "%sroute add %s",
	    strchr(route, ':') != NULL ? "-6 " : "", route);
}

static int
check_end(const struct network *net, const struct network_end *end, struct err *err)
{
	const char *name;

	if (network_find(net, end->space, &name, err) != 0)
		return -1;
	if (!network_is_word(end->device, DEVICE_NAME_MAX))
		return err_set(err, EINVAL,
		    "'%s' is no name for a device: letters, digits, "
		    "- _ and ., %d at most", end->device, DEVICE_NAME_MAX);
	return 0;
}

/* Size, addresses, up. */
static int
dress_end(struct network *net, const struct network_end *end,
	  const struct network_link *link, struct err *err)
{
	if (link->is_wire &&
	    network_offload(net, end->space, end->device, false, err) != 0)
		return -1;
	if (network_ip(net, end->space, err, "link set dev %s mtu %u up", end->device,
	    link->mtu == 0 ? 1500 : link->mtu) != 0)
		return -1;
	if (end->address != NULL &&
	    network_address(net, end->space, end->device, end->address, err) != 0)
		return -1;
	if (end->address6 != NULL &&
	    network_address(net, end->space, end->device, end->address6, err) != 0)
		return -1;
	return 0;
}

int
network_link(struct network *net, const struct network_link *link, struct err *err)
{
	const char *a = NULL, *b = NULL;

	if (check_end(net, &link->a, err) != 0 || check_end(net, &link->b, err) != 0 ||
	    network_find(net, link->a.space, &a, err) != 0 ||
	    network_find(net, link->b.space, &b, err) != 0)
		return -1;
	if (network_run_ip(a, err, "link add name %s type veth peer name %s netns %s",
	    link->a.device, link->b.device, b) != 0)
		return -1;
	if (dress_end(net, &link->a, link, err) != 0)
		return -1;
	return dress_end(net, &link->b, link, err);
}

int
network_bridge(struct network *net, const char *space, const char *bridge,
	       struct err *err)
{
	return network_ip(net, space, err, "link add name %s up type bridge stp_state 0 "
	    "forward_delay 0 mcast_snooping 0", bridge);
}

int
network_port(struct network *net, const char *space, const char *bridge,
	     const char *device, struct err *err)
{
	return network_ip(net, space, err, "link set dev %s master %s", device, bridge);
}

/* ---- emulated links ---- */

/* Waits until the emulator has made both devices. */
static int
await_devices(struct process *p, const struct network_link *link, const char *a,
	      const char *b, const char *log, struct err *err)
{
	struct text how;
	int ms;

	for (ms = 0; ms < UP_MS; ms += STEP_MS) {
		if (space_is_running(a, link->a.device) &&
		    space_is_running(b, link->b.device))
			return 0;
		switch (process_wait(p, STEP_MS)) {
		case PROCESS_STOP:
			return err_set(err, EINTR, "stopped by a signal");
		case PROCESS_ENDED:
			text_init(&how);
			process_status_text(p, &how);
			process_log_tail(log, &how);
			err_set(err, EIO, "the link emulator %s", how.data);
			text_done(&how);
			return -1;
		case PROCESS_RUNNING:
			break;
		}
	}
	return err_set(err, ETIMEDOUT,
	    "the link emulator did not make %s and %s within %d s", link->a.device,
	    link->b.device, UP_MS / 1000);
}

static int
start_emulator(struct network *net, const struct network_link *link,
	       const char *const *options, const char *program, const char *log,
	       struct process **out, struct err *err)
{
	char ends[2][SPACE_NAME_MAX + DEVICE_NAME_MAX + 2], mtu[16];
	const char *argv[OPTIONS + 8] = {program, "lab", "link", "--mtu", mtu, ends[0],
	    ends[1]};
	struct process_config config = {.argv = argv, .log = log};
	const char *a = NULL, *b = NULL;
	size_t n = 7;

	if (network_find(net, link->a.space, &a, err) != 0 ||
	    network_find(net, link->b.space, &b, err) != 0)
		return -1;
	snprintf(ends[0], sizeof ends[0], "%s/%s", a, link->a.device);
	snprintf(ends[1], sizeof ends[1], "%s/%s", b, link->b.device);
	snprintf(mtu, sizeof mtu, "%u", link->mtu == 0 ? 1500 : link->mtu);
	for (; options != NULL && *options != NULL; options++) {
		if (n == OPTIONS + 7)
			return err_set(err, E2BIG, "a link has %d options at most",
			    OPTIONS);
		argv[n++] = *options;
	}
	if (process_start(&config, out, err) != 0)
		return -1;
	return await_devices(*out, link, a, b, log, err);
}

int
network_emulate(struct network *net, const struct network_link *link,
		const char *const *options, const char *program, const char *log,
		struct process **out, struct err *err)
{
	struct process *p = NULL;

	if (check_end(net, &link->a, err) != 0 || check_end(net, &link->b, err) != 0)
		return -1;
	if (link->a.space == NULL || link->b.space == NULL)
		return err_set(err, EINVAL,
		    "an emulated link joins two namespaces of the network");
	if (net->emulators == NETWORK_EMULATORS)
		return err_set(err, ENOSPC, "a network has %d emulated links at most",
		    NETWORK_EMULATORS);
	if (start_emulator(net, link, options, program, log, &p, err) != 0)
		goto fail;
	/* Its devices have no offloads that could be turned off. */
	if (dress_end(net, &link->a, link, err) != 0 ||
	    dress_end(net, &link->b, link, err) != 0)
		goto fail;
	net->emulator[net->emulators++] = p;
	if (out != NULL)
		*out = p;
	return 0;

fail:
	process_free(p);
	return -1;
}
