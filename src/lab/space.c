/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is done within a namespace by this program itself: a thread goes there and comes
 * back. /proc/sys/net is that of the thread that opens its files, and a device is one of
 * the thread's when it is asked for by a socket made there.
 */
#include "lab/space.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FEATURES_MAX = 256 };

void
space_path(const char *space, char out[SPACE_PATH_MAX])
{
	snprintf(out, SPACE_PATH_MAX, "/run/netns/%s", space);
}

int
space_enter(const char *space, int *back, struct err *err)
{
	char path[SPACE_PATH_MAX];
	int fd = -1, here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (here < 0)
		return err_set(err, errno, "no network namespaces: %s", strerror(errno));
	if (space != NULL) {
		space_path(space, path);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) {
			err_set(err, errno, "network namespace %s: %s%s", space,
			    strerror(errno), errno == EPERM ||
			    errno == EACCES ? ": needs root" : "");
			goto fail;
		}
		close(fd);
	}
	*back = here;
	return 0;

fail:
	if (fd >= 0)
		close(fd);
	close(here);
	return -1;
}

void
space_leave(int back)
{
	if (setns(back, CLONE_NEWNET) != 0)
		abort(); /* nothing that follows would be done in the right place */
	close(back);
}

/* ---- settings ---- */

/* "net.ipv4.conf.eth0/1.forwarding" to its file. */
static int
sysctl_path(const char *key, char *path, size_t n, struct err *err)
{
	size_t i, start;

	snprintf(path, n, "/proc/sys/%s", key);
	start = strlen("/proc/sys/");
	for (i = start; path[i] != '\0'; i++) {
		if (path[i] == '.' || path[i] == '/')
			path[i] = path[i] == '.' ? '/' : '.';
	}
	if (strncmp(path + start, "net/", 4) != 0 || strstr(path, "//") != NULL ||
	    strstr(path, "/./") != NULL || strstr(path, "..") != NULL)
		return err_set(err, EINVAL, "%s: is no setting of a network (net....)",
		    key);
	return 0;
}

static int
sysctl_access(const char *key, const char *to, char *from, unsigned from_bytes,
	      struct err *err)
{
	char path[300];
	ssize_t n;
	int fd;

	if (sysctl_path(key, path, sizeof path, err) != 0)
		return -1;
	if ((fd = open(path, (to != NULL ? O_WRONLY : O_RDONLY) | O_CLOEXEC)) < 0)
		return err_set(err, errno, "%s: %s", key, strerror(errno));
	n = to != NULL ? write(fd, to, strlen(to)) : read(fd, from, from_bytes - 1);
	close(fd);
	if (n < 0)
		return err_set(err, errno, "%s: %s%s%s", key, to != NULL ? to : "",
		    to != NULL ? ": " : "", strerror(errno));
	if (to == NULL) {
		while (n > 0 && from[n - 1] == '\n')
			n--;
		from[n] = '\0';
	}
	return 0;
}

int
space_sysctl(const char *space, const char *key, const char *value, struct err *err)
{
	int back, status;

	if (space_enter(space, &back, err) != 0)
		return -1;
	status = sysctl_access(key, value, NULL, 0, err);
	space_leave(back);
	return status;
}

int
space_sysctl_get(const char *space, const char *key, char *value, unsigned value_bytes,
    struct err *err)
{
	int back, status;

	if (space_enter(space, &back, err) != 0)
		return -1;
	status = sysctl_access(key, NULL, value, value_bytes, err);
	space_leave(back);
	return status;
}

/* ---- offloading ---- */

/* Features by the kernel's names (ETH_SS_FEATURES). */
struct features {
	struct ethtool_gstrings head;
	char names[FEATURES_MAX][ETH_GSTRING_LEN];
};
struct feature_blocks {
	struct ethtool_sfeatures head;
	struct ethtool_set_features_block blocks[FEATURES_MAX / 32];
};

static bool
is_offload(const char *name, bool is_on)
{
	static const char *const parts[] = {"segmentation", "gso", "tx-checksum",
	    "tx-scatter",
	    "rx-gro", "rx-lro"};
	size_t i;

	/* These change what others do, and are off unless someone wants them. */
	if (is_on && (strncmp(name, "rx-gro-", 7) == 0 ||
	    strcmp(name, "tx-gso-partial") == 0))
		return false;
	for (i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (strstr(name, parts[i]) != NULL)
			return true;
	}
	return strcmp(name, "rx-udp-gro-forwarding") == 0 && !is_on;
}

static int
ethtool(int fd, const char *device, void *command)
{
	struct ifreq request = {.ifr_data = command};

	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
	return ioctl(fd, SIOCETHTOOL, &request);
}

static int
features_set(int fd, const char *device, bool is_on)
{
	struct {
		struct ethtool_sset_info head;
		uint32_t count;
	} info = {
	    .head = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_FEATURES}};
	struct features names = {.head = {.cmd = ETHTOOL_GSTRINGS,
	    .string_set = ETH_SS_FEATURES}};
	struct feature_blocks set = {.head = {.cmd = ETHTOOL_SFEATURES}};
	uint32_t i;

	if (ethtool(fd, device, &info) != 0)
		return -1;
	if (info.count > FEATURES_MAX) {
		errno = E2BIG;
		return -1;
	}
	names.head.len = info.count;
	if (ethtool(fd, device, &names) != 0)
		return -1;
	set.head.size = (info.count + 31) / 32;
	for (i = 0; i < info.count; i++) {
		names.names[i][ETH_GSTRING_LEN - 1] = '\0';
		if (!is_offload(names.names[i], is_on))
			continue;
		set.blocks[i / 32].valid |= 1U << i % 32;
		set.blocks[i / 32].requested |= is_on ? 1U << i % 32 : 0;
	}
	return ethtool(fd, device, &set) < 0 ? -1 : 0;
}

int
space_offload(const char *space, const char *device, bool is_on, struct err *err)
{
	int back, fd, status;

	if (space_enter(space, &back, err) != 0)
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	status = fd < 0 ? -1 : features_set(fd, device, is_on);
	if (status != 0)
		err_set(err, errno, "%s: offloading cannot be turned %s: %s", device,
		    is_on ? "on" : "off", strerror(errno));
	if (fd >= 0)
		close(fd);
	space_leave(back);
	return status;
}

bool
space_is_running(const char *space, const char *device)
{
	struct ifreq request = {0};
	bool is_running = false;
	int back, fd;

	if (space_enter(space, &back, NULL) != 0)
		return false;
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0)
		is_running = (request.ifr_flags & (IFF_UP | IFF_RUNNING)) ==
			     (IFF_UP | IFF_RUNNING);
	if (fd >= 0)
		close(fd);
	space_leave(back);
	return is_running;
}
