/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interfaces that exist, by packet(7): frames come by a ring shared with the kernel
 * (version 2, which hands over each frame at once) with the time at which they came, and
 * leave by one sendmmsg a burst, past the interface's queue. The kernel tells before each
 * frame whether its checksum is still to be made, which is done here, and whether it is
 * several segments in one, which no wire carries.
 */
#include "lab/emulator_private.h"

#include "base/err.h"
#include "lab/space.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RING_BYTES = 16 << 20, BLOCK_BYTES = 1 << 19, CLOCK_SET_NS = 1000000000 };

struct port {
	int in, out;
	unsigned char *ring;
	uint32_t frame_bytes, frames, at; /* of the ring; per block a whole number */
	int64_t last_ns;                  /* of the frames that came */
	uint64_t missed;
	const char *device;
};

static void
packet_close(struct port *p)
{
	if (p->ring != MAP_FAILED)
		munmap(p->ring, RING_BYTES);
	if (p->in >= 0)
		close(p->in);
	if (p->out >= 0)
		close(p->out);
	free(p);
}

static int
set(struct port *p, int fd, int option, const void *value, socklen_t len,
    const char *what, struct err *err)
{
	if (setsockopt(fd, SOL_PACKET, option, value, len) == 0)
		return 0;
	return err_set(err, errno, "%s: %s: %s", p->device, what, strerror(errno));
}

/* A ring whose frames have room for the longest. */
static int
ring_open(struct port *p, uint32_t longest, struct err *err)
{
	struct tpacket_req req = {.tp_block_size = BLOCK_BYTES,
	    .tp_block_nr = RING_BYTES / BLOCK_BYTES};
	int version = TPACKET_V2, one = 1;

	for (p->frame_bytes = 2048; p->frame_bytes < longest + 128; p->frame_bytes *= 2)
		;
	p->frames = RING_BYTES / p->frame_bytes;
	req.tp_frame_size = p->frame_bytes;
	req.tp_frame_nr = p->frames;
	if (set(p, p->in, PACKET_VERSION, &version, sizeof version,
	    "no ring of version 2", err) != 0 ||
	    set(p, p->in, PACKET_VNET_HDR, &one, sizeof one, "no checksum states",
	    err) != 0 ||
	    set(p, p->in, PACKET_IGNORE_OUTGOING, &one, sizeof one, "outgoing frames",
	    err) != 0 ||
	    set(p, p->in, PACKET_RX_RING, &req, sizeof req, "no ring", err) != 0)
		return -1;
	p->ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, p->in, 0);
	if (p->ring == MAP_FAILED)
		return err_set(err, errno, "%s: no ring: %s", p->device, strerror(errno));
	return 0;
}

static int
sockets_open(struct port *p, const struct emulator_config *config, struct err *err)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
	    .sll_ifindex = (int)if_nametoindex(p->device)};
	struct packet_mreq all = {.mr_ifindex = to.sll_ifindex,
	    .mr_type = PACKET_MR_PROMISC};
	int one = 1;

	if (to.sll_ifindex == 0)
		return err_set(err, ENODEV, "%s: there is no such interface", p->device);
	p->out = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	p->in = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->out < 0 || p->in < 0)
		return err_set(err, errno, "%s: no packet socket: %s (needs root)",
		    p->device, strerror(errno));
	if (bind(p->out, (struct sockaddr *)&to, sizeof to) != 0 ||
	    set(p, p->out, PACKET_QDISC_BYPASS, &one, sizeof one, "no way past its queue",
	    err) != 0 ||
	    ring_open(p, config->link.frame_bytes, err) != 0)
		return err_set(err, errno, "%s: %s", p->device, strerror(errno));
	to.sll_protocol = htons(ETH_P_ALL);
	if (bind(p->in, (struct sockaddr *)&to, sizeof to) != 0)
		return err_set(err, errno, "%s: %s", p->device, strerror(errno));
	return set(p, p->in, PACKET_ADD_MEMBERSHIP, &all, sizeof all, "not promiscuous",
	    err);
}

static int
packet_open(const struct emulator_config *config, unsigned end, struct port **out,
    struct err *err)
{
	const struct emulator_end *at = &config->ends[end];
	struct port *p = calloc(1, sizeof *p);
	int back, status;

	if (p == NULL)
		return err_set(err, ENOMEM, "out of memory");
	p->in = p->out = -1;
	p->ring = MAP_FAILED;
	p->device = at->device;
	if (space_enter(at->space, &back, err) != 0)
		goto fail;
	status = sockets_open(p, config, err);
	space_leave(back);
	/* Of this end, so that it merges nothing that comes. */
	if (status != 0 || space_offload(at->space, at->device, false, err) != 0)
		goto fail;
	*out = p;
	return 0;

fail:
	packet_close(p);
	return -1;
}

static int
packet_fd(const struct port *p)
{
	return p->in;
}

/* ---- in ---- */

