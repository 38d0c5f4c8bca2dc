/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * WireGuard by the kernel where it has it, else by wireguard-go; OpenVPN with a static
 * key. The tunnel is 10.66.0.0/24, the client's end 10.66.0.2. Names of devices carry our
 * process id, since wireguard-go has a socket for each in one folder of the machine.
 */
#include "lab/tunnel.h"

#include "base/err.h"
#include "lab/process.h"
#include "lab/topology.h"
#include "lab/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SIDES = 2, TUNNEL_ROOM = 8 << 20, PROCESS_FILES = 64 };

struct side {
	const char *space, *full, *address, *peer, *endpoint, *allowed;
	char device[DEVICE_NAME_MAX + 1], secret[300], open[300], config[300], log[300];
};

static int
file_read_line(const char *path, char *out, size_t size, struct err *err)
{
	FILE *file = fopen(path, "r");

	if (file == NULL || fgets(out, (int)size, file) == NULL) {
		if (file != NULL)
			fclose(file);
		return err_set(err, EIO, "%s: nothing can be read", path);
	}
	fclose(file);
	out[strcspn(out, "\n")] = '\0';
	return 0;
}

/* A program's output into a file that only root reads. */
static int
output_of(const char *const *argv, const char *space, const char *input,
    const char *output, struct err *err)
{
	struct process_config config = {.argv = argv, .space = space, .input = input,
	    .output = output};
	int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set(err, errno, "%s: %s", output, strerror(errno));
	close(fd);
	return process_run(&config, 10000, err);
}

/* ---- WireGuard ---- */

static int
keys_make(struct side *side, struct err *err)
{
	static const char *const secret[] = {"wg", "genkey", NULL};
	static const char *const open[] = {"wg", "pubkey", NULL};

	if (output_of(secret, NULL, NULL, side->secret, err) != 0)
		return -1;
	return output_of(open, NULL, side->secret, side->open, err);
}

static int
wireguard_config(const struct side *side, const struct side *other, struct err *err)
{
	char secret[80], open[80];
	FILE *file;

	if (file_read_line(side->secret, secret, sizeof secret, err) != 0 ||
	    file_read_line(other->open, open, sizeof open, err) != 0)
		return -1;
	if ((file = fopen(side->config, "w")) == NULL)
		return err_set(err, errno, "%s: %s", side->config, strerror(errno));
	fprintf(file, "[Interface]\nPrivateKey = %s\nListenPort = 51820\n"
	    "[Peer]\nPublicKey = %s\n"
	    "AllowedIPs = %s\n", secret, open, side->allowed);
	if (side->endpoint != NULL)
		fprintf(file, "Endpoint = %s:51820\n", side->endpoint);
	return fclose(file) == 0 ? 0 : err_set(err, errno, "%s: %s", side->config,
	    strerror(errno));
}

static int
wireguard_start(struct topology *t, struct side *side, struct process **out,
    struct err *err)
{
	const char *const argv[] = {"wireguard-go", "-f", side->device, NULL};
	const char *const set[] = {"wg", "setconf", side->device, side->config, NULL};
	struct process_config config = {.argv = argv, .space = side->full,
	    .log = side->log};
	struct process_config wg = {.argv = set, .space = side->full, .log = side->log};
	struct err none = {0};

	if (network_ip(t->net, side->space, &none, "link add %s type wireguard",
	    side->device) != 0) {
		if (process_start(&config, out, err) != 0 || wait_for_device(*out,
		    "wireguard-go", side->log, side->full, side->device, 10000, err) != 0)
			return -1;
	}
	if (process_run(&wg, 10000, err) != 0)
		return -1;
	/* a program may be late: packets wait for it, as they would for a busy router */
	return network_ip(t->net, side->space, err,
	    "link set %s mtu 1420 txqueuelen 10000", side->device);
}

/*
 * wireguard-go leaves its sockets as they come, with room for a hundred packets, and
 * loses what arrives while it waits for a processor; the kernel's WireGuard has no such
 * limit. So its sockets get room from here (pidfd_getfd(2)).
 */
static void
sockets_widen(pid_t pid)
{
	int process = (int)syscall(SYS_pidfd_open, pid, 0), bytes = TUNNEL_ROOM, fd, i;

	if (process < 0)
		return;
	for (i = 0; i < PROCESS_FILES; i++) {
		int type = 0;
		socklen_t len = sizeof type;

		if ((fd = (int)syscall(SYS_pidfd_getfd, process, i, 0)) < 0)
			continue;
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
		    type == SOCK_DGRAM)
			setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
		close(fd);
	}
	close(process);
}

