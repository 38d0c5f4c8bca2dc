/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ring of blocks shared with the kernel (packet(7), TPACKET_V3). The kernel fills a
 * block and hands it over when it is full or a tenth of a second old; its packets are
 * decoded where they lie, and the block is given back whole.
 *
 * The kernel takes an outer VLAN tag out of the frame and tells it beside; it is put back
 * in front of the ethertype, for which four octets are reserved before each frame.
 *
 * Several workers share an interface by a fan-out group whose program mixes the two
 * addresses of a packet, and nothing else: ports would part a datagram's fragments.
 */
#include "packet/live_private.h"

#include "base/err.h"
#include "packet/bpf.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <arpa/inet.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BLOCK_MIN = 1 << 16, BLOCK_MAX = 1 << 20,
	/* checked by the kernel, of no other meaning in this version */
	FRAME_BYTES = 2048,
	RETIRE_MS = 100,
	TAG_BYTES = 4,
	MAC_BYTES = 12,
};

#define NET(offset) ((uint32_t)SKF_NET_OFF + (offset))
/* X += 4 and A = the type behind a VLAN tag at X, if A is a tag's type. */
#define STEP_OVER_TAG                                                  \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_8021Q, 1, 0),        \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_8021AD, 0, 6),       \
	BPF_STMT(BPF_LD | BPF_H | BPF_IND, NET(2)),                    \
	BPF_STMT(BPF_ST, 0),                                           \
	BPF_STMT(BPF_MISC | BPF_TXA, 0),                               \
	BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 4),                        \
	BPF_STMT(BPF_MISC | BPF_TAX, 0),                               \
	BPF_STMT(BPF_LD | BPF_MEM, 0)
/* M[1] += the word at X + offset. X is kept in M[2]. */
#define ADD_WORD(offset)                                               \
	BPF_STMT(BPF_LD | BPF_W | BPF_IND, NET(offset)),               \
	BPF_STMT(BPF_LDX | BPF_MEM, 1),                                \
	BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),                        \
	BPF_STMT(BPF_ST, 1),                                           \
	BPF_STMT(BPF_LDX | BPF_MEM, 2)

/* What is neither IPv4 nor IPv6, after at most two tags and PPPoE, is the first
 * worker's. */
static const struct sock_filter share_program[] = {
	BPF_STMT(BPF_LD | BPF_IMM, 0),
	BPF_STMT(BPF_ST, 1),
	BPF_STMT(BPF_LDX | BPF_IMM, 0),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
	STEP_OVER_TAG,
	STEP_OVER_TAG,
	/* PPPoE: 6 octets, then PPP's protocol: 0x21 IPv4, 0x57 IPv6 */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_PPP_SES, 0, 9),
	BPF_STMT(BPF_LD | BPF_H | BPF_IND, NET(6)),
	BPF_STMT(BPF_ST, 0),
	BPF_STMT(BPF_MISC | BPF_TXA, 0),
	BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 8),
	BPF_STMT(BPF_MISC | BPF_TAX, 0),
	BPF_STMT(BPF_LD | BPF_MEM, 0),
	BPF_STMT(BPF_STX, 2),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x21, 4, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x57, 14, 0),
	BPF_STMT(BPF_STX, 2),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 1, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 11, 58),
	/* IPv4 */
	ADD_WORD(12),
	ADD_WORD(16),
	BPF_STMT(BPF_JMP | BPF_JA, 41),
	/* IPv6 */
	ADD_WORD(8), ADD_WORD(12), ADD_WORD(16), ADD_WORD(20),
	ADD_WORD(24), ADD_WORD(28), ADD_WORD(32), ADD_WORD(36),
	BPF_STMT(BPF_JMP | BPF_JA, 0),
	/* mix: the kernel takes the remainder by the number of workers */
	BPF_STMT(BPF_LD | BPF_MEM, 1),
	BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 0x9e3779b1),
	BPF_STMT(BPF_MISC | BPF_TAX, 0),
	BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 15),
	BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
	BPF_STMT(BPF_RET | BPF_A, 0),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

const struct sock_filter *
live_share_program(unsigned *count)
{
	*count = sizeof share_program / sizeof *share_program;
	return share_program;
}

static int
option_set(struct live *l, int option, const void *value, size_t len, const char *what,
    struct err *err)
{
	if (setsockopt(l->fd, SOL_PACKET, option, value, (socklen_t)len) == 0)
		return 0;
	return err_set(err, errno, "%s: %s: %s", l->config.interface, what,
	    strerror(errno));
}