/* What a sender left to its device: the Internet checksum from an offset on. */
static void
make_checksum(unsigned char *frame, uint32_t bytes, const struct virtio_net_hdr *h)
{
	uint32_t at = h->csum_start, to = (uint32_t)h->csum_start + h->csum_offset;
	uint64_t sum = 0;

	if (to + 2 > bytes)
		return;
	for (; at + 1 < bytes; at += 2)
		sum += (uint32_t)frame[at] << 8 | frame[at + 1];
	if (at < bytes)
		sum += (uint32_t)frame[at] << 8;
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	if (sum == 0)
		sum = 0xffff; /* UDP: 0 means none; to the others both are the same */
	frame[to] = (unsigned char)(sum >> 8);
	frame[to + 1] = (unsigned char)sum;
}

/* The kernel's time of a frame is that of the system's clock. */
static int64_t
clock_offset(int64_t *now_ns)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	*now_ns = emulator_now_ns();
	return *now_ns - ((int64_t)t.tv_sec * 1000000000 + t.tv_nsec);
}

/* One frame; a VLAN tag that the kernel took out is put back. */
static void
take_frame(struct emulator *e, unsigned end, const struct tpacket2_hdr *h,
    int64_t came_ns)
{
	const unsigned char *mac = (const unsigned char *)h + h->tp_mac;
	unsigned char *to = link_room(e->link);
	struct virtio_net_hdr state;
	uint32_t bytes = h->tp_len, tag = 0;

	memcpy(&state, mac - sizeof state, sizeof state);
	if (state.gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		e->counters[end][EMULATOR_COUNT_merged]++;
		return;
	}
	if (h->tp_status & TP_STATUS_VLAN_VALID)
		tag = 4;
	if (h->tp_snaplen < bytes || bytes + tag >= e->config.link.frame_bytes ||
	    bytes < 12) {
		e->counters[end][EMULATOR_COUNT_too_long]++;
		return;
	}
	memcpy(to, mac, 12);
	if (tag > 0) {
		to[12] = (unsigned char)(h->tp_vlan_tpid >> 8);
		to[13] = (unsigned char)h->tp_vlan_tpid;
		to[14] = (unsigned char)(h->tp_vlan_tci >> 8);
		to[15] = (unsigned char)h->tp_vlan_tci;
	}
	memcpy(to + 12 + tag, mac + 12, bytes - 12);
	if (state.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		state.csum_start = (uint16_t)(state.csum_start + tag);
		make_checksum(to, bytes + tag, &state);
	}
	link_put(e->link, end, came_ns, bytes + tag);
}

/* What poll told where no frame was: that an interface went down may pass. */
static int
take_error(const struct port *p, struct err *err)
{
	socklen_t len = sizeof(int);
	int code = 0;

	if (getsockopt(p->in, SOL_SOCKET, SO_ERROR, &code, &len) != 0 || code == 0 ||
	    code == ENETDOWN)
		return 0;
	return err_set(err, code, "%s: %s", p->device, strerror(code));
}

static int
packet_take_in(struct emulator *e, unsigned end, struct err *err)
{
	struct port *p = e->ports[end];
	struct tpacket2_hdr *h;
	int64_t offset = 0, came, now = 0;
	int i;

	for (i = 0; i < EMULATOR_BURST; i++) {
		h = (struct tpacket2_hdr *)(void *)(p->ring + (size_t)p->at *
		    p->frame_bytes);
		if ((__atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) ==
		    0)
			break;
		if (i == 0)
			offset = clock_offset(&now);
		came = (int64_t)h->tp_sec * 1000000000 + h->tp_nsec + offset;
		/* later than now: written since; much earlier: the system's clock was
		 * set */
		if (came > now || now - came > CLOCK_SET_NS)
			came = now;
		came = came < p->last_ns ? p->last_ns : came;
		p->last_ns = came;
		take_frame(e, end, h, came);
		__atomic_store_n(&h->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		p->at = (p->at + 1) % p->frames;
	}
	return i > 0 ? i : take_error(p, err);
}

/* ---- out ---- */

static void
packet_let_out(struct emulator *e, unsigned end, const struct link_frame *frames,
    unsigned n)
{
	struct mmsghdr messages[EMULATOR_BURST];
	struct iovec parts[EMULATOR_BURST];
	struct port *p = e->ports[end];
	unsigned i;
	int done;

	for (i = 0; i < n; i++) {
		parts[i] = (struct iovec){frames[i].data, frames[i].bytes};
		messages[i] = (struct mmsghdr){
		    .msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
	}
	for (i = 0; i < n; i += (unsigned)done) {
		done = sendmmsg(p->out, messages + i, n - i, 0);
		if (done > 0)
			continue;
		e->counters[1 - end][EMULATOR_COUNT_refused]++;
		done = 1;
	}
}

static void
packet_missed(struct emulator *e, unsigned end)
{
	struct port *p = e->ports[end];
	struct tpacket_stats stats;
	socklen_t len = sizeof stats;

	/* the kernel's counters begin anew when they are read */
	if (getsockopt(p->in, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
		e->counters[end][EMULATOR_COUNT_missed] += stats.tp_drops;
}

const struct port_kind port_packet = {packet_open, packet_close, packet_fd,
    packet_take_in,
    packet_let_out, packet_missed};
