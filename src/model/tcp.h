/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_TCP_H
#define MODEL_TCP_H

/* Bits of a segment's flags, and of the fields tcp_flags and reverse_tcp_flags (RFC 9293,
 * 3.1; RFC 3168, 6.1). */
enum tcp_flag {
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_PSH = 8,
	TCP_ACK = 16,
	TCP_URG = 32,
	TCP_ECE = 64,
	TCP_CWR = 128,
};

#endif