static int
attach(struct live *l, const struct sock_filter *rows, uint16_t count, struct err *err)
{
	struct sock_fprog program = {count, (struct sock_filter *)(uintptr_t)rows};

	if (setsockopt(l->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
	    sizeof program) == 0)
		return 0;
	return err_set(err, errno, "%s: the kernel does not take the filter: %s",
	    l->config.interface, strerror(errno));
}

/* What lets nothing in, or what lets in what was asked for. */
static int
attach_filter(struct live *l, bool is_open, struct err *err)
{
	struct sock_filter all[] = {BPF_STMT(BPF_RET | BPF_K,
	    is_open ? l->config.snaplen : 0)};
	const struct sock_filter *rows = all;
	uint16_t count = 1;

	if (is_open && l->filter != NULL)
		rows = packet_filter_program(l->filter, &count);
	return attach(l, rows, count, err);
}

static int
ring_map(struct live *l, struct err *err)
{
	struct tpacket_req3 req = {.tp_frame_size = FRAME_BYTES,
	    .tp_retire_blk_tov = RETIRE_MS};
	uint64_t bytes = l->config.buffer_bytes;

	l->block_bytes = BLOCK_MIN;
	while (l->block_bytes < BLOCK_MAX && l->block_bytes * 32 < bytes)
		l->block_bytes *= 2;
	l->blocks = bytes / l->block_bytes > 2 ? bytes / l->block_bytes : 2;
	req.tp_block_size = (unsigned)l->block_bytes;
	req.tp_block_nr = (unsigned)l->blocks;
	req.tp_frame_nr = (unsigned)(l->block_bytes / FRAME_BYTES * l->blocks);
	if (option_set(l, PACKET_RX_RING, &req, sizeof req,
	    "no ring of the size of --buffer", err) != 0)
		return -1;
	l->ring = mmap(NULL, l->block_bytes * l->blocks, PROT_READ | PROT_WRITE,
	    MAP_SHARED, l->fd, 0);
	if (l->ring != MAP_FAILED)
		return 0;
	l->ring = NULL;
	return err_set(err, errno, "%s: the ring cannot be mapped: %s",
	    l->config.interface, strerror(errno));
}

static int
ring_bind(struct live *l, struct err *err)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
	    .sll_protocol = htons(ETH_P_ALL),
	    .sll_ifindex = l->index};
	struct packet_mreq all = {.mr_ifindex = l->index, .mr_type = PACKET_MR_PROMISC};

	if (bind(l->fd, (struct sockaddr *)&at, sizeof at) != 0)
		return err_set(err, errno, "%s: %s", l->config.interface,
		    strerror(errno));
	if (!l->config.is_promiscuous)
		return 0;
	return option_set(l, PACKET_ADD_MEMBERSHIP, &all, sizeof all, "not promiscuous",
	    err);
}

/* Into the group of workers; the first makes it. Only while the interface is up. */
static int
group_join(struct live *l, struct err *err)
{
	struct sock_fprog program = {sizeof share_program / sizeof *share_program,
	    (struct sock_filter *)(uintptr_t)share_program};
	int value = PACKET_FANOUT_CBPF << 16;
	socklen_t len = sizeof value;

	if (*l->config.group < 0)
		value |= PACKET_FANOUT_FLAG_UNIQUEID << 16;
	else
		value |= *l->config.group;
	if (option_set(l, PACKET_FANOUT, &value, sizeof value, "no group of workers",
	    err) != 0)
		return -1;
	if (getsockopt(l->fd, SOL_PACKET, PACKET_FANOUT, &value, &len) == 0)
		*l->config.group = (uint16_t)value; /* the type is above it */
	l->is_joined = true;
	return option_set(l, PACKET_FANOUT_DATA, &program, sizeof program,
	    "no program to share frames among workers", err);
}

