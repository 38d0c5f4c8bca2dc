/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TAP devices: the kernel's own interfaces, whose frames are read and written here, one a
 * call. A device without offloads gets whole segments with their checksums, and what is
 * written is received as it is. What the kernel cannot queue for us it counts as dropped.
 */
#include "lab/emulator_private.h"

#include "base/err.h"
#include "lab/network.h"
#include "lab/space.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { QUEUE_FRAMES = 16384 };

struct port {
	int fd;
	char space[SPACE_NAME_MAX + 1], device[DEVICE_NAME_MAX + 1];
	bool is_here; /* no namespace was named */
};

static int
tap_make(const struct emulator_config *config, struct port *p, struct err *err)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};

	if ((p->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)) < 0)
		return err_set(err, errno,
		    "/dev/net/tun: %s: an emulated link needs TAP devices "
		    "(modprobe tun) and root", strerror(errno));
	memcpy(request.ifr_name, p->device, sizeof p->device);
	if (ioctl(p->fd, TUNSETIFF, &request) != 0)
		return err_set(err, errno, "%s: no TAP device: %s", p->device,
		    strerror(errno));
	(void)ioctl(p->fd, TUNSETOFFLOAD, 0);
	return 0;
}

/* Size, queue, up. */
static int
tap_dress(const struct emulator_config *config, struct port *p, struct err *err)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), status = -1;

	memcpy(request.ifr_name, p->device, sizeof p->device);
	if (fd < 0)
		goto done;
	request.ifr_mtu = (int)config->mtu;
	if (ioctl(fd, SIOCSIFMTU, &request) != 0)
		goto done;
	request.ifr_qlen = QUEUE_FRAMES;
	if (ioctl(fd, SIOCSIFTXQLEN, &request) != 0 ||
	    ioctl(fd, SIOCGIFFLAGS, &request) != 0)
		goto done;
	request.ifr_flags |= IFF_UP;
	status = ioctl(fd, SIOCSIFFLAGS, &request);
done:
	if (status != 0)
		err_set(err, errno, "%s: %s", p->device, strerror(errno));
	if (fd >= 0)
		close(fd);
	return status;
}

static void
tap_close(struct port *p)
{
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

static int
tap_open(const struct emulator_config *config, unsigned end, struct port **out,
	 struct err *err)
{
	const struct emulator_end *at = &config->ends[end];
	struct port *p = calloc(1, sizeof *p);
	int back, status;

	if (p == NULL)
		return err_set(err, ENOMEM, "out of memory");
	p->fd = -1;
	p->is_here = at->space == NULL;
	snprintf(p->space, sizeof p->space, "%s", p->is_here ? "" : at->space);
	snprintf(p->device, sizeof p->device, "%s", at->device);
	if (space_enter(at->space, &back, err) != 0)
		goto fail;
	status = tap_make(config, p, err) != 0 || tap_dress(config, p, err) != 0 ? -1 : 0;
	space_leave(back);
	if (status != 0)
		goto fail;
	*out = p;
	return 0;

fail:
	tap_close(p);
	return -1;
}

static int
tap_fd(const struct port *p)
{
	return p->fd;
}

static int
tap_take_in(struct emulator *e, unsigned end, struct err *err)
{
	struct port *p = e->ports[end];
	uint32_t room = e->config.link.frame_bytes;
	ssize_t n;
	int i;

	for (i = 0; i < EMULATOR_BURST; i++) {
		n = read(p->fd, link_room(e->link), room);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0)
			return err_set(err, errno, "%s: %s", p->device, errno == EBADFD
			    ? "the device is gone" : strerror(errno));
		if (n == room)
			e->counters[end][EMULATOR_COUNT_too_long]++;
		else
			link_put(e->link, end, emulator_now_ns(), (uint32_t)n);
	}
	return i;
}

static void
tap_let_out(struct emulator *e, unsigned end, const struct link_frame *frames, unsigned n)
{
	struct port *p = e->ports[end];
	unsigned i;

	for (i = 0; i < n; i++) {
		if (write(p->fd, frames[i].data, frames[i].bytes) !=
		    (ssize_t)frames[i].bytes)
			e->counters[1 - end][EMULATOR_COUNT_refused]++;
	}
}

/* The kernel's count of frames that the queue to us had no place for. */
static void
tap_missed(struct emulator *e, unsigned end)
{
	struct port *p = e->ports[end];
	unsigned long long dropped;
	char line[512], *rest;
	FILE *file;
	int back;

	if (space_enter(p->is_here ? NULL : p->space, &back, NULL) != 0)
		return;
	file = fopen("/proc/thread-self/net/dev", "re");
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		rest = line + strspn(line, " ");
		if (strncmp(rest, p->device, strlen(p->device)) == 0 &&
		    rest[strlen(p->device)] == ':' &&
		    sscanf(rest + strlen(p->device) + 1,
		    "%*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %llu", &dropped) == 1)
			e->counters[end][EMULATOR_COUNT_missed] = dropped;
	}
	if (file != NULL)
		fclose(file);
	space_leave(back);
}

const struct port_kind port_tap = {tap_open, tap_close, tap_fd, tap_take_in, tap_let_out,
    tap_missed};
