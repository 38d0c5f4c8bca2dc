/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PACKET_BPF_H
#define PACKET_BPF_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct packet_filter;
struct sock_filter; /* linux/filter.h */

/*
 * A packet filter in the language of pcap-filter(7), compiled by libpcap to a program of
 * the classic BPF machine. linktype is a LINKTYPE_ number of the pcap registry, snaplen
 * the most that frames have captured (0: no limit). An empty text lets everything pass.
 * The error quotes the text and says what libpcap did not like about it.
 */
int packet_filter_compile(const char *text, uint32_t linktype, uint32_t snaplen,
    struct packet_filter **out, struct err *err);

/*
 * The same for frames as the kernel has them on an Ethernet-like interface: there the
 * outer VLAN tag is no longer in the frame, and the direction is known, so that words
 * like vlan and inbound need another program. Needs the right to capture on the
 * interface.
 */
int packet_filter_compile_live(const char *text, const char *interface, uint32_t snaplen,
    struct packet_filter **out, struct err *err);

void packet_filter_free(struct packet_filter *filter); /* may be NULL */

/* Whether the frame passes; only for programs of packet_filter_compile. */
bool packet_filter_match(const struct packet_filter *filter, const uint8_t *frame,
    uint32_t captured, uint32_t wire);

/* The program, for SO_ATTACH_FILTER; borrowed from the filter. */
const struct sock_filter *packet_filter_program(const struct packet_filter *filter,
    uint16_t *count);

#endif