static int
ring_open(struct live *l, struct err *err)
{
	int version = TPACKET_V3, reserve = TAG_BYTES, one = 1;

	if ((l->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
		return err_set(err, errno,
		    errno == EPERM ? "%s: capturing needs CAP_NET_RAW: run "
		    "as root, or setcap cap_net_raw,cap_net_admin+ep on the program"
		    : "%s: no "
		    "packet socket", l->config.interface);
	if (option_set(l, PACKET_VERSION, &version, sizeof version, "no TPACKET_V3",
	    err) != 0 || option_set(l, PACKET_RESERVE, &reserve, sizeof reserve,
	    "no room for tags", err) != 0 || ring_map(l, err) != 0)
		return -1;
	/* Each frame of the loopback goes out and comes in: once is enough. Before Linux
	 * 4.20 the kernel does not know this. */
	if (l->is_loopback)
		(void)setsockopt(l->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one,
		    sizeof one);
	if (attach_filter(l, false, err) != 0 || ring_bind(l, err) != 0)
		return -1;
	if (l->config.workers > 1 && !l->is_down)
		return group_join(l, err);
	return 0;
}

static int
ring_start(struct live *l, struct err *err)
{
	if (l->config.workers > 1 && !l->is_joined) {
		if (l->is_down)
			return 0;
		if (group_join(l, err) != 0)
			return -1;
	}
	return attach_filter(l, true, err);
}

static void
ring_stats(struct live *l)
{
	struct tpacket_stats_v3 stats;
	socklen_t len = sizeof stats;

	if (l->fd < 0 || getsockopt(l->fd, SOL_PACKET, PACKET_STATISTICS, &stats,
	    &len) != 0)
		return;
	l->counters[LIVE_received] += stats.tp_packets; /* with those dropped */
	l->counters[LIVE_dropped] += stats.tp_drops;
	l->counters[LIVE_frozen] += stats.tp_freeze_q_cnt;
}

static void
ring_close(struct live *l)
{
	ring_stats(l);
	if (l->ring != NULL)
		munmap(l->ring, l->block_bytes * l->blocks);
	if (l->fd >= 0)
		close(l->fd);
	l->ring = NULL;
	l->fd = -1;
	l->is_held = l->is_joined = false;
	l->at = l->packets_left = 0;
}

/* A socket may be bound anew, but not while it belongs to a group. */
static int
ring_reopen(struct live *l, struct err *err)
{
	if (l->config.workers <= 1 && l->fd >= 0)
		return ring_bind(l, err);
	ring_close(l);
	if (ring_open(l, err) != 0) {
		ring_close(l);
		return -1;
	}
	return ring_start(l, err);
}

/* The frame with its tag again; there is room before it. */
static const uint8_t *
tag_restore(uint8_t *frame, const struct tpacket3_hdr *h)
{
	uint16_t type = h->tp_status & TP_STATUS_VLAN_TPID_VALID ? h->hv1.tp_vlan_tpid
	    : ETH_P_8021Q;
	uint8_t *tagged = frame - TAG_BYTES;

	memmove(tagged, frame, MAC_BYTES);
	tagged[MAC_BYTES] = (uint8_t)(type >> 8);
	tagged[MAC_BYTES + 1] = (uint8_t)type;
	tagged[MAC_BYTES + 2] = (uint8_t)(h->hv1.tp_vlan_tci >> 8);
	tagged[MAC_BYTES + 3] = (uint8_t)h->hv1.tp_vlan_tci;
	return tagged;
}

static struct tpacket_block_desc *
block_at(const struct live *l, size_t i)
{
	return (struct tpacket_block_desc *)(void *)(l->ring + i * l->block_bytes);
}

/* The next block that has packets; false if the kernel has not handed one over. */
static bool
block_take(struct live *l)
{
	struct tpacket_block_desc *block;

	if (l->is_held) {
		__atomic_store_n(&block_at(l, l->at)->hdr.bh1.block_status,
		    TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		l->at = l->at + 1 == l->blocks ? 0 : l->at + 1;
		l->is_held = false;
	}
	if (l->ring == NULL)
		return false;
	block = block_at(l, l->at);
	if (!(__atomic_load_n(&block->hdr.bh1.block_status,
	    __ATOMIC_ACQUIRE) & TP_STATUS_USER))
		return false;
	l->is_held = true;
	l->packets_left = block->hdr.bh1.num_pkts;
	l->packet = (const uint8_t *)block + block->hdr.bh1.offset_to_first_pkt;
	return true;
}

static enum capture_event
ring_next(struct live *l, bool may_advance, struct record *out, struct err *err)
{
	const struct tpacket3_hdr *h;
	uint8_t *frame;

	while (l->packets_left == 0) {
		if (!may_advance && l->is_held)
			return CAPTURE_REFILL;
		if (!block_take(l))
			return CAPTURE_END;
	}
	h = (const struct tpacket3_hdr *)(const void *)l->packet;
	frame = (uint8_t *)(uintptr_t)l->packet + h->tp_mac;
	*out = (struct record){frame, h->tp_snaplen, h->tp_len, l->linktype,
	    (int64_t)h->tp_sec * 1000000000 + h->tp_nsec};
	if (h->tp_status & TP_STATUS_VLAN_VALID && h->tp_snaplen >= MAC_BYTES &&
	    l->linktype == 1) {
		out->frame = tag_restore(frame, h);
		out->captured += TAG_BYTES;
		out->wire += TAG_BYTES;
	}
	l->packet += h->tp_next_offset;
	l->packets_left--;
	return CAPTURE_RECORD;
}

const struct live_kind live_ring_kind = {
	.open = ring_open,
	.start = ring_start,
	.reopen = ring_reopen,
	.close = ring_close,
	.next = ring_next,
	.stats = ring_stats,
	.has_interface = true,
};
