/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts frames of an interface by AF_XDP or by a TPACKET_V3 ring, and nothing else: what
 * the two ways of getting at frames cost, whatever is done with them afterwards.
 * bench/xdp.sh runs it. Stops at SIGTERM; prints "FRAMES OCTETS DROPPED CPU-SECONDS".
 *
 * 	xdp INTERFACE ring|generic|native
 *
 * generic copies every frame in the receiving softirq; native is the driver's own hook,
 * here with copying too (XDP_COPY). The XDP program, six instructions, takes all frames
 * of queue 0: the machine itself sees none of them any more.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SOL_XDP
#define SOL_XDP 283
#endif

enum { FRAMES = 8192, FRAME_BYTES = 4096, BLOCKS = 32, BLOCK_BYTES = 1 << 20 };

struct totals {
	uint64_t frames, octets, dropped;
};

static volatile sig_atomic_t is_over;

static void
end(int number)
{
	(void)number;
	is_over = 1;
}

static void
die(const char *what)
{
	fprintf(stderr, "xdp: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof *attr);
}

/* redirect_map(map, queue, XDP_PASS), on the interface for as long as this process
 * lives. */
static void
program_attach(int map, unsigned interface, bool is_native)
{
	struct bpf_insn code[] = {
	    {BPF_LDX | BPF_MEM | BPF_W, 2, 1, offsetof(struct xdp_md, rx_queue_index), 0},
	    {BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map},
	    {0, 0, 0, 0, 0},
	    {BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, XDP_PASS},
	    {BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect_map},
	    {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
	};
	union bpf_attr attr = {0};
	int program;

	attr.prog_type = BPF_PROG_TYPE_XDP;
	attr.insns = (uint64_t)(uintptr_t)code;
	attr.insn_cnt = sizeof code / sizeof *code;
	attr.license = (uint64_t)(uintptr_t) "BSD";
	if ((program = bpf(BPF_PROG_LOAD, &attr)) < 0)
		die("loading the program");
	memset(&attr, 0, sizeof attr);
	attr.link_create.prog_fd = (uint32_t)program;
	attr.link_create.target_ifindex = interface;
	attr.link_create.attach_type = BPF_XDP;
	attr.link_create.flags = is_native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
	if (bpf(BPF_LINK_CREATE, &attr) < 0)
		die("attaching the program");
}

/* A ring of the socket: producer and consumer indexes, and what stands between them. */
struct ring {
	uint32_t *producer, *consumer;
	void *items;
};

static struct ring
ring_map(int fd, uint64_t page, const struct xdp_ring_offset *at, size_t item_bytes)
{
	uint8_t *base = mmap(NULL, at->desc + FRAMES * item_bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_POPULATE, fd, (off_t)page);

	if (base == MAP_FAILED)
		die("mapping a ring");
	return (struct ring){(uint32_t *)(void *)(base + at->producer),
	    (uint32_t *)(void *)(base + at->consumer), base + at->desc};
}

static int
socket_open(unsigned interface, struct ring *receive, struct ring *fill)
{
	uint8_t *memory = mmap(NULL, (size_t)FRAMES * FRAME_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct xdp_umem_reg umem = {.addr = (uint64_t)(uintptr_t)memory,
		.len = (uint64_t)FRAMES * FRAME_BYTES, .chunk_size = FRAME_BYTES};
	struct sockaddr_xdp to = {.sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY,
		.sxdp_ifindex = interface};
	struct xdp_mmap_offsets at;
	socklen_t len = sizeof at;
	int fd = socket(AF_XDP, SOCK_RAW, 0), n = FRAMES;

	if (fd < 0 || memory == MAP_FAILED)
		die("AF_XDP");
	if (setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &umem, sizeof umem) != 0 ||
	    setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &n, sizeof n) != 0 ||
	    setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &n, sizeof n) != 0 ||
	    setsockopt(fd, SOL_XDP, XDP_RX_RING, &n, sizeof n) != 0 ||
	    getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &at, &len) != 0)
		die("making the rings");
	*receive = ring_map(fd, XDP_PGOFF_RX_RING, &at.rx, sizeof(struct xdp_desc));
	*fill = ring_map(fd, XDP_UMEM_PGOFF_FILL_RING, &at.fr, sizeof(uint64_t));
	for (uint32_t i = 0; i < FRAMES; i++)
		((uint64_t *)fill->items)[i] = (uint64_t)i * FRAME_BYTES;
	__atomic_store_n(fill->producer, FRAMES, __ATOMIC_RELEASE);
	/* The queue is given back some time after the socket that had it was closed. */
	for (int i = 0; bind(fd, (struct sockaddr *)&to, sizeof to) != 0; i++) {
		if (errno != EBUSY || i == 100)
			die("binding to the interface");
		usleep(20000);
	}
	return fd;
}

