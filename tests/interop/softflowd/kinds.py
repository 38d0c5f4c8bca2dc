# SPDX-License-Identifier: BSD-2-Clause
"""Captures for the comparison with softflowd: kinds.py OUT.pcap KIND...

Each kind is one conversation of two hosts that has an end of its own: open, half (one FIN),
fin, rst, udp, icmp (one message), gre; echo has its answer, and fragments are two of a UDP
datagram. arp is a thousand frames that are no IP, many are 300 UDP flows of two datagrams, mpls is udp behind three labels.
"""
import struct
import sys

CLIENT, SERVER = bytes((192, 0, 2, 1)), bytes((198, 51, 100, 1))
ETHER = bytes.fromhex("020000000001020000000002")


def ip(proto, is_back, payload, fragment=0):
    ends = (SERVER, CLIENT) if is_back else (CLIENT, SERVER)
    return ETHER + b"\x08\x00" + struct.pack(
        ">BBHHHBBH", 0x45, 0, 20 + len(payload), 77, fragment, 64, proto, 0) + b"".join(ends) + payload


def udp(port, octets, is_back=False):
    ports = (53, port) if is_back else (port, 53)
    return ip(17, is_back, struct.pack(">HHHH", *ports, 8 + octets, 0) + bytes(octets))


def tcp(port, is_back, seq, ack, flags, octets=0):
    ports = (80, port) if is_back else (port, 80)
    return ip(6, is_back, struct.pack(
        ">HHIIBBHHH", *ports, seq, ack, 0x50, flags, 8192, 0, 0) + bytes(octets))


def icmp(kind, is_back):
    return ip(1, is_back, struct.pack(">BBHHH", kind, 0, 0, 1, 1) + bytes(48))


def talk(port, *ends):
    return [tcp(port, False, 100, 0, 2), tcp(port, True, 500, 101, 0x12),
            tcp(port, False, 101, 501, 0x18, 100), tcp(port, True, 501, 201, 0x18, 1000),
            *(tcp(port, is_back, 1501 if is_back else 201, 201 if is_back else 1501, flags)
              for is_back, flags in ends)]


datagram = udp(2002, 992)
KINDS = {
    "open": talk(1001),
    "half": talk(1002, (False, 0x11), (True, 0x10)),
    "fin": talk(1003, (False, 0x11), (True, 0x11)),
    "rst": talk(1004, (True, 0x14)),
    "udp": [udp(2001, 40), udp(2001, 200, True)],
    "icmp": [icmp(8, False)],
    "gre": [ip(47, False, b"\0\0\x88\xb5" + bytes(40))],
    "echo": [icmp(8, False), icmp(0, True)],
    "fragments": [ip(17, False, datagram[34:546], 0x2000), ip(17, False, datagram[546:], 64)],
    "arp": [b"\xff" * 6 + ETHER[:6] + b"\x08\x06" + bytes(300)] * 1000,
    "mpls": [f[:12] + b"\x88\x47" + struct.pack(">III", 1000 << 12 | 64, 200 << 12 | 64, 30 << 12 | 0x140)
             + f[14:] for f in (udp(2003, 40), udp(2003, 200, True))],
    "many": [udp(3000 + i % 300, 30) for i in range(600)],
}
with open(sys.argv[1], "wb") as out:
    out.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    for i, frame in enumerate(f for kind in sys.argv[2:] for f in KINDS[kind]):
        out.write(struct.pack("=IIII", 1795428000 + i // 1000, i % 1000 * 1000, len(frame), len(frame)))
        out.write(frame)