static int
wireguard_build(struct topology *t, struct side *sides, struct err *err)
{
	unsigned i;

	for (i = 0; i < SIDES; i++)
		if (keys_make(&sides[i], err) != 0)
			return -1;
	for (i = 0; i < SIDES; i++) {
		if (wireguard_config(&sides[i], &sides[1 - i], err) != 0 ||
		    wireguard_start(t, &sides[i], &t->helpers[i], err) != 0 ||
		    network_address(t->net, sides[i].space, sides[i].device,
		    sides[i].address, err) != 0 ||
		    network_ip(t->net, sides[i].space, err, "link set %s up",
		    sides[i].device) != 0)
			return -1;
		if (t->helpers[i] != NULL)
			sockets_widen(process_pid(t->helpers[i]));
	}
	return 0;
}

/* ---- OpenVPN ---- */

static int
openvpn_start(struct topology *t, struct side *side, const char *key,
    struct process **out, struct err *err)
{
	char local[ADDRESS_MAX];
	const char *argv[] = {"openvpn", "--rcvbuf", "2097152", "--sndbuf",
	    "2097152", "--txqueuelen", "10000", "--dev", side->device, "--dev-type",
	    "tun", "--proto",
	    "udp", "--ifconfig", local, side->peer, "--secret", key,
	    "--cipher", "AES-256-CBC", "--ping",
	    "10", "--port", "1194", "--float", side->endpoint != NULL ? "--remote" : NULL,
	    side->endpoint, NULL};
	struct process_config config = {.argv = argv, .space = side->full,
	    .output = side->log,
	    .log = side->log};

	snprintf(local, sizeof local, "%.*s", (int)strcspn(side->address, "/"),
	    side->address);
	if (process_start(&config, out, err) != 0)
		return -1;
	return wait_for_device(*out, "openvpn", side->log, side->full, side->device,
	    10000, err);
}

static int
openvpn_build(struct topology *t, struct side *sides, struct err *err)
{
	const char *const make[] = {"openvpn", "--genkey", "secret", sides[0].secret,
	    NULL};
	struct process_config config = {.argv = make, .output = sides[0].log};
	unsigned i;

	if (process_run(&config, 10000, err) != 0)
		return -1;
	for (i = 0; i < SIDES; i++)
		if (openvpn_start(t, &sides[i], sides[0].secret, &t->helpers[i],
		    err) != 0)
			return -1;
	for (i = 0; i < SIDES; i++)
		if (wait_for_words(t->helpers[i], "openvpn", sides[i].log,
		    "Initialization Sequence Completed", 30000, err) != 0)
			return -1;
	return 0;
}

int
tunnel_build(struct topology *t, enum vpn vpn, struct err *err)
{
	static int (*const build[])(struct topology *, struct side *, struct err *) = {
	    [VPN_wireguard] = wireguard_build, [VPN_openvpn] = openvpn_build};
	struct side sides[SIDES] = {
	    {.space = "client1", .full = t->client[0], .address = "10.66.0.2/24",
		.peer = "10.66.0.1", .endpoint = "192.0.2.1", .allowed = "0.0.0.0/0"},
	    {.space = "edge", .full = network_space_name(t->net, "edge"),
		.address = "10.66.0.1/24", .peer = "10.66.0.2",
		    .allowed = "10.66.0.2/32"}};
	char route[80];
	unsigned i;

	for (i = 0; i < SIDES; i++) {
		snprintf(sides[i].device, sizeof sides[i].device, "vpn%u%c",
		    (unsigned)getpid() % 100000000u, "ce"[i]);
		snprintf(sides[i].secret, sizeof sides[i].secret, "%s/%s.key", t->folder,
		    sides[i].space);
		snprintf(sides[i].open, sizeof sides[i].open, "%s/%s.pub", t->folder,
		    sides[i].space);
		snprintf(sides[i].config, sizeof sides[i].config, "%s/%s.vpn", t->folder,
		    sides[i].space);
		snprintf(sides[i].log, sizeof sides[i].log, "%s/vpn-%s.log", t->folder,
		    sides[i].space);
	}
	if (build[vpn](t, sides, err) != 0)
		return -1;
	t->tunnel = vpn == VPN_openvpn ? "OpenVPN" : t->helpers[0] != NULL
	    ? "WireGuard, wireguard-go" : "WireGuard, the kernel's";
	snprintf(route, sizeof route, "198.51.100.0/24 via 10.66.0.1");
	snprintf(t->client_address[0], ADDRESS_MAX, "10.66.0.2");
	return network_route(t->net, "client1", route, err);
}