static void
count_xdp(unsigned interface, bool is_native, struct totals *t)
{
	union bpf_attr attr = {0};
	struct ring receive, fill;
	struct xdp_statistics lost;
	socklen_t len = sizeof lost;
	uint32_t key = 0, at = 0, given = FRAMES;
	int fd = socket_open(interface, &receive, &fill), map;

	attr.map_type = BPF_MAP_TYPE_XSKMAP;
	attr.key_size = attr.value_size = 4;
	attr.max_entries = 1;
	if ((map = bpf(BPF_MAP_CREATE, &attr)) < 0)
		die("making the map");
	memset(&attr, 0, sizeof attr);
	attr.map_fd = (uint32_t)map;
	attr.key = (uint64_t)(uintptr_t)&key;
	attr.value = (uint64_t)(uintptr_t)&fd;
	if (bpf(BPF_MAP_UPDATE_ELEM, &attr) != 0)
		die("filling the map");
	program_attach(map, interface, is_native);
	puts("ready");
	fflush(stdout);
	while (!is_over) {
		uint32_t end_at = __atomic_load_n(receive.producer, __ATOMIC_ACQUIRE);

		if (at == end_at) {
			(void)poll(&(struct pollfd){fd, POLLIN, 0}, 1, 100);
			continue;
		}
		for (; at != end_at; at++, given++) {
			const struct xdp_desc *d =
			    &((struct xdp_desc *)receive.items)[at % FRAMES];

			t->frames++;
			t->octets += d->len;
			((uint64_t *)fill.items)[given % FRAMES] =
			    d->addr / FRAME_BYTES * FRAME_BYTES;
		}
		__atomic_store_n(receive.consumer, at, __ATOMIC_RELEASE);
		__atomic_store_n(fill.producer, given, __ATOMIC_RELEASE);
	}
	if (getsockopt(fd, SOL_XDP, XDP_STATISTICS, &lost, &len) == 0)
		t->dropped = lost.rx_dropped + lost.rx_ring_full +
		    lost.rx_fill_ring_empty_descs;
}

static void
count_ring(unsigned interface, struct totals *t)
{
	struct tpacket_req3 req = {.tp_block_size = BLOCK_BYTES, .tp_block_nr = BLOCKS,
		.tp_frame_size = 2048, .tp_frame_nr = BLOCK_BYTES / 2048 * BLOCKS,
		.tp_retire_blk_tov = 50};
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
	    .sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)interface};
	struct tpacket_stats_v3 stats;
	socklen_t len = sizeof stats;
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), version = TPACKET_V3;
	uint8_t *base;

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version,
	    sizeof version) != 0 || setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req,
	    sizeof req) != 0)
		die("AF_PACKET");
	base = mmap(NULL, (size_t)BLOCK_BYTES * BLOCKS, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_POPULATE, fd, 0);
	if (base == MAP_FAILED || bind(fd, (struct sockaddr *)&to, sizeof to) != 0)
		die("AF_PACKET");
	puts("ready");
	fflush(stdout);
	for (unsigned at = 0; !is_over;) {
		struct tpacket_block_desc *block = (void *)(base + (size_t)at *
		    BLOCK_BYTES);
		const struct tpacket3_hdr *h;

		if (!(__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) &
		        TP_STATUS_USER)) {
			(void)poll(&(struct pollfd){fd, POLLIN, 0}, 1, 100);
			continue;
		}
		h = (const void *)((uint8_t *)block + block->hdr.bh1.offset_to_first_pkt);
		for (uint32_t i = 0; i < block->hdr.bh1.num_pkts; i++) {
			t->frames++;
			t->octets += h->tp_len;
			h = (const void *)((const uint8_t *)h + h->tp_next_offset);
		}
		__atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL,
		    __ATOMIC_RELEASE);
		at = (at + 1) % BLOCKS;
	}
	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
		t->dropped = stats.tp_drops;
}

int
main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = end};
	struct totals t = {0};
	struct rusage used;
	unsigned interface;

	if (argc != 3 || (interface = if_nametoindex(argv[1])) == 0) {
		fprintf(stderr, "usage: xdp INTERFACE ring|generic|native\n");
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	if (strcmp(argv[2], "ring") == 0)
		count_ring(interface, &t);
	else
		count_xdp(interface, strcmp(argv[2], "native") == 0, &t);
	getrusage(RUSAGE_SELF, &used);
	printf("%llu %llu %llu %.4f\n", (unsigned long long)t.frames,
	    (unsigned long long)t.octets, (unsigned long long)t.dropped,
	    (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	        (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
	return 0;
}
